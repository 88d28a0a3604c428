/**
 * Frames out of video files: Mediabunny takes the container apart, WebCodecs decodes. Only pieces of the file are
 * in memory at any time; the consumer holds the decoder back by asking for the next frame when it is ready.
 */
import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input, VideoSampleSink } from 'mediabunny';
import { isCutOff } from './cut.js';
import { madeBy } from './made.js';
import { isHdr, nominalRate, pixelAspect, settledColour, soundCodecName, soundConfig } from './meaning.js';
import { colourOf, copyLayout } from './picture.js';

/**
 * A frame is the consumer's to close. made: where the browser gives RGB of YCbCr, by which matrix and range it made it.
 * @typedef {{ frame: VideoFrame, timestamp: number, rotation: 0 | 90 | 180 | 270, flip: boolean, made?: import('./picture.js').Colour }} DecodedFrame
 */

/** @typedef {(frame: VideoFrame) => Promise<import('./picture.js').Colour | undefined>} Maker what it was made by, if it is RGB */

/**
 * @typedef {object} OpenVideo
 * @property {number} width pixels, before rotation
 * @property {number} height
 * @property {0 | 90 | 180 | 270} rotation degrees clockwise that frames are to be turned
 * @property {number} frameRate frames per second, nominal
 * @property {[number, number]} rate the same as a fraction
 * @property {[number, number]} sampleAspect width of a pixel to its height
 * @property {import('./meaning.js').SourceColour} colour what the file says, and what follows where it says nothing
 * @property {number} lastDuration seconds that the last frame is shown
 * @property {number} videos that the file holds; this is one of them
 * @property {boolean} cut it ends in the middle of its data
 * @property {string | null} odd why WebCodecs can't be relied on to give this video's true pictures and times
 * @property {import('./decoder.js').DiffySound | null} sound
 * @property {() => AsyncGenerator<import('./decoder.js').DiffySoundPacket, void, unknown>} soundPackets times from the first frame
 * @property {[number, number]} timeBase seconds a tick of the file's times, as a fraction
 * @property {number} duration seconds
 * @property {number} lastTimestamp of the last packet that the file tells of, in seconds from the first frame; where frames
 *     end well before, the file was cut
 * @property {number} expectedFrames an estimate
 * @property {string} codec
 * @property {boolean} decodable by WebCodecs
 * @property {() => Promise<number[]>} timestamps of all frames, in playing order, in seconds from the first
 * @property {() => Promise<{ timestamp: number, bytes: number }[] | null>} packetSizes in playing order; null where all of the file would
 *     have to be read for them
 * @property {boolean} hasAudio
 * @property {VideoColorSpaceInit} colorSpace what the file says, unlike a VideoFrame, whose colour the browser guesses
 * @property {() => AsyncGenerator<DecodedFrame>} frames
 * @property {(timestamps: number[]) => AsyncGenerator<DecodedFrame | null>} framesAt
 *     the frames shown at these times, in rising order; null where there is none
 * @property {() => void} close
 */

/**
 * Opens a video that this browser can decode; throws one sentence for one that it can't.
 * @param {Blob} blob
 * @param {{ anyCodec?: boolean }} [options] anyCodec: also when WebCodecs can't decode it, for its facts and times alone
 * @returns {Promise<OpenVideo>}
 */
