/**
 * The encode page's worker: one recording from its source to a finished .dfy. Frames are decoded, copied and encoded
 * one after another; awaiting each step is what keeps memory flat.
 */
import { DiffyEncoder } from '../../wasm/index.js';
import { loadCodec } from '../shared/codec.js';
import { serve } from '../shared/rpc.js';
import { openOutput } from '../shared/storage.js';
import { compareCurve, compareFrame, openComparison } from './compare.js';
import { scaler } from './scale.js';
import { listZip, openSource } from './sources.js';

/** @type {Promise<void> | null} */
let paused = null;
let resume = () => {};

serve({
    list: ({ file }) => listZip(file),
    encode,
    openComparison,
    compareFrame,
    compareCurve,
    pause() {
        paused ??= new Promise((resolve) => {
            resume = resolve;
        });
    },
    resume() {
        paused = null;
        resume();
    },
});

/**
 * @param {{ source: import('./options.js').Source, settings: import('./options.js').EncodeSettings, folder: string | null, name: string, element?: MessagePort }} job
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function encode({ source, settings, folder, name, element }, emit, signal) {
    const started = performance.now();
    const input = await openSource(source, settings, element);
    const output = await openOutput(folder, name);
    let written = 0;
    /** How the file grew: frames that had come, bytes that were out.
     * @type {[number, number][]} */
    const growth = [];
    try {
        const progress = progressReporter(emit, input.expectedFrames);
        const codec = await loadCodec();
        const encoder = await DiffyEncoder.create({
            codec,
            quality: settings.quality, mode: settings.mode, format: settings.format || undefined, effort: settings.effort,
            warmupFrames: settings.warmupFrames, cloneDistance: settings.cloneDistance,
            frameRate: input.frameRate, timeBase: input.timeBase, expectedFrames: input.expectedFrames, signal,
            write(data) {
                output.write(data);
                written += data.length;
                const last = growth.at(-1);
                if (last?.[0] === encoder.framesPushed) last[1] = written;
                else growth.push([encoder.framesPushed, written]);
            },
            onProgress: progress.fromCodec,
        });
        try {
            emit({ type: 'facts', slow: !!input.slow, hasAudio: input.hasAudio, expectedFrames: input.expectedFrames, inputBytes: input.inputBytes, frameRate: input.frameRate });
            const scale = scaler(settings.maxWidth);
            for await (const { frame, timestamp, rotation, flip } of input.frames()) {
                try {
                    if (paused) await paused;
                    await encoder.push(scale(frame, rotation), { timestamp, rotation, flip, colorSpace: input.colorSpace });
                } finally {
                    if ('close' in frame) frame.close();
                }
                progress.frames(encoder.framesPushed, written);
            }
            const stats = encoder.finish();
            const file = await output.finish();
            return { file, place: output.place, stats, growth, threads: codec.threads, width: encoder.width, height: encoder.height, seconds: (performance.now() - started) / 1000, inputBytes: input.inputBytes };
        } finally {
            encoder.close();
        }
    } catch (error) {
        await output.discard();
        throw error;
    } finally {
        input.close();
    }
}

/**
 * At most ten reports a second reach the page.
 * @param {(event: any) => void} emit
 * @param {number} expectedFrames
 */
function progressReporter(emit, expectedFrames) {
    let last = 0, stage = 'background';
    const due = () => {
        const now = performance.now();
        if (now - last < 100) return false;
        last = now;
        return true;
    };
    return {
        /** @param {import('../../wasm/encoder.js').EncoderProgress} progress */
        fromCodec(progress) {
            const changed = progress.stage !== stage;
            stage = progress.stage;
            // While frames come in, how many of them have come says more than what the codec did with each.
            if (stage === 'cycles' && (changed || due())) emit({ type: 'progress', stage, done: progress.done, total: progress.total });
        },
        /** @param {number} done
         * @param {number} bytes */
        frames(done, bytes) {
            if (due()) emit({ type: 'progress', stage, done, total: Math.max(done, expectedFrames), bytes });
        },
    };
}
