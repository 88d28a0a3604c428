/**
 * Frames from videos, images and zips, one at a time, for the worker. Every kind has the same face: facts, and an
 * async generator that is asked for the next frame only when there is room for it.
 */
import { BlobReader, BlobWriter, Uint8ArrayWriter, ZipReader, ZipWriter, configure } from '@zip.js/zip.js';
import { turnedAspect } from '../../wasm/encoder.js';
import { isHdr } from '../../wasm/meaning.js';
import { openVideo } from '../../wasm/video.js';
import { formatBytes, naturalOrder } from '../shared/text.js';
import { animatedType, isCutJpeg, openAnimation } from './animation.js';
import { coloursOf, pointsToSrgb, withProfile } from './image-colour.js';
import { turnedWebp } from './image-orientation.js';
import { openMedia, readByMedia } from './media.js';
import { imagePattern, isClutter, videoPattern, zipPattern } from './options.js';

// This is a worker already, and the page's security policy allows none made from text.
configure({ useWebWorkers: false });

/**
 * @typedef {object} SourceFrame
 * @property {VideoFrame | ImageData | import('../../wasm/encoder.js').RawFrame} frame
 * @property {number} [timestamp] seconds
 * @property {0 | 90 | 180 | 270} rotation
 * @property {boolean} flip
 * @property {import('../../wasm/picture.js').Colour} [made] what RGB was made by that was YCbCr before
 * @property {boolean} [scaled] it has the size that was asked for
 * @property {import('../../wasm/decoder.js').DiffySoundPacket[]} [sound] packets that have come with the frames so far
 */

/** @typedef {Omit<SourceFrame, 'frame'> & { frame: VideoFrame | ImageData }} ShownFrame */

/**
 * What is known when all frames have come.
 * @typedef {object} Ending
 * @property {number} lastDuration seconds that the last frame is shown; 0: as long as usual
 * @property {string[]} warnings sentences on what was damaged, skipped or changed
 * @property {import('../../wasm/decoder.js').DiffySoundPacket[]} [sound] packets that are left
 */

/**
 * @typedef {object} SourceFacts
 * @property {number} frameRate nominal
 * @property {[number, number]} [rate] the same as a fraction
 * @property {import('../../wasm/meaning.js').SourceColour} [colour] what frames mean, whatever the browser makes of them
 * @property {[number, number]} [sampleAspect] width of a pixel to its height, once frames are turned
 * @property {import('../../wasm/decoder.js').DiffySound | null} [sound]
 * @property {number} [start] wall clock of the first frame, milliseconds since 1970
 * @property {[number, number]} [timeBase]
 * @property {number} expectedFrames
 * @property {boolean} [cut] the video ends in the middle of its data
 * @property {number} [lastTimestamp] of the last frame that a video tells of, in seconds
 * @property {number} inputBytes
 * @property {boolean} hasAudio
 * @property {VideoColorSpaceInit} [colorSpace]
 * @property {boolean} [slow] stepped through a <video> element
 */

/**
 * @typedef {object} SourceFrames
 * @property {() => AsyncGenerator<SourceFrame>} frames VideoFrames are the consumer's to close
 * @property {(places: { index: number, timestamp: number }[]) => AsyncGenerator<ShownFrame | null>} framesAt frames out of order of need, rising
 * @property {() => void} close
 * @property {() => Promise<{ timestamp: number, bytes: number }[] | null>} [packetSizes] of the video's own frames, in playing order
 * @property {Ending} ending filled in when all frames have come
 */

/** @typedef {SourceFacts & SourceFrames} OpenSource */

/** An image that unpacks to more than this is refused: it would be larger than the largest picture. */
const maxImageBytes = 512e6;

/**
 * @param {import('./options.js').Source} source
 * @param {import('./options.js').EncodeSettings} settings
 * @param {MessagePort} [element] to a <video> element of the page, for what WebCodecs can't decode
 * @returns {Promise<OpenSource>}
 */
