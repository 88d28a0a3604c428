/**
 * Original beside decoded, in the worker: pictures of single frames, and measures over the whole recording. Where the
 * original is YCbCr and went in as it is, it is compared as it is, and both are shown through the same conversion.
 */
import { Codec, DiffyDecoder } from '../../wasm/index.js';
import { remake } from '../../wasm/made.js';
import { colourSpaceOf, planeLayout } from '../../wasm/picture.js';
import { meanDifference, psnr, ssim } from './measure.js';
import { openSource } from './sources.js';

/** @typedef {{ luma: Uint8Array, image: () => Promise<ImageBitmap> }} Picture */

/** @type {{ decoder: DiffyDecoder, source: import('./sources.js').OpenSource, first: { index: number, timestamp: number } } | null} */
let open = null;

/** @param {{ file: Blob, source: import('./options.js').Source, settings: import('./options.js').EncodeSettings, element?: MessagePort,
 *     first: { index: number, timestamp: number } }} args first: the frame of the source that is the file's first */
export async function openComparison({ file, source, settings, element, first }) {
    const decoder = await DiffyDecoder.open(file, { codec: await Codec.load() });
    open = { decoder, source: await openSource(source, settings, element), first };
    return { info: decoder.info, cycles: decoder.cycles };
}

function opened() {
    if (!open) throw new Error('Nothing is open to compare.');
    return open;
}

/**
 * Both pictures of a frame, their difference times four, and the measures.
 * @param {{ index: number, width: number }} args width: 0 as it is, else no wider
 */
export async function compareFrame({ index, width }, /** @type {any} */ emit) {
    const { decoder, source } = opened();
    for await (const pair of pairs([index], decoder, source)) {
        const [original, decoded] = await Promise.all([pair.original.image(), pair.decoded.image()]);
        const difference = await differenceImage(original, decoded);
        const images = await Promise.all([original, decoded, difference].map((image) => smaller(image, width)));
        emit({ images, index, psnr: psnr(pair.original.luma, pair.decoded.luma), ssim: ssim(pair.original.luma, pair.decoded.luma, decoder.info.width) }, images);
        return true;
    }
    return false;
}

/**
 * Measures of up to `points` frames, evenly spread.
 * @param {{ points: number }} args
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
export async function compareCurve({ points }, emit, signal) {
    const { decoder, source } = opened(), { frames } = decoder.info;
    const count = Math.min(points, frames);
    const indices = Array.from({ length: count }, (_, i) => Math.round((i * (frames - 1)) / Math.max(1, count - 1)));
    const result = [];
    for await (const { index, timestamp, original, decoded, before } of pairs(indices, decoder, source)) {
        signal.throwIfAborted();
        result.push({ index, timestamp, psnr: Math.min(100, psnr(original.luma, decoded.luma)), motion: before ? meanDifference(before, decoded.luma) : 0 });
        if (result.length % 10 === 0) emit({ done: result.length, total: count });
    }
    return result;
}

/**
 * @param {number[]} indices rising
 * @param {DiffyDecoder} decoder
 * @param {import('./sources.js').OpenSource} source
 */
async function* pairs(indices, decoder, source) {
    const places = indices.map((index) => ({ index, timestamp: timestampOf(decoder, index) }));
    let i = 0;
    const { first } = opened(), originals = places.map(({ index, timestamp }) => ({ index: index + first.index, timestamp: timestamp + first.timestamp }));
    for await (const item of source.framesAt(originals)) {
        const { index, timestamp } = places[i++];
        if (!item) continue;
        try {
            const planar = isPlanar(item, decoder.info);
            const before = index > 0 ? lumaOf(read(decoder, index - 1, planar ? 'I420' : 'RGBA')) : null;
            const frame = read(decoder, index, planar ? 'I420' : 'RGBA');
            const original = planar ? await planarPicture(/** @type {VideoFrame} */ (item.frame), frame) : shownPicture(item, decoder.info);
            yield { index, timestamp, before, original, decoded: { luma: lumaOf(frame), image: () => imageOf(frame) } };
        } finally {
            if ('close' in item.frame) item.frame.close();
        }
    }
}

/** @param {DiffyDecoder} decoder
 * @param {number} index */
function timestampOf(decoder, index) {
    // Times are only known with their pictures; nominal ones do where frames come evenly.
    return index === 0 ? 0 : read(decoder, index, 'I420').timestamp;
}

