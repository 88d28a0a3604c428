/**
 * DiffyDecoder: a .dfy file in, frames out, in order or by number. Only what is needed of the file is read, or fetched.
 */
import { Handle } from './handle.js';
import { Codec, DiffyError, Status } from './module.js';
import { PixelFormat, colourSpaceOf, pictureBytes, pixelFormatNames, planeLayout } from './picture.js';
import { openAddress } from './remote.js';

/**
 * Where a file's bytes come from. A Blob is read piece by piece inside a worker, and whole elsewhere, because only
 * workers may read one synchronously. Of an address (text or URL) the parts that are needed are fetched, where its server
 * gives parts (HTTP ranges), else all of it.
 * @typedef {Blob | ArrayBuffer | Uint8Array | string | URL | import('./remote.js').Reader} DecoderSource
 */

/**
 * @typedef {object} DecoderOptions
 * @property {number} [threads] for the build with threads; 0 = as many as there are processors
 * @property {number} [memoryLimit] bytes; a file that needs more is refused
 * @property {boolean} [unwarp] files with gyroscope data: turn pictures to where the camera first looked (format 1: undo the encoder's warp)
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
 * @property {number} primaries ITU-T H.273 code point, 2 for unknown
 * @property {number} transfer the same
 * @property {[number, number]} sampleAspect width of a pixel to its height; [0, 0] for unknown
 * @property {number} orientation as in EXIF, 1 (upright) to 8: what is to be done to a picture before it is shown
 * @property {Date | null} start wall clock at the first frame
 * @property {number} lastDuration seconds that the last frame is shown
 */

/**
 * Sound, as it came in: packets of its own codec.
 * @typedef {object} DiffySound
 * @property {string} codec by FFmpeg's name: 'aac', 'opus', 'mp3', 'flac', 'pcm_s16le' ...
 * @property {number} sampleRate
 * @property {number} channels
 * @property {[number, number]} timeBase seconds a tick, as a fraction
 * @property {Uint8Array<ArrayBuffer>} config what its decoder must know beforehand
 */

/** @typedef {{ data: Uint8Array<ArrayBuffer>, timestamp: number, duration: number }} DiffySoundPacket seconds */

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
 * Where the work left its routine.
 * @typedef {object} DiffyDeparture
 * @property {number} firstFrame
 * @property {number} frames
 * @property {number} start seconds
 * @property {number} seconds
 * @property {boolean} isSlow a cycle that took longer, else something seen that is no part of the routine
 * @property {[number, number, number, number]} box left, top, right and bottom of where it is seen, pixels
 * @property {number} size the largest difference from the routine in levels; of a slow cycle, times as long as usual
 */

/**
 * A range of frames that has a name: one recording of several in one file.
 * @typedef {object} DiffyEpisode
 * @property {string} name
 * @property {number} firstFrame
 * @property {number} frames
 * @property {number} start seconds, from the first frame of the file
 * @property {number} seconds
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

/**
 * Which 64x64 tiles of frames are the same: those at the same place with the same number, other than 0, are equal in any two frames
 * of one decoder.
 * @typedef {object} DiffyTiles
 * @property {number} columns
 * @property {number} rows
 * @property {Float64Array<ArrayBuffer>} identities row by row; 0: not known
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
 * @returns {Promise<import('./remote.js').Reader>}
 */
