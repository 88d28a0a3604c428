/**
 * What a source means, by the rules of the command line (tools/diffy/meaning.h): the nominal rate, colours that nobody
 * stated, and names of sound codecs.
 */

/** Code points of ITU-T H.273 by WebCodecs' names.
 * @type {Record<string, number>} */
const primaries = { bt709: 1, bt470bg: 5, smpte170m: 6, smpte240m: 7, film: 8, bt2020: 9, smpte431: 11, smpte432: 12 };
/** @type {Record<string, number>} */
const transfers = { bt709: 1, smpte170m: 6, smpte240m: 7, linear: 8, 'iec61966-2-1': 13, pq: 16, hlg: 18 };
/** @type {Record<string, number>} */
const matrices = { bt709: 1, fcc: 4, bt470bg: 6, smpte170m: 6, smpte240m: 7, 'bt2020-ncl': 9, 'bt2020-cl': 9 };

/**
 * @typedef {object} SourceColour code points of H.273
 * @property {number} primaries 2: unknown
 * @property {number} transfer 2: unknown
 * @property {number} matrix
 * @property {number} range 0 limited, 1 full
 */

/**
 * A source's colour: a matrix that nobody stated is fixed by its rows as it is coded, before scaling and turning. VP8 knows
 * no other than BT.601 (RFC 6386).
 * @param {VideoColorSpaceInit | null | undefined} space
 * @param {number} codedHeight
 * @param {string | null} [codec] Mediabunny's name
 * @returns {SourceColour}
 */
export function settledColour(space, codedHeight, codec) {
    if (space?.matrix === 'rgb') return rgbColour(codedHeight);
    return {
        primaries: primaries[space?.primaries ?? ''] ?? 2, transfer: transfers[space?.transfer ?? ''] ?? 2,
        matrix: matrices[space?.matrix ?? ''] ?? (codedHeight < 720 || codec === 'vp8' ? 6 : 1), range: space?.fullRange ? 1 : 0,
    };
}

/** Of images and RGB without tags.
 * @param {number} codedHeight
 * @returns {SourceColour} */
export function rgbColour(codedHeight) {
    return { primaries: 1, transfer: 13, matrix: codedHeight < 720 ? 6 : 1, range: 0 };
}

/** PQ or HLG.
 * @param {number} transfer */
export function isHdr(transfer) {
    return transfer === 16 || transfer === 18;
}

/**
 * Nearest fraction of a rate, knowing 24000/1001 and its kin.
 * @param {number} rate frames per second
 * @param {number} [near] what may be taken for rounding, of the rate
 * @returns {[number, number]}
 */
export function rateFraction(rate, near = 1e-4) {
    const film = rate * 1.001, slow = 1 / rate;
    const off = (/** @type {number} */ value) => Math.abs(value - Math.round(value)) / value;
    if (rate >= 1 && off(rate) < near && off(rate) <= off(film)) return [Math.round(rate), 1];
    if (rate >= 1 && off(film) < near) return [Math.round(film) * 1000, 1001];
    if (rate < 1 && off(slow) < near) return [1, Math.round(slow)];
    const den = rate < 1 ? 1e6 : 1000;
    return [Math.max(1, Math.round(rate * den)), den];
}

/**
 * Nominal rate from the times of some frames: their usual step, not the mean rate, which a frame that lasts long or a gap
 * would spoil.
 * @param {number[]} times seconds, in any order
 * @param {number} tick seconds
 * @returns {[number, number] | null} null: fewer than two
 */
export function nominalRate(times, tick) {
    const ticks = times.map((time) => Math.round(time / tick)).sort((a, b) => a - b);
    const steps = ticks.slice(1).map((time, i) => time - ticks[i]).filter((step) => step > 0).sort((a, b) => a - b);
    if (!steps.length) return null;
    const middle = steps[steps.length >> 1], within = (/** @type {number} */ part) => steps.filter((step) => Math.abs(step - middle) <= Math.max(1, part * middle));
    // Phones take pictures at moments that waver: where few steps are near each other, those not so near count as well.
    const closest = within(1 / 8), near = closest.length < steps.length - (steps.length >> 2) ? within(1 / 3) : closest;
    const span = near.reduce((sum, step) => sum + step, 0);
    const rate = near.length / (span * tick), whole = Math.round(rate);
    if (near !== closest && Math.abs(rate / whole - 1) < 0.015) return [whole, 1];
    // Times of whole milliseconds leave the rate open by as much as a tick over all of them.
    return rateFraction(rate, 1e-4 + 1 / span);
}

/** Shapes of pixels that H.264 and H.265 know by number. */
const knownAspects = [[1, 1], [12, 11], [10, 11], [16, 11], [40, 33], [24, 11], [20, 11], [32, 11], [80, 33], [18, 11], [15, 11], [64, 33], [160, 99], [4, 3], [3, 2], [2, 1]];

/**
 * The shape of pixels from the size that pictures are shown in, which was rounded to whole pixels.
 * @param {number} width as coded
 * @param {number} shown
 * @param {[number, number]} said
 * @returns {[number, number]}
 */
export function pixelAspect(width, shown, said) {
    const known = knownAspects.find(([num, den]) => Math.abs((width * num) / den - shown) <= 0.5);
    return known ? [known[0], known[1]] : said;
}

/** Mediabunny's names of sound codecs in FFmpeg's words, where they differ.
 * @type {Record<string, string>} */
const soundNames = {
    'pcm-u8': 'pcm_u8', 'pcm-s8': 'pcm_s8', 'pcm-s16': 'pcm_s16le', 'pcm-s16be': 'pcm_s16be', 'pcm-s24': 'pcm_s24le', 'pcm-s24be': 'pcm_s24be',
    'pcm-s32': 'pcm_s32le', 'pcm-s32be': 'pcm_s32be', 'pcm-f32': 'pcm_f32le', 'pcm-f32be': 'pcm_f32be', 'pcm-f64': 'pcm_f64le', 'pcm-f64be': 'pcm_f64be',
    ulaw: 'pcm_mulaw', alaw: 'pcm_alaw',
};

/** @param {string} codec Mediabunny's name */
export function soundCodecName(codec) {
    return soundNames[codec] ?? codec;
}

/**
 * What a file keeps for a sound's decoder: as FFmpeg has it. WebCodecs puts "fLaC" and a block's head before FLAC's.
 * @param {string} codec
 * @param {AllowSharedBufferSource | undefined} description
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function soundConfig(codec, description) {
    if (!description) return new Uint8Array();
    const bytes = ArrayBuffer.isView(description)
        ? new Uint8Array(description.buffer, description.byteOffset, description.byteLength) : new Uint8Array(description);
    const own = new Uint8Array(bytes);
    return codec === 'flac' && own.length >= 42 && own[0] === 0x66 ? own.slice(8, 42) : own;
}
