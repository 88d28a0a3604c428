/**
 * Images with several pictures: GIF, APNG, WebP, through the browser's ImageDecoder; and what can be told of image files
 * without decoding them.
 */
import { nominalRate, rgbColour } from '../../wasm/meaning.js';

/** As far as headers of images reach that tell whether they are animated. */
const headBytes = 1 << 20;

/**
 * The type of an image with several pictures; null for others.
 * @param {Blob} file
 * @returns {Promise<'image/gif' | 'image/png' | 'image/webp' | null>}
 */
export async function animatedType(file) {
    const bytes = new Uint8Array(await file.slice(0, headBytes).arrayBuffer()), text = (/** @type {number} */ at, length = 4) => String.fromCharCode(...bytes.subarray(at, at + length));
    if (text(0, 3) === 'GIF') return gifPictures(bytes) > 1 ? 'image/gif' : null;
    if (text(0) === 'RIFF' && text(8) === 'WEBP') return text(12) === 'VP8X' && bytes[20] & 2 ? 'image/webp' : null;
    return text(1, 3) === 'PNG' && pngChunks(bytes).has('acTL') ? 'image/png' : null;
}

/**
 * Where the data of a PNG's chunks before its pixels begin, by their type.
 * @param {Uint8Array} bytes its first, or all
 * @returns {Map<string, number>}
 */
export function pngChunks(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), chunks = new Map();
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
        const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
        if (type === 'IDAT') break;
        chunks.set(type, at + 8);
    }
    return chunks;
}

/**
 * Where the data of a WebP's chunks begin, by their type: of each the first.
 * @param {Uint8Array} bytes its first, or all
 * @returns {Map<string, number>} empty for other images
 */
export function webpChunks(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), chunks = new Map();
    const text = (/** @type {number} */ at) => String.fromCharCode(...bytes.subarray(at, at + 4));
    if (text(0) !== 'RIFF' || text(8) !== 'WEBP') return chunks;
    for (let at = 12; at + 8 < bytes.length; at += 8 + 2 * Math.ceil(view.getUint32(at + 4, true) / 2)) if (!chunks.has(text(at))) chunks.set(text(at), at + 8);
    return chunks;
}

/** Pictures of a GIF, as far as they are there; two are enough to know.
 * @param {Uint8Array} bytes */
function gifPictures(bytes) {
    let at = 13 + (bytes[10] & 0x80 ? 3 << ((bytes[10] & 7) + 1) : 0), pictures = 0;
    const skipBlocks = () => {
        while (at < bytes.length && bytes[at]) at += bytes[at] + 1;
        at++;
    };
    while (at < bytes.length && pictures < 2) {
        if (bytes[at] === 0x21) {
            at += 2;
            skipBlocks();
        } else if (bytes[at] === 0x2c) {
            pictures++;
            at += 10 + (bytes[at + 9] & 0x80 ? 3 << ((bytes[at + 9] & 7) + 1) : 0) + 1;
            skipBlocks();
        } else {
            break;
        }
    }
    return pictures;
}

/**
 * Whether a JPEG ends before its picture does: browsers show the rest grey without a word.
 * @param {Blob} blob
 */
export async function isCutJpeg(blob) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return false;
    let at = 2, inScan = false;
    while (at + 1 < bytes.length) {
        if (bytes[at] !== 0xff) {
            at++;
            continue;
        }
        const marker = bytes[at + 1];
        if (marker === 0xd9) return false;
        if (marker === 0xff) at++;
        else if (marker === 0 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
        else {
            inScan = marker === 0xda;
            at += 2 + (bytes[at + 2] << 8 | bytes[at + 3]);
        }
    }
    return inScan || at >= bytes.length;
}

/**
 * @param {File} file
 * @param {string} type
 * @returns {Promise<import('./sources.js').OpenSource | null>} null where the browser has no ImageDecoder for it
 */
export async function openAnimation(file, type) {
    const Decoder = /** @type {any} */ (globalThis).ImageDecoder;
    if (!Decoder || !(await Decoder.isTypeSupported(type))) return null;
    const decoder = new Decoder({ data: await file.arrayBuffer(), type, colorSpaceConversion: 'none' });
    await Promise.all([decoder.completed, decoder.tracks.ready]).catch(() => {
        throw new Error(`${file.name} is damaged or cut off.`);
    });
    const count = decoder.tracks.selectedTrack.frameCount, canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error("This browser can't decode images: it has no OffscreenCanvas.");
    /** When pictures begin, in microseconds: each lasts as long as it says, or a tenth of a second. @type {number[]} */
    const times = [0];
    for (let i = 0; i < count; i++) {
        const { image } = await decoder.decode({ frameIndex: i });
        times.push(times[i] + (image.duration > 0 ? image.duration : 1e5));
        if (canvas.width !== image.displayWidth || canvas.height !== image.displayHeight) Object.assign(canvas, { width: image.displayWidth, height: image.displayHeight });
        image.close();
    }
    const rate = nominalRate(times.map((time) => time / 1e6), 1e-6) ?? [10, 1];
    const at = async (/** @type {number} */ index) => {
        const { image } = await decoder.decode({ frameIndex: index });
        context.globalCompositeOperation = 'source-over';
        context.fillStyle = '#000'; // what shows through transparent pixels
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(image, 0, 0);
        image.close();
        return /** @type {import('./sources.js').ShownFrame} */ ({ frame: context.getImageData(0, 0, canvas.width, canvas.height), timestamp: times[index] / 1e6, rotation: 0, flip: false });
    };
    return {
        frameRate: rate[0] / rate[1], rate, timeBase: [1, 1000], expectedFrames: count, inputBytes: file.size, hasAudio: false,
        colour: rgbColour(canvas.height), ending: { lastDuration: (times[count] - times[count - 1]) / 1e6, warnings: [] },
        close: () => decoder.close(),
        async *frames() {
            for (let i = 0; i < count; i++) yield at(i);
        },
        async *framesAt(places) {
            for (const { index } of places) yield index < count ? at(index) : null;
        },
    };
}
