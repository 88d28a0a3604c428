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
/** @typedef {{ workers: number, hours: number, shifts: number, size: string, fps: number, network: number, quality: number, activity: number }} Inputs */

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

/** @param {Cost} cost
 * @param {number} factor
 * @returns {Cost} */
function scale({ start, frame }, factor) {
    return { start: start * factor, frame: frame * factor };
}

/**
 * @param {Cost} cost of one frame and of the start
 * @param {Inputs} inputs
 */
export function estimate(cost, { workers, hours, shifts, fps, network }) {
    const frames = hours * 3600 * fps, recording = cost.start + frames * cost.frame, day = recording * workers * shifts;
    return { recording, day, uploadSeconds: (day * 8) / (network * 1e6), bitsASecond: (recording * 8) / (hours * 3600) };
}
