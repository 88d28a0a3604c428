/**
 * A small writer of MP4 files with one H.264 track, for the saved page, where every kilobyte counts. Pictures are encoded by
 * WebCodecs; the file is kept in memory as a list of pieces.
 */

/** @param {...(number | string | Uint8Array)} parts numbers are written as 32 bits
 * @returns {Uint8Array<ArrayBuffer>} */
function bytes(...parts) {
    const pieces = parts.map((part) => {
        if (typeof part === 'string') return Uint8Array.from(part, (letter) => letter.charCodeAt(0));
        return typeof part === 'number' ? new Uint8Array([part >>> 24, part >>> 16, part >>> 8, part]) : part;
    });
    const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
    }
    return all;
}

/** @param {string} type
 * @param {...(number | string | Uint8Array)} parts */
function box(type, ...parts) {
    const content = bytes(...parts);
    return bytes(content.length + 8, type, content);
}

/** @param {number} high
 * @param {number} low two numbers of 16 bits */
const pair = (high, low) => ((high << 16) | low) >>> 0;

/** The unit matrix of pictures that are shown as they are. */
const upright = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/** Ticks a second. */
const timescale = 90000;

/**
 * @typedef {object} Sample
 * @property {number} size bytes
 * @property {number} duration ticks
 * @property {boolean} key
 * @property {number} offset in the file
 */

/** Equal neighbours as (count, value).
 * @param {number[]} values */
function runs(values) {
    /** @type {number[]} */
    const list = [];
    for (const value of values) {
        if (list.at(-1) === value) list[list.length - 2]++;
        else list.push(1, value);
    }
    return list;
}

/**
 * @param {Sample[]} samples
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} description avcC
 */
function movie(samples, width, height, description) {
    const length = samples.reduce((sum, { duration }) => sum + duration, 0), times = runs(samples.map(({ duration }) => duration));
    const keys = samples.flatMap(({ key }, i) => (key ? [i + 1] : [])), offsets = samples.flatMap(({ offset }) => [Math.floor(offset / 2 ** 32), offset % 2 ** 32]);
    const entry = box('avc1', 0, pair(0, 1), 0, 0, 0, 0, pair(width, height), 0x480000, 0x480000, 0, pair(1, 0), new Uint8Array(30), pair(24, 0xffff), box('avcC', description));
    const table = box('stbl',
        box('stsd', 0, 1, entry), box('stts', 0, times.length / 2, ...times), ...(keys.length < samples.length ? [box('stss', 0, keys.length, ...keys)] : []),
        box('stsc', 0, 1, 1, 1, 1), box('stsz', 0, 0, samples.length, ...samples.map(({ size }) => size)), box('co64', 0, samples.length, ...offsets));
    const media = box('mdia', box('mdhd', 0, 0, 0, timescale, length, pair(0x55c4, 0)), box('hdlr', 0, 0, 'vide', 0, 0, 0, new Uint8Array(1)),
        box('minf', box('vmhd', 1, 0, 0), box('dinf', box('dref', 0, 1, box('url ', 1))), table));
    const track = box('trak', box('tkhd', 3, 0, 0, 1, 0, length, 0, 0, 0, 0, ...upright, pair(width, 0), pair(height, 0)), media);
    return box('moov', box('mvhd', 0, 0, 0, timescale, length, 0x10000, pair(0x100, 0), 0, 0, ...upright, 0, 0, 0, 0, 0, 0, 2), track);
}

/** Levels of H.264 that suffice for a number of pixels. */
const levels = /** @type {const} */ ([[414720, '1f'], [2228224, '28'], [8912896, '33'], [Infinity, '3c']]);

/**
 * @param {Iterable<import('../../wasm/decoder.js').DiffyFrame>} frames in I420
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Blob>}
 */
export async function mp4Of(frames, { width, height, frameRate }, onProgress) {
    const unable = "This browser can't encode H.264 video of this size: save the .dfy, and export it with Diffy.";
    if (typeof VideoEncoder === 'undefined' || width % 2 || height % 2) throw new Error(unable);
    const level = /** @type {string} */ (levels.find(([most]) => width * height <= most)?.[1]);
    /** @type {VideoEncoderConfig} */
    const config = { codec: `avc1.6400${level}`, width, height, bitrate: Math.round(width * height * Math.min(60, frameRate) * 0.12), framerate: frameRate, avc: { format: 'avc' } };
    if (!(await VideoEncoder.isConfigSupported(config)).supported) config.codec = `avc1.4200${level}`;
    if (!(await VideoEncoder.isConfigSupported(config)).supported) throw new Error(unable);
    const head = box('ftyp', 'isom', 512, 'isomavc1mp41');
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const pieces = [];
    /** @type {(Sample & { time: number })[]} */
    const samples = [];
    let end = head.length + 16, description = /** @type {Uint8Array<ArrayBufferLike>} */ (new Uint8Array(0));
    /** @type {Error | null} */
    let failed = null;
    const encoder = new VideoEncoder({
        output(chunk, metadata) {
            const from = metadata?.decoderConfig?.description;
            if (from) description = new Uint8Array(ArrayBuffer.isView(from) ? from.buffer.slice(from.byteOffset, from.byteOffset + from.byteLength) : from);
            const piece = new Uint8Array(chunk.byteLength);
            chunk.copyTo(piece);
            pieces.push(piece);
            samples.push({ size: piece.length, duration: Math.round(timescale / frameRate), key: chunk.type === 'key', offset: end, time: chunk.timestamp });
            end += piece.length;
        },
        error: (error) => (failed = error),
    });
    encoder.configure(config);
    let done = 0;
    for (const frame of frames) {
        const video = frame.toVideoFrame();
        encoder.encode(video, { keyFrame: done % 250 === 0 });
        video.close();
        onProgress(++done);
        // Messages get in, and the encoder keeps up.
        do await new Promise((resolve) => setTimeout(resolve, 0));
        while (encoder.encodeQueueSize > 8 && !failed);
        if (failed) throw failed;
    }
    await encoder.flush();
    encoder.close();
    samples.forEach((sample, i) => {
        if (samples[i + 1]) sample.duration = Math.max(1, Math.round(((samples[i + 1].time - sample.time) * timescale) / 1e6));
    });
    const size = end - head.length;
    return new Blob([head, bytes(1, 'mdat', Math.floor(size / 2 ** 32), size % 2 ** 32), ...pieces, movie(samples, width, height, description)], { type: 'video/mp4' });
}
