/**
 * The record page's worker: frames from a live track into a growing .dfy. It asks for the next frame when the one before is
 * encoded; what the camera gives meanwhile is dropped by the browser and counted here by what its rate would have given.
 */
import { DiffyEncoder } from '../../wasm/index.js';
import { loadCodec } from '../shared/codec.js';
import { serve } from '../shared/rpc.js';
import { openOutput } from '../shared/storage.js';

/** Frames posted one by one, where the browser has no stream of them; only the newest waits.
 * @type {{ waiting: VideoFrame | null, wake: () => void, dropped: number }} */
const mailbox = { waiting: null, wake: () => {}, dropped: 0 };

serve({
    record,
    frame({ frame }) {
        if (mailbox.waiting) {
            mailbox.waiting.close();
            mailbox.dropped++;
        }
        mailbox.waiting = frame;
        mailbox.wake();
    },
});

/**
 * @param {{ readable: ReadableStream<VideoFrame> | null, quality: number, fps: number, steadyFps: number, folder: string | null, name: string }} job
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal aborting it ends the recording, and gives the file
 */
async function record({ readable, quality, fps, steadyFps, folder, name }, emit, signal) {
    const output = await openOutput(folder, name);
    let bytes = 0;
    const encoder = await DiffyEncoder.create({
        codec: await loadCodec(), format: 2, quality, effort: 1, frameRate: steadyFps || fps, timeBase: [1, 1000],
        segmentSeconds: 2, // what a crash may lose, besides the frames looked ahead
        write(data) {
            output.write(data);
            bytes += data.length;
        },
    });
    const fit = fitter();
    let first = NaN, last = NaN, dropped = 0, flushed = performance.now(), reported = 0;
    try {
        for await (const frame of readable ? streamed(readable, signal) : posted(signal)) {
            try {
                const time = frame.timestamp / 1e6;
                if (Number.isNaN(first)) first = time;
                // A faster camera than asked for: leave out what would come too early.
                if (time - last < 0.6 / fps) continue;
                last = time;
                await encoder.push(fit(frame), { timestamp: time - first });
                // Counted over the whole, since frames come earlier and later than their rate says.
                dropped = Math.max(dropped, Math.floor((last - first) * steadyFps) + 1 - encoder.framesPushed);
            } finally {
                frame.close();
            }
            const now = performance.now();
            if (now - flushed > 1000) {
                output.flush();
                flushed = now;
            }
            if (now - reported > 200) {
                reported = now;
                emit({ frames: encoder.framesPushed, dropped: Math.max(dropped, mailbox.dropped), bytes, seconds: last - first });
            }
        }
        const stats = encoder.finish();
        return { file: await output.finish(), stats, dropped: Math.max(dropped, mailbox.dropped), seconds: last - first };
    } catch (error) {
        await output.discard();
        throw error;
    } finally {
        encoder.close();
    }
}

/**
 * @param {ReadableStream<VideoFrame>} readable
 * @param {AbortSignal} signal
 */
async function* streamed(readable, signal) {
    const reader = readable.getReader();
    const stopped = new Promise((/** @type {(value: { done: true, value: undefined }) => void} */ resolve) => {
        signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
    });
    try {
        while (!signal.aborted) {
            const { done, value } = await Promise.race([reader.read(), stopped]);
            if (done || !value) return;
            yield value;
        }
    } finally {
        void reader.cancel();
    }
}

/** @param {AbortSignal} signal
 * @returns {AsyncGenerator<VideoFrame>} */
async function* posted(signal) {
    signal.addEventListener('abort', () => mailbox.wake(), { once: true });
    while (!signal.aborted) {
        const frame = mailbox.waiting;
        mailbox.waiting = null;
        if (frame) yield frame;
        else await new Promise((/** @type {(value?: unknown) => void} */ resolve) => (mailbox.wake = resolve));
    }
}

/** A shared window may change its size: later frames are fitted into the first one's.
 * @returns {(frame: VideoFrame) => VideoFrame | ImageData} */
function fitter() {
    /** @type {OffscreenCanvas | null} */
    let canvas = null;
    let width = 0, height = 0;
    return (frame) => {
        if (!width) [width, height] = [frame.visibleRect?.width ?? frame.codedWidth, frame.visibleRect?.height ?? frame.codedHeight];
        if (frame.visibleRect?.width === width && frame.visibleRect.height === height) return frame;
        canvas ??= new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        if (!context) throw new Error('The size of the picture changed, and this browser gives no canvas to fit it.');
        const scale = Math.min(width / frame.displayWidth, height / frame.displayHeight), w = frame.displayWidth * scale, h = frame.displayHeight * scale;
        context.fillRect(0, 0, width, height);
        context.drawImage(frame, (width - w) / 2, (height - h) / 2, w, h);
        return context.getImageData(0, 0, width, height);
    };
}
