/**
 * DiffyDecoder: a .dfy file in, frames out, in order or by seeking. Only what is needed of the file is read.
 */
import { Handle } from './handle.js';
import { Codec, DiffyError, Status } from './module.js';
import { PixelFormat, colourSpaceOf, pictureBytes, pixelFormatNames, planeLayout } from './picture.js';

/**
 * Where a file's bytes come from. A Blob is read piece by piece inside a worker, and whole elsewhere, because only
 * workers may read one synchronously.
 * @typedef {Blob | ArrayBuffer | Uint8Array | { size: number, read: (offset: number, target: Uint8Array) => number }} DecoderSource
 */

/**
 * @typedef {object} DecoderOptions
 * @property {number} [threads] for the build with threads; 0 = as many as there are processors
 * @property {number} [memoryLimit] bytes; a file that needs more is refused
 * @property {boolean} [unwarp] files with gyroscope data: undo the encoder's warp
 * @property {Codec} [codec] a codec that is loaded already
 * @property {ArrayBuffer | Uint8Array | WebAssembly.Module} [wasmBinary] see {@link Codec.load}
 */

/**
 * Facts about a file.
 * @typedef {object} DiffyInfo
 * @property {number} format 1 or 2
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {number} frames that the file holds
 * @property {number} framesStated what the header says
 * @property {number} frameRate nominal frames a second
 * @property {[number, number]} frameRateFraction
 * @property {[number, number]} timeBase seconds a tick, as a fraction
 * @property {number} quality 1..100
 * @property {'training' | 'upload'} mode
 * @property {number} matrix ITU-T H.273 code point
 * @property {number} range 0 = limited, 1 = full
 * @property {'I420' | 'RGB' | 'RGBA'} nativeFormat what frames come in
 * @property {number} chunks
 * @property {number} cycles
 * @property {number} canonicals
 * @property {number} imuSamples 0: none
 * @property {boolean} lossless
 * @property {boolean} complete false: the file was cut or never finished
 * @property {number} cloneFrames frames that show an earlier one, in files of mode upload; format 2
 */

/**
 * One repetition of the work.
 * @typedef {object} DiffyCycle
 * @property {number} firstFrame
 * @property {number} frames
 * @property {number} start seconds
 * @property {number} seconds
 * @property {number} canonical the canonical cycle it follows, counted from 0
 * @property {boolean} isCanonical
 * @property {boolean} isClone
 * @property {number | null} distance from its canonical, in levels; null: not recorded
 */

/**
 * @typedef {object} DiffyChunk
 * @property {number} type
 * @property {string} name
 * @property {number} offset bytes
 * @property {number} size bytes of payload
 * @property {boolean} hasChecksum
 * @property {boolean} damaged known after verify()
 */

/**
 * Bits of a block's origin: the pictures it was predicted from (none: made of the picture itself), and whether anything
 * was coded for it.
 */
export const Origin = Object.freeze({
    /** A picture shortly before. */
    EARLIER: 1,
    /** A picture after it, which is decoded first. */
    LATER: 2,
    /** The background. */
    PLATE: 4,
    /** A picture kept from longer ago, such as the same moment of an earlier cycle. */
    KEPT: 8,
    /** Nothing was coded but where it came from. */
    SKIPPED: 128,
});

/**
 * Where the 8x8 blocks of a frame came from.
 * @typedef {object} DiffyOrigins
 * @property {number} columns
 * @property {number} rows
 * @property {Uint8Array<ArrayBuffer>} cells {@link Origin} bits, row by row
 */

/** A decoded picture. Its data is a copy and stays valid. */
export class DiffyFrame {
    /**
     * @param {{ index: number, timestamp: number, duration: number, format: 'I420' | 'RGB' | 'RGBA', width: number, height: number,
     *     data: Uint8Array<ArrayBuffer>, colour: import('./picture.js').Colour }} init
     */
    constructor(init) {
        /** Number of the frame, from 0. */
        this.index = init.index;
        /** Seconds. */
        this.timestamp = init.timestamp;
        /** Seconds, nominal. */
        this.duration = init.duration;
        this.format = init.format;
        this.width = init.width;
        this.height = init.height;
        /** Tightly packed pixels: planes one after another for I420. */
        this.data = init.data;
        this.colour = init.colour;
    }

