/** What a damaged file has lost is told once, whatever way the decoder came to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lostFrames } from '../../web/decode/lost.js';

const lost = (/** @type {[number, number][]} */ ...stretches) => stretches.map(([first, last]) => `Frames ${first} to ${last} are lost: their part of the file is damaged.`);

test('stretches that overlap or follow one another are one', () => {
    assert.equal(lostFrames(lost([33, 399], [80, 399]), 400).sentence, 'Frames 33 to 399 of 400 are lost: this file is damaged. The rest plays.');
    assert.equal(lostFrames(lost([90, 99], [10, 19], [20, 24], [12, 15]), 200).sentence, 'Frames 10 to 24, 90 to 99 of 200 are lost: this file is damaged. The rest plays.');
    assert.equal(lostFrames(lost([7, 7]), 9).sentence, 'Frame 7 of 9 is lost: this file is damaged. The rest plays.');
});

test('many stretches are counted, and what else is told stays', () => {
    const { sentence, list, others } = lostFrames(['The sound is damaged.', ...lost([0, 1], [4, 5], [8, 9], [12, 13])], 20);
    assert.equal(sentence, '8 of 20 frames are lost: this file is damaged. The rest plays.');
    assert.equal(list, '0 to 1, 4 to 5, 8 to 9, 12 to 13');
    assert.deepEqual(others, ['The sound is damaged.']);
    assert.equal(lostFrames([], 20).sentence, '');
});
