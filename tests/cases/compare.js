/**
 * What differs between a row of the table and what a file is; the same for the command line and the site.
 * @param {import('./table.js').Case} one
 * @param {{ width: number, height: number, frames: number, rate: number, seconds: number, matrix: number, full: boolean, sample_aspect_num: number, sample_aspect_den: number }} info
 * @param {(frame: number) => { width: number, height: number, step: number, data: Uint8Array | number[] }} picture step: bytes per pixel
 * @returns {string[]} a sentence each
 */
export function differences(one, info, picture) {
    /** @type {string[]} */
    const wrong = [];
    const compare = (/** @type {string} */ name, /** @type {unknown} */ is, /** @type {unknown} */ must) => {
        if (must !== undefined && String(is) !== String(must)) wrong.push(`${name} ${is}, not ${must}`);
    };
    const near = (/** @type {string} */ name, /** @type {number} */ is, /** @type {number | undefined} */ must) => {
        if (must !== undefined && Math.abs(is - must) > must / 5000 + (name === 'seconds' ? 0.001 : 1e-6)) wrong.push(`${name} ${is}, not ${must}`);
    };
    compare('size', [info.width, info.height], one.size);
    compare('frames', info.frames, one.frames);
    near('rate', info.rate, one.rate);
    near('seconds', info.seconds, one.seconds);
    compare('aspect', [info.sample_aspect_num, info.sample_aspect_den], one.aspect);
    compare('matrix', info.matrix, one.matrix);
    compare('full range', info.full, one.full);
    for (const [frame, x, y, colour] of one.pixels ?? []) {
        const { width, step, data } = picture(frame), around = one.dithered ? 3 : 0, is = [0, 0, 0];
        for (let v = y - around; v <= y + around; v++)
            for (let u = x - around; u <= x + around; u++) is.forEach((_, i) => (is[i] += data[(v * width + u) * step + i] / (2 * around + 1) ** 2));
        if (is.some((value, i) => Math.abs(value - colour[i]) > (one.near ?? 4))) wrong.push(`frame ${frame} at ${x}, ${y}: ${is.map(Math.round)}, not ${colour}`);
    }
    return wrong;
}
