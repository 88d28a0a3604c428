#!/usr/bin/env python3
"""A second reader of DFY\\x02, written from docs/FORMAT.md alone: containers, heads of all chunks, times, clones, group records.

It shares no line with the C code, so that the two agree only where the document says what both do. It decodes no pixels.
`container.py FILE` prints what it found; read_file() raises Damaged where a file breaks a rule.
"""
import sys


class Damaged(Exception):
    """A rule of the format is broken."""


# ---------------------------------------------------------------- checksums


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


# ---------------------------------------------------------------- numbers


class Bytes:
    """Reads from the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Damaged('a payload is too short')
        self.at += count
        return self.data[self.at - count : self.at]

    def left(self):
        return len(self.data) - self.at

    def u(self, count):
        return int.from_bytes(self.take(count), 'big')

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u(1)
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value

    def signed(self):
        v = self.varint()
        return -(v + 1) // 2 if v & 1 else v // 2


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


# ---------------------------------------------------------------- entropy coder

RATES = [(1, 1)] + 3 * [(2, 2)] + 4 * [(3, 3)] + 8 * [(4, 4)] + 10 * [(4, 5)] + 5 * [(4, 6)] + [(4, 7)]


class Model:
    def __init__(self):
        self.fast = self.slow = 32768
        self.uses = 0


class RangeDecoder:
    def __init__(self, data):
        self.data, self.at = data, 4
        self.range, self.value = 2**32 - 1, int.from_bytes(bytes(data[:4]).ljust(4, b'\0'), 'big')

    def even(self, p=32768):
        bound = self.range * p >> 16
        bit = self.value < bound
        if bit:
            self.range = bound
        else:
            self.value -= bound
            self.range -= bound
        while self.range < 1 << 24:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.at += 1
            self.range <<= 8
            self.value = self.value << 8 | byte
        return int(bit)

    def bit(self, model):
        bit = self.even(max(32, min(65504, model.fast + model.slow >> 1)))
        fast, slow = RATES[model.uses]
        model.uses = min(31, model.uses + 1)
        for name, rate in (('fast', fast), ('slow', slow)):
            e = getattr(model, name)
            setattr(model, name, e + (65535 - e >> rate) if bit else e - (e >> rate))
        return bit

    def raw(self, count):
        value = 0
        for _ in range(count):
            value = value << 1 | self.even()
        return value

    def golomb(self, models, k):
        b = 0
        while b < 30 - k and self.bit(models[b]):
            b += 1
        value = 1
        if b:
            value = value << 1 | self.bit(models[32 + b])
            value = value << b - 1 | self.raw(b - 1)
        return (value - 1 << k) + self.raw(k)


# ---------------------------------------------------------------- container

NAMES = {0x10: 'STREAM', 0x01: 'BACKGROUND', 0x11: 'SEGMENT', 0x06: 'METADATA', 0x12: 'INDEX', 0x13: 'END', 0x14: 'CYCLES',
         0x15: 'CLONE', 0x16: 'EPISODES', 0x18: 'GRAIN', 0x04: 'IMU_BLOCK', 0x20: 'SOUND', 0x21: 'LAST'}  # fmt: skip


class Chunk:
    def __init__(self, offset, kind, flags, payload, whole):
        self.offset, self.type, self.flags, self.payload, self.whole = offset, kind, flags, payload, whole
        self.name = NAMES.get(kind, 'unknown')

    def size(self):
        return len(self.payload) + 12


def chunk_bytes(kind, flags, payload):
    head = bytes([kind, flags]) + len(payload).to_bytes(4, 'big')
    head += (crc32c(head) & 0xFFFF).to_bytes(2, 'big')
    return head + payload + crc32c(head + payload).to_bytes(4, 'big')


def chunk_at(data, at):
    """The chunk whose head is right there, or None."""
    head = data[at : at + 8]
    if len(head) < 8 or crc32c(head[:6]) & 0xFFFF != int.from_bytes(head[6:], 'big'):
        return None
    size = int.from_bytes(head[2:6], 'big')
    if size > 2**28 or at + 12 + size > len(data):
        return None
    end = at + 8 + size
    whole = crc32c(data[at:end]) == int.from_bytes(data[end : end + 4], 'big')
    return Chunk(at, head[0], head[1], data[at + 8 : end], whole)


def walk(data):
    """Every chunk, from one to the next; where none is the next place with a whole one."""
    at, chunks, skipped = 4, [], 0
    while at < len(data):
        chunk = chunk_at(data, at)
        if chunk is None:
            at += 1
            skipped += 1
            while at < len(data) and ((found := chunk_at(data, at)) is None or not found.whole):
                at += 1
                skipped += 1
            continue
        chunks.append(chunk)
        at += chunk.size()
    return chunks, skipped


def read_index(payload):
    bytes_ = Bytes(payload)
    rows, frame = [], 0
    for _ in range(bytes_.varint()):
        row = {'type': bytes_.u(1), 'flags': bytes_.u(1), 'bytes': bytes_.varint(), 'frames': bytes_.varint()}
        if row['frames']:
            frame += bytes_.varint()
            row['first'] = frame
            frame += row['frames']
        rows.append(row)
    return rows


# ---------------------------------------------------------------- payloads


def read_stream(payload):
    b = Bytes(payload)
    s = {'kind': b.u(1), 'version': b.u(1)}
    if s['kind'] != 1:
        return s
    f = Bytes(b.take(b.varint()))
    for key in ('required', 'optional', 'width', 'height', 'rate_num', 'rate_den', 'tb_num', 'tb_den'):
        s[key] = f.varint()
    for key in ('bit_depth', 'chroma', 'primaries', 'transfer', 'matrix', 'range'):
        s[key] = f.u(1)
    for key in ('aspect_num', 'aspect_den'):
        s[key] = f.varint()
    s['orientation'] = f.u(1)
    s['start'] = f.varint()
    for key in ('quality', 'flags', 'keep', 'access'):
        s[key] = f.u(1)
    if s['required'] & ~7:
        raise Damaged('required features that are not known')
    if s['required'] & 2 and s['required'] & 4:
        raise Damaged('features that exclude each other')
    if s['bit_depth'] != 8 or s['chroma'] != 1 or not 1 <= s['width'] <= 8192 or not 1 <= s['height'] <= 8192:
        raise Damaged('pictures that are not possible')
    return s


def read_head(b, stream):
    """First frame, frames, flags and times: what SEGMENT and CLONE begin with."""
    h = {'first': b.varint(), 'frames': b.varint(), 'flags': b.u(1)}
    if not 1 <= h['frames'] <= 65536:
        raise Damaged('a segment of no frames')
    if h['flags'] & 2:
        h['plates'] = b.varint()
    if h['flags'] & 4:
        h['long_term'] = (b.varint(), b.varint())
        if not 1 <= h['long_term'][1] <= min(65536, h['long_term'][0]):
            raise Damaged('a long-term reference set that is not possible')
    r = max(1, min(2**31 - 1, stream['rate_den'] * stream['tb_den'] // (stream['rate_num'] * stream['tb_num'])))
    if h['flags'] & 1:
        pts, step = b.signed(), r
        h['pts'] = [pts]
        for _ in range(h['frames'] - 1):
            step += b.signed()
            pts += step
            h['pts'].append(pts)
    else:
        h['pts'] = [(h['first'] + i) * r for i in range(h['frames'])]
    return h


def read_segment(payload, stream):
    b = Bytes(payload)
    h = read_head(b, stream)
    if crc16(payload[: b.at]) != b.u(2):
        raise Damaged("a segment's head has a wrong check")
    h['groups'] = []
    if stream['required'] & 4:
        return h  # lossless: the rest is one range coder's
    coded = (stream['width'] + 7 & ~7) * (stream['height'] + 7 & ~7)
    most = max(1, min(32, 2**28 // coded))
    left = h['frames']
    while left:
        group = read_group(b)
        if group['frames'] > min(left, most):
            raise Damaged('a group with too many frames')
        left -= group['frames']
        h['groups'].append(group)
    h['behind'] = b.left()
    return h


def read_group(b):
    """A group record, its checks and its pictures' bytes in coding order."""
    begin = b.at
    first = b.u(1)
    if first & 128:
        raise Damaged("a group's first byte has bit 7 set")
    g = {'frames': (first & 31) + 1, 'still': bool(first & 32), 'past': 1, 'sizes': [], 'damaged': []}
    if g['still']:
        return g
    if first & 64:
        g['past'] = b.varint()
    g['sizes'].append(b.varint())
    if not g['sizes'][0]:
        raise Damaged('an anchor of no bytes')
    if g['frames'] > 1:
        k = b.u(1)
        if k > 24:
            raise Damaged('k is above 24')
        bits = Bits(b)
        for _ in range(g['frames'] - 1):
            high = 0
            while bits.next():
                high += 1
            low = 0
            for _ in range(k):
                low = low << 1 | bits.next()
            g['sizes'].append(high << k | low)
    record = b.data[begin : b.at]
    runs = [[0]]  # pictures that share a check: the anchor alone, then 384 bytes or more each
    size = 0
    for i in range(1, g['frames']):
        if i == 1 or size >= 384:
            runs.append([])
            size = 0
        runs[-1].append(i)
        size += g['sizes'][i]
    checks = [b.u(2) for _ in runs]
    pictures = [b.take(n) for n in g['sizes']]
    for run, check in zip(runs, checks):
        content = (record if run == [0] else b'') + b''.join(pictures[i] for i in run)
        if crc16(content) != check:
            g['damaged'] += run
    return g


