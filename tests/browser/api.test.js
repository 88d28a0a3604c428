/** The JavaScript API in Node.js, from the package as `npm pack` makes it: raw frames, since there is no WebCodecs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
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

/** @param {import('../../wasm/encoder.js').EncoderOptions} options
 * @param {import('../../wasm/encoder.js').PushOptions} [pushed] */
async function encodeFrames(options, count = 40, pushed = {}) {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, frameRate: 25, ...options });
    for (let i = 0; i < count; i++) await encoder.push(frame(i), pushed);
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
        // Bit by bit, and given up half way.
        decoder.approach(33);
        for (const index of [5, 38, 11]) {
            while (decoder.approach(index));
            decoder.seek(index);
            assert.deepEqual(decoder.next()?.data, played[index].data);
        }
        assert.equal(decoder.approach(40), false);
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

test('metadata come back, in format 2', async () => {
    const metadata = { station: 'Prüfstand 4', shift: [1, 2] };
    const decoder = await diffy.DiffyDecoder.open(await encodeFrames({ metadata, effort: 1 }, 5), { wasmBinary });
    assert.deepEqual(decoder.metadata, metadata);
    decoder.close();
    await assert.rejects(encodeFrames({ metadata, format: 1 }, 5), /format 2/);
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

test('a file that was broken off is gone on with', async () => {
    /** @type {Uint8Array[]} */
    const pieces = [];
    const options = { wasmBinary, frameRate: 25, segmentSeconds: 1, quality: 60 }, broken = await diffy.DiffyEncoder.create({ ...options, write: (data) => pieces.push(new Uint8Array(data)) });
    for (let i = 0; i < 120; i++) await broken.push(frame(i));
    assert.ok(broken.coded.frames > 0 && broken.coded.frames < 120 && broken.coded.bytes >= broken.bytesWritten);
    broken.close();
    const torn = new Uint8Array(await new Blob(/** @type {any} */ (pieces)).arrayBuffer()), encoder = await diffy.DiffyEncoder.create(options);
    // A chunk may have been torn as well.
    const frames = await encoder.goOn(torn.subarray(0, torn.length - 5));
    assert.ok(frames > 0 && frames < 120, `${frames} frames`);
    for (let i = frames; i < 150; i++) await encoder.push(frame(i));
    const decoder = await diffy.DiffyDecoder.open(await encoder.encode(), { wasmBinary });
    assert.equal(encoder.stats?.frames, 150);
    assert.deepEqual([decoder.info.frames, decoder.info.complete], [150, true]);
    for (let i = 0; i < 150; i++) {
        const picture = /** @type {import('../../wasm/decoder.js').DiffyFrame} */ (decoder.next('I420'));
        assert.ok(psnr(picture.data, frame(i).data) > 30 && Math.abs(picture.timestamp - i / 25) < 1e-6, `frame ${i}`);
    }
    await assert.rejects(encoder.goOn(torn), /before pushing the first frame/);
    encoder.close();
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

for (const format of /** @type {const} */ ([1, 2])) {
    test(`format ${format}: frames by their numbers`, async () => {
        const decoder = await diffy.DiffyDecoder.open(await encodeFrames({ format }), { wasmBinary });
        /** @type {import('../../wasm/decoder.js').DiffyFrame[]} */
        const played = [];
        for await (const picture of decoder) played.push(picture);
        assert.deepEqual((await decoder.frameAt(31)).data, played[31].data);
        const wanted = [30, 2, 39, 2, 0, 31], frames = await decoder.framesAt(wanted);
        assert.deepEqual(frames.map(({ index }) => index), wanted);
        frames.forEach((picture, i) => assert.deepEqual(picture.data, played[wanted[i]].data));
        assert.equal((await decoder.frameAt(5, 'RGBA')).format, 'RGBA');
        for (const index of [0, 17, 39]) assert.ok(Math.abs((await decoder.timeOf(index)) - index / 25) < 1e-9);
        assert.equal(decoder.position, 6, 'asking for a time moves nothing');
        for (const index of [40, -1, 1.5, NaN]) {
            await assert.rejects(decoder.frameAt(index), /There is no frame/);
            await assert.rejects(decoder.framesAt([0, index]), /There is no frame/);
            await assert.rejects(decoder.timeOf(index), /There is no frame/);
        }
        decoder.close();
        await assert.rejects(decoder.frameAt(0), /closed/);
    });
}

test('a damaged frame is not given as another', async () => {
    const data = await encodeFrames({ segmentSeconds: 0.5 }, 120);
    data.fill(0xff, data.length / 2, data.length / 2 + 8);
    const decoder = await diffy.DiffyDecoder.open(data, { wasmBinary });
    let lost = 0;
    for (let index = 0; index < 120; index++) {
        const picture = await decoder.frameAt(index).catch((error) => (assert.match(error.message, /lost|damaged/), lost++, null));
        if (picture) assert.equal(picture.index, index);
    }
    assert.ok(lost > 0 && lost < 120, `${lost} frames are lost`);
    decoder.close();
});

/**
 * @template T
 * @param {() => Promise<T>} make
 * @returns {() => Promise<T>} */
function once(make) {
    /** @type {Promise<T> | null} */
    let made = null;
    return () => (made ??= make());
}

/** Serves bytes for a test.
 * @param {{ data: Uint8Array, ranges?: boolean, etag?: string, status?: number }} served may change meanwhile
 * @param {(address: string, asked: { count: number, bytes: number }) => Promise<void>} use */
async function served(served, use) {
    const asked = { count: 0, bytes: 0 };
    const server = createServer((request, response) => {
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
        asked.count++;
        if (served.status) return void response.writeHead(served.status).end();
        if (served.ranges === false || from === undefined) return void response.writeHead(200).end(served.data);
        const part = served.data.subarray(Number(from), Number(to) + 1);
        asked.bytes += part.length;
        const last = Number(from) + part.length - 1;
        response.writeHead(206, { 'content-range': `bytes ${from}-${last}/${served.data.length}`, ...(served.etag ? { etag: served.etag } : {}) });
        response.end(part);
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    try {
        await use(`http://127.0.0.1:${port}/video.dfy`, asked);
    } finally {
        server.closeAllConnections();
        server.close();
    }
}

/** A file that is large for its few frames: pictures that nothing foretells, losslessly. */
const longFile = once(async () => {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, frameRate: 25, quality: 100, segmentSeconds: 1, effort: 1 });
    const [w, h] = [176, 128], data = new Uint8Array(diffy.pictureBytes('I420', w, h));
    let state = 1;
    for (let i = 0; i < 40; i++) {
        for (let k = 0; k < data.length; k++) data[k] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
        await encoder.push({ format: 'I420', width: w, height: h, data });
    }
    const made = await encoder.encode();
    encoder.close();
    return made;
});

test('format 2 keeps the turns of a gyroscope, and noise is put back where that is asked for', async () => {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, frameRate: 30, quality: 25, effort: 1, imu: true });
    const [w, h] = [192, 128], data = new Uint8Array(diffy.pictureBytes('I420', w, h));
    let state = 1;
    for (let i = 0; i < 12; i++) {
        for (let k = 0; k < data.length; k++) {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            data[k] = 120 + (state >>> 28) - (state >>> 24 & 15);
        }
        await encoder.push({ format: 'I420', width: w, height: h, data });
        encoder.pushGyro(0, 0, 0.3, 1 / 30);
    }
    const made = await encoder.encode();
    encoder.close();
    const decoder = await diffy.DiffyDecoder.open(made, { wasmBinary });
    assert.equal(decoder.info.format, 2);
    assert.equal(decoder.imu.length, 12);
    assert.ok(Math.abs(decoder.imu[10][2] - Math.sin(0.3 * 10 / 30 / 2)) < 1e-4, String(decoder.imu[10]));
    const steady = await diffy.DiffyDecoder.open(made, { wasmBinary, unwarp: true });
    const plain = (await decoder.frameAt(9)).data, turned = (await steady.frameAt(9)).data;
    assert.equal(turned[0], 16, 'black where the camera saw nothing');
    assert.ok(plain[0] > 90);
    assert.equal(decoder.setGrain(true), true);
    const noisy = (await decoder.frameAt(9)).data;
    const roughness = (/** @type {Uint8Array} */ y) => y.subarray(0, w * h - 1).reduce((sum, value, i) => sum + (value - y[i + 1]) ** 2, 0);
    assert.ok(roughness(noisy) > 1.5 * roughness(plain), `${roughness(noisy)} and ${roughness(plain)}`);
    decoder.setGrain(false);
    assert.deepEqual((await decoder.frameAt(9)).data, plain);
    decoder.close();
    steady.close();
});

test('of a file at an address only what is needed is fetched', async () => {
    const data = await longFile(), here = await diffy.DiffyDecoder.open(data, { wasmBinary });
    assert.ok(data.length > 1.2e6, `${data.length} bytes`);
    await served({ data, etag: '"1"' }, async (address, asked) => {
        const decoder = await diffy.DiffyDecoder.open(address, { wasmBinary });
        assert.equal(decoder.info.frames, 40);
        assert.ok(asked.bytes < 6e5 && asked.count <= 4, `${asked.count} requests, ${asked.bytes} bytes to open it`);
        assert.deepEqual((await decoder.frameAt(3)).data, (await here.frameAt(3)).data);
        assert.ok(asked.bytes < data.length / 2, `${asked.bytes} of ${data.length} bytes`);
        assert.throws(() => (decoder.seek(35), decoder.next()), /frameAt/);
        for (const [index, frame] of (await decoder.framesAt([35, 15])).entries()) {
            assert.deepEqual(frame.data, (await here.frameAt([35, 15][index])).data);
        }
        decoder.seek(0);
        let count = 0;
        for await (const frame of decoder) assert.equal(frame.index, count++);
        assert.equal(count, 40);
        decoder.close();
    });
    here.close();
});

test('addresses that give no parts, are not there or change', async () => {
    const data = await longFile(), other = await encodeFrames({});
    await served({ data, ranges: false }, async (address) => {
        const decoder = await diffy.DiffyDecoder.open(new URL(address), { wasmBinary });
        assert.equal((await decoder.frameAt(39)).index, 39);
        decoder.close();
    });
    await served({ data, status: 404 }, (address) => assert.rejects(diffy.DiffyDecoder.open(address, { wasmBinary }), /answers 404/));
    await served({ data: Buffer.from('no video at all, only some words') }, (address) => assert.rejects(diffy.DiffyDecoder.open(address, { wasmBinary }), /not a .dfy/));
    await assert.rejects(diffy.DiffyDecoder.open('http://127.0.0.1:9/x.dfy', { wasmBinary }), /can't be fetched/);
    const server = { data, etag: '"1"' };
    await served(server, async (address) => {
        const decoder = await diffy.DiffyDecoder.open(address, { wasmBinary });
        Object.assign(server, { data: other, etag: '"2"' });
        await assert.rejects(decoder.frameAt(35), /changed|answers/);
        Object.assign(server, { data, etag: '"1"' });
        assert.equal((await decoder.frameAt(35)).index, 35, 'it goes on when the file is what it was');
        decoder.close();
    });
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
        // What the command line takes of a Y4M of this size: its aspect, and the colour of small pictures.
        const sampleAspect = /** @type {[number, number]} */ ([1, 1]), pushed = { colour: { matrix: 6, range: 0 } };
        assert.ok(made.equals(Buffer.from(await encodeFrames({ format: 2, quality, mode, sampleAspect }, frames, pushed))), 'the same frames make other bytes');
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

test('episodes are named in the file and listed', async () => {
    const encoder = await diffy.DiffyEncoder.create({ wasmBinary, frameRate: 25 });
    encoder.beginEpisode('gießen 1');
    for (let i = 0; i < 30; i++) {
        if (i === 12) encoder.beginEpisode('second');
        await encoder.push(frame(i));
    }
    assert.throws(() => encoder.beginEpisode('second'), /second/);
    const decoder = await diffy.DiffyDecoder.open(await encoder.encode(), { wasmBinary });
    assert.deepEqual(decoder.episodes.map(({ start, seconds, ...rest }) => ({ ...rest, start: start.toFixed(6), seconds: seconds.toFixed(6) })), [
        { name: 'gießen 1', firstFrame: 0, frames: 12, start: '0.000000', seconds: '0.480000' },
        { name: 'second', firstFrame: 12, frames: 18, start: '0.480000', seconds: '0.720000' },
    ]);
    const picture = await decoder.frameAt(decoder.episodes[1].firstFrame);
    assert.equal(picture.index, 12);
    decoder.close();
    const plain = await diffy.DiffyDecoder.open(await encodeFrames({ format: 1 }), { wasmBinary });
    assert.deepEqual(plain.episodes, []);
    plain.close();
});
