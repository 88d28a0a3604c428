/** Exports in the worker: frame after frame from the decoder to a file on disk, so that length costs no memory. */
import { Uint8ArrayReader, ZipWriter, configure } from '@zip.js/zip.js';
import { DiffyDecoder } from '../../wasm/index.js';
import { audioConfig } from '../player/sound.js';
import { loadCodec } from '../shared/codec.js';
import { openOutput } from '../shared/storage.js';
import { ImageEncoders } from './image-encoders.js';

configure({ useWebWorkers: false });

/**
 * @typedef {object} ExportOptions
 * @property {File} file
 * @property {'mp4' | 'png' | 'jpg' | 'y4m'} kind
 * @property {number} from first frame
 * @property {number} to last frame, inclusive
 * @property {'high' | 'medium' | 'low'} quality
 * @property {string | null} folder the tab's
 * @property {string} name
 */

/** @typedef {AsyncGenerator<import('../../wasm/decoder.js').DiffyFrame>} Frames */

/**
 * @param {ExportOptions} options
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
export async function exportFrames(options, emit, signal) {
    const decoder = await DiffyDecoder.open(options.file, { codec: await loadCodec() });
    const output = await openOutput(options.folder, options.name);
    try {
        const write = { mp4: writeVideo, png: writeZip, jpg: writeZip, y4m: writeY4m }[options.kind];
        const format = options.kind === 'y4m' || options.kind === 'mp4' ? 'I420' : 'RGBA';
        const note = await write(output, framesOf(decoder, format, options, emit, signal), decoder.info, options, decoder);
        return { file: await output.finish(), warnings: decoder.warnings, note };
    } catch (error) {
        await output.discard();
        throw error;
    } finally {
        decoder.close();
    }
}

/**
 * @param {DiffyDecoder} decoder
 * @param {'RGBA' | 'I420'} format
 * @param {ExportOptions} options
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 * @returns {Frames}
 */
async function* framesOf(decoder, format, { from, to }, emit, signal) {
    if (from) decoder.seek(from);
    let reported = 0;
    for (let frame = decoder.next(format); frame && frame.index <= to; frame = decoder.next(format)) {
        signal.throwIfAborted();
        yield frame;
        if (performance.now() - reported > 100) {
            reported = performance.now();
            emit({ done: frame.index - from + 1, total: to - from + 1 });
        }
    }
}

/**
 * @param {import('../shared/storage.js').Output} output
 * @param {Frames} frames
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 * @param {ExportOptions} options
 */
async function writeZip(output, frames, info, { kind, quality }) {
    const zip = new ZipWriter(new WritableStream({ write: (/** @type {Uint8Array<ArrayBuffer>} */ data) => output.write(data) }), { level: 0 });
    const encoders = new ImageEncoders(kind === 'png' ? 'image/png' : 'image/jpeg', { high: 0.95, medium: 0.88, low: 0.7 }[quality], 4 * info.width * info.height);
    /** Images under way, in the order of their frames.
     * @type {{ name: string, image: Promise<Uint8Array<ArrayBuffer>> }[]} */
    const pending = [];
    const addOldest = async () => {
        const { name, image } = /** @type {typeof pending[0]} */ (pending.shift());
        await zip.add(name, new Uint8ArrayReader(await image));
    };
    try {
        for await (const frame of frames) {
            const image = encoders.encode(frame);
            // It is looked at when its turn comes; until then a failure is nobody's.
            image.catch(() => {});
            pending.push({ name: `frame_${String(frame.index).padStart(6, '0')}.${kind}`, image });
            if (pending.length >= encoders.room) await addOldest();
        }
        while (pending.length) await addOldest();
    } finally {
        encoders.close();
    }
    await zip.close();
    return '';
}

/**
 * @param {import('../shared/storage.js').Output} output
 * @param {Frames} frames
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 */
async function writeY4m(output, frames, info) {
    const text = new TextEncoder();
    const [num, den] = info.frameRateFraction, planar = info.nativeFormat === 'I420';
    const usual = info.height < 720 ? 6 : 1;
    const points = planar ? [info.primaries, info.transfer, info.matrix === 2 ? usual : info.matrix] : [1, 13, usual];
    // The line that `diffy decode` writes.
    output.write(text.encode(`YUV4MPEG2 W${info.width} H${info.height} F${num}:${den} Ip A${info.sampleAspect.join(':')} C420jpeg`
        + ` XCOLORRANGE=${info.range && planar ? 'FULL' : 'LIMITED'} XH273=${points.join('/')}\n`));
    const mark = text.encode('FRAME\n');
    for await (const frame of frames) {
        output.write(mark);
        output.write(frame.data);
    }
    return '';
}