export async function openVideo(blob, { anyCodec = false } = {}) {
    if (!blob.size) throw new Error('This file is empty: there is nothing to read.');
    const input = new Input({ source: new BlobSource(blob), formats: ALL_FORMATS });
    try {
        const track = await findTrack(input);
        const codec = await track.getCodec();
        const decodable = typeof VideoDecoder !== 'undefined' && (await track.canDecode());
        if (!decodable && !anyCodec)
            throw new Error(`This browser can't decode ${(codec ?? 'this video').toUpperCase()}: convert the file to H.264 or AV1, or try another browser.`);
        const first = await track.getFirstTimestamp(), end = await track.computeDuration();
        // What an edit list hides has times before 0.
        const start = first < 0 ? await firstShown(track) : first;
        const last = await new EncodedPacketSink(track).getPacket(Infinity, { metadataOnly: true });
        const resolution = Math.round(await track.getTimeResolution()), tick = resolution > 0 ? 1 / resolution : 1e-6;
        const times = await firstTimes(track), rate = nominalRate(times, tick) ?? [30, 1], frameRate = rate[0] / rate[1];
        const height = await track.getCodedHeight(), colorSpace = await track.getColorSpace(), colour = settledColour(colorSpace, height, codec);
        const { num, den } = await track.getPixelAspectRatio(), width = await track.getCodedWidth(), sound = await openSound(input);
        const lastDuration = last ? Math.max(end - last.timestamp, 0) : 0;
        /** @type {Maker} */
        const makerOf = async (frame) => {
            if (copyLayout(frame).format !== 'RGBA' || colorSpace.matrix === 'rgb') return undefined;
            const own = colourOf(frame.colorSpace), isRgb = /^(RGB|BGR)/.test(frame.format ?? '');
            // What is turned into RGB only when it is copied is so by what the browser says of it.
            return isRgb || own.matrix === 2 ? madeBy(codec, colorSpace, height, colour) : own;
        };
        return {
            width,
            height,
            rotation: await track.getRotation(),
            frameRate,
            rate,
            sampleAspect: pixelAspect(width, Math.round((width * num) / den), [num, den]),
            colour,
            lastDuration,
            videos: (await input.getVideoTracks()).length,
            cut: await isCutOff(blob),
            odd: times.length ? await oddity(input, track, colour, blob) : 'nothing found',
            sound: sound?.description ?? null,
            soundPackets: () => soundPackets(sound, start),
            timeBase: resolution > 0 && resolution <= 1e6 ? [1, resolution] : [1, 1e6],
            duration: end,
            lastTimestamp: (last?.timestamp ?? start) - start,
            expectedFrames: Math.max(1, Math.round((end - start) * frameRate)),
            codec: codec ?? 'unknown',
            decodable,
            timestamps: () => timestampsOf(track, start),
            packetSizes: () => packetSizes(input, track, start),
            colorSpace,
            hasAudio: sound !== null,
            frames: () => framesOf(track, start, makerOf),
            framesAt: (timestamps) => framesAt(track, start, timestamps, makerOf),
            close: () => input.dispose(),
        };
    } catch (error) {
        input.dispose();
        throw error;
    }
}

/** Times of the first packets that are shown, in seconds.
 * @param {import('mediabunny').InputVideoTrack} track */
async function firstTimes(track) {
    const times = [];
    for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) {
        if (packet.timestamp >= -1e-6) times.push(packet.timestamp);
        if (times.length === 300) break;
    }
    return times;
}

/** The time of the first frame that is shown, where frames before it are not.
 * @param {import('mediabunny').InputVideoTrack} track */
async function firstShown(track) {
    const times = (await firstTimes(track)).sort((a, b) => a - b);
    return times[0] ?? 0;
}

/**
 * @param {Input} input
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {import('./meaning.js').SourceColour} colour
 * @param {Blob} blob
 */
async function oddity(input, track, colour, blob) {
    const format = (await input.getFormat()).name;
    if (isHdr(colour.transfer)) return 'HDR';
    // Clocks of transport streams are set anew and wrap.
    if (!/MP4|QuickTime|ISO|WebM|Matroska/i.test(format)) return format;
    // Of a cluster that was cut, Mediabunny gives nothing.
    if (/WebM|Matroska/i.test(format) && (await isCutOff(blob))) return 'cut off';
    // Which of them is the one is to be the same everywhere.
    if ((await input.getVideoTracks()).length > 1) return 'several videos';
    const space = await track.getColorSpace();
    return space.matrix === 'rgb' ? 'RGB' : null;
}

