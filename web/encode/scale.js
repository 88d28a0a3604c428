/**
 * Scaling in the worker, for recordings that are to be no wider than asked: by areas, as the command line does. YCbCr stays
 * YCbCr, so that no colour changes on the way.
 */
import { copyVideoFrame } from '../../wasm/picture.js';

/** @typedef {import('../../wasm/encoder.js').RawFrame} RawFrame */

/**
 * What each sample of a line takes of the longer line: first sample, and the weights from there on.
 * @param {number} from samples
 * @param {number} to fewer
 */
function weightsOf(from, to) {
    const step = from / to;
    return Array.from({ length: to }, (_, i) => {
        const start = i * step, end = (i + 1) * step, first = Math.floor(start + 1e-9), last = Math.min(from, Math.ceil(end - 1e-9));
        return { first, weights: Array.from({ length: last - first }, (__, k) => (Math.min(end, first + k + 1) - Math.max(start, first + k)) / step) };
    });
}

/** Scales planes of one size to another, whose weights it keeps. */
class PlaneScaler {
    #columns;
    #rows;
    #line;
    #sums;

    /**
     * @param {number} width
     * @param {number} height
     * @param {number} toWidth
     * @param {number} toHeight
     * @param {number} channels bytes per pixel
     */
    constructor(width, height, toWidth, toHeight, channels) {
        Object.assign(this, { width, height, toWidth, toHeight, channels });
        this.stride = width * channels;
        this.#columns = weightsOf(width, toWidth);
        this.#rows = weightsOf(height, toHeight);
        this.#line = new Float32Array(toWidth * channels);
        this.#sums = new Float32Array(toWidth * channels);
        this.channels = channels;
    }

    /**
     * @param {Uint8Array | Uint8ClampedArray} to
     * @param {Uint8Array | Uint8ClampedArray} from
     */
    run(to, from) {
        const line = this.#line, sums = this.#sums;
        let out = 0;
        for (const { first, weights } of this.#rows) {
            sums.fill(0);
            for (let k = 0; k < weights.length; k++) {
                this.#shorten(line, from, (first + k) * this.stride);
                for (let x = 0; x < line.length; x++) sums[x] += weights[k] * line[x];
            }
            for (let x = 0; x < sums.length; x++) to[out++] = sums[x] + 0.5;
        }
    }

    /**
     * @param {Float32Array} line
     * @param {Uint8Array | Uint8ClampedArray} from
     * @param {number} at
     */
    #shorten(line, from, at) {
        const { channels } = this;
        for (let c = 0; c < channels; c++) {
            for (let x = 0, i = c; x < this.#columns.length; x++, i += channels) {
                const { first, weights } = this.#columns[x];
                let sum = 0;
                for (let k = 0, j = at + first * channels + c; k < weights.length; k++, j += channels) sum += weights[k] * from[j];
                line[i] = sum;
            }
        }
    }
}

/**
 * Makes frames no wider (as they are shown, after turning) than asked; even sizes suit every video encoder later.
 * @param {number} maxWidth
 * @returns {(frame: VideoFrame | ImageData, rotation: number) => Promise<VideoFrame | ImageData | RawFrame>}
 */
export function scaler(maxWidth) {
    /** @type {Map<string, PlaneScaler>} */
    const scalers = new Map();
    const plane = (/** @type {[number, number, number, number, number]} */ ...sizes) => {
        const key = sizes.join();
        if (!scalers.has(key)) scalers.set(key, new PlaneScaler(...sizes));
        return /** @type {PlaneScaler} */ (scalers.get(key));
    };
    return async (frame, rotation) => {
        const rect = 'displayWidth' in frame ? frame.visibleRect : frame;
        if (!rect) return frame;
        const { width, height } = rect, shown = rotation % 180 ? height : width;
        if (!maxWidth || shown <= maxWidth) return frame;
        const even = (/** @type {number} */ size) => Math.max(2, Math.round((size * maxWidth) / shown / 2) * 2), to = [even(width), even(height)];
        /** @type {RawFrame} */
        const raw = 'displayWidth' in frame ? await copyVideoFrame(frame, (bytes) => new Uint8Array(bytes)) : { format: 'RGBA', width, height, data: frame.data };
        return raw.format === 'RGBA' || raw.format === 'RGB' ? scalePacked(raw, to, plane) : scalePlanes(raw, to, plane);
    };
}

/**
 * @param {RawFrame} raw
 * @param {number[]} size
 * @param {(...sizes: [number, number, number, number, number]) => PlaneScaler} plane
 * @returns {RawFrame}
 */
function scalePacked({ format, width, height, data }, [toWidth, toHeight], plane) {
    const channels = format === 'RGB' ? 3 : 4, scaled = new Uint8Array(toWidth * toHeight * channels);
    plane(width, height, toWidth, toHeight, channels).run(scaled, data);
    return { format, width: toWidth, height: toHeight, data: scaled };
}

/**
 * I420 and NV12, whose chroma is one plane of pairs.
 * @param {RawFrame} raw
 * @param {number[]} size
 * @param {(...sizes: [number, number, number, number, number]) => PlaneScaler} plane
 * @returns {RawFrame}
 */
function scalePlanes({ format, width, height, data, colorSpace }, [toWidth, toHeight], plane) {
    const half = (/** @type {number} */ size) => Math.ceil(size / 2), luma = width * height, toLuma = toWidth * toHeight;
    const chroma = half(width) * half(height), toChroma = half(toWidth) * half(toHeight);
    const scaled = new Uint8Array(toLuma + 2 * toChroma);
    plane(width, height, toWidth, toHeight, 1).run(scaled, data);
    if (format === 'NV12') {
        plane(half(width), half(height), half(toWidth), half(toHeight), 2).run(scaled.subarray(toLuma), data.subarray(luma));
    } else {
        const small = plane(half(width), half(height), half(toWidth), half(toHeight), 1);
        small.run(scaled.subarray(toLuma), data.subarray(luma));
        small.run(scaled.subarray(toLuma + toChroma), data.subarray(luma + chroma));
    }
    return { format, width: toWidth, height: toHeight, data: scaled, colorSpace };
}
