/**
 * Frames out of video files: Mediabunny takes the container apart, WebCodecs decodes. Only pieces of the file are
 * in memory at any time; the consumer holds the decoder back by asking for the next frame when it is ready.
 */
import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input, VideoSampleSink } from 'mediabunny';

/**
 * @typedef {object} OpenVideo
 * @property {number} width pixels, before rotation
 * @property {number} height
 * @property {0 | 90 | 180 | 270} rotation degrees clockwise that frames are to be turned
 * @property {number} frameRate frames a second, measured
 * @property {[number, number]} timeBase seconds a tick of the file's times, as a fraction
 * @property {number} duration seconds
 * @property {number} lastTimestamp of the last packet that the file tells of, in seconds from the first frame; where frames
 *     end well before, the file was cut
 * @property {number} expectedFrames an estimate
 * @property {string} codec
 * @property {boolean} decodable by WebCodecs
 * @property {() => Promise<number[]>} timestamps of all frames, in playing order, in seconds from the first
 * @property {boolean} hasAudio
 * @property {VideoColorSpaceInit} colorSpace what the file says, unlike a VideoFrame, whose colour the browser guesses
 * @property {() => AsyncGenerator<{ frame: VideoFrame, timestamp: number, rotation: 0 | 90 | 180 | 270, flip: boolean }>} frames
 *     every frame is the consumer's to close
 * @property {(timestamps: number[]) => AsyncGenerator<{ frame: VideoFrame, timestamp: number, rotation: 0 | 90 | 180 | 270, flip: boolean } | null>} framesAt
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
        const stats = await track.computePacketStats(300);
        const duration = await input.computeDuration();
        const start = await track.getFirstTimestamp();
        const last = await new EncodedPacketSink(track).getPacket(Infinity, { metadataOnly: true });
        const frameRate = stats.averagePacketRate > 0 && Number.isFinite(stats.averagePacketRate) ? stats.averagePacketRate : 30;
        const resolution = Math.round(await track.getTimeResolution());
        return {
            width: await track.getCodedWidth(),
            height: await track.getCodedHeight(),
            rotation: await track.getRotation(),
            frameRate,
            timeBase: resolution > 0 && resolution <= 1e6 ? [1, resolution] : [1, 1e6],
            duration,
            lastTimestamp: (last?.timestamp ?? start) - start,
            expectedFrames: Math.max(1, Math.round((duration - start) * frameRate)),
            codec: codec ?? 'unknown',
            decodable,
            timestamps: () => timestampsOf(track, start),
            colorSpace: await track.getColorSpace(),
            hasAudio: (await input.getPrimaryAudioTrack()) !== null,
            frames: () => framesOf(track, start),
            framesAt: (timestamps) => framesAt(track, start, timestamps),
            close: () => input.dispose(),
        };
    } catch (error) {
        input.dispose();
        throw error;
    }
}

/** @param {Input} input */
async function findTrack(input) {
    // A file too short or too broken for the demuxer makes it throw: nobody can read that either.
    if (!(await input.canRead().catch(() => false))) throw new Error("This file's format isn't one that can be read here: use MP4, MOV, WebM, MKV or MPEG-TS, images, or a .zip of images.");
    const tracks = await input.getTracks();
    if (!tracks.length) throw new Error('This file ends before it tells what it holds: it was cut, as a copy that was broken off, or never finished.');
    const track = await input.getPrimaryVideoTrack();
    if (!track) throw new Error('There is no video in this file, only sound or text.');
    return track;
}

/**
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds; times are counted from the first frame
 */
async function* framesOf(track, start) {
    for await (const sample of new VideoSampleSink(track).samples()) {
        try {
            yield { frame: sample.toVideoFrame(), timestamp: sample.timestamp - start, rotation: sample.rotation, flip: sample.flip };
        } finally {
            sample.close();
        }
    }
}

/**
 * @param {import('mediabunny').InputVideoTrack} track
 * @param {number} start seconds
 * @param {number[]} timestamps seconds from the first frame
 */
async function* framesAt(track, start, timestamps) {
    // Half a millisecond on: times in a .dfy are rounded to its ticks.
    const wanted = timestamps.map((timestamp) => timestamp + start + 0.0005);
    for await (const sample of new VideoSampleSink(track).samplesAtTimestamps(wanted)) {
        try {
            yield sample && { frame: sample.toVideoFrame(), timestamp: sample.timestamp - start, rotation: sample.rotation, flip: sample.flip };
        } finally {
            sample?.close();
        }
    }
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