/** @param {Input} input */
async function openSound(input) {
    const track = await input.getPrimaryAudioTrack();
    const config = track && (await track.getDecoderConfig()), codec = track && (await track.getCodec());
    if (!track || !codec || !config) return null;
    const sampleRate = await track.getSampleRate();
    return {
        track,
        description: {
            codec: soundCodecName(codec), sampleRate, channels: await track.getNumberOfChannels(),
            timeBase: /** @type {[number, number]} */ ([1, sampleRate]), config: soundConfig(codec, config.description),
        },
    };
}

/**
 * @param {Awaited<ReturnType<typeof openSound>>} sound
 * @param {number} start seconds
 * @returns {AsyncGenerator<import('./decoder.js').DiffySoundPacket, void, unknown>}
 */
async function* soundPackets(sound, start) {
    if (!sound) return;
    for await (const { data, timestamp, duration } of new EncodedPacketSink(sound.track).packets())
        yield { data: new Uint8Array(data), timestamp: timestamp - start, duration };
}

/** @param {Input} input */
async function findTrack(input) {
    // A file too short or too broken for the demuxer makes it throw: nobody can read that either.
    if (!(await input.canRead().catch(() => false))) throw new Error("This file format can't be read here: use MP4, MOV, WebM, MKV or MPEG-TS, images, or a .zip of images.");
    const tracks = await input.getTracks().catch(() => {
        throw new Error('This file is damaged: what it says of its contents makes no sense.');
    });
    if (!tracks.length) throw new Error('This file is incomplete: it ends before the list of its contents, like an interrupted copy or a recording that never finished.');
    const track = await input.getPrimaryVideoTrack();
    if (!track) throw new Error('There is no video in this file, only sound or text.');
    return track;
}

/**
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds; times are counted from the first frame
 * @param {Maker} makerOf
 * @returns {AsyncGenerator<DecodedFrame>}
 */
async function* framesOf(track, start, makerOf) {
    for await (const sample of new VideoSampleSink(track).samples()) {
        try {
            if (sample.timestamp < start - 1e-6) continue; // an edit list hides it
            yield await decodedFrame(sample, start, makerOf);
        } finally {
            sample.close();
        }
    }
}

/**
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds
 * @param {number[]} timestamps seconds from the first frame
 * @param {Maker} makerOf
 * @returns {AsyncGenerator<DecodedFrame | null>}
 */
async function* framesAt(track, start, timestamps, makerOf) {
    // Half a millisecond on: times in a .dfy are rounded to its ticks.
    const wanted = timestamps.map((timestamp) => timestamp + start + 0.0005);
    for await (const sample of new VideoSampleSink(track).samplesAtTimestamps(wanted)) {
        try {
            yield sample && (await decodedFrame(sample, start, makerOf));
        } finally {
            sample?.close();
        }
    }
}

/**
 * @param {import('mediabunny').VideoSample} sample stays the caller's
 * @param {number} start seconds
 * @param {Maker} makerOf
 * @returns {Promise<DecodedFrame>}
 */
async function decodedFrame(sample, start, makerOf) {
    const frame = sample.toVideoFrame(), { timestamp, rotation, flip } = sample;
    return { frame, timestamp: timestamp - start, rotation, flip, made: await makerOf(frame) };
}

/**
 * Times and sizes of the packets in the order in which they are shown; null where the whole file would have to be read for it.
 * @param {Input} input
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds
 */
async function packetSizes(input, track, start) {
    if (!/MP4|QuickTime|ISO/i.test((await input.getFormat()).name)) return null;
    const packets = [];
    for await (const { timestamp, byteLength } of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true }))
        if (timestamp >= start - 1e-6) packets.push({ timestamp: timestamp - start, bytes: byteLength });
    return packets.sort((a, b) => a.timestamp - b.timestamp);
}

/**
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds
 */
async function timestampsOf(track, start) {
    const times = [];
    for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) times.push(packet.timestamp - start);
    return times.sort((a, b) => a - b);
}