export async function openSource(source, settings, element) {
    const { frameRate } = settings;
    if (source.kind === 'images') {
        const files = [...source.files].sort((a, b) => naturalOrder(pathOf(a), pathOf(b)));
        const pages = files.length === 1 ? await pagesOf(files[0]) : 1;
        if (pages > 1) return imageSource(Array.from({ length: pages }, (_, page) => ({ name: pathOf(files[0]), size: files[0].size / pages, page, open: async () => files[0] })), frameRate, () => {});
        return imageSource(files.map((file) => ({ name: pathOf(file), size: file.size, open: async () => file })), frameRate, () => {});
    }
    if (source.kind === 'zip' && source.video) return openVideoFile(await unpackVideo(source.file, source.folder), settings);
    if (source.kind === 'zip') return openZip(source.file, source.folder, frameRate);
    const type = await animatedType(source.file), animation = type && (await openAnimation(source.file, type));
    return animation || openVideoFile(source.file, settings, element);
}

/**
 * A video by the browser's own decoders where they give its true pictures and times, else by those that the site brings along.
 * @param {File} file
 * @param {import('./options.js').EncodeSettings} settings
 * @param {MessagePort} [element]
 * @returns {Promise<OpenSource>}
 */
async function openVideoFile(file, settings, element) {
    const video = await openVideo(file, { anyCodec: true }).catch((/** @type {Error} */ error) => error);
    const plain = !(video instanceof Error) && video.decodable && !video.odd;
    if (plain) return browserSource(file, video, settings);
    /** @type {unknown} */
    let refused = null;
    const media = await openMedia(file, settings).catch((error) => (refused = error, null));
    if (media) {
        if (!(video instanceof Error)) video.close();
        return media;
    }
    // What neither knows is told in the words of the one that knows what people drop here.
    const specific = refused instanceof Error && !refused.message.includes("can't be read as video") ? refused : null;
    if (video instanceof Error) throw specific ?? video;
    if (video.decodable) return browserSource(file, video, settings);
    if (element) return elementSource(video, file.size, element);
    video.close();
    throw specific ?? new Error(`This browser can't decode ${video.codec.toUpperCase()}: convert the file to H.264 or AV1, or try another browser.`);
}

/** Formats of a VideoFrame whose pixels are those of the video. */
const exactFormats = ['I420', 'NV12', 'I420P10', 'I420P12', 'RGBA', 'RGBX', 'BGRA', 'BGRX'];

const clipped = "This browser decodes full range as if it were limited: what is nearly black or white, or strongly coloured, is clipped. Another browser, or Diffy's command line, keeps it.";

/**
 * Frames by WebCodecs. Where the browser fails, or gives frames of another depth or size, the site's own decoders go on from
 * there.
 * @param {File} file
 * @param {import('../../wasm/video.js').OpenVideo} video
 * @param {import('./options.js').EncodeSettings} settings
 * @returns {OpenSource}
 */
