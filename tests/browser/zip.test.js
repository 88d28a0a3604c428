/** The .zip writer: what zip.js reads of it is what went in, also beyond what the old fields can count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader, Uint8ArrayReader, Uint8ArrayWriter, ZipReader, configure } from '@zip.js/zip.js';
import { ZipFile, crc32 } from '../../web/shared/zip.js';

configure({ useWebWorkers: false });

/** @param {number} length */
const noise = (length) => Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255);

test('checksums are those of the standard', () => {
    // The check value that catalogues of CRCs give.
    const text = new TextEncoder().encode('123456789');
    assert.equal(crc32(text), 0xcbf43926);
    assert.equal(crc32(new Uint8Array(0)), 0);
});

/** Every piece that is written, at its place; large ones that are one and the same take no memory.
 * @extends {Reader<undefined>} */
class Pieces extends Reader {
    /** @type {{ at: number, data: Uint8Array }[]} */
    pieces = [];
    size = 0;

    /** @param {Uint8Array<ArrayBuffer>} data */
    write(data) {
        this.pieces.push({ at: this.size, data });
        this.size += data.length;
    }

    /** @param {number} index
     * @param {number} length */
    async readUint8Array(index, length) {
        const result = new Uint8Array(Math.min(length, this.size - index));
        for (const { at, data } of this.pieces) {
            const from = Math.max(at, index), to = Math.min(at + data.length, index + result.length);
            if (from < to) result.set(data.subarray(from - at, to - at), from - index);
        }
        return result;
    }
}

test('files come out as they went in', async () => {
    const pieces = new Pieces(undefined), zip = new ZipFile((data) => pieces.write(data));
    for (const length of [0, 1, 300, 100_000]) zip.add(`größe ${length}.png`, noise(length));
    zip.finish();
    const entries = await new ZipReader(new Uint8ArrayReader(await pieces.readUint8Array(0, pieces.size))).getEntries();
    assert.deepEqual(entries.map(({ filename }) => filename), [0, 1, 300, 100_000].map((length) => `größe ${length}.png`));
    for (const [i, length] of [0, 1, 300, 100_000].entries()) {
        const entry = /** @type {import('@zip.js/zip.js').FileEntry} */ (entries[i]);
        assert.deepEqual(await entry.getData(new Uint8ArrayWriter(), { checkSignature: true }), noise(length));
        assert.ok(Math.abs(Number(entry.lastModDate) - Date.now()) < 10_000);
    }
});

test('more files than 16 bits can count', async () => {
    const pieces = new Pieces(undefined), zip = new ZipFile((data) => pieces.write(data)), one = noise(10);
    for (let i = 0; i < 65_600; i++) zip.add(`${i}.png`, one);
    zip.finish();
    const whole = new Uint8Array(pieces.size);
    for (const { at, data } of pieces.pieces) whole.set(data, at);
    const entries = await new ZipReader(new Uint8ArrayReader(whole)).getEntries();
    assert.equal(entries.length, 65_600);
    assert.equal(entries[65_599].filename, '65599.png');
});

test('more bytes than 32 bits can count', async () => {
    const pieces = new Pieces(undefined), zip = new ZipFile((data) => pieces.write(data)), large = new Uint8Array(1 << 28), crc = crc32(large), last = noise(1000);
    for (let i = 0; i < 17; i++) zip.add(`${i}.png`, large, crc);
    zip.add('last.png', last);
    zip.finish();
    assert.ok(pieces.size > 2 ** 32);
    const entries = await new ZipReader(pieces).getEntries();
    assert.equal(entries.length, 18);
    assert.ok(entries[17].offset > 2 ** 32);
    assert.deepEqual(await /** @type {import('@zip.js/zip.js').FileEntry} */ (entries[17]).getData(new Uint8ArrayWriter(), { checkSignature: true }), last);
});
