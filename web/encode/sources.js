/**
 * Frames from videos, images and zips, one at a time, for the worker. Every kind has the same face: facts, and an
 * async generator that is asked for the next frame only when there is room for it.
 */
import { BlobReader, Uint8ArrayWriter, ZipReader, configure } from '@zip.js/zip.js';
import { openVideo } from '../../wasm/video.js';
import { formatBytes, naturalOrder } from '../shared/text.js';
import { imagePattern, isClutter } from './options.js';

// This is a worker already, and the page's security policy allows none made from text.
configure({ useWebWorkers: false });

/**
 * @typedef {object} SourceFrame
 * @property {VideoFrame | ImageData} frame
 * @property {number} [timestamp] seconds
 * @property {0 | 90 | 180 | 270} rotation
 * @property {boolean} flip
 */

/**
 * @typedef {object} SourceFacts
 * @property {number} frameRate
 * @property {[number, number]} [timeBase]
 * @property {number} expectedFrames
 * @property {number} [lastTimestamp] of the last frame that a video tells of, in seconds
 * @property {number} inputBytes
 * @property {boolean} hasAudio
 * @property {VideoColorSpaceInit} [colorSpace]
 * @property {boolean} [slow] stepped through a <video> element
 */

/**
 * @typedef {object} SourceFrames
 * @property {() => AsyncGenerator<SourceFrame>} frames VideoFrames are the consumer's to close
 * @property {(places: { index: number, timestamp: number }[]) => AsyncGenerator<SourceFrame | null>} framesAt frames out of order of need, rising
 * @property {() => void} close
 */

/** @typedef {SourceFacts & SourceFrames} OpenSource */

/** An image that unpacks to more than this is refused: it would be larger than the largest picture. */
const maxImageBytes = 512e6;

/**
 * @param {import('./options.js').Source} source
 * @param {{ frameRate: number }} settings
 * @param {MessagePort} [element] to a <video> element of the page, for what WebCodecs can't decode
 * @returns {Promise<OpenSource>}
 */
export async function openSource(source, { frameRate }, element) {
    if (source.kind === 'images') {
        const files = [...source.files].sort((a, b) => naturalOrder(pathOf(a), pathOf(b)));
        return imageSource(files.map((file) => ({ name: pathOf(file), size: file.size, open: async () => file })), frameRate, () => {});
    }
    if (source.kind === 'zip') return openZip(source.file, source.folder, frameRate);
    const video = await openVideo(source.file, { anyCodec: !!element });
    if (!video.decodable && element) return elementSource(video, source.file.size, element);
    return { ...video, inputBytes: source.file.size, framesAt: (places) => video.framesAt(places.map(({ timestamp }) => timestamp)) };
}

/**
 * The page's <video> element, stepped from frame to frame: slower, but it needs no WebCodecs. It turns the picture itself.
 * @param {import('../../wasm/video.js').OpenVideo} video
 * @param {number} inputBytes
 * @param {MessagePort} port
 * @returns {OpenSource}
 */
function elementSource(video, inputBytes, port) {
    const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext('2d', { willReadFrequently: true });
    const { frameRate, timeBase, expectedFrames, hasAudio } = video;
    /** @param {number} timestamp
     * @returns {Promise<SourceFrame>} */
    const at = async (timestamp) => {
        // The middle of the frame: at its very start rounding could show the one before.
        port.postMessage({ time: timestamp + 0.5 / frameRate });
        const { data } = await new Promise((/** @type {(event: MessageEvent) => void} */ resolve) => (port.onmessage = resolve));
        if (data.error || !context) throw new Error(data.error);
        const { width, height } = data.bitmap;
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        context.drawImage(data.bitmap, 0, 0);
        data.bitmap.close();
        return { frame: context.getImageData(0, 0, width, height), timestamp, rotation: 0, flip: false };
    };
    return {
        frameRate, timeBase, expectedFrames, inputBytes, hasAudio, slow: true,
        close: video.close,
        async *frames() {
            for (const timestamp of await video.timestamps()) yield at(timestamp);
        },
        async *framesAt(places) {
            for (const { timestamp } of places) yield at(timestamp);
        },
    };
}

