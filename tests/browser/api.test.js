/** The JavaScript API in Node.js, from the package as `npm pack` makes it: raw frames, since there is no WebCodecs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const top = new URL('../../', import.meta.url).pathname;
const folder = mkdtempSync(`${tmpdir()}/diffy-pack-`);
/** @type {typeof import('../../wasm/index.js')} */
let diffy;
/** @type {Uint8Array} */
let wasmBinary;

before(async () => {
    const packed = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: top, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    mkdirSync(`${folder}/diffy`);
    const list = Array.isArray(packed) ? packed : Object.values(packed);
    execFileSync('tar', ['xzf', `${folder}/${list[0].filename}`, '--strip-components=1', '-C', `${folder}/diffy`]);
    const { exports } = JSON.parse(readFileSync(`${folder}/diffy/package.json`, 'utf8'));
    diffy = await import(pathToFileURL(`${folder}/diffy/${exports['.'].default}`).href);
    wasmBinary = readFileSync(`${folder}/diffy/${exports['./diffy.wasm']}`);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const width = 53, height = 37;

/** A square that goes round over a gradient, as I420.
 * @param {number} index */
function frame(index) {
    const data = new Uint8Array(diffy.pictureBytes('I420', width, height)).fill(128);
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            const inside = Math.abs(x - 26 - 15 * Math.sin(index / 4)) < 5 && Math.abs(y - 18 - 10 * Math.cos(index / 4)) < 5;
            data[y * width + x] = inside ? 220 : 40 + 2 * x + y;
        }
    }
    return { format: /** @type {const} */ ('I420'), width, height, data };
}

/** @param {Uint8Array} a
 * @param {Uint8Array} b */
function psnr(a, b) {
    let sum = 0;
    for (let i = 0; i < width * height; i++) sum += (a[i] - b[i]) ** 2;
    return sum ? 10 * Math.log10((255 ** 2 * width * height) / sum) : Infinity;
}

/** @param {import('../../wasm/encoder.js').EncoderOptions} options */
async function encodeFrames(options, count = 40) {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, frameRate: 25, ...options });
    for (let i = 0; i < count; i++) await encoder.push(frame(i));
    const data = await encoder.encode();
    assert.equal(encoder.stats?.frames, count);
    assert.equal(encoder.bytesWritten, encoder.stats?.bytes);
    encoder.close();
    return data;
}

for (const format of /** @type {const} */ ([1, 2])) {
    test(`format ${format}: frames in are frames out`, async () => {
        const data = await encodeFrames({ format, quality: 80 });
        assert.equal(Buffer.from(data.subarray(0, 3)).toString(), 'DFY');
        const decoder = await diffy.DiffyDecoder.open(data, { wasmBinary });
        assert.equal(decoder.info.format, format);
        assert.equal(decoder.info.frames, 40);
        assert.deepEqual([decoder.info.width, decoder.info.height, decoder.info.frameRate], [width, height, 25]);
        let count = 0;
        for (let picture = decoder.next('I420'); picture; picture = decoder.next('I420')) {
            assert.equal(picture.index, count);
            const quality = psnr(picture.data, frame(count).data);
            assert.ok(quality > 30, `frame ${count} has ${quality} dB`);
            assert.ok(Math.abs(picture.timestamp - count / 25) < 1e-6);
            count++;
        }
        assert.equal(count, 40);
        decoder.close();
    });

    test(`format ${format}: seeking gives what playing gives`, async () => {
        const decoder = await diffy.DiffyDecoder.open(await encodeFrames({ format }), { wasmBinary });
        const played = [];
        for await (const picture of decoder) played.push(picture);
        for (const index of [17, 3, 39, 0, 20]) {
            decoder.seek(index);
            const picture = decoder.next();
            assert.equal(picture?.index, index);
            assert.deepEqual(picture?.data, played[index].data);
        }
        assert.throws(() => decoder.seek(40), /no frame 40/);
        decoder.verify();
        assert.ok(decoder.chunks.length > 0);
        assert.equal(typeof decoder.metadata, 'object');
        decoder.close();
    });
}

test('origins of blocks: in format 2 after a frame, not in format 1', async () => {
    const decoder = await diffy.DiffyDecoder.open(await encodeFrames({ format: 2 }), { wasmBinary });
    assert.equal(decoder.origins(), null);
    decoder.next();
    const first = decoder.origins();
    assert.equal(first?.columns, Math.ceil(width / 8));
    assert.equal(first?.rows, Math.ceil(height / 8));
    assert.equal(first?.cells.length, first.columns * first.rows);
    const { EARLIER, LATER, KEPT, SKIPPED } = diffy.Origin;
    assert.ok(first.cells.every((cell) => !(cell & (EARLIER | LATER | KEPT))));
    for (let i = 1; i < 40; i++) decoder.next();
    assert.ok(decoder.origins()?.cells.some((cell) => cell & SKIPPED));
    decoder.seek(3);
    assert.equal(decoder.origins(), null);
    decoder.close();
    const old = await diffy.DiffyDecoder.open(await encodeFrames({ format: 1 }), { wasmBinary });
    old.next();
    assert.equal(old.origins(), null);
    old.close();
});

