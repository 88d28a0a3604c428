/**
 * DiffyEncoder: frames in, a .dfy file out. The codec is opened by the first frame, whose size and colour become
 * the recording's.
 */
import { Codec, DiffyError, Status } from './module.js';
import { PixelFormat, colourOf, copyVideoFrame, pictureBytes } from './picture.js';

/**
 * @typedef {object} EncoderOptions
 * @property {number} [quality] 1 (smallest) to 100 (best), default 25
 * @property {1 | 2} [format] version of the file format; the library's default when left out
 * @property {number | [number, number]} [frameRate] nominal frames a second, a number or a fraction; default 30
 * @property {[number, number]} [timeBase] seconds a tick of the stored times, as a fraction; default one nominal frame
 * @property {'training' | 'upload'} [mode] training (default) keeps every frame's own pixels; upload shows a repetition
 *     that is near enough as what it repeats: what differed between the two is lost; none at quality 100
 * @property {number} [primaries] colour of the pictures, an ITU-T H.273 code point, kept in the file; default 2, unknown
 * @property {number} [transfer] the same
 * @property {[number, number]} [sampleAspect] width of a pixel to its height, kept in the file; default unknown
 * @property {number} [orientation] as in EXIF, 1 to 8, kept in the file for players; default 1, upright
 * @property {Date} [start] wall clock at the first frame, kept in the file
 * @property {number} [effort] 1 (fastest) to 9 (smallest), default 5; format 2
 * @property {number} [threads] for the build with threads; 0 = as many as there are processors
 * @property {number} [targetSize] bytes that the file should have; format 2
 * @property {number} [expectedFrames] how many frames will come, for progress and for targetSize
 * @property {number} [memoryLimit] bytes; format 1 holds all frames within it, default 1 GiB
 * @property {number} [cloneDistance] upload mode: largest mean difference, in levels of 255, that counts as the same,
 *     default 2; in format 2 no cell of a grid of 64 x 36 may differ by more than 8 times that
 * @property {number} [segmentSeconds] format 2: longest time that the file waits for frames already coded; default 10, and
 *     30 where nothing moves. A crash loses that and up to 33 frames of look-ahead: 2 suits a live recording
 * @property {number} [warmupFrames] frames from which the first background is learnt, default 300
 * @property {boolean} [temporal] format 1: code cycles frame after frame, default true
 * @property {boolean} [boundingBox] format 1: code only the foreground's box, default true
 * @property {boolean} [vectorQuantised] format 1: canonical cycles by codebook, default false
 * @property {boolean} [imu] gyroscope samples will be pushed
 * @property {number[]} [cameraMatrix] nine numbers, row by row, for imu
 * @property {Record<string, unknown>} [metadata] what else the file is to say of itself, up to 1 MiB as JSON, which
 *     {@link DiffyDecoder#metadata} gives back; format 2
 * @property {(data: Uint8Array) => void} [write] takes each piece of the file in order (a view that is only valid during
 *     the call); without it the pieces are kept for {@link DiffyEncoder#encode}
 * @property {(progress: EncoderProgress) => void} [onProgress]
 * @property {AbortSignal} [signal] stops with an AbortError at the next frame
 * @property {Codec} [codec] a codec that is loaded already
 * @property {ArrayBuffer | Uint8Array | WebAssembly.Module} [wasmBinary] see {@link Codec.load}
 */

/**
 * @typedef {object} EncoderProgress
 * @property {'background' | 'frames' | 'cycles' | 'done'} stage
 * @property {number} done frames
 * @property {number} total frames; 0 when unknown
 */

/** @typedef {{ frames: number, bytes: number, cycles: number, canonicals: number }} EncoderStats */

/**
 * Pixels of the caller's own, tightly packed.
 * @typedef {object} RawFrame
 * @property {'I420' | 'RGB' | 'RGBA' | 'NV12'} format
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array | Uint8ClampedArray} data
 * @property {VideoColorSpaceInit} [colorSpace] of I420 and NV12
 */