export async function readerOf(source) {
    if (typeof source === 'string' || source instanceof URL) return readerOf(await openAddress(String(source)));
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

/**
 * Does something that reads, again and again while bytes are missing that have to be fetched.
 * @template T
 * @param {import('./remote.js').Reader} reader
 * @param {() => T} work
 * @returns {Promise<T>}
 */
async function whenThere(reader, work) {
    for (;;) {
        try {
            return work();
        } catch (error) {
            if (!reader.load) throw error;
            await reader.load(error);
        }
    }
}

export class DiffyDecoder {
    #reader;
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
     * @param {import('./remote.js').Reader} reader
     * @param {DecoderOptions} options
     */
    constructor(codec, reader, options) {
        this.#codec = codec;
        this.#reader = reader;
        this.#handle = new Handle(codec, 'decoder', { read: (offset, target) => reader.read(offset, target) });
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
        const reader = await readerOf(source);
        return whenThere(reader, () => new DiffyDecoder(codec, reader, options));
    }

    get info() {
        return this.#info;
    }

    /**
     * Puts noise like the camera's back from the next frame on, or no longer: for people who watch, not for data sets.
     * Returns whether there can be any: files of format 1, and those without a GRAIN chunk, have none.
     * @param {boolean} on
     */
    setGrain(on) {
        return this.#handle.call('set_grain', on ? 1 : 0) === Status.OK && this.chunks.some((chunk) => chunk.name === 'GRAIN');
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

    /** By their first frames.
     * @returns {DiffyDeparture[]} */
    get departures() {
        const departures = [];
        for (let i = 0; this.#handle.call('departure', i) === Status.OK; i++) {
            const [firstFrame, frames, start, seconds, isSlow, left, top, right, bottom, size] = this.#codec.result(10);
            departures.push({
                firstFrame, frames, start, seconds, isSlow: !!isSlow, size,
                box: /** @type {[number, number, number, number]} */ ([left, top, right, bottom]),
            });
        }
        return departures;
    }

    /** In the order of their frames; empty when the file names none.
     * @returns {DiffyEpisode[]} */
    get episodes() {
        const episodes = [];
        for (let i = 0; ; i++) {
            const name = this.#handle.call('episode', i);
            if (!name) return episodes;
            const [firstFrame, frames, start, seconds] = this.#codec.result(4);
            episodes.push({ name: this.#codec.text(name), firstFrame, frames, start, seconds });
        }
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
     * @param {(bytes: number) => Uint8Array<ArrayBuffer>} [memory] gives the frame's, which is filled
     * @returns {DiffyFrame | null}
     */
    next(format = 'native', memory = (bytes) => new Uint8Array(bytes)) {
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
            const [num, den] = this.#info.timeBase, bytes = pictureBytes(name, width, height), data = memory(bytes);
            data.set(this.#codec.bytes(at, bytes));
            return new DiffyFrame({
                index, width, height, format: name, timestamp: (pts * num) / den, duration: 1 / this.#info.frameRate,
                data,
                colour: { matrix, range: native === PixelFormat.I420 ? range : 0 },
            });
        }
    }

    /**
     * The tiles of the frame that next() gave last; null where nothing is known of them (format 1, lossless files).
     * @returns {DiffyTiles | null}
     */
    tiles() {
        const at = this.#handle.call('tiles');
        if (!at) return null;
        const [columns, rows] = this.#codec.result(2);
        return { columns, rows, identities: new Float64Array(this.#codec.heap.buffer, at >>> 0, columns * rows).slice() };
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

    /**
     * Does a part of what {@link DiffyDecoder#seek} takes: decodes one picture of those that lead to the frame. For whoever must not be
     * busy for long at a time: `while (decoder.approach(frame)) ...`, and then `seek`.
     * @param {number} frame from 0
     * @returns {boolean} whether there is more to be done before `seek` is quick
     */
    approach(frame) {
        return this.#handle.call('approach', frame) === Status.OK;
    }

    /**
     * The frame of that number, whatever was decoded before it. Of a file at an address, what it needs is fetched first.
     * @param {number} index from 0
     * @param {'native' | 'RGBA' | 'I420' | 'RGB'} [format] 'native' spares a conversion
     * @returns {Promise<DiffyFrame>}
     */
    async frameAt(index, format = 'native') {
        this.#checkIndex(index);
        return whenThere(this.#reader, () => this.#frame(index, format));
    }

    /**
     * The frames of these numbers, in their order. They are decoded in the order of the file, which is quicker, and those that
     * are asked for twice only once.
     * @param {Iterable<number>} indices
     * @param {'native' | 'RGBA' | 'I420' | 'RGB'} [format]
     * @returns {Promise<DiffyFrame[]>}
     */
    async framesAt(indices, format = 'native') {
        const wanted = [...indices];
        wanted.forEach((index) => this.#checkIndex(index));
        /** @type {Map<number, DiffyFrame>} */
        const frames = new Map();
        for (const index of [...new Set(wanted)].sort((a, b) => a - b)) frames.set(index, await this.frameAt(index, format));
        return wanted.map((index) => /** @type {DiffyFrame} */ (frames.get(index)));
    }

    /**
     * When a frame is shown, in seconds, from the file's lists: no picture is decoded.
     * @param {number} index from 0
     * @returns {Promise<number>}
     */
    async timeOf(index) {
        this.#checkIndex(index);
        return whenThere(this.#reader, () => {
            this.#handle.check(this.#handle.call('time', index));
            const [num, den] = this.#info.timeBase;
            return (this.#codec.result(1)[0] * num) / den;
        });
    }

    /** Iterates from the current position: `for await (const frame of decoder)`.
     * @returns {AsyncGenerator<DiffyFrame, void, unknown>} */
    async *[Symbol.asyncIterator]() {
        for (;;) {
            const position = this.position;
            let again = false;
            const frame = await whenThere(this.#reader, () => {
                if (again) this.seek(position);
                again = true;
                return this.next();
            });
            if (!frame) return;
            yield frame;
        }
    }

    /** The file's sound, null when it has none.
     * @returns {DiffySound | null} */
    get sound() {
        const name = this.#handle.call('sound');
        if (!name) return null;
        const [sampleRate, channels, num, den, at, size] = this.#codec.result(6);
        return { codec: this.#codec.text(name), sampleRate, channels, timeBase: [num, den], config: new Uint8Array(this.#codec.bytes(at, size)) };
    }

    /**
     * Packets of sound from a time on, forwards; frames are not touched. What is damaged is left out.
     * @param {number} [from] seconds
     * @returns {Generator<DiffySoundPacket, void, unknown>}
     */
    *soundPackets(from = -Infinity) {
        const sound = this.sound;
        if (!sound) return;
        const [num, den] = sound.timeBase;
        this.#handle.check(this.#handle.call('seek_sound', Math.max(-(2 ** 50), Math.floor((from * den) / num))));
        for (;;) {
            const status = this.#handle.call('next_sound');
            if (status === Status.END) return;
            if (status === Status.DAMAGED) {
                this.#note();
                continue;
            }
            this.#handle.check(status);
            const [at, size, pts, duration] = this.#codec.result(4);
            yield { data: new Uint8Array(this.#codec.bytes(at, size)), timestamp: (pts * num) / den, duration: (duration * num) / den };
        }
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

    /** @param {number} index */
    #checkIndex(index) {
        const { frames } = this.#info;
        if (!Number.isInteger(index) || index < 0 || index >= frames) {
            throw new DiffyError(Status.ARGUMENT, `There is no frame ${index}: the file has ${frames}, numbered from 0.`);
        }
    }

    /**
     * @param {number} index
     * @param {'native' | 'RGBA' | 'I420' | 'RGB'} format
     */
    #frame(index, format) {
        if (this.position !== index) this.#handle.check(this.#handle.call('seek', index));
        const frame = this.next(format);
        if (frame?.index === index) return frame;
        throw new DiffyError(Status.DAMAGED, this.warnings.at(-1) ?? `Frame ${index} is damaged.`);
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
            nativeFormat, chunks, cycles, canonicals, imuSamples, lossless, complete, cloneFrames, primaries, transfer, aspectNum, aspectDen,
            orientation, startMicroseconds, lastTicks] = this.#codec.result(28);
        return {
            format, width, height, frames, framesStated, frameRate: rateNum / rateDen, frameRateFraction: [rateNum, rateDen],
            timeBase: [baseNum, baseDen], quality, mode: mode ? 'upload' : 'training', matrix, range,
            nativeFormat: pixelFormatNames[nativeFormat], chunks, cycles, canonicals, imuSamples, lossless: !!lossless, complete: !!complete, cloneFrames,
            primaries, transfer, sampleAspect: [aspectNum, aspectDen], orientation, start: startMicroseconds ? new Date(startMicroseconds / 1000) : null,
            lastDuration: lastTicks ? (lastTicks * baseNum) / baseDen : rateDen / rateNum,
        };
    }
}