class Bits:
    def __init__(self, b):
        self.b, self.byte, self.left = b, 0, 0

    def next(self):
        if not self.left:
            self.byte, self.left = self.b.u(1), 8
        self.left -= 1
        return self.byte >> self.left & 1


def read_clones(payload, stream):
    b = Bytes(payload)
    h = read_head(b, stream)
    if crc16(payload[: b.at]) != b.u(2):
        raise Damaged("a clone's head has a wrong check")
    back = b.varint()
    source = h['first'] - back
    if back < 1 or source < 0:
        raise Damaged('a clone of nothing')
    coder = RangeDecoder(b.take(b.left()))
    one, still, more = [Model(), Model()], [Model(), Model()], [Model() for _ in range(64)]
    h['sources'], last = [source], 1
    for _ in range(h['frames'] - 1):
        if coder.bit(one[last == 1]):
            last = 1
        elif coder.bit(still[last == 0]):
            last = 0
        else:
            last = 2 + coder.golomb(more, 0)
        source += last
        h['sources'].append(source)
    if source >= h['first']:
        raise Damaged('a clone of a later frame')
    return h


def read_cycles(payload):
    b, cycles, end = Bytes(payload), [], 0
    while b.left():
        c = {'first': end + b.varint(), 'frames': b.varint()}
        word = b.varint()
        c['canonical'], c['is_canonical'] = word >> 1, word & 1
        c['distance'] = 0 if word & 1 else b.varint() / 100
        end = c['first'] + c['frames']
        cycles.append(c)
    return cycles


