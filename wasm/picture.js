/**
 * Pictures on their way into and out of the codec: formats, colour, and how many bytes they take.
 * Numbers are those of DfyPixelFormat, DfyMatrix and DfyRange.
 */

export const PixelFormat = /** @type {const} */ ({ I420: 0, RGB: 1, RGBA: 2, NV12: 3 });

/** @typedef {'I420' | 'RGB' | 'RGBA'} PixelFormatName */

/** @type {PixelFormatName[]} */
export const pixelFormatNames = ['I420', 'RGB', 'RGBA'];

/**
 * @param {PixelFormatName | 'NV12'} format
 * @param {number} width
 * @param {number} height
 */
export function pictureBytes(format, width, height) {
    if (format === 'RGB') return width * height * 3;
    if (format === 'RGBA') return width * height * 4;
    return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Colour of YCbCr pixels, in ITU-T H.273 code points.
 * @typedef {object} Colour
 * @property {number} matrix 1 = BT.709, 6 = BT.601, 9 = BT.2020, 2 = unknown
 * @property {number} range 0 = limited, 1 = full
 */

/** @type {Record<string, number>} */
const matrixNumbers = { bt709: 1, bt470bg: 6, smpte170m: 6, 'bt2020-ncl': 9 };

/**
 * @param {VideoColorSpaceInit | null | undefined} space
 * @returns {Colour}
 */
export function colourOf(space) {
    return { matrix: matrixNumbers[space?.matrix ?? ''] ?? 2, range: space?.fullRange ? 1 : 0 };
}

/**
 * WebCodecs' words for a picture's colour; unknown matrices become what the codec assumes (BT.601 below 720 rows).
 * @param {Colour} colour
 * @param {number} height
 * @returns {VideoColorSpaceInit}
 */
export function colourSpaceOf({ matrix, range }, height) {
    const known = matrix === 2 ? (height < 720 ? 6 : 1) : matrix;
    const fullRange = range === 1;
    // The types of the standard's first edition lack BT.2020.
    if (known === 9) return /** @type {any} */ ({ primaries: 'bt2020', transfer: 'bt709', matrix: 'bt2020-ncl', fullRange });
    if (known === 6) return { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m', fullRange };
    return { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange };
}

/**
 * The planes of a tightly packed picture, for VideoFrame.copyTo and the VideoFrame constructor.
 * @param {PixelFormatName | 'NV12'} format
 * @param {number} width
 * @param {number} height
 * @returns {PlaneLayout[]}
 */
export function planeLayout(format, width, height) {
    const chromaWidth = Math.ceil(width / 2);
    const luma = { offset: 0, stride: width };
    if (format === 'I420') {
        const chroma = chromaWidth * Math.ceil(height / 2);
        return [luma, { offset: width * height, stride: chromaWidth }, { offset: width * height + chroma, stride: chromaWidth }];
    }
    if (format === 'NV12') return [luma, { offset: width * height, stride: 2 * chromaWidth }];
    return [{ offset: 0, stride: width * (format === 'RGB' ? 3 : 4) }];
}

/** Bits of a sample of I420 that has more than eight; 0 for other frames. The types don't know those formats.
 * @param {VideoFrame} frame */
const deepBits = (frame) => ({ I420P10: 10, I420P12: 12 })[String(frame.format)] ?? 0;

/** What is added before bits are cut off, by the pixel's place: evenly spread, so that gentle slopes stay gentle. */
const spread = [0, 2, 3, 1];

/**
 * Copies I420 of more than eight bits, as eight.
 * @param {VideoFrame} frame
 * @param {DOMRectReadOnly} rect
 * @param {() => Uint8Array} memory
 */
async function copyDeep(frame, rect, memory) {
    const { width, height } = rect, chroma = Math.ceil(width / 2), cut = deepBits(frame) - 8;
    const layout = planeLayout('I420', width, height).map(({ offset, stride }) => ({ offset: 2 * offset, stride: 2 * stride }));
    const deep = new Uint16Array(pictureBytes('I420', width, height));
    await frame.copyTo(deep, { rect, layout });
    const data = memory();
    for (let at = 0, row = 0; at < deep.length; row++) {
        const end = at + (row < height ? width : chroma);
        for (let odd = 0; at < end; at++, odd ^= 1) data[at] = Math.min(255, (deep[at] + (spread[2 * (row & 1) + odd] << (cut - 2))) >> cut);
    }
    return data;
}

/** The format in which a frame's pixels are best copied, and the part of it that is shown.
 * @param {VideoFrame} frame
 * @returns {{ rect: DOMRectReadOnly, format: 'I420' | 'NV12' | 'RGBA', bytes: number }} */
export function copyLayout(frame) {
    const rect = frame.visibleRect ?? new DOMRectReadOnly(0, 0, frame.codedWidth, frame.codedHeight);
    const planar = frame.format === 'I420' || frame.format === 'NV12' ? frame.format : deepBits(frame) ? 'I420' : null;
    // Chroma can only be cut at even positions; everything else the browser converts.
    const format = planar && rect.x % 2 === 0 && rect.y % 2 === 0 ? planar : 'RGBA';
    return { rect, format, bytes: pictureBytes(format, rect.width, rect.height) };
}

/**
 * Copies the pixels that a VideoFrame shows, tightly packed.
 * @param {VideoFrame} frame stays the caller's
 * @param {(bytes: number, format: 'I420' | 'NV12' | 'RGBA', width: number, height: number) => Uint8Array} memoryFor
 * @param {'RGBA'} [wanted] the format, where it is not to be what suits best
 * @returns {Promise<{ format: 'I420' | 'NV12' | 'RGBA', width: number, height: number, data: Uint8Array, colorSpace?: VideoColorSpaceInit }>}
 */
export async function copyVideoFrame(frame, memoryFor, wanted) {
    const best = copyLayout(frame), { width, height } = best.rect, { rect } = best, format = wanted ?? best.format, layout = planeLayout(format, width, height);
    const memory = () => memoryFor(pictureBytes(format, width, height), format, width, height);
    if (format === 'I420' && deepBits(frame)) {
        const { matrix, fullRange } = frame.colorSpace;
        return { format, width, height, data: await copyDeep(frame, best.rect, memory), colorSpace: { matrix, fullRange } };
    }
    let data = memory();
    try {
        await frame.copyTo(data, format === 'RGBA' ? { rect, layout, format: 'RGBA' } : { rect, layout });
    } catch (error) {
        const context = format === 'RGBA' ? new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true }) : null;
        if (!context) throw error;
        context.drawImage(frame, 0, 0, width, height);
        const { data: pixels } = context.getImageData(0, 0, width, height);
        // The memory may have moved while the browser was asked.
        data = memory();
        data.set(pixels);
    }
    const { matrix, fullRange } = frame.colorSpace;
    return { format, width, height, data, colorSpace: matrix === 'rgb' ? undefined : { matrix, fullRange } };
}
