/**
 * The encode page's encoding worker: frames that the source worker holds ready, into a finished .dfy. Each frame is awaited
 * before the next is asked for: that keeps memory flat.
 */
import { DiffyEncoder } from '../../wasm/index.js';
import { loadCodec } from '../shared/codec.js';
import { receiveFrames } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { openOutput } from '../shared/storage.js';

/** @type {Promise<import('../../wasm/index.js').Codec> | null} */
let loading = null;
/** @type {Promise<void> | null} */
let paused = null;
let resume = () => {};

serve({
    /** Loads the codec before there is anything to encode. */
    async prepare() {
        await (loading ??= loadCodec());
    },
    encode,
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
 * @param {{ port: MessagePort, facts: import('./sources.js').SourceFacts, settings: import('./options.js').EncodeSettings, folder: string | null, name: string }} job
 *     port: the source worker's
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function encode({ port, facts, settings, folder, name }, emit, signal) {
    loading ??= loadCodec();
    const output = await openOutput(folder, name);
    let written = 0;
    /** How the file grew: frames that had come, bytes that were out.
     * @type {[number, number][]} */
    const growth = [];
    try {
        const progress = progressReporter(emit, facts.expectedFrames);
        const codec = await loading;
        const encoder = await DiffyEncoder.create({
            codec,
            quality: settings.quality, mode: settings.mode, format: settings.format || undefined, effort: settings.effort,
            warmupFrames: settings.warmupFrames, cloneDistance: settings.cloneDistance,
            frameRate: facts.frameRate, timeBase: facts.timeBase, expectedFrames: facts.expectedFrames, signal,
            write(data) {
                output.write(data);
                written += data.length;
                const last = growth.at(-1);
                if (last?.[0] === encoder.framesPushed) last[1] = written;
                else growth.push([encoder.framesPushed, written]);
            },
            onProgress: progress.fromCodec,
        });
        let last = 0;
        try {
            for await (const { picture, timestamp, rotation, flip } of receiveFrames(port)) {
                if (paused) await paused;
                last = Math.max(last, timestamp ?? 0);
                await encoder.push(picture, { timestamp, rotation, flip, colorSpace: facts.colorSpace });
                progress.frames(encoder.framesPushed, written);
            }
            const stats = encoder.finish();
            const file = await output.finish();
            // A video whose frames end well before the last one that it tells of was cut.
            const cutAt = facts.lastTimestamp && last < facts.lastTimestamp - 0.5 ? last : null;
            return { file, place: output.place, stats, growth, cutAt, threads: codec.threads, width: encoder.width, height: encoder.height };
        } finally {
            encoder.close();
        }
    } catch (error) {
        await output.discard();
        throw error;
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
            if (stage === 'cycles' && (changed || due())) emit({ stage, done: progress.done, total: progress.total });
        },
        /** @param {number} done
         * @param {number} bytes */
        frames(done, bytes) {
            if (due()) emit({ stage, done, total: Math.max(done, expectedFrames), bytes });
        },
    };
}
