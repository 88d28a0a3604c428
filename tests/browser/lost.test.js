/** What a damaged file has lost is told once, whatever way the decoder came to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lostFrames, whatIsWrong } from '../../web/decode/lost.js';

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

test('a file that was cut off says so once', () => {
    const cut = { frames: 29, framesStated: 90, complete: false }, chunks = [{ damaged: false }, { damaged: false }, { damaged: true }];
    assert.deepEqual(whatIsWrong(['The file is cut off after 29 of 90 pictures.'], cut, chunks).lines, ['This file is cut off: it has 29 of 90 frames.']);
    assert.deepEqual(whatIsWrong(['The file is incomplete: 5 frames can be played.'], { frames: 5, framesStated: 0, complete: false }, []).lines, ['This file is cut off or was never finished: its 5 frames play.']);
    // Damage elsewhere is told beside it; of a file without frames the player tells.
    assert.deepEqual(whatIsWrong([], cut, [{ damaged: true }, ...chunks]).lines, ['This file is cut off: it has 29 of 90 frames.', '1 of 4 parts of this file is damaged. Playback will show which frames are lost.']);
    assert.deepEqual(whatIsWrong(['The file is incomplete: 0 frames can be played.'], { frames: 0, framesStated: 0, complete: false }, []).lines, []);
    assert.deepEqual(whatIsWrong([], { frames: 90, framesStated: 90, complete: true }, chunks).lines, ['1 of 3 parts of this file is damaged. Playback will show which frames are lost.']);
});
