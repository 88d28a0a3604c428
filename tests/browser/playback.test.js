/** The player's side in the worker, without a screen: a frame that is wanted no longer is given up between two pictures. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { DiffyEncoder } from '../../wasm/encoder.js';
import { Codec } from '../../wasm/module.js';
import { Playback } from '../../web/player/playback.js';

const width = 96, height = 64, frames = 90, wasmBinary = readFileSync(new URL('../../build/wasm/diffy.wasm', import.meta.url));
/** @type {Codec} */
let codec;
/** @type {Uint8Array} */
let file;

/** A bar that swings over a gradient. The times have a gap of two seconds behind frame 49.
 * @param {number} index */
function frame(index) {
    const data = new Uint8Array((width * height * 3) / 2).fill(128), at = Math.round(40 + 30 * Math.sin(index / 9));
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * width + x] = Math.abs(x - at) < 6 ? 210 - y : 30 + x + y;
    return { format: /** @type {const} */ ('I420'), width, height, data };
}

const timeOf = (/** @type {number} */ index) => index / 30 + (index >= 50 ? 2 : 0);

before(async () => {
    codec = await Codec.load({ wasmBinary });
    const encoder = await DiffyEncoder.create({ codec, frameRate: 30, effort: 2 });
    for (let i = 0; i < frames; i++) await encoder.push(frame(i), { timestamp: timeOf(i) });
    file = await encoder.encode();
    encoder.close();
});

async function opened() {
    const playback = new Playback({ load: async () => codec });
    await playback.open(file);
    await playback.show({ frame: 0 }, new AbortController().signal);
    return playback;
}

test('a seek that is called off draws nothing, and the next one is right', async () => {
    const playback = await opened(), call = new AbortController(), seeking = playback.show({ frame: 77 }, call.signal);
    call.abort();
    assert.equal((await seeking).overtaken, true);
    assert.equal(playback.shown?.frame.index, 0);
    const { frame: shown } = await playback.show({ frame: 41 }, new AbortController().signal);
    assert.equal(shown, 41);
});

/** Counts how often the codec is asked for a part of a seek while something is done.
 * @param {() => Promise<unknown>} work
 * @param {(part: number) => unknown} [each] */
async function countParts(work, each = () => {}) {
    const { call } = codec;
    let parts = 0;
    codec.call = (name, ...args) => {
        if (name === 'decoder_approach') each(++parts);
        return call.call(codec, name, ...args);
    };
    try {
        await work();
    } finally {
        codec.call = call;
    }
    return parts;
}

test('what is called off while a picture is at work ends with it', async () => {
    const all = await countParts(async () => (await opened()).show({ frame: 85 }, new AbortController().signal));
    const playback = await opened(), call = new AbortController();
    const parts = await countParts(() => playback.show({ frame: 85 }, call.signal), (part) => part === 2 && call.abort());
    assert.equal(playback.shown?.frame.index, 0);
    assert.ok(parts === 2 && all > 4, `${parts} of ${all} parts`);
});

test('a step back is shown at once, and those before it follow until something else is wanted', async () => {
    const playback = await opened(), signal = new AbortController().signal;
    await playback.show({ frame: 60 }, signal);
    assert.equal((await playback.show({ frame: 59 }, signal)).frame, 59);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const parts = await countParts(async () => {
        for (const index of [58, 57, 56]) assert.equal((await playback.show({ frame: index }, signal)).frame, index);
    });
    assert.equal(parts, 0);
});

test('a time leads to the frame that is shown then, where times are uneven too', async () => {
    const playback = await opened();
    for (const [seconds, index] of [[0, 0], [0.5, 15], [1.7, 49], [3, 49], [timeOf(50), 50], [timeOf(50) + 0.02, 50], [timeOf(88), 88], [99, 89]])
        assert.equal((await playback.show({ seconds }, new AbortController().signal)).frame, index, `at ${seconds} s`);
    assert.ok(Math.abs(/** @type {number} */ (await playback.length()) - timeOf(89) - 1 / 30) < 1e-6);
});

test('what decodes too slowly leaves frames out, says that it is slow, and comes to the end in time', async () => {
    const playback = await opened(), { call } = codec, each = 60;
    codec.call = (name, ...args) => {
        const until = performance.now() + (name === 'decoder_next' ? each : 0);
        while (performance.now() < until);
        return call.call(codec, name, ...args);
    };
    /** @type {{ frame: number, slow: boolean, dropped: number }[]} */
    const told = [], begun = performance.now();
    try {
        const { ended, frame: last } = await playback.play({ rate: 1, first: 0, last: 49, loop: false }, (event) => told.push(event), new AbortController().signal);
        assert.deepEqual([ended, last], [true, 49]);
    } finally {
        codec.call = call;
    }
    const took = performance.now() - begun, dropped = told.reduce((sum, event) => sum + event.dropped, 0);
    assert.ok(told.some(({ slow }) => slow) && !told[0].slow);
    assert.ok(dropped > 10 && dropped + told.length === 50, `${dropped} of ${dropped + told.length} left out`);
    assert.ok(took < 50 * each * 0.9, `${took} ms`);
});
