/**
 * Videos that the browser can't read, or not rightly: FFmpeg's demuxers and decoders as WebAssembly behind the command line's
 * own readers (wasm/media). The module is a few megabytes, so it is loaded when the first such video comes; the service worker
 * keeps it from then on. A site may have been built without it.
 */

import { colourSpaceOf, planeLayout } from '../../wasm/picture.js';

/** @typedef {import('../../wasm/encoder.js').RawFrame} RawFrame */

/** @type {Promise<any> | null} */
let loading = null;
/** Files that are open, by number.
 * @type {Map<number, Blob>} */
const files = new Map();
let numbers = 0;

/** @returns {Promise<any>} null where the site has no such module */
export function loadMedia() {
    return (loading ??= load());
}

async function load() {
    let factory;
    try {
        const address = new URL('../media/media.js', self.location.href).href;
        ({ default: factory } = await import(/* @vite-ignore */ address));
    } catch {
        return null;
    }
    const reader = new /** @type {any} */ (globalThis).FileReaderSync();
    const module = await factory();
    module.readFile = (/** @type {number} */ number, /** @type {number} */ offset, /** @type {number} */ at, /** @type {number} */ size) => {
        const file = files.get(number);
        if (!file) return -1;
        try {
            const data = new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + size)));
            module.HEAPU8.set(data, at);
            return data.length;
        } catch {
            return -1;
        }
    };
    return module;
}

/** @param {any} module
 * @param {string} text */
function newText(module, text) {
    const data = new TextEncoder().encode(text), at = module._media_malloc(data.length + 1);
    module.HEAPU8.set(data, at);
    module.HEAPU8[at + data.length] = 0;
    return at;
}

/** @param {any} module
 * @param {number} at */
function textAt(module, at) {
    return new TextDecoder().decode(module.HEAPU8.slice(at, module.HEAPU8.indexOf(0, at)));
}

/** @param {any} module
 * @param {number} count
 * @returns {number[]} */
function numbersOf(module, count) {
    const at = module._media_result() / 8;
    return [...module.HEAPF64.subarray(at, at + count)];
}

/** @param {any} module */
const warningsOf = (module) => textAt(module, module._media_warnings()).split('\n').filter(Boolean);

/**
 * @param {File} file
 * @param {{ maxWidth: number }} settings
 * @returns {Promise<import('./sources.js').OpenSource | null>} null where the site has no such module; throws a sentence for what
 *     it can't read either
 */
export async function openMedia(file, { maxWidth }) {
    const module = await loadMedia();
    if (!module) return null;
    const number = ++numbers, handles = new Set();
    files.set(number, file);
    const openOnce = (/** @type {number} */ width) => {
        const handle = module._media_open(newText(module, `${number}:${file.size}::${file.name}`), width);
        if (!handle) throw new Error(textAt(module, module._media_problem()));
        handles.add(handle);
        return handle;
    };
    const closeOne = (/** @type {number} */ handle) => {
        if (handles.delete(handle)) module._media_close(handle);
    };
    let handle = 0;
    try {
        handle = openOnce(maxWidth);
    } catch (error) {
        files.delete(number);
        throw error;
    }
    const [width, height, rateNum, rateDen, baseNum, baseDen, expectedFrames, primaries, transfer, matrix, range, aspectNum, aspectDen, start, format] =
        numbersOf(module, 15);
    const colour = { primaries, transfer, matrix, range }, tick = baseNum / baseDen;
    const name = module._media_sound(handle), sound = name ? readSound(module, name) : null;
    /** @type {import('./sources.js').Ending} */
    const ending = { lastDuration: 0, warnings: [] };

    /** @param {number} from the handle it reads from */
    async function* read(from) {
        for (;;) {
            const status = module._media_next(from);
            if (status === 1) return;
            if (status) throw new Error(textAt(module, module._media_problem()) || 'This video is damaged.');
            const [pts, at, size] = numbersOf(module, 3);
            /** @type {RawFrame} */
            const frame = { format: format ? 'RGB' : 'I420', width, height, data: module.HEAPU8.slice(at, at + size) };
            yield { frame, timestamp: pts * tick, rotation: /** @type {const} */ (0), flip: false, scaled: true, sound: sound ? readPackets(module, from, sound) : undefined };
        }
    }

    return {
        frameRate: rateNum / rateDen, rate: [rateNum, rateDen], timeBase: [baseNum, baseDen], inputBytes: file.size,
        expectedFrames, hasAudio: !!sound, colour, sampleAspect: [aspectNum, aspectDen], sound,
        start: start ? start / 1000 : undefined, ending,
        async *frames() {
            yield* read(handle);
            ending.lastDuration = module._media_last_ticks(handle) * tick;
            ending.warnings = warningsOf(module);
            if (sound) ending.sound = readPackets(module, handle, sound);
        },
        async *framesAt(places) {
            const own = openOnce(maxWidth);
            try {
                const frames = read(own);
                let index = -1;
                for (const place of places) {
                    /** @type {import('./sources.js').ShownFrame | null} */
                    let found = null;
                    while (index < place.index) {
                        const next = await frames.next();
                        if (next.done) break;
                        index++;
                        if (index === place.index) found = { ...next.value, frame: shownFrame(next.value.frame, colour) };
                    }
                    yield found;
                }
            } finally {
                closeOne(own);
            }
        },
        close() {
            for (const each of [...handles]) closeOne(each);
            files.delete(number);
        },
    };
}