function browserSource(file, video, settings) {
    /** @type {Ending} */
    const ending = { lastDuration: video.lastDuration, warnings: [] };
    if (video.videos > 1) ending.warnings.push(`This file contains ${video.videos} videos: only one of them, of ${video.width} x ${video.height} pixels, is encoded.`);
    if (isHdr(video.colour.transfer)) ending.warnings.push(`This video is HDR (${video.colour.transfer === 16 ? 'PQ' : 'HLG'}), and its values are kept: players that know only standard brightness show it pale. Diffy's command line maps it to BT.709.`);
    const packets = video.soundPackets();
    /** @type {import('../../wasm/decoder.js').DiffySoundPacket | null} */
    let waiting = null;
    const soundUntil = async (/** @type {number} */ time) => {
        const due = [];
        for (;;) {
            waiting ??= (await packets.next()).value ?? null;
            if (!waiting || waiting.timestamp > time) return due;
            due.push(waiting);
            waiting = null;
        }
    };
    return {
        ...video, sampleAspect: turnedAspect(video), inputBytes: file.size, ending,
        framesAt: (places) => video.framesAt(places.map(({ timestamp }) => timestamp)),
        async *frames() {
            let count = 0;
            /** @type {unknown} */
            let problem = null;
            try {
                /** @type {{ width: number, height: number } | null} */
                let size = null;
                for await (const item of video.frames()) {
                    const { format, visibleRect } = item.frame, own = { width: visibleRect?.width ?? 0, height: visibleRect?.height ?? 0 };
                    size ??= own;
                    const changed = item.made && (item.made.matrix !== video.colour.matrix || item.made.range !== video.colour.range);
                    if (changed || !exactFormats.includes(format ?? '') || own.width !== size.width || own.height !== size.height) {
                        const fallback = await openMedia(file, settings).catch(() => null);
                        if (fallback) {
                            item.frame.close();
                            fallback.close();
                            problem = new Error('Frames that only the own decoders read.');
                            break;
                        }
                    }
                    if (item.made && item.made.range !== video.colour.range && !count) ending.warnings.push(clipped);
                    count++;
                    yield { ...item, sound: await soundUntil(item.timestamp) };
                }
            } catch (error) {
                problem = error;
            }
            if (!count) problem ??= new Error('No picture of this video can be decoded: it is cut off or damaged.');
            if (problem) yield* goOn(file, settings, count, problem, ending, soundUntil);
            else ending.sound = await soundUntil(Infinity);
        },
    };
}

/**
 * The rest of a video that the browser could not read on, by the site's own decoders, which give the same frames.
 * @param {File} file
 * @param {import('./options.js').EncodeSettings} settings
 * @param {number} count frames that came
 * @param {unknown} problem thrown where there are no own decoders
 * @param {Ending} ending
 * @param {(time: number) => Promise<import('../../wasm/decoder.js').DiffySoundPacket[]>} soundUntil
 * @returns {AsyncGenerator<SourceFrame>}
 */
async function* goOn(file, settings, count, problem, ending, soundUntil) {
    const media = await openMedia(file, settings).catch(() => null);
    if (!media) throw problem;
    try {
        let index = 0;
        for await (const item of media.frames()) if (index++ >= count) yield { ...item, sound: await soundUntil(item.timestamp ?? 0) };
        Object.assign(ending, media.ending, { sound: await soundUntil(Infinity) });
    } finally {
        media.close();
    }
}

/**
 * The page's <video> element, stepped from frame to frame: slower, but it needs no WebCodecs. It turns the picture itself.
 * @param {import('../../wasm/video.js').OpenVideo} video
 * @param {number} inputBytes
 * @param {MessagePort} port
 * @returns {OpenSource}
 */
function elementSource(video, inputBytes, port) {
    const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext('2d', { willReadFrequently: true });
    const { frameRate, timeBase, expectedFrames, hasAudio } = video;
    /** @param {number} timestamp
     * @returns {Promise<ShownFrame>} */
    const at = async (timestamp) => {
        // The middle of the frame: at its very start rounding could show the one before.
        port.postMessage({ time: timestamp + 0.5 / frameRate });
        const { data } = await new Promise((/** @type {(event: MessageEvent) => void} */ resolve) => (port.onmessage = resolve));
        if (data.error || !context) throw new Error(data.error);
        const { width, height } = data.bitmap;
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        context.drawImage(data.bitmap, 0, 0);
        data.bitmap.close();
        return { frame: context.getImageData(0, 0, width, height), timestamp, rotation: 0, flip: false };
    };
    return {
        frameRate, timeBase, expectedFrames, inputBytes, hasAudio, slow: true, ending: { lastDuration: 0, warnings: [] },
        close: video.close,
        async *frames() {
            for (const timestamp of await video.timestamps()) yield at(timestamp);
        },
        async *framesAt(places) {
            for (const { timestamp } of places) yield at(timestamp);
        },
    };
}