/**
 * @typedef {object} PushOptions
 * @property {number} [timestamp] seconds; default: a VideoFrame's own time, else one frame after the one before
 * @property {0 | 90 | 180 | 270} [rotation] degrees clockwise to turn the frame before encoding
 * @property {boolean} [flip] mirror left to right, after turning
 * @property {VideoColorSpaceInit} [colorSpace] of YCbCr pixels, when it is known better than a VideoFrame knows it
 * @property {{ matrix: number, range: number }} [colour] the same in code points of H.273, and the matrix that RGB is to be
 *     converted with
 * @property {{ matrix: number, range: number }} [made] of RGB that was YCbCr before: what it was made by, so that it becomes
 *     what it was
 */

/** @type {EncoderProgress['stage'][]} */
const stages = ['background', 'frames', 'cycles', 'done'];

/** Frame rates that cameras and editors use, so that 29.97002 becomes 30000/1001. */
const commonRates = [[24000, 1001], [24, 1], [25, 1], [30000, 1001], [30, 1], [50, 1], [60000, 1001], [60, 1]];

/**
 * @param {number | [number, number]} rate
 * @returns {[number, number]}
 */
export function rationalRate(rate) {
    if (Array.isArray(rate)) return rate;
    if (rate < 1 && Math.abs(1 / rate - Math.round(1 / rate)) < 1e-3) return [1, Math.round(1 / rate)];
    for (const [num, den] of commonRates) if (Math.abs(rate - num / den) < 0.005) return [num, den];
    if (Math.abs(rate - Math.round(rate)) < 0.005) return [Math.max(1, Math.round(rate)), 1];
    return [Math.max(1, Math.round(rate * 1000)), 1000];
}

export class DiffyEncoder {
    #codec;
    #options;
    #handle = 0;
    #owner;
    #frames = 0;
    #lastTick = -Infinity;
    /** @type {[number, number]} */
    #timeBase;
    /** @type {[number, number]} */
    #soundBase = [1, 1];
    /** @type {Uint8Array<ArrayBuffer>[]} */
    #pieces = [];
    /** Pixels of the recording, known from the first frame on. */
    width = 0;
    height = 0;
    #opened = false;
    #closed = false;
    /** The file that it goes on with, while it is read.
     * @type {import('./remote.js').Reader | null} */
    #broken = null;
    /** @type {EncoderStats | null} */
    #stats = null;
    /** The episode that the first frame begins.
     * @type {string | null} */
    #episode = null;