    /** For a canvas; needs frames asked for as 'RGBA'. */
    toImageData() {
        if (this.format !== 'RGBA') throw new DiffyError(Status.ARGUMENT, "Ask for frames in 'RGBA' to make ImageData of them.");
        return new ImageData(new Uint8ClampedArray(this.data.buffer, this.data.byteOffset, this.data.length), this.width, this.height);
    }

    /** For WebCodecs; needs frames in 'I420' or 'RGBA'. The caller closes it. */
    toVideoFrame() {
        if (this.format === 'RGB') throw new DiffyError(Status.ARGUMENT, "Ask for frames in 'RGBA' or 'I420' to make a VideoFrame of them.");
        return new VideoFrame(this.data, {
            format: this.format, codedWidth: this.width, codedHeight: this.height,
            timestamp: Math.round(this.timestamp * 1e6), duration: Math.round(this.duration * 1e6),
            layout: planeLayout(this.format, this.width, this.height),
            ...(this.format === 'I420' ? { colorSpace: colourSpaceOf(this.colour, this.height) } : {}),
        });
    }
}

/**
 * @param {DecoderSource} source
 * @returns {Promise<{ size: number, read: (offset: number, target: Uint8Array) => number }>}
 */
export async function readerOf(source) {
    if (source instanceof ArrayBuffer) return readerOf(new Uint8Array(source));
    if (source instanceof Uint8Array) {
        return {
            size: source.length,
            read(offset, target) {
                const piece = source.subarray(offset, offset + target.length);
                target.set(piece);
                return piece.length;
            },
        };
    }
    if (source instanceof Blob) {
        const Reader = /** @type {any} */ (globalThis).FileReaderSync;
        if (!Reader) return readerOf(await source.arrayBuffer());
        const reader = new Reader();
        return {
            size: source.size,
            read(offset, target) {
                const piece = new Uint8Array(reader.readAsArrayBuffer(source.slice(offset, offset + target.length)));
                target.set(piece);
                return piece.length;
            },
        };
    }
    return source;
}

export class DiffyDecoder {
    #codec;
    #handle;
    /** @type {DiffyInfo} */
    #info;
    /** What was lost or odd so far, for people.
     * @type {string[]} */
    warnings = [];

