/**
 * By which matrix and range a browser makes RGB of a video's YCbCr. Firefox gives nothing but RGB, made by BT.709 of H.264 and
 * VP9 that don't say theirs, by the size's of AV1, and never by full range. It is measured, with one tiny picture a codec, when
 * the first such frame comes.
 */
import { copyVideoFrame } from './picture.js';

/** A picture of 64 x 64 pixels that says no matrix, by Mediabunny's name of its codec; each pixel is `sample`.
 * @type {Record<string, [string, string]>} */
const pictures = {
    avc: ['avc1.42c00a', 'AAAAAWdCwArZBCaEAAADAAQAAAMAyDxImSAAAAABaMuAQyyAAAABZYiECvEccAAToY4AAsDScnJ1111111111114'],
    vp9: ['vp09.00.10.08', 'gkmDQgAD8AP2ADgkHBgKAAAwYAAAAAb////9dolf////+dcQAAA='],
    av1: ['av01.0.00M.08', 'EgAKCgAAAAKv/5tfIAgyERAAlAAAAgAAACkC6mOs5nT6'],
};
const sample = [128, 90, 190];
/** The same of full range, H.264: a grey of 50. */
const fullPicture = /** @type {[string, string]} */ (['avc1.42c00a', 'AAAAAWdCwArZBCabIAAAAwAgAAAGQeJEyQAAAAFoy4BDLIAAAAFliIQK8mKAAPvMnJydddddddddddde']);
const fullSample = [50, 128, 128];

/** Weights of red and blue in the luma, by H.273's code point.
 * @type {Record<number, [number, number]>} */
const weights = { 1: [0.2126, 0.0722], 4: [0.3, 0.11], 6: [0.299, 0.114], 7: [0.212, 0.087], 9: [0.2627, 0.0593] };

/**
 * @param {number[]} sample Y, Cb, Cr
 * @param {import('./picture.js').Colour} colour
 * @returns {number[]} red, green, blue from 0 to 255, not clipped
 */
function rgbOf([y, cb, cr], { matrix, range }) {
    const [kr, kb] = weights[matrix] ?? weights[6], luma = range ? y : ((y - 16) * 255) / 219, step = range ? 1 : 255 / 224;
    const red = luma + 2 * (1 - kr) * (cr - 128) * step, blue = luma + 2 * (1 - kb) * (cb - 128) * step;
    return [red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue];
}

/**
 * The colour of `candidates` by which the browser makes RGB of a picture; null where that can't be found out.
 * @param {[string, string]} picture
 * @param {number[]} ycbcr that it has
 * @param {import('./picture.js').Colour[]} candidates
 */
async function measure([codec, text], ycbcr, candidates) {
    /** @type {VideoFrame[]} */
    const frames = [];
    const decoder = new VideoDecoder({ output: (frame) => void frames.push(frame), error: () => {} });
    try {
        decoder.configure({ codec, codedWidth: 64, codedHeight: 64 });
        decoder.decode(new EncodedVideoChunk({ type: 'key', timestamp: 0, data: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) }));
        await decoder.flush();
        const { data, width } = await copyVideoFrame(frames[0], (bytes) => new Uint8Array(bytes), 'RGBA'), at = 4 * (32 * width + 32);
        const distance = (/** @type {import('./picture.js').Colour} */ colour) => rgbOf(ycbcr, colour).reduce((sum, value, i) => sum + Math.abs(Math.min(255, Math.max(0, value)) - data[at + i]), 0);
        return candidates.reduce((best, colour) => (distance(colour) < distance(best) ? colour : best));
    } catch {
        return null;
    } finally {
        frames.forEach((frame) => frame.close());
        if (decoder.state !== 'closed') decoder.close();
    }
}

/** @type {Map<string, Promise<import('./picture.js').Colour | null>>} */
const known = new Map();

/** @param {string} name
 * @param {() => Promise<import('./picture.js').Colour | null>} find */
function once(name, find) {
    const found = known.get(name) ?? find();
    known.set(name, found);
    return found;
}

/**
 * What the RGB was made by that this browser gives for a video.
 * @param {string | null} codec Mediabunny's name
 * @param {VideoColorSpaceInit} said by the file
 * @param {number} codedHeight
 * @param {import('./picture.js').Colour} colour what the file means
 * @returns {Promise<import('./picture.js').Colour>}
 */
export async function madeBy(codec, said, codedHeight, colour) {
    let { matrix, range } = colour;
    const picture = pictures[codec ?? ''];
    // A large one that says nothing is BT.709 to everyone.
    if (!said.matrix && codedHeight < 720 && picture)
        matrix = (await once(codec ?? '', () => measure(picture, sample, [1, 6, 9].map((each) => ({ matrix: each, range: 0 })))))?.matrix ?? matrix;
    if (range) range = (await once('full', () => measure(fullPicture, fullSample, [0, 1].map((each) => ({ matrix: 6, range: each })))))?.range ?? range;
    return { matrix, range };
}

/**
 * Colours of RGB that was made by the wrong matrix or range put right, in place.
 * @param {Uint8Array | Uint8ClampedArray} rgba
 * @param {import('./picture.js').Colour} made
 * @param {import('./picture.js').Colour} meant
 */
export function remake(rgba, made, meant) {
    const [kr, kb] = weights[made.matrix] ?? weights[6], kg = 1 - kr - kb, step = made.range ? 1 : 224 / 255;
    for (let i = 0; i < rgba.length; i += 4) {
        const red = rgba[i], blue = rgba[i + 2], luma = kr * red + kg * rgba[i + 1] + kb * blue;
        const ycbcr = [made.range ? luma : 16 + (luma * 219) / 255, 128 + ((blue - luma) * step) / (2 * (1 - kb)), 128 + ((red - luma) * step) / (2 * (1 - kr))];
        const right = rgbOf(ycbcr, meant);
        for (let c = 0; c < 3; c++) rgba[i + c] = Math.min(255, Math.max(0, Math.round(right[c])));
    }
}
