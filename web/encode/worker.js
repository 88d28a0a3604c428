/**
 * The encode page's encoding worker: frames that the source worker holds ready, into a finished .dfy. Each frame is awaited
 * before the next is asked for: that keeps memory flat.
 */
import { DiffyDecoder, DiffyEncoder } from '../../wasm/index.js';
import { loadCodec } from '../shared/codec.js';
import { receiveFrames } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { openOutput, openPlace } from '../shared/storage.js';

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
 * @typedef {object} EncodedFile
 * @property {Blob} file
 * @property {string | null} place
 * @property {import('../../wasm/encoder.js').EncoderStats} stats
 * @property {[number, number][]} growth how the file grew: frames that were coded, bytes that it had with them
 */

/** What was encoded is out of this worker's memory after so many milliseconds, for a tab that is closed. */
const releaseTime = 1000;

/**
 * What a file that was broken off has.
 * @typedef {object} Broken
 * @property {File} file
 * @property {number} frames
 * @property {boolean} hasSound
 * @property {number} soundEnd seconds
 */

/**
 * @param {string} place
 * @param {import('../../wasm/index.js').Codec} codec
 * @returns {Promise<Broken | null>} null: there is nothing to go on with
 */
async function openBroken(place, codec) {
    try {
        const file = await openPlace(place), decoder = await DiffyDecoder.open(file, { codec });
        try {
            let soundEnd = -Infinity;
            for (const { timestamp, duration } of decoder.soundPackets()) soundEnd = timestamp + duration;
            return decoder.info.frames && decoder.info.format > 1 ? { file, frames: decoder.info.frames, hasSound: soundEnd > -Infinity, soundEnd } : null;
        } finally {
            decoder.close();
        }
    } catch {
        return null;
    }
}

/**
 * @param {{ port: MessagePort, facts: import('./sources.js').SourceFacts, settings: import('./options.js').EncodeSettings, folder: string | null, name: string, keep?: string, goOn?: string | null }} job
 *     port: the source worker's; keep: the file's name once it is whole; goOn: the place of a file of it that was broken off: how many frames
 *     that has is emitted as `adopted` before any more are waited for
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function encode({ port, facts, settings, folder, name, keep, goOn }, emit, signal) {
    loading ??= loadCodec();
    const output = await openOutput(folder, name);
    let written = 0, released = performance.now();
    /** How the file grew: frames that were coded, bytes that it had with them.
     * @type {[number, number][]} */
    const growth = [];
    try {
        const progress = progressReporter(emit, facts.expectedFrames);
        const codec = await loading, broken = goOn ? await openBroken(goOn, codec) : null;
        const encoder = await DiffyEncoder.create({
            codec,
            quality: settings.quality, mode: settings.mode, format: settings.format || undefined, effort: settings.effort,
            warmupFrames: settings.warmupFrames, cloneDistance: settings.cloneDistance, targetSize: settings.targetSize ? Math.max(1, settings.targetSize - (broken?.file.size ?? 0)) : undefined,
            frameRate: facts.rate ?? facts.frameRate, timeBase: facts.timeBase,
            primaries: facts.colour?.primaries ?? 1, transfer: facts.colour?.transfer ?? 13, sampleAspect: facts.sampleAspect,
            start: facts.start === undefined ? undefined : new Date(facts.start), expectedFrames: Math.max(1, facts.expectedFrames - (broken?.frames ?? 0)), signal,
            write(data) {
                output.write(data);
                written += data.length;
            },
            onProgress: progress.fromCodec,
        });
        let last = 0;
        try {
            if (goOn) {
                if (broken) await encoder.goOn(broken.file);
                output.flush();
                emit({ adopted: encoder.framesPushed });
            }
            /** @type {import('../shared/frames.js').Ending} */
            let ending = { lastDuration: 0, warnings: [] };
            const keepSound = facts.sound && settings.format !== 1 ? facts.sound : null;
            let hasSound = false, added = false;
            if (broken) hasSound = broken.hasSound;
            const addSound = (/** @type {import('../shared/frames.js').SentFrame['sound']} */ packets = []) => {
                const due = packets.filter(({ data, timestamp, duration }) => data.length && (!broken || timestamp + duration / 2 > broken.soundEnd));
                if (!keepSound || !due.length || !encoder.width) return;
                if (!added) encoder.addSound(keepSound);
                hasSound = added = true;
                for (const packet of due) encoder.pushSound(packet);
            };
            for await (const { picture, timestamp, rotation, flip, made, sound } of receiveFrames(port, (known) => (ending = known))) {
                if (paused) await paused;
                last = Math.max(last, timestamp ?? 0);
                const { height } = picture, colour = facts.colour ?? { matrix: height < 720 ? 6 : 1, range: 0 };
                await encoder.push(picture, { timestamp, rotation, flip, colour, made });
                addSound(sound);
                if (performance.now() - released > releaseTime) {
                    output.release();
                    released = performance.now();
                }
                const { coded } = encoder;
                if (coded.frames && coded.frames !== growth.at(-1)?.[0]) growth.push([coded.frames, coded.bytes]);
                progress.frames(encoder.framesPushed, written, coded);
            }
            addSound(ending.sound);
            if (ending.lastDuration > 0) encoder.setLastDuration(ending.lastDuration);
            const stats = encoder.finish();
            const file = await output.finish(keep);
            // A video whose frames end well before the last one that it tells of was cut.
            const cutAt = facts.cut || (facts.lastTimestamp && last < facts.lastTimestamp - 0.5) ? last : null;
            return { file, place: output.place, stats, growth, cutAt, hasSound, warnings: ending.warnings, threads: codec.threads, width: encoder.width, height: encoder.height };
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
    let last = 0, told = 0, stage = 'background';
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
         * @param {number} bytes written
         * @param {{ frames: number, bytes: number }} coded */
        frames(done, bytes, coded) {
            // When a group has been coded is not to be missed: what the rest will take is foretold from it.
            const news = coded.frames !== told;
            if (due() || news) emit({ stage, done, total: Math.max(done, expectedFrames), bytes, ...(news ? { coded } : {}) });
            told = coded.frames;
        },
    };
}
