/**
 * The record page's second worker: it takes every frame of the track at once, so that none waits for the encoder in the
 * browser's own short queue, copies its pixels, and hands them to the encoding worker one by one as that asks for them.
 */
import { copyLayout, copyVideoFrame } from '../../wasm/picture.js';
import { FrameSender } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { FrameQueue } from './queue.js';

/** Ten seconds of a small picture; of 1080p, a group of frames that is being coded and what comes meanwhile. */
const limits = { frames: 300, bytes: 180e6 };

/** The encoder has its next frame at hand; those that wait longer wait here, where they are counted. */
const ahead = { frames: 2, bytes: Infinity };

/** One after another, for copying takes a moment. */
let posted = Promise.resolve();

/** @type {FrameQueue<import('../shared/frames.js').SentFrame>} */
const queue = new FrameQueue(limits);
/** @type {FrameSender} */
let sender;
let wake = () => {};
let ended = false;

serve({
    capture,
    /** Where the browser has no stream of frames, the page sends them. */
    frame: ({ frame }) => (posted = posted.then(() => take(frame))),
});

let fps = 30, first = NaN, last = NaN, seen = 0, arrived = 0;

/**
 * Captures until the signal or the track's end; what was captured by then is still handed out.
 * @param {{ readable: ReadableStream<VideoFrame> | null, fps: number, port: MessagePort }} job port: the encoding worker's
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function capture({ readable, fps: most, port }, emit, signal) {
    fps = most;
    sender = new FrameSender(port, ahead);
    void handOut();
    const timer = setInterval(() => emit(state()), 200);
    const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    try {
        if (readable) await readAll(readable, stopped);
        else await stopped;
    } finally {
        clearInterval(timer);
        ended = true;
        wake();
    }
    return state();
}

function state() {
    return { seen, arrived, waiting: queue.length, dropped: queue.dropped, step: queue.step, seconds: Number.isNaN(first) ? 0 : last - first };
}

/**
 * @param {ReadableStream<VideoFrame>} readable
 * @param {Promise<unknown>} stopped
 */
async function readAll(readable, stopped) {
    const reader = readable.getReader();
    const stop = stopped.then(() => /** @type {{ done: true, value: undefined }} */ ({ done: true, value: undefined }));
    try {
        for (;;) {
            const { done, value } = await Promise.race([reader.read(), stop]);
            if (done || !value) return;
            await take(value);
        }
    } finally {
        void reader.cancel();
    }
}

/** @param {VideoFrame} frame */
async function take(frame) {
    seen++;
    try {
        const time = frame.timestamp / 1e6;
        if (Number.isNaN(first)) first = time;
        // A camera faster than asked for: what comes too early is not missed.
        if (ended || time - last < 0.6 / fps) return;
        last = time;
        arrived++;
        const { bytes } = copyLayout(frame);
        if (!queue.wants(bytes)) return;
        queue.put({ picture: await copyFitted(frame), timestamp: time - first }, bytes);
        wake();
    } finally {
        frame.close();
    }
}

/** Sends the oldest frame whenever the encoder has taken one, until none will come. */
async function handOut() {
    for (;;) {
        while (!queue.length && !ended) await new Promise((/** @type {(value?: unknown) => void} */ resolve) => (wake = resolve));
        await sender.room();
        const frame = queue.take();
        if (!frame) return sender.end();
        sender.send(frame);
    }
}

/** Size of the first frame: a shared window may change its size, and later frames are fitted into the first one's. */
let width = 0, height = 0;

/** @param {VideoFrame} frame */
async function copyFitted(frame) {
    const shown = copyLayout(frame).rect;
    if (!width) ({ width, height } = shown);
    if (shown.width === width && shown.height === height) return copyVideoFrame(frame, (bytes) => sender.memoryFor(bytes));
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The size of the picture changed, and this browser gives no canvas to fit it.');
    const scale = Math.min(width / frame.displayWidth, height / frame.displayHeight), w = frame.displayWidth * scale, h = frame.displayHeight * scale;
    context.fillRect(0, 0, width, height);
    context.drawImage(frame, (width - w) / 2, (height - h) / 2, w, h);
    const { data } = context.getImageData(0, 0, width, height);
    return { format: /** @type {const} */ ('RGBA'), width, height, data };
}