/** @param {File} file */
function pathOf(file) {
    return file.webkitRelativePath || file.name;
}

/** Names are only ever shown and compared, so that any will do; some programs of Windows write their own slashes.
 * @param {Blob} file */
function zipReader(file) {
    return new ZipReader(new BlobReader(file), { filenameValidation: 'tolerant', normalizeFilename: (name) => name.replaceAll('\\', '/') });
}

/**
 * The recordings in a zip: every folder that holds images is one.
 * @param {File} file
 * @returns {Promise<{ folder: string, frames: number, bytes: number, video?: boolean, zip?: boolean }[]>} zip: a zip in it, which is not
 *     looked into
 */
export async function listZip(file) {
    const reader = zipReader(file);
    try {
        /** @type {Map<string, { folder: string, frames: number, bytes: number, video?: boolean, zip?: boolean }>} */
        const folders = new Map();
        for (const { folder, entry } of await zipImages(reader)) {
            const recording = folders.get(folder) ?? { folder, frames: 0, bytes: 0 };
            recording.frames++;
            recording.bytes += entry.compressedSize;
            folders.set(folder, recording);
        }
        for (const { filename, compressedSize: bytes, directory } of await reader.getEntries()) {
            if (directory || isClutter(filename)) continue;
            if (videoPattern.test(filename)) folders.set(filename, { folder: filename, frames: 0, bytes, video: true });
            if (zipPattern.test(filename)) folders.set(filename, { folder: filename, frames: 0, bytes, zip: true });
        }
        return [...folders.values()].sort((a, b) => naturalOrder(a.folder, b.folder));
    } finally {
        await reader.close();
    }
}

/**
 * Files as one zip, as they are: they can't be made smaller.
 * @param {{ blob: Blob, name: string }[]} files
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Blob>}
 */
export async function packZip(files, onProgress) {
    const zip = new ZipWriter(new BlobWriter('application/zip'), { level: 0 });
    for (const [i, { blob, name }] of files.entries()) {
        await zip.add(name, new BlobReader(blob));
        onProgress(i + 1);
    }
    return zip.close();
}

/**
 * A video out of a zip, as a file: the browser keeps large ones on its disk.
 * @param {File} file
 * @param {string} name its path in the zip
 */
async function unpackVideo(file, name) {
    const reader = zipReader(file);
    try {
        const entry = (await reader.getEntries()).find(({ filename }) => filename === name);
        if (!entry || entry.directory) throw new Error(`There is no ${name} in this .zip.`);
        const problem = entryProblem(entry);
        if (problem) throw new Error(`${name} ${problem}: unpack the .zip first.`);
        const video = await entry.getData(new BlobWriter(), { checkSignature: true }).catch(() => {
            throw new Error(`${name} can't be unpacked: the .zip is damaged.`);
        });
        return new File([video], name.slice(name.lastIndexOf('/') + 1));
    } finally {
        await reader.close();
    }
}

/** Ways to pack, by a zip's number for them, that can be read here. */
const packings = [0, 8, 9];

/** Why a zip's entry can't be unpacked, as far as its head tells; null: it can.
 * @param {import('@zip.js/zip.js').Entry} entry */
function entryProblem({ encrypted, compressionMethod }) {
    if (encrypted) return 'is encrypted';
    return packings.includes(compressionMethod) ? null : 'is compressed in a way that this site can\'t read';
}

/** @param {ZipReader<Blob>} reader */
async function zipImages(reader) {
    let entries;
    try {
        entries = await reader.getEntries();
    } catch {
        throw new Error("This .zip can't be read: it is damaged or not a zip.");
    }
    const images = [];
    for (const entry of entries) {
        if (entry.directory || isClutter(entry.filename) || !imagePattern.test(entry.filename)) continue;
        const slash = entry.filename.lastIndexOf('/');
        images.push({ folder: entry.filename.slice(0, Math.max(0, slash)), entry });
    }
    return images;
}

