/**
 * The encode page's worker for what goes in: it lists, opens and decodes recordings, and sends their frames to the encoding
 * worker as pixels, some ahead of it, so that decoding goes on while that one is busy. Original and decoded are compared here too.
 */
import { copyVideoFrame } from '../../wasm/picture.js';
import { FrameSender } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { compareCurve, compareFrame, openComparison } from './compare.js';
import { scaler } from './scale.js';
import { listZip, openSource } from './sources.js';

/** The encoder takes a group of frames quickly, then is busy with it for as long: the next group is ready by then. Of large
 * pictures, which take long to encode anyway, a few are enough. */
const ahead = { frames: 32, bytes: 20e6 };

/** @type {import('./sources.js').OpenSource | null} */
let input = null;

serve({ list: ({ file }) => listZip(file), open, send, openComparison, compareFrame, compareCurve });

/**
 * Opens a recording.
 * @param {{ source: import('./options.js').Source, settings: import('./options.js').EncodeSettings, element?: MessagePort }} args
 * @returns {Promise<import('./sources.js').SourceFacts>}
 */
async function open({ source, settings, element }) {
    input = await openSource(source, settings, element);
    const { frameRate, timeBase, expectedFrames, lastTimestamp, inputBytes, hasAudio, colorSpace, slow } = input;
    return { frameRate, timeBase, expectedFrames, lastTimestamp, inputBytes, hasAudio, colorSpace, slow };
}

/**
 * Sends the frames of the recording that is open. What goes wrong with it reaches the encoding worker.
 * @param {{ port: MessagePort, maxWidth: number }} args
 */
async function send({ port, maxWidth }) {
    const sender = new FrameSender(port, ahead), scale = scaler(maxWidth);
    try {
        if (!input) throw new Error('No recording is open.');
        for await (const { frame, timestamp, rotation, flip } of input.frames()) {
            try {
                sender.send({ picture: await pixelsOf(scale(frame, rotation), sender), timestamp, rotation, flip });
            } finally {
                if ('close' in frame) frame.close();
            }
            await sender.room();
        }
        sender.end();
    } catch (error) {
        sender.end(error);
    } finally {
        input?.close();
        input = null;
    }
}

/**
 * @param {VideoFrame | ImageData} frame
 * @param {FrameSender} sender
 * @returns {Promise<import('../../wasm/encoder.js').RawFrame>}
 */
async function pixelsOf(frame, sender) {
    if ('displayWidth' in frame) return copyVideoFrame(frame, (bytes) => sender.memoryFor(bytes));
    const { width, height, data } = frame;
    return { format: 'RGBA', width, height, data };
}