def read_sound(payload):
    b = Bytes(payload)
    at, count = b.signed(), b.varint()
    if count > 4096:
        raise Damaged('too many packets in a chunk')
    heads, packets = [(b.varint(), b.varint(), b.signed()) for _ in range(count)], []
    for index, (size, duration, gap) in enumerate(heads):
        at += gap if index else 0
        packets.append((at, duration, b.take(size)))
        at += duration
    return packets


# ---------------------------------------------------------------- the file


def read_file(data):
    if data[:4] != b'DFY\x02':
        raise Damaged('this is not DFY 2')
    chunks, skipped = walk(data)
    f = {'chunks': chunks, 'skipped': skipped, 'frames': 0, 'times': [], 'sources': {}, 'cycles': [], 'packets': [], 'lost': set(), 'impossible': []}
    f['complete'] = bool(chunks) and chunks[-1].name == 'END' and chunks[-1].whole
    if not chunks or chunks[0].name != 'STREAM':
        raise Damaged('the first chunk is no STREAM')
    f['stream'] = stream = read_stream(chunks[0].payload)
    if stream['kind'] != 1:
        return f
    plates, others = 0, 1
    for chunk in chunks[1:]:
        others += chunk.name not in ('SEGMENT', 'CLONE')
        if chunk.name == 'BACKGROUND':
            plates += 1
        elif chunk.name == 'CYCLES' and chunk.whole:
            f['cycles'] += read_cycles(chunk.payload)
        elif chunk.name == 'SOUND' and chunk.whole:
            f['packets'] += read_sound(chunk.payload)
        elif chunk.name in ('SEGMENT', 'CLONE'):
            head = read_timed(chunk, stream)
            if head is None:
                continue
            if not 0 <= head['first'] - f['frames'] < 65536 * (others + skipped // 12 + 1):
                f['impossible'].append(chunk)
                continue
            f['times'] += [None] * (head['first'] - f['frames']) + head['pts']
            f['frames'] = head['first'] + head['frames']
            if 'plates' in head and head['plates'] != plates:
                f['lost'].add('plate')
            for i, source in enumerate(head.get('sources', [])):
                f['sources'][head['first'] + i] = source
            chunk.head = head
    if f['complete']:
        end, index = Bytes(chunks[-1].payload).u(8), chunks[-2]
        f['complete'] = index.name == 'INDEX' and index.whole and index.offset == end
    if f['complete']:
        check_index(f)
    return f


def read_timed(chunk, stream):
    try:
        return read_clones(chunk.payload, stream) if chunk.name == 'CLONE' else read_segment(chunk.payload, stream)
    except Damaged:
        if chunk.whole:
            raise
        return None


def check_index(f):
    rows = read_index(f['chunks'][-2].payload)
    if len(rows) != len(f['chunks']) - 2:
        raise Damaged('the index has another number of chunks')
    for row, chunk in zip(rows, f['chunks']):
        if (row['type'], row['flags'], row['bytes']) != (chunk.type, chunk.flags, len(chunk.payload)):
            raise Damaged('the index says another chunk')
        head = getattr(chunk, 'head', None)
        if head and (row.get('first', 0), row['frames']) != (head['first'], head['frames']):
            raise Damaged('the index says other frames')


def main():
    with open(sys.argv[1], 'rb') as file:
        f = read_file(file.read())
    for chunk in f['chunks']:
        print(f'{chunk.offset:8} {chunk.name:10} {chunk.flags} {len(chunk.payload):7}{"" if chunk.whole else " damaged"}')
        for group in getattr(chunk, 'head', {}).get('groups', []):
            print('        ', 'still' if group['still'] else 'group', group['frames'], 'past', group['past'], group['sizes'])
    print(f['frames'], 'frames', f['stream'])


if __name__ == '__main__':
    main()
