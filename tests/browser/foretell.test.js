/** What an encode will come to: the start apart, weighted by what happens, and with how far it may be off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Foretelling, ratios, weightsOf } from '../../web/encode/foretell.js';

/** A file of 100 kB to start with and 10 bytes a weight.
 * @param {number[]} weights of frames
 * @param {number} upTo frames coded
 * @param {boolean} known whether the weights are told */
function coded(weights, upTo, known) {
    const told = new Foretelling();
    if (known) told.weights = Float64Array.from(weights);
    const bytes = (/** @type {number} */ frames) => 100_000 + 10 * weights.slice(32, frames).reduce((sum, weight) => sum + weight, 0);
    for (let frames = 32; frames <= upTo; frames += 32) told.add(frames, bytes(frames));
    return { told, all: bytes(weights.length) };
}

test('what comes once is not multiplied', () => {
    const { told, all } = coded(Array(3200).fill(5), 800, false), total = told.total(3200);
    assert.ok(total && Math.abs(total.bytes - all) < 1 && total.error < 1);
});

test('what is to come weighs what the source says', () => {
    // Nothing much in the first half, a lot in the second.
    const weights = Array.from({ length: 3200 }, (_, i) => (i < 1600 ? 5 : 20)), { told, all } = coded(weights, 800, true), blind = coded(weights, 800, false);
    assert.ok(Math.abs((told.total(3200)?.bytes ?? 0) - all) < 1);
    assert.ok((blind.told.total(3200)?.bytes ?? 0) < 0.6 * all);
});

test('an uneven recording is told with a wide error, and at its end with none', () => {
    const weights = Array.from({ length: 3200 }, (_, i) => (i % 640 < 64 ? 100 : 1)), total = coded(weights, 800, false).told.total(3200);
    assert.ok(total && total.error > 0.12 * total.bytes);
    assert.equal(coded(weights, 3200, false).told.total(3200)?.error, 0);
});

test('too little is told as nothing', () => {
    const told = new Foretelling();
    assert.equal(told.total(100), null);
    for (const frames of [32, 64]) told.add(frames, 1000 * frames);
    assert.equal(told.total(100), null);
});

test('key frames weigh what their neighbours do', () => {
    const sizes = Array.from({ length: 100 }, (_, i) => (i % 25 ? 1000 : 40_000)), weights = weightsOf(sizes);
    assert.equal(weights[25], weights[26]);
});

test('settings are told apart though no group of pictures has come to its end', () => {
    const made = (/** @type {number} */ bytes, /** @type {[number, number][]} */ ...growth) => ({ stats: { bytes }, growth });
    assert.deepEqual(ratios(made(20_000), made(5_000)), { start: 0.25, rest: 0.25 });
    assert.deepEqual(ratios(made(20_000, [32, 10_000]), made(5_000)), { start: 0.25, rest: 0.25 });
    // Groups tell more, where there are some: what comes once and what comes after it are told apart.
    const slow = made(0, [1, 1000], [33, 2000], [65, 3000], [97, 4000]), quick = made(0, [1, 500], [33, 700], [65, 900], [97, 1100]);
    assert.deepEqual(ratios(slow, quick), { start: 0.5, rest: 0.2 });
});
