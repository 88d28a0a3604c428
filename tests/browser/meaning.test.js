/** What a source means on the site: the rules are those of the command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nominalRate, pixelAspect, rateFraction, rgbColour, settledColour, soundConfig } from '../../wasm/meaning.js';

const times = (/** @type {number} */ count, /** @type {(i: number) => number} */ at) => Array.from({ length: count }, (_, i) => at(i));

test('the nominal rate is the usual step, not the mean', () => {
    assert.deepEqual(nominalRate(times(30, (i) => i / 25), 1 / 12800), [25, 1]);
    assert.deepEqual(nominalRate([...times(30, (i) => i / 25), 60], 1 / 12800), [25, 1]); // one that lasts long
    assert.deepEqual(nominalRate(times(40, (i) => i / 25 + (i > 20 ? 8 : 0)), 1e-3), [25, 1]); // a gap
    assert.deepEqual(nominalRate(times(30, (i) => Math.round((i * 1001) / 30) / 1000), 1e-3), [30000, 1001]); // milliseconds
    assert.deepEqual(nominalRate(times(300, (i) => Math.round((i * 1000) / 30) / 1000), 1e-3), [30, 1]);
    assert.deepEqual(nominalRate(times(300, (i) => i * 60), 1e-3), [1, 60]);
    assert.deepEqual(nominalRate([3, 1, 2, 0].map((i) => i / 50), 1e-6), [50, 1]); // B-frames
    assert.deepEqual(nominalRate(times(30, (i) => i / 25 + 0.004 * (i % 3) + (i > 11 ? 0.4 : 0)), 1 / 90000), [25, 1]); // a phone's
    assert.equal(nominalRate([0], 1e-3), null);
});

test('fractions of rates', () => {
    assert.deepEqual(rateFraction(59.9401), [60000, 1001]);
    assert.deepEqual(rateFraction(12.5), [12500, 1000]);
    assert.deepEqual(rateFraction(0.5), [1, 2]);
});

test('a matrix that nobody stated is fixed by the rows as coded', () => {
    assert.deepEqual(settledColour(null, 576), { primaries: 2, transfer: 2, matrix: 6, range: 0 });
    assert.deepEqual(settledColour(null, 720, 'vp8'), { primaries: 2, transfer: 2, matrix: 6, range: 0 });
    assert.deepEqual(settledColour({ matrix: 'bt709' }, 480, 'vp8'), { primaries: 2, transfer: 2, matrix: 1, range: 0 });
    assert.deepEqual(settledColour({ fullRange: true }, 720), { primaries: 2, transfer: 2, matrix: 1, range: 1 });
    assert.deepEqual(settledColour({ matrix: 'smpte170m', primaries: 'bt709', transfer: 'iec61966-2-1' }, 1080), { primaries: 1, transfer: 13, matrix: 6, range: 0 });
    assert.deepEqual(settledColour({ matrix: 'rgb', fullRange: true }, 1080), rgbColour(1080));
});

test('the shape of pixels from a size in whole pixels', () => {
    assert.deepEqual(pixelAspect(160, 233, [233, 160]), [16, 11]);
    assert.deepEqual(pixelAspect(1440, 1920, [4, 3]), [4, 3]);
    assert.deepEqual(pixelAspect(100, 123, [123, 100]), [123, 100]);
});

test("FLAC's head is kept as FFmpeg has it", () => {
    const head = new Uint8Array([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, 34, ...Array(34).keys()]);
    assert.deepEqual([...soundConfig('flac', head)], [...Array(34).keys()]);
    assert.equal(soundConfig('aac', undefined).length, 0);
});