/**
 * @param {import('../shared/storage.js').Output} output
 * @param {Frames} frames
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 * @param {ExportOptions} options
 * @param {DiffyDecoder} decoder
 */
async function writeVideo(output, frames, info, options, decoder) {
    const { Mp4OutputFormat, Output, QUALITY_HIGH, QUALITY_LOW, QUALITY_MEDIUM, StreamTarget, VideoSample, VideoSampleSource, getFirstEncodableVideoCodec } = await import('mediabunny');
    if (typeof VideoEncoder === 'undefined') throw new Error("This browser can't encode video: export frames instead, or use Chrome, Edge or Safari.");
    const quality = { high: QUALITY_HIGH, medium: QUALITY_MEDIUM, low: QUALITY_LOW }[options.quality];
    // H.264 has no odd sizes.
    const even = info.width % 2 === 0 && info.height % 2 === 0;
    const codec = await getFirstEncodableVideoCodec(even ? ['avc', 'av1', 'vp9'] : ['av1', 'vp9'], { width: info.width, height: info.height, quality });
    if (!codec) throw new Error(`This browser can't encode video of ${info.width} x ${info.height} pixels: export frames instead.`);
    const target = new StreamTarget(new WritableStream({ write: ({ data, position }) => output.write(data, position) }));
    const video = new Output({ format: new Mp4OutputFormat({ fastStart: false }), target });
    const source = new VideoSampleSource({ codec, quality });
    video.addVideoTrack(source, { frameRate: undefined, rotation: quarterTurns[info.orientation] ?? 0 });
    const sound = await soundTrack(decoder.sound);
    if (sound) video.addAudioTrack(sound.source);
    await video.start();
    const [num, den] = info.sampleAspect[0] && info.sampleAspect[1] ? info.sampleAspect : [1, 1];
    let start = NaN;
    /** @type {Generator<import('../../wasm/decoder.js').DiffySoundPacket> | null} */
    let packets = null;
    let packet = /** @type {import('../../wasm/decoder.js').DiffySoundPacket | undefined} */ (undefined);
    for await (const frame of frames) {
        if (Number.isNaN(start)) {
            start = frame.timestamp;
            packets = sound && decoder.soundPackets(start);
            packet = packets?.next().value ?? undefined;
        }
        // Sound goes with the pictures of its time, so that neither waits for the other.
        for (; sound && packet && packet.timestamp < frame.timestamp + frame.duration; packet = packets?.next().value ?? undefined) if (packet.timestamp >= start) await sound.add(packet, start);
        const duration = frame.index === info.frames - 1 ? info.lastDuration : frame.duration;
        const own = frame.toVideoFrame(), shown = num === den ? own : new VideoFrame(own, { displayWidth: Math.round((frame.width * num) / den), displayHeight: frame.height });
        if (shown !== own) own.close();
        const sample = new VideoSample(shown, { timestamp: frame.timestamp - start, duration });
        await source.add(sample);
        sample.close();
    }
    await video.finalize();
    const words = codec === 'avc' ? 'H.264' : codec.toUpperCase();
    return decoder.sound && !sound ? `${words}, without sound: MP4 can't hold ${decoder.sound.codec}` : words;
}

/** How far players turn a picture, clockwise, by its EXIF orientation; mirrored ones are as they are.
 * @type {Record<number, 0 | 90 | 180 | 270>} */
const quarterTurns = { 3: 180, 6: 90, 8: 270 };

/**
 * The file's sound as a track of an MP4, its packets as they are; null when there is none that an MP4 takes.
 * @param {import('../../wasm/decoder.js').DiffySound | null} sound
 */
async function soundTrack(sound) {
    const { EncodedAudioPacketSource, EncodedPacket } = await import('mediabunny'), codec = /** @type {const} */ (['aac', 'opus', 'mp3', 'flac']).find((name) => name === sound?.codec);
    if (!sound || !codec) return null;
    const source = new EncodedAudioPacketSource(codec), decoderConfig = audioConfig(sound);
    return {
        source,
        /** @param {import('../../wasm/decoder.js').DiffySoundPacket} packet
         * @param {number} start */
        add: ({ data, timestamp, duration }, start) => source.add(new EncodedPacket(data, 'key', timestamp - start, duration), { decoderConfig }),
    };
}
