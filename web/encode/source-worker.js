/**
 * The encode page's worker for what goes in: it lists, opens and decodes recordings, and sends their frames to the encoding
 * worker as pixels, some ahead of it, so that decoding goes on while that one is busy. Original and decoded are compared here too.
 */
import { copyVideoFrame } from '../../wasm/picture.js';
import { FrameSender } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { compareCurve, compareFrame, openComparison } from './compare.js';
import { weightsOf } from './foretell.js';
import { probe } from './probe.js';
import { scaler } from './scale.js';
import { listZip, openSource, packZip } from './sources.js';

/** The encoder takes a group of frames quickly, then is busy with it for as long: the next group is ready by then. Of large
 * pictures, which take long to encode anyway, a few are enough. */
const ahead = { frames: 32, bytes: 12e6 };

/** Packets of sound that may be missing in a file that was broken off: a segment's, and more. */
const soundHeld = 10_000;

/** @type {import('./sources.js').OpenSource | null} */
let input = null;

serve({ list: ({ file }) => listZip(file), pack: ({ files }, emit) => packZip(files, emit), open, send, weights, probe, openComparison, compareFrame, compareCurve });

/**
 * Opens a recording.
 * @param {{ source: import('./options.js').Source, settings: import('./options.js').EncodeSettings, element?: MessagePort }} args
 * @returns {Promise<import('./sources.js').SourceFacts>}
 */
async function open({ source, settings, element }) {
    input = await openSource(source, settings, element);
    const { frameRate, rate, timeBase, expectedFrames, cut, lastTimestamp, inputBytes, hasAudio, colour, sampleAspect, sound, start, slow } = input;
    return { frameRate, rate, timeBase, expectedFrames, cut, lastTimestamp, inputBytes, hasAudio, colour, sampleAspect, sound, start, slow };
}

/**
 * What the source's packets tell of how much happens in each frame of a part; null where they tell nothing.
 * @param {{ from: number, to: number }} part seconds
 */
async function weights({ from, to }) {
    const packets = await input?.packetSizes?.().catch(() => null), rate = input?.frameRate ?? 30;
    const part = packets?.filter(({ timestamp }) => timestamp >= from - 0.25 / rate && timestamp < to);
    return part?.length ? weightsOf(part.map(({ bytes }) => bytes)) : null;
}

/**
 * Sends the frames of the recording that is open, or those of a part of it. What goes wrong with it reaches the encoding worker.
 * @param {{ port: MessagePort, maxWidth: number, from?: number, to?: number, until?: number, skip?: number }} args from, to: seconds; until: stops
 *     when so many milliseconds have passed; skip: frames that are encoded already
 * @returns {Promise<{ index: number, timestamp: number } | null>} the first frame sent, and what its time became less
 */
async function send({ port, maxWidth, from = 0, to = Infinity, until = Infinity, skip = 0 }) {
    const stop = performance.now() + until;
    /** @type {{ index: number, timestamp: number } | null} */
    let first = null;
    let index = -1, whole = true;
    /** Packets that came with frames which are passed over: those that are encoded already have most of them.
     * @type {import('../../wasm/decoder.js').DiffySoundPacket[]} */
    let held = [];
    const sender = new FrameSender(port, ahead), scale = scaler(maxWidth);
    try {
        if (!input) throw new Error('No recording is open.');
        for await (const { frame, timestamp, rotation, flip, made, scaled, sound } of input.frames()) {
            try {
                const at = timestamp ?? ++index / input.frameRate;
                if (timestamp !== undefined) index++;
                if (at >= to || performance.now() > stop) {
                    whole = false;
                    break;
                }
                // Half a frame's leeway: times are rounded.
                if (at < from - 0.25 / input.frameRate) continue;
                first ??= { index, timestamp: from ? at : 0 };
                if (skip > 0) {
                    skip--;
                    if (sound) held = [...held.slice(-soundHeld), ...sound];
                    continue;
                }
                const picture = await pixelsOf(scaled ? frame : await scale(/** @type {VideoFrame | ImageData} */ (frame), rotation), sender);
                sender.send({ picture, timestamp: timestamp === undefined ? timestamp : timestamp - first.timestamp, rotation, flip, made, sound: soundOf([...held, ...(sound ?? [])], first, from) });
                held = [];
            } finally {
                if ('close' in frame) frame.close();
            }
            await sender.room();
        }
        // Of a part nothing is known of how it ends.
        const { lastDuration, warnings, sound } = input.ending;
        sender.end(undefined, whole ? { lastDuration, warnings, sound: soundOf([...held, ...(sound ?? [])], first, from) } : { lastDuration: 0, warnings });
    } catch (error) {
        sender.end(error);
    } finally {
        input?.close();
        input = null;
    }
    return first;
}

/**
 * Packets of sound with times that a part has, without those before it.
 * @param {import('./sources.js').SourceFrame['sound']} packets
 * @param {{ timestamp: number } | null} first
 * @param {number} from
 */
function soundOf(packets, first, from) {
    const start = first?.timestamp ?? 0;
    return packets?.filter(({ timestamp, duration }) => !from || timestamp + duration > start).map((packet) => ({ ...packet, timestamp: packet.timestamp - start }));
}

/**
 * @param {import('./sources.js').SourceFrame['frame']} frame
 * @param {FrameSender} sender
 * @returns {Promise<import('../../wasm/encoder.js').RawFrame>}
 */
async function pixelsOf(frame, sender) {
    if ('displayWidth' in frame) return copyVideoFrame(frame, (bytes) => sender.memoryFor(bytes));
    if ('format' in frame) return frame;
    const { width, height, data } = frame;
    return { format: 'RGBA', width, height, data };
}
