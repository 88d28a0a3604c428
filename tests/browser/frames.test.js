/** Frames between two workers: so many are under way and no more, memory goes round, and what goes wrong arrives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameSender, receiveFrames } from '../../web/shared/frames.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

/** @param {{ frames: number, bytes: number }} limits */
function pair(limits) {
    const { port1, port2 } = new MessageChannel();
    const close = () => (port1.close(), port2.close());
    return { sender: new FrameSender(/** @type {any} */ (port1), limits), frames: receiveFrames(/** @type {any} */ (port2)), close };
}

/** @param {FrameSender} sender
 * @param {number} count
 * @param {number} bytes */
function sendAll(sender, count, bytes) {
    const state = { sent: 0 };
    const all = (async () => {
        for (let i = 0; i < count; i++) {
            await sender.room();
            const data = sender.memoryFor(bytes).fill(i);
            sender.send({ picture: { format: 'RGBA', width: 1, height: 1, data }, timestamp: i });
            state.sent++;
        }
        sender.end();
    })();
    return { state, all };
}

test('no more frames or bytes than the limits are under way, and all arrive in order', async () => {
    for (const [limits, most] of /** @type {const} */ ([[{ frames: 4, bytes: Infinity }, 4], [{ frames: 100, bytes: 300 }, 3], [{ frames: 100, bytes: 50 }, 1]])) {
        const { sender, frames, close } = pair(limits), { state, all } = sendAll(sender, 20, 100);
        await turn();
        assert.equal(state.sent, most);
        let taken = 0;
        for await (const { picture, timestamp } of frames) {
            assert.equal(timestamp, taken);
            assert.equal(picture.data[99], taken++);
            await turn();
            // The one at hand counts, too.
            assert.ok(state.sent - taken < most, `${state.sent} sent, ${taken} taken`);
        }
        assert.equal(taken, 20);
        await all;
        close();
    }
});

test('memory goes round, and that of another size is given up', async () => {
    const { port1, port2 } = new MessageChannel(), sender = new FrameSender(/** @type {any} */ (port1), { frames: 2, bytes: Infinity });
    const giveBack = async (/** @type {number} */ bytes) => {
        port2.postMessage({ memory: new Uint8Array(bytes).fill(9) });
        await turn();
    };
    assert.equal(sender.memoryFor(100)[0], 0);
    await giveBack(100);
    assert.equal(sender.memoryFor(100)[0], 9);
    await giveBack(100);
    assert.equal(sender.memoryFor(50)[0], 0);
    await giveBack(100);
    assert.equal(sender.memoryFor(50)[0], 0);
    port1.close();
    port2.close();
});

test('what goes wrong arrives behind the frames before it', async () => {
    const { sender, frames, close } = pair({ frames: 5, bytes: Infinity });
    sender.send({ picture: { format: 'RGBA', width: 1, height: 1, data: new Uint8Array(4) } });
    sender.end(new Error('The video is damaged here.'));
    assert.equal((await frames.next()).value?.picture.width, 1);
    await assert.rejects(frames.next(), /^Error: The video is damaged here\.$/);
    close();
});
