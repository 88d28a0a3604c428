#!/usr/bin/env python3
"""hostile.py FILE.dfy KIND >OUT.dfy: files that lie, whatever their checksums say, made from a good one of few segments.

gap      the second of two segments claims to begin two thousand million frames later, and so does the index
index    the index says twice as many frames as the segment
feature  a required feature that nobody knows
optional an optional feature that nobody knows: such a file plays
facts    what a file can say of itself: orientation, wall clock, shape of pixels, metadata, episodes
unknown  a chunk of a type that nobody knows, between the others: such a file plays
"""
import sys

from container import Bytes, Chunk, chunk_bytes, crc16, read_head, read_index, read_stream, varint, walk


def moved(payload, stream, first):
    """A segment with another first frame."""
    b = Bytes(payload)
    h = read_head(b, stream)
    head = varint(first) + payload[len(varint(h['first'])) : b.at]
    return head + crc16(head).to_bytes(2, 'big') + payload[b.at + 2 :]


def index_payload(rows):
    out, frame = varint(len(rows)), 0
    for row in rows:
        out += bytes([row['type'], row['flags']]) + varint(row['bytes']) + varint(row['frames'])
        if row['frames']:
            out += varint(row['first'] - frame)
            frame = row['first'] + row['frames']
    return out


def with_features(payload, required, optional):
    b = Bytes(payload)
    head, fields = b.take(2), Bytes(b.take(b.varint()))
    fields.varint(), fields.varint()
    fields = varint(required) + varint(optional) + fields.take(fields.left())
    return head + varint(len(fields)) + fields + b.take(b.left())


def with_facts(payload):
    """Another aspect, orientation and wall clock."""
    b = Bytes(payload)
    head, fields = b.take(2), Bytes(b.take(b.varint()))
    for _ in range(8):
        fields.varint()
    fields.take(6)
    before = fields.data[: fields.at]
    fields.varint(), fields.varint(), fields.u(1), fields.varint()
    changed = before + varint(4) + varint(3) + bytes([6]) + varint(1795941000123456) + fields.take(fields.left())
    return head + varint(len(changed)) + changed + b.take(b.left())


def make(data, kind):
    chunks, _ = walk(data)
    rows = read_index(chunks[-2].payload)
    stream = read_stream(chunks[0].payload)
    body = chunks[:-2]
    place = next(i for i, c in enumerate(body) if c.name == 'SEGMENT')
    if kind == 'gap':
        far = 2**31
        body.append(Chunk(0, 0x11, 1, moved(body[place].payload, stream, far), True))
        rows.append(dict(rows[place], flags=1, first=far, bytes=len(body[-1].payload)))
    elif kind == 'index':
        rows[place]['frames'] *= 2
    elif kind in ('feature', 'optional'):
        bits = (stream['required'] | 1 << 20, 0) if kind == 'feature' else (stream['required'], 1 << 20)
        body[0].payload = with_features(body[0].payload, *bits)
        rows[0]['bytes'] = len(body[0].payload)
    elif kind == 'facts':
        body[0].payload = with_facts(body[0].payload)
        metadata = Chunk(0, 0x06, 0, '{"camera": "Köln 3", "parts": [1, 2]}'.encode(), True)
        episodes = Chunk(0, 0x16, 0, varint(0) + varint(9) + varint(4) + b'pick' + varint(3) + varint(12) + varint(5) + b'place', True)
        last = Chunk(0, 0x21, 0, varint(7), True)
        body = [body[0], metadata] + body[1:] + [episodes, last]
        rows = [{'type': c.type, 'flags': c.flags, 'bytes': len(c.payload), 'frames': 0, **({'first': 0} if c.type != 0x11 else {})} for c in body]
        for row, chunk in zip(rows, body):
            if chunk.name == 'SEGMENT':
                head = read_head(Bytes(chunk.payload), stream)
                row.update(first=head['first'], frames=head['frames'])
    elif kind == 'unknown':
        body.insert(place, Chunk(0, 0x7E, 0, b'for a later version', True))
        rows.insert(place, {'type': 0x7E, 'flags': 0, 'bytes': 19, 'frames': 0})
    out = data[:4] + b''.join(chunk_bytes(c.type, c.flags, c.payload) for c in body)
    index = chunk_bytes(0x12, 0, index_payload(rows))
    return out + index + chunk_bytes(0x13, 0, len(out).to_bytes(8, 'big'))


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as file:
        sys.stdout.buffer.write(make(file.read(), sys.argv[2]))
