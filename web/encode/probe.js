/** The source worker's look at what was dropped, before its turn comes: whether it can be read, how long it is, and its first picture. */
import { rgbColour } from '../../wasm/meaning.js';
import { shownFrame } from './media.js';
import { openSource } from './sources.js';

const thumbnailWidth = 96;

/**
 * @param {{ source: import('./options.js').Source, settings: import('./options.js').EncodeSettings, element?: MessagePort }} args
 * @returns {Promise<import('./job.js').Probe>}
 */
export async function probe({ source, settings, element }) {
    const opened = await openSource(source, settings, element);
    try {
        const { frameRate, expectedFrames, lastTimestamp } = opened;
        for await (const { frame: own, rotation } of opened.frames()) {
            const frame = 'format' in own && !('displayWidth' in own) ? shownFrame(own, opened.colour ?? rgbColour(own.height)) : own;
            const [w, h] = 'displayWidth' in frame ? [frame.displayWidth, frame.displayHeight] : [frame.width, frame.height];
            const [width, height] = rotation % 180 ? [h, w] : [w, h];
            try {
                return { width, height, frames: expectedFrames, seconds: lastTimestamp || expectedFrames / frameRate, thumbnail: await thumbnailOf(frame, rotation, width, height) };
            } finally {
                if ('close' in frame) frame.close();
            }
        }
        throw new Error('It has no frames.');
    } finally {
        opened.close();
    }
}

/**
 * @param {VideoFrame | ImageData} frame
 * @param {number} rotation
 * @param {number} width of the upright picture
 * @param {number} height
 */
async function thumbnailOf(frame, rotation, width, height) {
    const bitmap = await createImageBitmap(frame), scale = thumbnailWidth / Math.max(width, height * 1.6);
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))), context = canvas.getContext('2d');
    if (!context) return null;
    context.translate(canvas.width / 2, canvas.height / 2);
    context.rotate((rotation * Math.PI) / 180);
    const [w, h] = rotation % 180 ? [canvas.height, canvas.width] : [canvas.width, canvas.height];
    context.drawImage(bitmap, -w / 2, -h / 2, w, h);
    bitmap.close();
    return canvas.transferToImageBitmap();
}