/**
 * @param {File} file
 * @param {string} folder
 * @param {number} frameRate
 */
async function openZip(file, folder, frameRate) {
    const reader = zipReader(file);
    const images = (await zipImages(reader)).filter((image) => image.folder === folder).map(({ entry }) => entry);
    images.sort((a, b) => naturalOrder(a.filename, b.filename));
    const frames = images.map((entry) => ({
        name: entry.filename,
        size: entry.compressedSize,
        async open() {
            const problem = entryProblem(entry);
            if (problem) throw new Error(`it ${problem}; unpack the .zip first`);
            if (entry.uncompressedSize > maxImageBytes) throw new Error(`it would unpack to ${formatBytes(entry.uncompressedSize)}, far too much for a picture`);
            const data = await entry.getData(new Uint8ArrayWriter(), { checkSignature: true }).catch(() => {
                throw new Error('it is damaged');
            });
            return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (data)]);
        },
    }));
    return imageSource(frames, frameRate, () => void reader.close());
}

/**
 * @param {{ name: string, size: number, page?: number, open: () => Promise<Blob> }[]} images in order
 * @param {number} frameRate
 * @param {() => void} close
 * @returns {OpenSource}
 */
function imageSource(images, frameRate, close) {
    if (!images.length) throw new Error('There are no images here: frames must be PNG, JPEG or another format this browser shows.');
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error("This browser can't decode images: it has no OffscreenCanvas.");
    /** @type {Ending} */
    const ending = { lastDuration: 0, warnings: [] };
    /** The first image's. */
    let width = 0, height = 0;
    /** What could not be read, and the first of it. */
    let skipped = 0, first = '', told = 0;
    const read = async (/** @type {typeof images[0]} */ image) => {
        const { frame, rotation, flip, warnings } = await readImage(image, canvas, context);
        if (warnings.length && !told++) ending.warnings.push(...warnings);
        const turned = rotation % 180 !== 0, own = turned ? [frame.height, frame.width] : [frame.width, frame.height];
        if (!width) [width, height] = own;
        if (own[0] !== width || own[1] !== height)
            throw new Error(`${image.name} is ${own[0]} x ${own[1]} pixels, but the recording is ${width} x ${height}: scale it, or encode it separately.`);
        return /** @type {ShownFrame} */ ({ frame, rotation, flip });
    };
    /** An image that can't be read is shown as the one before it, the first as the one behind. */
    async function* readAll() {
        /** @type {SourceFrame | null} */
        let last = null;
        let early = 0;
        for (const image of images) {
            /** @type {SourceFrame | null} */
            const own = await read(image).catch((/** @type {Error} */ error) => {
                if (!skipped++) first = error.message;
                return null;
            });
            if (!own && !last) {
                early++;
                continue;
            }
            last = own ?? copyOf(/** @type {SourceFrame} */ (last));
            // Sending a frame takes its pixels away.
            for (; early > 0; early--) yield copyOf(last);
            const keep = copyOf(last);
            yield last;
            last = keep;
        }
        if (!last) throw new Error(first);
        if (skipped) ending.warnings.push(`${skipped} of ${images.length} images could not be read; the image before ${skipped > 1 ? 'each of them' : 'it'} is shown instead. First problem: ${first}`);
    }
    return {
        frameRate, rate: undefined, expectedFrames: images.length, hasAudio: false, close, ending,
        inputBytes: images.reduce((sum, { size }) => sum + size, 0),
        frames: readAll,
        async *framesAt(places) {
            for (const { index } of places) yield images[index] ? read(images[index]).catch(() => null) : null;
        },
    };
}

/** @param {SourceFrame} item
 * @returns {SourceFrame} */
function copyOf(item) {
    const { width, height, data } = /** @type {ImageData} */ (item.frame);
    return { ...item, frame: new ImageData(new Uint8ClampedArray(data), width, height) };
}