/**
 * A frame for whoever shows it.
 * @param {RawFrame} frame
 * @param {import('../../wasm/picture.js').Colour} colour
 * @returns {VideoFrame | ImageData}
 */
export function shownFrame({ format, width, height, data }, colour) {
    if (format === 'I420') {
        return new VideoFrame(data, {
            format, codedWidth: width, codedHeight: height, timestamp: 0, layout: planeLayout(format, width, height), colorSpace: colourSpaceOf(colour, height),
        });
    }
    const image = new ImageData(width, height);
    for (let i = 0, j = 0; j < data.length; i += 4, j += 3) image.data.set([data[j], data[j + 1], data[j + 2], 255], i);
    return image;
}

/** @param {any} module
 * @param {number} name
 * @returns {import('../../wasm/decoder.js').DiffySound} */
function readSound(module, name) {
    const [sampleRate, channels, num, den, at, size] = numbersOf(module, 6);
    return { codec: textAt(module, name), sampleRate, channels, timeBase: [num, den], config: module.HEAPU8.slice(at, at + size) };
}

/** Packets that have come with the frames so far.
 * @param {any} module
 * @param {number} handle
 * @param {import('../../wasm/decoder.js').DiffySound} sound */
function readPackets(module, handle, { timeBase: [num, den] }) {
    const packets = [];
    while (!module._media_next_sound(handle)) {
        const [at, size, pts, duration] = numbersOf(module, 4);
        packets.push({ data: module.HEAPU8.slice(at, at + size), timestamp: (pts * num) / den, duration: (duration * num) / den });
    }
    return packets;
}

/**
 * @typedef {object} ReadImage
 * @property {ImageData} image
 * @property {number} pages
 * @property {number} orientation as in EXIF
 * @property {Uint8Array | null} profile that its colours are to be converted by
 * @property {string[]} warnings
 */

/**
 * An image that the browser does not read: a page of a TIFF, HEIC, PNG with PQ or HLG.
 * @param {Blob} blob
 * @param {string} name for sentences
 * @param {number} page from 0
 * @returns {Promise<ReadImage | null>} null where the site has no such module
 */
export async function readByMedia(blob, name, page) {
    const module = await loadMedia();
    if (!module) return null;
    const data = new Uint8Array(await blob.arrayBuffer()), at = module._media_malloc(data.length), named = newText(module, name);
    try {
        module.HEAPU8.set(data, at);
        if (module._media_image(at, data.length, named, page)) throw new Error(textAt(module, module._media_problem()));
        const [width, height, pixels, pages, orientation, profile, profileBytes] = numbersOf(module, 7);
        const image = new ImageData(width, height), rgb = module.HEAPU8.subarray(pixels, pixels + 3 * width * height);
        for (let i = 0, j = 0; j < rgb.length; i += 4, j += 3) image.data.set([rgb[j], rgb[j + 1], rgb[j + 2], 255], i);
        return { image, pages, orientation, profile: profile ? module.HEAPU8.slice(profile, profile + profileBytes) : null, warnings: warningsOf(module) };
    } finally {
        module._media_free(at);
        module._media_free(named);
    }
}
