/** Splat sequences in Node.js, from the package: the WebAssembly build and the command line are the same codec. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { splatPly } from './splats.js';

const top = new URL('../../', import.meta.url).pathname;
const folder = mkdtempSync(`${tmpdir()}/diffy-splats-`);
const frames = 5;
/** @type {typeof import('../../wasm/index.js')} */
let diffy;
/** @type {import('../../wasm/module.js').Codec} */
let codec;

/** @param {string[]} args */
const native = (...args) => execFileSync(`${top}build/diffy`, ['splat', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
/** @param {Uint8Array} data */
const digest = (data) => createHash('sha256').update(data).digest('hex');

before(async () => {
    // By its address, so that the types are those of the sources.
    diffy = await import(`${top}build/npm/diffy.js`);
    codec = await diffy.Codec.load({ wasmBinary: readFileSync(`${top}build/npm/diffy.wasm`) });
    mkdirSync(`${folder}/in`);
    for (let i = 0; i < frames; i++) writeFileSync(`${folder}/in/frame_${i}.ply`, splatPly(i));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** @param {import('../../wasm/splat.js').SplatEncoderOptions} [options] */
async function encode(options) {
    const encoder = await diffy.SplatEncoder.create({ loaded: codec, ...options });
    for (let i = 0; i < frames; i++) assert.deepEqual(encoder.push(splatPly(i)), { splats: 1500, odd: 0, notes: '' });
    return encoder.finish();
}

/** @type {import('../../wasm/splat.js').SplatFormat[]} */
const every = ['ply', 'ascii', 'spz', 'spz2', 'spz4', 'sog', 'glb', 'glb-spz', 'splat'];

for (const name of ['tree-range', 'vqxyz-range', 'vqxyz-zstd']) {
    test(`${name}: native and WebAssembly give the same models`, async () => {
        native('encode', '--codec', name, `${folder}/in`, `${folder}/${name}.dfy`);
        for (const kind of name === 'tree-range' ? every : every.slice(0, 1)) {
            const out = `${folder}/${name}-${kind}`;
            native('decode', '--models', kind, `${folder}/${name}.dfy`, out);
            const decoder = await diffy.SplatDecoder.open(readFileSync(`${folder}/${name}.dfy`), { codec });
            assert.deepEqual([decoder.info.codec, decoder.info.frames, decoder.info.degree, decoder.info.complete], [name, frames, 1, true]);
            const files = readdirSync(out).sort();
            assert.equal(files.length, frames);
            for (const file of files) {
                assert.ok(decoder.advance() >= 0);
                assert.match(decoder.losses(kind), kind === 'splat' ? /colours of degree 1/ : /^$/);
                assert.equal(digest(decoder.write(kind)), digest(readFileSync(`${out}/${file}`)), `${file} of ${kind}`);
            }
            assert.equal(decoder.advance(), -1);
            decoder.close();
        }
    });
}

test('the encoder of the browser writes the file that the command line writes', async () => {
    for (const effort of [1, 5, 9]) {
        const { data, stats } = await encode(effort === 5 ? {} : { effort });
        native('encode', '--effort', `${effort}`, `${folder}/in`, `${folder}/same.dfy`);
        assert.equal(digest(data), digest(readFileSync(`${folder}/same.dfy`)));
        const { orderBytes, exactBytes, positionError, ...others } = stats;
        assert.deepEqual(others, { frames, keyFrames: 1, bytes: data.length, splats: 1500, cutModels: 0, orderKept: true });
        assert.ok(orderBytes > 1000 && orderBytes < data.length && exactBytes < orderBytes && positionError > 0, `${orderBytes}, ${exactBytes}, ${positionError}`);
    }
    const { data } = await encode({ canonical: true });
    native('encode', '--canonical', `${folder}/in`, `${folder}/same.dfy`);
    assert.equal(digest(data), digest(readFileSync(`${folder}/same.dfy`)));
    await assert.rejects(encode({ effort: 10 }), /effort/);
});

test('numbers, seeking and what a renderer needs', async () => {
    const { data } = await encode({ quality: 60, frameRate: [24, 1] });
    const decoder = await diffy.SplatDecoder.open(data, { codec }), played = [];
    assert.equal(decoder.info.frameRate, 24);
    for (let model = decoder.next(); model; model = decoder.next()) played.push(model);
    assert.deepEqual(played.map(({ index, count, degree }) => [index, count, degree]), [0, 1, 2, 3, 4].map((index) => [index, 1500, 1]));
    assert.notDeepEqual(played[4].xyz, played[0].xyz);
    decoder.seek(2);
    assert.deepEqual(decoder.next(), played[2]);
    const { xyz, opacity } = played[2];
    const order = decoder.order([0, 0, 1]), depths = [...order].map((splat) => xyz[3 * splat + 2]);
    assert.deepEqual([...order].sort((a, b) => a - b), [...order.keys()]);
    for (let i = 1; i < depths.length; i++) assert.ok(depths[i] <= depths[i - 1] + 1e-4, `splat ${i} of the order is behind the one before`);
    const shapes = decoder.shapes(), colours = decoder.colours([0, 0, -4]);
    assert.deepEqual(new Float32Array(shapes.buffer).slice(8, 11), xyz.slice(3, 6));
    assert.equal(shapes.length, 8 * 1500);
    for (let i = 0; i < 1500; i++) assert.ok(Math.abs(colours[4 * i + 3] - 255 / (1 + Math.exp(-opacity[i]))) <= 0.6);
    const { centre, radius } = decoder.bounds();
    assert.ok(Math.hypot(...centre) < 0.2 && radius > 0.8 && radius < 1.3, `${centre}, ${radius}`);
    decoder.close();
});

test('models that once went wrong are read as the command line reads them', async () => {
    const cases = `${top}tests/cases/splats/`;
    for (const name of ['floater300.ply', 'nan.ply', 'v3.spz', 'v4.spz', 'v4_mod32.spz', 'd2.sog', 'd2.glb', 'extra.ply', 'sharp.ply', 'face0.ply', 'nerfstudio_rgb.ply']) {
        const encoder = await diffy.SplatEncoder.create({ loaded: codec, keepOrder: true });
        const { odd, notes } = encoder.push(readFileSync(cases + name));
        native('encode', '--keep-order', cases + name, `${folder}/case.dfy`);
        assert.equal(digest(encoder.finish().data), digest(readFileSync(`${folder}/case.dfy`)), name);
        assert.equal(odd > 0, name === 'nan.ply');
        assert.match(notes, { 'extra.ply': /motion_0/, 'sharp.ply': /intrinsic/ }[name] ?? /^$/);
    }
    const encoder = await diffy.SplatEncoder.create({ loaded: codec });
    assert.throws(() => encoder.push(readFileSync(`${cases}html.splat`)), /HTML/);
    encoder.close();
    const cut = await diffy.SplatDecoder.open(readFileSync(`${cases}cut_after_frame3.dfy`), { codec });
    assert.equal(cut.info.complete, false);
    cut.close();
});

test('errors and parameters are chosen', async () => {
    const fine = await encode({ error: { position: 1e-5 }, maxError: { position: 2e-5, dc: 0.06 }, keepOrder: true });
    const decoder = await diffy.SplatDecoder.open(fine.data, { codec }), model = decoder.next();
    decoder.close();
    const packed = await encode({ codec: 'vqxyz-zstd', parameters: { zstdLevel: 1 } }), closer = await encode({ codec: 'vqxyz-zstd', parameters: { zstdLevel: 19 } });
    assert.ok(closer.data.length < packed.data.length, `${closer.data.length} at level 19, ${packed.data.length} at level 1`);
    const other = await encode({ codec: 'vqxyz-range', parameters: { clustersOpacity: 8, maxIter: 5, k: 2, sampleSize: 100, seed: 7 } });
    assert.ok(model && model.count === 1500 && other.data.length > 100);
    await assert.rejects(encode({ error: /** @type {any} */ ({ colour: 1 }) }), /no error "colour"/);
    await assert.rejects(encode({ parameters: { opasity: 1 } }), /no parameter "opasity"/);
    await assert.rejects(encode({ parameters: { clustersOpacity: 8 } }), /clustersOpacity are parameters of the vqxyz codecs/);
    await assert.rejects(encode({ codec: 'vqxyz-zstd', error: { sh: 0.1 } }), /error can't be chosen with vqxyz-zstd/);
    await assert.rejects(encode({ parameters: { maxIter: NaN } }), /could be NaN/);
    await assert.rejects(encode({ parameters: { seed: -1 } }), /could be -1/);
    await assert.rejects(encode({ codec: 'vqxyz-range', parameters: { sampleSize: 2 ** 32 } }), /could be 4294967296/);
    assert.equal((await encode({ parameters: { degree: 0 } })).stats.cutModels, frames);
    // A bound that the usual quality would miss with most colours: they become finer, not numbers that are kept exactly.
    const bounded = await encode({ maxError: { sh: 0.05 } });
    assert.ok(bounded.stats.exactBytes < bounded.data.length / 10, `${bounded.stats.exactBytes} of ${bounded.data.length}`);
});

test('files that are no models, and damage, are told', async () => {
    const encoder = await diffy.SplatEncoder.create({ loaded: codec });
    assert.throws(() => encoder.push(new Uint8Array([1, 2, 3])), /not a splat model/);
    encoder.close();
    assert.throws(() => encoder.push(splatPly(0)), /closed/);
    await assert.rejects(diffy.SplatEncoder.create({ loaded: codec, quality: 101 }), /quality 101/i);
    await assert.rejects(diffy.SplatDecoder.open(new Uint8Array(40), { codec }), /not a .dfy file/);
    const { data } = await encode({ keyInterval: 2 });
    const whole = await diffy.SplatDecoder.open(data, { codec });
    assert.deepEqual([0, 1, 2, 3, 4].map((frame) => whole.frame(frame).isKey), [true, false, true, false, true]);
    // @ts-expect-error: no format of models
    assert.throws(() => whole.write('obj'), /obj is none of the formats/);
    whole.close();
    data[200] ^= 0x60; // two bits: of one the checksum tells which
    const decoder = await diffy.SplatDecoder.open(data, { codec });
    assert.equal(decoder.advance(), 2);
    assert.equal(decoder.warnings.length, 1);
    decoder.close();
});