/** @param {File} file */
function pathOf(file) {
    return file.webkitRelativePath || file.name;
}

/**
 * The recordings in a zip: every folder that holds images is one.
 * @param {File} file
 * @returns {Promise<{ folder: string, frames: number, bytes: number }[]>}
 */
export async function listZip(file) {
    const reader = new ZipReader(new BlobReader(file));
    try {
        /** @type {Map<string, { folder: string, frames: number, bytes: number }>} */
        const folders = new Map();
        for (const { folder, entry } of await zipImages(reader)) {
            const recording = folders.get(folder) ?? { folder, frames: 0, bytes: 0 };
            recording.frames++;
            recording.bytes += entry.compressedSize;
            folders.set(folder, recording);
        }
        return [...folders.values()].sort((a, b) => naturalOrder(a.folder, b.folder));
    } finally {
        await reader.close();
    }
}

/** @param {ZipReader<Blob>} reader */
async function zipImages(reader) {
    let entries;
    try {
        entries = await reader.getEntries();
    } catch {
        throw new Error("This .zip can't be read: it is damaged or not a zip.");
    }
    const images = [];
    for (const entry of entries) {
        if (entry.directory || isClutter(entry.filename) || !imagePattern.test(entry.filename)) continue;
        const slash = entry.filename.lastIndexOf('/');
        images.push({ folder: entry.filename.slice(0, Math.max(0, slash)), entry });
    }
    return images;
}

/**
 * @param {File} file
 * @param {string} folder
 * @param {number} frameRate
 */
async function openZip(file, folder, frameRate) {
    const reader = new ZipReader(new BlobReader(file));
    const images = (await zipImages(reader)).filter((image) => image.folder === folder).map(({ entry }) => entry);
    images.sort((a, b) => naturalOrder(a.filename, b.filename));
    const frames = images.map((entry) => ({
        name: entry.filename,
        size: entry.compressedSize,
        async open() {
            if (entry.encrypted) throw new Error('it is encrypted; unpack the .zip first');
            if (entry.uncompressedSize > maxImageBytes) throw new Error(`it would unpack to ${formatBytes(entry.uncompressedSize)}, which no picture needs`);
            return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (await entry.getData(new Uint8ArrayWriter(), { checkSignature: true }))]);
        },
    }));
    return imageSource(frames, frameRate, () => void reader.close());
}

/**
 * @param {{ name: string, size: number, open: () => Promise<Blob> }[]} images in order
 * @param {number} frameRate
 * @param {() => void} close
 * @returns {OpenSource}
 */
function imageSource(images, frameRate, close) {
    if (!images.length) throw new Error('There are no images here: frames must be PNG, JPEG or another format this browser shows.');
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('This browser gives no canvas to decode images with.');
    /** The first image's. */
    let width = 0, height = 0;
    const read = async (/** @type {typeof images[0]} */ image) => {
        const frame = await readImage(image, canvas, context);
        if (!width) ({ width, height } = frame);
        if (frame.width !== width || frame.height !== height)
            throw new Error(`${image.name} is ${frame.width} x ${frame.height} pixels, but the recording is ${width} x ${height}: scale it, or encode it apart.`);
        return /** @type {SourceFrame} */ ({ frame, rotation: 0, flip: false });
    };
    return {
        frameRate, expectedFrames: images.length, hasAudio: false, close,
        inputBytes: images.reduce((sum, { size }) => sum + size, 0),
        async *frames() {
            for (const image of images) yield read(image);
        },
        async *framesAt(places) {
            for (const { index } of places) yield images[index] ? read(images[index]) : null;
        },
    };
}

/**
 * @param {{ name: string, open: () => Promise<Blob> }} image
 * @param {OffscreenCanvas} canvas
 * @param {OffscreenCanvasRenderingContext2D} context
 */
async function readImage(image, canvas, context) {
    const blob = await image.open().catch((error) => {
        throw new Error(`${image.name} can't be unpacked: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}.`);
    });
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' }).catch(() => {
        throw new Error(`${image.name} is damaged, too large for this browser, or not an image.`);
    });
    const { width, height } = bitmap;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.globalCompositeOperation = 'copy';
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
}