/** What is to be done with a picture before it is shown, by EXIF orientation: degrees clockwise, then mirrored.
 * @type {[0 | 90 | 180 | 270, boolean][]} */
const turns = [[0, false], [0, false], [0, true], [180, false], [180, true], [90, true], [90, false], [270, true], [270, false]];

/**
 * @param {{ name: string, page?: number, open: () => Promise<Blob> }} image
 * @param {OffscreenCanvas} canvas
 * @param {OffscreenCanvasRenderingContext2D} context
 */
async function readImage(image, canvas, context) {
    const blob = await image.open().catch((error) => {
        throw new Error(`${image.name} can't be unpacked: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}.`);
    });
    if (!blob.size) throw new Error(`${image.name} is empty.`);
    const kind = await unusualKind(blob), colours = await coloursOf(blob).catch(() => ({ profile: false, hdr: false, points: undefined }));
    if (kind === 'TIFF' || colours.hdr) {
        const read = await readByMedia(blob, image.name, image.page ?? 0);
        if (read) return upright(read, canvas, context);
        if (kind) throw new Error(`${image.name} is a TIFF, which this site can't read: convert it to PNG.`);
    }
    if (await isCutJpeg(blob)) throw new Error(`${image.name} is damaged or cut off: part of the picture is missing.`);
    const turned = await turnedWebp(blob), [rotation, flip] = turns[turned?.orientation ?? 1];
    const bitmap = await createImageBitmap(turned?.blob ?? blob, { colorSpaceConversion: colours.profile ? 'default' : 'none' }).catch(() => {
        if (kind) throw new Error(`${image.name} is a HEIC image, which this browser can't read: convert it to JPEG or PNG, or use Diffy's command line or Safari.`);
        throw new Error(`${image.name} is damaged, too large for this browser, or not an image.`);
    });
    const frame = pixelsOf(bitmap, canvas, context);
    if (colours.points) pointsToSrgb(frame.data, colours.points);
    return { frame, rotation, flip, warnings: [] };
}

/**
 * @param {ImageBitmap} bitmap is closed
 * @param {OffscreenCanvas} canvas
 * @param {OffscreenCanvasRenderingContext2D} context
 */
function pixelsOf(bitmap, canvas, context) {
    const { width, height } = bitmap;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.fillStyle = '#000'; // what shows through transparent pixels
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
}

/**
 * What the site's own decoders gave, in sRGB.
 * @param {import('./media.js').ReadImage} read
 * @param {OffscreenCanvas} canvas
 * @param {OffscreenCanvasRenderingContext2D} context
 */
async function upright({ image, orientation, profile, warnings }, canvas, context) {
    const bitmap = profile && (await withProfile(image, profile).catch(() => null)), [rotation, flip] = turns[orientation] ?? turns[1];
    return { frame: bitmap ? pixelsOf(bitmap, canvas, context) : image, rotation, flip, warnings };
}

/** What no browser reads, or not every one.
 * @param {Blob} blob */
async function unusualKind(blob) {
    const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 12).arrayBuffer()));
    if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'TIFF';
    return head.slice(4, 8) === 'ftyp' && /^(heic|heix|heim|heis)/.test(head.slice(8)) ? 'HEIC' : null;
}

/** Directories of a TIFF, one a page; 1 for other images.
 * @param {Blob} blob */
async function pagesOf(blob) {
    if ((await unusualKind(blob)) !== 'TIFF') return 1;
    const view = new DataView(await blob.arrayBuffer()), little = view.getUint8(0) === 0x49;
    let pages = 0;
    for (let at = 4; at + 4 <= view.byteLength; pages++) {
        const next = view.getUint32(at, little);
        if (next < 8 || next + 2 > view.byteLength || (pages && next <= at)) break; // only forwards: no loop
        at = next + 2 + 12 * view.getUint16(next, little);
    }
    return Math.max(1, pages);
}