/**
 * @param {DiffyDecoder} decoder
 * @param {number} index
 * @param {'I420' | 'RGBA'} format
 */
function read(decoder, index, format) {
    if (decoder.position !== index) decoder.seek(index);
    const frame = decoder.next(format);
    if (!frame) throw new Error(`Frame ${index} can't be decoded.`);
    return frame;
}

/**
 * @param {import('./sources.js').ShownFrame} item
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 */
function isPlanar({ frame, rotation, flip }, info) {
    if (!('format' in frame) || rotation || flip || frame.format !== 'I420' || !frame.visibleRect) return false;
    return frame.visibleRect.width === info.width && frame.visibleRect.height === info.height;
}

/**
 * @param {VideoFrame} frame
 * @param {import('../../wasm/decoder.js').DiffyFrame} like
 * @returns {Promise<Picture>}
 */
async function planarPicture(frame, like) {
    const { width, height, colour } = like, data = new Uint8Array(like.data.length);
    await frame.copyTo(data, { rect: frame.visibleRect ?? undefined, layout: planeLayout('I420', width, height) });
    return { luma: data.subarray(0, width * height), image: () => planarImage(data, width, height, colour) };
}

/**
 * The original as the encoder got it: turned, mirrored, scaled.
 * @param {import('./sources.js').ShownFrame} item
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 * @returns {Picture}
 */
function shownPicture({ frame, rotation, flip, made }, { width, height, matrix, range }) {
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error("This browser can't compare pictures: it has no OffscreenCanvas.");
    const turned = rotation % 180 !== 0;
    context.imageSmoothingQuality = 'high';
    context.translate(width / 2, height / 2);
    if (flip) context.scale(-1, 1);
    context.rotate((rotation * Math.PI) / 180);
    const [w, h] = turned ? [height, width] : [width, height];
    if ('displayWidth' in frame) {
        context.drawImage(frame, -w / 2, -h / 2, w, h);
    } else {
        const whole = new OffscreenCanvas(frame.width, frame.height);
        whole.getContext('2d')?.putImageData(frame, 0, 0);
        context.drawImage(whole, -w / 2, -h / 2, w, h);
    }
    const pixels = context.getImageData(0, 0, width, height);
    if (made && (made.matrix !== matrix || made.range !== range)) {
        remake(pixels.data, made, { matrix, range });
        context.putImageData(pixels, 0, 0);
    }
    return { luma: lumaOfRgba(pixels.data), image: () => createImageBitmap(canvas) };
}

/** @param {import('../../wasm/decoder.js').DiffyFrame} frame */
function lumaOf({ format, data, width, height }) {
    return format === 'RGBA' ? lumaOfRgba(data) : data.subarray(0, width * height);
}

/** @param {Uint8Array | Uint8ClampedArray} data */
function lumaOfRgba(data) {
    const luma = new Uint8Array(data.length / 4);
    for (let i = 0; i < luma.length; i++) luma[i] = (77 * data[4 * i] + 150 * data[4 * i + 1] + 29 * data[4 * i + 2] + 128) >> 8;
    return luma;
}

/** @param {import('../../wasm/decoder.js').DiffyFrame} frame */
function imageOf(frame) {
    return frame.format === 'RGBA' ? createImageBitmap(frame.toImageData()) : planarImage(frame.data, frame.width, frame.height, frame.colour);
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} width
 * @param {number} height
 * @param {import('../../wasm/picture.js').Colour} colour
 */
async function planarImage(data, width, height, colour) {
    const frame = new VideoFrame(data, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: 0, layout: planeLayout('I420', width, height), colorSpace: colourSpaceOf(colour, height) });
    try {
        return await createImageBitmap(frame);
    } finally {
        frame.close();
    }
}

/** @param {ImageBitmap} a
 * @param {ImageBitmap} b */
async function differenceImage(a, b) {
    const canvas = new OffscreenCanvas(a.width, a.height), context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error("This browser can't compare pictures: it has no OffscreenCanvas.");
    context.drawImage(a, 0, 0);
    context.globalCompositeOperation = 'difference';
    context.drawImage(b, 0, 0);
    const image = context.getImageData(0, 0, a.width, a.height);
    for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : image.data[i] * 4;
    return createImageBitmap(image);
}

/** @param {ImageBitmap} image
 * @param {number} width */
async function smaller(image, width) {
    if (!width || image.width <= width) return image;
    const result = await createImageBitmap(image, { resizeWidth: width, resizeQuality: 'medium' });
    image.close();
    return result;
}
