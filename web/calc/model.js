/**
 * What the calc page computes, apart from the page: sizes from the measured table.
 *
 *     bytes = recordings * (start + frames * frame)
 *
 * `start` and `frame` are interpolated in the table: logarithmically between quiet and busy, and by a power of the number
 * of pixels between and beyond the measured sizes.
 */

/** @typedef {{ start: number, frame: number, extrapolated?: boolean }} Cost */
/** @typedef {{ size: string, activity: string, quality: number, psnr: number, codecs: Record<string, Cost> }} Row */
/** @typedef {{ measured: string, frames: number, scenes: string, machine: string, ffmpeg: string, rows: Row[] }} Table */
/** @typedef {{ workers: number, hours: number, shifts: number, size: string, fps: number, network: number, quality: number, activity: number, days: number, price: number }} Inputs
 * days: that recordings are kept; price: of a gigabyte for a month */

/** @param {string} size */
export function pixels(size) {
    const [width, height] = size.split('x').map(Number);
    return width * height;
}

/** @param {number} a
 * @param {number} b
 * @param {number} share of b */
function mixLog(a, b, share) {
    return Math.exp(Math.log(Math.max(a, 0.01)) * (1 - share) + Math.log(Math.max(b, 0.01)) * share);
}

/**
 * @param {Table} table
 * @param {string} codec
 * @param {Inputs} inputs
 * @returns {Cost}
 */
export function costOf({ rows }, codec, { size, quality, activity }) {
    const sizes = [...new Set(rows.map((row) => row.size))].sort((a, b) => pixels(a) - pixels(b));
    const mixed = sizes.map((measured) => {
        const of = (/** @type {string} */ name) => rows.find((row) => row.size === measured && row.activity === name && row.quality === quality)?.codecs[codec] ?? { start: 0, frame: 0 };
        const quiet = of('quiet'), busy = of('busy');
        return { start: mixLog(quiet.start, busy.start, activity / 100), frame: mixLog(quiet.frame, busy.frame, activity / 100) };
    });
    if (mixed.length === 1) return scale(mixed[0], pixels(size) / pixels(sizes[0]));
    const share = Math.log(pixels(size) / pixels(sizes[0])) / Math.log(pixels(sizes[sizes.length - 1]) / pixels(sizes[0]));
    const [low, high] = [mixed[0], mixed[mixed.length - 1]];
    return { start: mixLog(low.start, high.start, share), frame: mixLog(low.frame, high.frame, share) };
}

/**
 * What the measured table says of a change of size and quality, by which a clip's own cost is carried over: as a factor.
 * @param {Table} table
 * @param {{ width: number, height: number, quality: number }} from
 * @param {Inputs} to
 * @returns {Cost}
 */
export function trend(table, from, to) {
    const qualities = [...new Set(table.rows.map((row) => row.quality))].sort((a, b) => a - b);
    /** The table has few qualities: between them, and beyond, the logarithm of the cost goes straight.
     * @param {string} size
     * @param {number} quality
     * @returns {Cost} */
    const at = (size, quality) => {
        let i = Math.max(1, qualities.findIndex((measured) => measured >= quality));
        if (quality > qualities[qualities.length - 1]) i = qualities.length - 1;
        const [low, high] = [qualities[i - 1], qualities[i]], share = (quality - low) / (high - low);
        const [a, b] = [low, high].map((measured) => costOf(table, 'diffy', { ...to, size, quality: measured }));
        return { start: mixLog(a.start, b.start, share), frame: mixLog(a.frame, b.frame, share) };
    };
    const before = at(`${from.width}x${from.height}`, from.quality), after = at(to.size, to.quality);
    return { start: after.start / Math.max(0.01, before.start), frame: after.frame / before.frame };
}

/**
 * What a frame costs by some clips, each carried over to the size and quality asked for: their mean, by their frames.
 * @param {Table} table
 * @param {import('../shared/last-encode.js').LastEncode[]} clips
 * @param {Inputs} inputs
 * @returns {Cost}
 */
export function costOfClips(table, clips, inputs) {
    const frames = clips.reduce((sum, clip) => sum + clip.frames, 0), result = { start: 0, frame: 0 };
    for (const clip of clips) {
        const factor = trend(table, clip, inputs);
        result.start += (clip.start * factor.start) / clips.length;
        result.frame += (clip.frame * factor.frame * clip.frames) / frames;
    }
    return result;
}

/** @param {Cost} cost
 * @param {number} factor
 * @returns {Cost} */
function scale({ start, frame }, factor) {
    return { start: start * factor, frame: frame * factor };
}

/**
 * @param {Cost} cost of one frame and of the start
 * @param {Omit<Inputs, 'days' | 'price'> & { days?: number, price?: number }} inputs
 */
export function estimate(cost, { workers, hours, shifts, fps, network, days = 0, price = 0 }) {
    const frames = hours * 3600 * fps, recording = cost.start + frames * cost.frame, day = recording * workers * shifts;
    return { kept: day * days, costAMonth: (day * days * price) / 1e9, recording, day, uploadSeconds: (day * 8) / (network * 1e6), bitsASecond: (recording * 8) / (hours * 3600) };
}