test('progress, abort and wrong use say so', async () => {
    /** @type {string[]} */
    const seen = [];
    await encodeFrames({ format: 1, onProgress: ({ stage }) => seen.push(stage) });
    assert.ok(seen.length > 0);
    const controller = new AbortController();
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, signal: controller.signal });
    await encoder.push(frame(0));
    await assert.rejects(encoder.push({ ...frame(1), width: 20 }), /20 x 37 pixels but the recording is 53 x 37/);
    await assert.rejects(encoder.push({ ...frame(1), data: new Uint8Array(5) }), /only 5 were given/);
    controller.abort();
    await assert.rejects(encoder.push(frame(1)), { name: 'AbortError' });
    encoder.close();
    await assert.rejects(diffy.DiffyDecoder.open(new Uint8Array([1, 2, 3, 4, 5]), { wasmBinary }), /not a .dfy file/);
    const quality = await diffy.DiffyEncoder.create({ wasmBinary, quality: 101 });
    await assert.rejects(quality.push(frame(0)), /Quality 101 is out of range/);
});

test('pieces go to a writer as they come, and to nobody else', async () => {
    /** @type {Uint8Array[]} */
    const pieces = [];
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, write: (data) => pieces.push(new Uint8Array(data)) });
    for (let i = 0; i < 20; i++) await encoder.push(frame(i));
    const rest = await encoder.encode();
    assert.equal(rest.length, 0);
    const whole = Buffer.concat(pieces);
    assert.equal(whole.length, encoder.bytesWritten);
    const decoder = await diffy.DiffyDecoder.open(new Blob([whole]), { wasmBinary });
    assert.equal(decoder.info.frames, 20);
});

test('turning and mirroring', async () => {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, quality: 95 });
    await encoder.push(frame(3), { rotation: 90, flip: true });
    const decoder = await diffy.DiffyDecoder.open(await encoder.encode(), { wasmBinary });
    assert.deepEqual([decoder.info.width, decoder.info.height], [height, width]);
    const picture = decoder.next('I420'), original = frame(3).data;
    // A quarter turn clockwise and a mirror is a transposition along the other diagonal.
    let sum = 0;
    for (let y = 0; y < width; y++) for (let x = 0; x < height; x++) sum += Math.abs((picture?.data[y * height + x] ?? 0) - original[x * width + y]);
    assert.ok(sum / (width * height) < 4, `differs by ${sum / (width * height)} levels`);
});

/** The frames as Y4M.
 * @param {number} count */
function y4m(count) {
    const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F25:1 Ip A1:1 C420\n`)];
    for (let i = 0; i < count; i++) parts.push(Buffer.from('FRAME\n'), Buffer.from(frame(i).data));
    return Buffer.concat(parts);
}

/** @type {[number, 'training' | 'upload', number][]} */
const cases = [[60, 'training', 40], [80, 'upload', 160], [70, 'training', 200], [100, 'training', 40]];
for (const [quality, mode, frames] of cases) {
    test(`quality ${quality}, ${mode}: the native command line and WebAssembly agree to the byte, both ways`, async (context) => {
        const native = `${top}build/diffy`;
        if (!existsSync(native)) return context.skip('build/diffy is not built');
        writeFileSync(`${folder}/in.y4m`, y4m(frames));
        execFileSync(native, ['encode', '-q', String(quality), '--mode', mode, `${folder}/in.y4m`, `${folder}/native.dfy`], { stdio: 'ignore' });
        const made = readFileSync(`${folder}/native.dfy`);
        assert.ok(made.equals(Buffer.from(await encodeFrames({ format: 2, quality, mode }, frames))), 'the same frames make other bytes');
        const played = execFileSync(native, ['decode', `${folder}/native.dfy`, '-'], { stdio: ['ignore', 'pipe', 'ignore'] });
        const decoder = await diffy.DiffyDecoder.open(made, { wasmBinary });
        assert.equal(decoder.info.mode, mode);
        assert.equal(decoder.info.cloneFrames > 0, mode === 'upload', `${decoder.info.cloneFrames} clones`);
        let at = played.indexOf('\n') + 1, count = 0;
        for (let picture = decoder.next('I420'); picture; picture = decoder.next('I420'), count++) {
            at = played.indexOf('\n', at) + 1;
            assert.ok(played.subarray(at, at + picture.data.length).equals(Buffer.from(picture.data)), `frame ${count} differs`);
            at += picture.data.length;
        }
        assert.equal(count, frames);
        decoder.close();
    });
}