    /**
     * @param {Codec} codec
     * @param {EncoderOptions} options
     */
    constructor(codec, options) {
        this.#codec = codec;
        this.#options = options;
        const rate = rationalRate(options.frameRate ?? 30);
        this.#timeBase = options.timeBase ?? [rate[1], rate[0]];
        this.#owner = codec.addOwner({
            read: (offset, target) => this.#broken?.read(offset, target) ?? -1,
            write: (data) => {
                if (options.write) options.write(data);
                else this.#pieces.push(new Uint8Array(data));
            },
            progress: (stage, done, total) => {
                options.onProgress?.({ stage: stages[stage] ?? 'frames', done, total });
                return options.signal?.aborted ?? false;
            },
        });
    }

    /**
     * Loads the codec (unless one is given) and makes an encoder.
     * @param {EncoderOptions} [options]
     */
    static async create(options = {}) {
        const codec = options.codec ?? (await Codec.load({ wasmBinary: options.wasmBinary }));
        return new DiffyEncoder(codec, options);
    }

    /**
     * Encodes the video of a file that the browser can decode (WebCodecs).
     * @param {Blob} blob MP4, MOV, WebM, MKV, MPEG-TS ...
     * @param {EncoderOptions} [options]
     * @returns {Promise<{ data: Blob, stats: EncoderStats }>} data is empty when options.write took it
     */
    static async fromVideo(blob, options = {}) {
        const { openVideo } = await import('./video.js');
        const video = await openVideo(blob);
        try {
            const encoder = await DiffyEncoder.create({
                frameRate: video.rate, timeBase: video.timeBase, expectedFrames: video.expectedFrames,
                primaries: video.colour.primaries, transfer: video.colour.transfer, sampleAspect: turnedAspect(video), ...options,
            });
            try {
                for await (const { frame, timestamp, rotation, flip, made } of video.frames()) {
                    try {
                        await encoder.push(frame, { timestamp, rotation, flip, colour: video.colour, made });
                    } finally {
                        frame.close();
                    }
                }
                if (video.lastDuration > 0) encoder.setLastDuration(video.lastDuration);
                const data = await encoder.encode();
                return { data: new Blob([data], { type: 'application/x-dfy' }), stats: /** @type {EncoderStats} */ (encoder.stats) };
            } finally {
                encoder.close();
            }
        } finally {
            video.close();
        }
    }

    /** Bytes of the file so far. */
    get bytesWritten() {
        return this.#stats ? this.#stats.bytes : this.#handle ? this.#codec.call('encoder_bytes_written', this.#handle) : 0;
    }

    /** Frames coded so far, and the bytes that the file has with them, written or still held. */
    get coded() {
        if (this.#stats) return { frames: this.#stats.frames, bytes: this.#stats.bytes };
        if (!this.#handle) return { frames: 0, bytes: 0 };
        this.#codec.call('encoder_coded', this.#handle);
        const [frames, bytes] = this.#codec.result(2);
        return { frames, bytes };
    }

    /** Frames pushed so far. */
    get framesPushed() {
        return this.#frames;
    }

    /** What came of it, once encode() or finish() has returned. */
    get stats() {
        return this.#stats;
    }

    /**
     * Goes on with a file that was broken off, before the first frame: what is whole of it is written again, and the frame that
     * follows is to be pushed next, with the time that it has in the whole. Format 2; the settings must be the same.
     * @param {import('./decoder.js').DecoderSource} source
     * @returns {Promise<number>} frames that it has
     */
    async goOn(source) {
        if (this.#opened) throw new DiffyError(Status.ARGUMENT, 'Resume a file before pushing the first frame.');
        const { readerOf } = await import('./decoder.js'), reader = await readerOf(source), handle = this.#newHandle();
        this.#broken = reader;
        this.#check(this.#codec.call('encoder_go_on', handle, reader.size));
        this.#broken = null;
        [this.#frames] = this.#codec.result(1);
        return this.#frames;
    }

    /**
     * Takes one frame. Await it before the next: that is how the encoder holds back a faster source. The frame
     * stays the caller's: close it afterwards.
     * @param {VideoFrame | ImageData | RawFrame} frame
     * @param {PushOptions} [options]
     */
    async push(frame, options = {}) {
        this.#options.signal?.throwIfAborted();
        if (this.#stats) throw new DiffyError(Status.ARGUMENT, 'The encoder is finished: make another one for more frames.');
        const { width, height, colour: own } = await this.#stage(frame);
        const colour = options.colour ?? (options.colorSpace ? colourOf(options.colorSpace) : own);
        const rotation = options.rotation ?? 0;
        if (!this.#opened) {
            const turned = rotation % 180 !== 0;
            this.#open(turned ? height : width, turned ? width : height, colour);
            if (this.#episode !== null) this.beginEpisode(this.#episode);
        }
        const status = this.#codec.call('encoder_push', this.#handle, this.#tick(frame, options.timestamp), colour.matrix,
            colour.range, rotation / 90, options.flip ? 1 : 0, options.made?.matrix ?? 0, options.made?.range ?? 0);
        this.#check(status);
        this.#frames++;
    }

    /**
     * The next frame begins an episode of that name, which goes on to the next episode or to the end of the file. Episodes of
     * one camera in one file share its background; `decoder.episodes` lists them. Format 2.
     * @param {string} name 1 to 255 bytes of UTF-8, and no other episode's
     */
    beginEpisode(name) {
        if (this.#opened) this.#check(this.#codec.withText(name, (at) => this.#codec.call('encoder_begin_episode', this.#handle, at)));
        else this.#episode = name;
    }

    /**
     * One gyroscope sample: angular velocity in rad/s and the seconds since the sample before.
     * @param {number} x
     * @param {number} y
     * @param {number} z
     * @param {number} dt
     */
    pushGyro(x, y, z, dt) {
        if (!this.#opened) throw new DiffyError(Status.ARGUMENT, 'Push a frame before gyroscope samples.');
        this.#check(this.#codec.call('encoder_push_gyro', this.#handle, x, y, z, dt));
    }

    /**
     * The file will have sound; after the first frame.
     * @param {import('./decoder.js').DiffySound} sound
     */
    addSound({ codec, sampleRate, channels, timeBase, config }) {
        this.#soundBase = timeBase;
        this.#check(this.#codec.withText(codec, (name) => this.#codec.withBytes(config, (at) =>
            this.#codec.call('encoder_sound', this.#handle, name, sampleRate, channels, timeBase[0], timeBase[1], at, config.length))));
    }

    /**
     * A packet of sound. They come in order, about when the frames of their time do.
     * @param {import('./decoder.js').DiffySoundPacket} packet
     */
    pushSound({ data, timestamp, duration }) {
        const [num, den] = this.#soundBase, ticks = (/** @type {number} */ seconds) => Math.round((seconds * den) / num);
        this.#check(this.#codec.withBytes(data, (at) => this.#codec.call('encoder_push_sound', this.#handle, at, data.length, ticks(timestamp), ticks(duration))));
    }

    /**
     * How long the last frame is shown, where that isn't as long as usual; before finish().
     * @param {number} seconds
     */
    setLastDuration(seconds) {
        const [num, den] = this.#timeBase, ticks = Math.round((seconds * den) / num);
        if (ticks > 0 && this.#opened) this.#check(this.#codec.call('encoder_last_ticks', this.#handle, ticks));
    }

    /**
     * Writes what is still held.
     * @returns {EncoderStats}
     */
    finish() {
        if (this.#stats) return this.#stats;
        if (!this.#opened && !this.#frames) throw new DiffyError(Status.ARGUMENT, 'There was no frame to encode.');
        this.#check(this.#codec.call('encoder_finish', this.#handle));
        const [frames, bytes, cycles, canonicals] = this.#codec.result(4);
        this.#stats = { frames, bytes, cycles, canonicals };
        return this.#stats;
    }

    /**
     * Finishes and gives the whole file (empty when options.write took the pieces).
     * @returns {Promise<Uint8Array<ArrayBuffer>>}
     */
    async encode() {
        this.finish();
        const data = new Uint8Array(await new Blob(this.#pieces).arrayBuffer());
        this.#pieces = [];
        return data;
    }

    /** Frees the encoder's memory; the file so far stays playable. */
    close() {
        if (this.#handle) this.#codec.call('encoder_close', this.#handle);
        this.#handle = 0;
        this.#closed = true;
        this.#codec.removeOwner(this.#owner);
    }

    [Symbol.dispose]() {
        this.close();
    }

    /**
     * @param {number} width
     * @param {number} height
     * @param {import('./picture.js').Colour} colour
     */
    #open(width, height, colour) {
        const o = this.#options;
        const [num, den] = rationalRate(o.frameRate ?? 30);
        /** @type {Record<string, number | undefined>} */
        const settings = {
            width, height, quality: o.quality, format: o.format, frame_rate_num: num, frame_rate_den: den,
            time_base_num: this.#timeBase[0], time_base_den: this.#timeBase[1],
            mode: o.mode === 'upload' ? 1 : 0, matrix: colour.matrix, range: colour.range, effort: o.effort, threads: o.threads ?? this.#codec.threads,
            target_size_bytes: o.targetSize, expected_frames: o.expectedFrames, memory_limit_bytes: o.memoryLimit,
            primaries: o.primaries, transfer: o.transfer, sample_aspect_num: o.sampleAspect?.[0], sample_aspect_den: o.sampleAspect?.[1],
            orientation: o.orientation, start_unix_us: o.start && o.start.getTime() * 1000,
            clone_distance: o.cloneDistance, segment_seconds: o.segmentSeconds, warmup_frames: o.warmupFrames,
            use_temporal: flag(o.temporal), use_bbox: flag(o.boundingBox), use_vq: flag(o.vectorQuantised), has_imu: flag(o.imu),
        };
        Object.assign(this, { width, height });
        const handle = this.#newHandle();
        for (const [name, value] of Object.entries(settings)) {
            if (value === undefined) continue;
            const status = this.#codec.withText(name, (at) => this.#codec.call('encoder_set', handle, at, value));
            if (status) throw new DiffyError(status, `The codec knows no setting "${name}".`);
        }
        (o.cameraMatrix ?? []).forEach((value, i) => this.#codec.call('encoder_set_camera', handle, i, value));
        if (o.metadata) this.#check(this.#codec.withText(JSON.stringify(o.metadata), (at) => this.#codec.call('encoder_set_metadata', handle, at)));
        this.#opened = true;
        this.#check(this.#codec.call('encoder_open', handle));
    }

    /** The C side's encoder: it owns the staging memory, so it is there before the first frame's size is known. */
    #newHandle() {
        if (this.#closed) throw new DiffyError(Status.ARGUMENT, 'The encoder is closed: make another one for more frames.');
        if (!this.#handle) this.#handle = this.#codec.call('encoder_new', this.#owner);
        if (!this.#handle) throw new DiffyError(Status.MEMORY, 'There is no memory left for an encoder.');
        return this.#handle;
    }

    /**
     * Copies a frame's pixels into the codec's memory, in the format they come in where the codec takes it.
     * @param {VideoFrame | ImageData | RawFrame} frame
     * @returns {Promise<{ width: number, height: number, colour: import('./picture.js').Colour }>}
     */
    async #stage(frame) {
        if (typeof VideoFrame !== 'undefined' && frame instanceof VideoFrame) return this.#stageVideoFrame(frame);
        const raw = /** @type {ImageData | RawFrame} */ (frame);
        const format = 'format' in raw ? raw.format : 'RGBA';
        const { width, height, data } = raw;
        const size = pictureBytes(format, width, height);
        if (data.length < size)
            throw new DiffyError(Status.ARGUMENT, `A ${width} x ${height} ${format} frame has ${size} bytes, but only ${data.length} were given.`);
        this.#staging(format, width, height).set(data.subarray(0, size));
        return { width, height, colour: colourOf('format' in raw ? raw.colorSpace : null) };
    }

    /** @param {VideoFrame} frame */
    async #stageVideoFrame(frame) {
        const { width, height, colorSpace } = await copyVideoFrame(frame, (_, ...layout) => this.#staging(...layout));
        return { width, height, colour: colourOf(colorSpace) };
    }

    /**
     * @param {'I420' | 'RGB' | 'RGBA' | 'NV12'} format
     * @param {number} width
     * @param {number} height
     */
    #staging(format, width, height) {
        const at = this.#codec.call('encoder_stage', this.#newHandle(), PixelFormat[format], width, height);
        if (!at) throw new DiffyError(Status.MEMORY, `There is no memory for frames of ${width} x ${height} pixels, or they are too large.`);
        return this.#codec.bytes(at, pictureBytes(format, width, height));
    }

    /**
     * The frame's time in whole ticks, after that of the frame before.
     * @param {VideoFrame | ImageData | RawFrame} frame
     * @param {number | undefined} timestamp seconds
     */
    #tick(frame, timestamp) {
        const [num, den] = this.#timeBase;
        const seconds = timestamp ?? ('timestamp' in frame ? frame.timestamp / 1e6 : undefined);
        const wanted = seconds === undefined ? (this.#lastTick > -Infinity ? this.#lastTick + this.#step() : this.#frames * this.#step()) : Math.round((seconds * den) / num);
        this.#lastTick = Math.max(wanted, this.#lastTick + 1);
        return this.#lastTick;
    }

    /** Ticks from one frame to the next at the nominal rate. */
    #step() {
        const [num, den] = this.#timeBase, [rateNum, rateDen] = rationalRate(this.#options.frameRate ?? 30);
        return Math.max(1, Math.round((rateDen * den) / (rateNum * num)));
    }

    /** @param {number} status */
    #check(status) {
        if (status < 0) throw this.#codec.error(status, this.#handle ? this.#codec.call('encoder_message', this.#handle) : 0);
    }
}

/**
 * The shape of pixels once frames are turned.
 * @param {{ sampleAspect: [number, number], rotation: number }} video
 * @returns {[number, number]}
 */
export function turnedAspect({ sampleAspect: [num, den], rotation }) {
    return rotation % 180 ? [den, num] : [num, den];
}

/** @param {boolean | undefined} value */
function flag(value) {
    return value === undefined ? undefined : value ? 1 : 0;
}