    /**
     * Use {@link DiffyDecoder.open}.
     * @param {Codec} codec
     * @param {{ size: number, read: (offset: number, target: Uint8Array) => number }} reader
     * @param {DecoderOptions} options
     */
    constructor(codec, reader, options) {
        this.#codec = codec;
        this.#handle = new Handle(codec, 'decoder', { read: reader.read });
        this.#info = this.#handle.opening(() => {
            this.#handle.check(this.#handle.call('open', reader.size, options.threads ?? codec.threads, options.memoryLimit ?? 0, options.unwarp ? 1 : 0));
            this.#note();
            return this.#readInfo();
        });
    }

    /**
     * @param {DecoderSource} source
     * @param {DecoderOptions} [options]
     */
    static async open(source, options = {}) {
        const codec = options.codec ?? (await Codec.load({ wasmBinary: options.wasmBinary }));
        return new DiffyDecoder(codec, await readerOf(source), options);
    }

    get info() {
        return this.#info;
    }

    /** The file's metadata object. */
    get metadata() {
        try {
            return JSON.parse(this.#codec.text(this.#handle.call('metadata')));
        } catch {
            return {};
        }
    }

    /** @returns {DiffyCycle[]} */
    get cycles() {
        const cycles = [];
        for (let i = 0; this.#handle.call('cycle', i) === Status.OK; i++) {
            const [firstFrame, frames, start, seconds, canonical, isCanonical, isClone, distance] = this.#codec.result(8);
            cycles.push({
                firstFrame, frames, start, seconds, canonical, isCanonical: !!isCanonical, isClone: !!isClone,
                distance: distance < 0 ? null : distance,
            });
        }
        return cycles;
    }

    /** @returns {DiffyChunk[]} */
    get chunks() {
        const chunks = [];
        for (let i = 0; ; i++) {
            const name = this.#handle.call('chunk', i);
            if (!name) return chunks;
            const [type, offset, size, hasChecksum, damaged] = this.#codec.result(5);
            chunks.push({ type, name: this.#codec.text(name), offset, size, hasChecksum: !!hasChecksum, damaged: !!damaged });
        }
    }

    /** Unit quaternions [x, y, z, w], one a frame; empty without IMU data. */
    get imu() {
        /** @type {[number, number, number, number][]} */
        const samples = [];
        for (let frame = 0; frame < this.#info.imuSamples; frame++) {
            if (this.#handle.call('imu', frame) !== Status.OK) break;
            samples.push(/** @type {[number, number, number, number]} */ (this.#codec.result(4)));
        }
        return samples;
    }

    /** Number of the frame that next() will give. */
    get position() {
        return this.#handle.call('position');
    }

    /**
     * The next frame, or null at the end. Damaged stretches are stepped over and noted in `warnings`.
     * @param {'native' | 'RGBA' | 'I420' | 'RGB'} [format] 'native' spares a conversion
     * @returns {DiffyFrame | null}
     */
    next(format = 'native') {
        for (;;) {
            const index = this.position;
            const status = this.#handle.call('next');
            if (status === Status.END) return null;
            if (status === Status.DAMAGED) {
                this.#note();
                if (this.position > index) continue;
            }
            this.#handle.check(status);
            const [native, width, height, pts, matrix, range] = this.#codec.result(6);
            const name = format === 'native' ? pixelFormatNames[native] : format;
            const at = this.#handle.call('picture', PixelFormat[name]);
            if (!at) throw new DiffyError(Status.MEMORY, 'There is no memory left for a picture.');
            const [num, den] = this.#info.timeBase;
            return new DiffyFrame({
                index, width, height, format: name, timestamp: (pts * num) / den, duration: 1 / this.#info.frameRate,
                data: new Uint8Array(this.#codec.bytes(at, pictureBytes(name, width, height))),
                colour: { matrix, range: native === PixelFormat.I420 ? range : 0 },
            });
        }
    }

    /**
     * Where the 8x8 blocks of the frame that next() gave last came from; null where that isn't known (format 1, lossless
     * files, or no frame since the last seek).
     * @returns {DiffyOrigins | null}
     */
    origins() {
        const at = this.#handle.call('origins');
        if (!at) return null;
        const [columns, rows] = this.#codec.result(2);
        return { columns, rows, cells: new Uint8Array(this.#codec.bytes(at, columns * rows)) };
    }

    /**
     * Makes a frame the next one; where it is damaged, the first whole one behind it, and `warnings` says so.
     * @param {number} frame from 0
     */
    seek(frame) {
        const status = this.#handle.call('seek', frame);
        if (status === Status.DAMAGED) this.#note();
        else this.#handle.check(status);
    }

    /** Iterates from the current position: `for await (const frame of decoder)`.
     * @returns {AsyncGenerator<DiffyFrame, void, unknown>} */
    async *[Symbol.asyncIterator]() {
        for (let frame = this.next(); frame; frame = this.next()) yield frame;
    }

    /** Reads the whole file and checks every checksum; throws a sentence on the first thing wrong. */
    verify() {
        this.#handle.check(this.#handle.call('verify'));
    }

    /** Frees the decoder's memory. */
    close() {
        this.#handle.close();
    }

    [Symbol.dispose]() {
        this.close();
    }

    /** Keeps the codec's last remark, such as that of a file that was cut. */
    #note() {
        const text = this.#handle.message;
        if (text && !this.warnings.includes(text) && this.warnings.length < 100) this.warnings.push(text);
    }

    /** @returns {DiffyInfo} */
    #readInfo() {
        this.#handle.check(this.#handle.call('info'));
        const [format, width, height, frames, framesStated, rateNum, rateDen, baseNum, baseDen, quality, mode, matrix, range,
            nativeFormat, chunks, cycles, canonicals, imuSamples, lossless, complete, cloneFrames] = this.#codec.result(21);
        return {
            format, width, height, frames, framesStated, frameRate: rateNum / rateDen, frameRateFraction: [rateNum, rateDen],
            timeBase: [baseNum, baseDen], quality, mode: mode ? 'upload' : 'training', matrix, range,
            nativeFormat: pixelFormatNames[nativeFormat], chunks, cycles, canonicals, imuSamples, lossless: !!lossless, complete: !!complete, cloneFrames,
        };
    }
}
