/** The recorder's queue: bursts wait, and an encoder that is too slow for good gets fewer frames, evenly spread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameQueue } from '../../web/record/queue.js';

/**
 * A camera's frames and an encoder that takes `group` of them at once, then is busy for as long as `speed` frames a second say.
 * @param {{ limits: { frames: number, bytes: number }, frames: number, fps: number, speed: number | ((second: number) => number), group?: number, bytes?: number }} run
 */
function record({ limits, frames, fps, speed, group = 32, bytes = 1000 }) {
    /** @type {FrameQueue<number>} */
    const queue = new FrameQueue(limits);
    /** @type {number[]} */
    const taken = [];
    let busyUntil = 0, inGroup = 0, longest = 0;
    for (let i = 0; i < frames; i++) {
        const now = i / fps;
        if (queue.wants(bytes)) queue.put(i, bytes);
        longest = Math.max(longest, queue.length);
        while (queue.length && busyUntil <= now) {
            taken.push(queue.take() ?? NaN);
            if (++inGroup % group === 0) busyUntil = Math.max(busyUntil, now) + group / (typeof speed === 'function' ? speed(now) : speed);
        }
    }
    for (let frame; (frame = queue.take()) !== undefined;) taken.push(frame);
    return { queue, taken, longest };
}

test('an encoder that is quick enough gets every frame, though it takes them in groups', () => {
    const { queue, taken, longest } = record({ limits: { frames: 300, bytes: 1e6 }, frames: 3000, fps: 30, speed: 40 });
    assert.equal(queue.dropped, 0);
    assert.deepEqual(taken, Array.from({ length: 3000 }, (_, i) => i));
    assert.ok(longest > 20 && longest < 60, String(longest));
});

test('a slow first group is waited for', () => {
    const { queue } = record({ limits: { frames: 300, bytes: 1e6 }, frames: 1000, fps: 30, speed: (second) => (second < 2 ? 8 : 60) });
    assert.equal(queue.dropped, 0);
});

test('a slow encoder gets every second or third frame, and memory stays within its limit', () => {
    for (const limits of [{ frames: 100, bytes: 1e9 }, { frames: 1e9, bytes: 100_000 }]) {
        const { queue, taken, longest } = record({ limits, frames: 6000, fps: 30, speed: 12 });
        assert.ok(longest <= 100, String(longest));
        assert.equal(taken.length + queue.dropped, 6000);
        const late = taken.filter((frame) => frame > 3000), steps = late.slice(1).map((frame, i) => frame - late[i]);
        assert.ok(Math.max(...steps) <= 4, String(Math.max(...steps)));
        assert.ok(Math.abs(late.length / 3000 - 12 / 30) < 0.05, String(late.length));
    }
});

test('an encoder that has become quick gets every frame again', () => {
    const { queue, taken } = record({ limits: { frames: 100, bytes: 1e9 }, frames: 6000, fps: 30, speed: (second) => (second < 60 ? 10 : 90) });
    assert.equal(queue.step, 1);
    assert.deepEqual(taken.slice(-2000), Array.from({ length: 2000 }, (_, i) => 4000 + i));
});

test('a frame larger than the limit still goes through', () => {
    const { taken } = record({ limits: { frames: 10, bytes: 500 }, frames: 100, fps: 10, speed: 100, group: 1 });
    assert.ok(taken.length > 10, String(taken.length));
});
