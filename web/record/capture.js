/**
 * The record page's second worker: it takes every frame of the track at once, so that none waits for the encoder in the
 * browser's own short queue, copies its pixels, and hands them to the encoding worker one by one as that asks for them.
 */
import { copyLayout, copyVideoFrame } from '../../wasm/picture.js';
import { serve } from '../shared/rpc.js';
import { FrameQueue } from './queue.js';

/** Ten seconds of a small picture; of 1080p, a group of frames that is being coded and what comes meanwhile. */
const limits = { frames: 300, bytes: 180e6 };

/** @typedef {import('../../wasm/encoder.js').RawFrame & { timestamp: number }} CapturedFrame timestamp in seconds from the first */

/** One after another, for copying takes a moment. */
let posted = Promise.resolve();

/** @type {FrameQueue<CapturedFrame>} */
const queue = new FrameQueue(limits);
/** Memory of frames that are encoded, for the next ones.
 * @type {Uint8Array<ArrayBuffer>[]} */
const spare = [];
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
    port.onmessage = ({ data }) => {
        if (data.memory) spare.push(data.memory);
        void handOut(port);
    };
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
        queue.put({ ...(await copyFitted(frame)), timestamp: time - first }, bytes);
        wake();
    } finally {
        frame.close();
    }
}

/** @param {number} bytes */
function memoryOf(bytes) {
    const used = spare.pop();
    return used?.length === bytes ? used : new Uint8Array(bytes);
}

/** Answers with the oldest frame as soon as there is one, or with nothing when none will come.
 * @param {MessagePort} port */
async function handOut(port) {
    while (!queue.length && !ended) await new Promise((/** @type {(value?: unknown) => void} */ resolve) => (wake = resolve));
    const frame = queue.take();
    port.postMessage(frame ?? null, frame ? [frame.data.buffer] : []);
}

/** Size of the first frame: a shared window may change its size, and later frames are fitted into the first one's. */
let width = 0, height = 0;

/** @param {VideoFrame} frame */
async function copyFitted(frame) {
    const shown = copyLayout(frame).rect;
    if (!width) ({ width, height } = shown);
    if (shown.width === width && shown.height === height) return copyVideoFrame(frame, memoryOf);
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The size of the picture changed, and this browser gives no canvas to fit it.');
    const scale = Math.min(width / frame.displayWidth, height / frame.displayHeight), w = frame.displayWidth * scale, h = frame.displayHeight * scale;
    context.fillRect(0, 0, width, height);
    context.drawImage(frame, (width - w) / 2, (height - h) / 2, w, h);
    const { data } = context.getImageData(0, 0, width, height);
    return { format: /** @type {const} */ ('RGBA'), width, height, data };
}
