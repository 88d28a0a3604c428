/**
 * Fills web/calc/measured.json, the table behind the calc page: bytes of the project's test scenes, by size, activity and
 * quality, for diffy, and for x265 and SVT-AV1 at the PSNR that diffy has. `make calc-table` runs it.
 *
 * Of every recording two numbers are kept: what the start costs (background, first pictures), and what each later frame
 * costs. They come from the sizes of the whole clip and of its first half.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

const top = new URL('../../', import.meta.url).pathname, work = `${top}build/calc`;
const frames = Number(process.env.CALC_FRAMES ?? 240);
const sizes = ['640x360', '1280x720'], activities = ['quiet', 'busy'], qualities = [25, 50, 75];
const others = {
    'x265 medium': (/** @type {number} */ crf) => ['-c:v', 'libx265', '-preset', 'medium', '-x265-params', 'keyint=-1:log-level=none', '-crf', String(crf)],
    'SVT-AV1 preset 8': (/** @type {number} */ crf) => ['-c:v', 'libsvtav1', '-preset', '8', '-g', '9999', '-crf', String(crf)],
};
const crfs = { 'x265 medium': [16, 22, 28, 34, 40], 'SVT-AV1 preset 8': [14, 24, 34, 44, 54] };

/** @param {string} command
 * @param {string[]} args */
const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28, env: { ...process.env, SVT_LOG: '1' } });

/** @param {string} reference
 * @param {string} other */
const psnrOf = (reference, other) => JSON.parse(run(`${top}build/diffy`, ['compare', '--json', reference, other])).psnr_y;

/** @param {string} size
 * @param {string} activity */
function scene(size, activity) {
    const file = `${work}/${activity}-${size}-${frames}.y4m`;
    if (!existsSync(file)) run(`${top}build/scene`, ['--preset', activity, '--size', size, '--frames', String(frames), file]);
    return file;
}

/** @param {string} clip
 * @param {number} quality */
function measureDiffy(clip, quality) {
    const bytes = (/** @type {number} */ count) => {
        run(`${top}build/diffy`, ['encode', '-q', String(quality), '--frames', String(count), clip, `${work}/out.dfy`]);
        return JSON.parse(run(`${top}build/diffy`, ['info', '--json', `${work}/out.dfy`])).bytes;
    };
    const half = bytes(frames / 2), whole = bytes(frames), frame = (whole - half) / (frames / 2);
    return { start: Math.max(0, Math.round(half - (frame * frames) / 2)), frame, psnr: psnrOf(clip, `${work}/out.dfy`) };
}

/** @param {string} clip
 * @param {string[]} options */
function measureOther(clip, options) {
    const out = `${work}/out.mkv`;
    run('ffmpeg', ['-v', 'error', '-y', '-i', clip, ...options, out]);
    const packets = run('ffprobe', ['-v', 'error', '-show_entries', 'packet=size', '-of', 'csv=p=0', out]).trim().split('\n').map((line) => Number(line.replace(',', '')));
    const sum = (/** @type {number[]} */ list) => list.reduce((total, size) => total + size, 0);
    const frame = sum(packets.slice(frames / 2)) / (frames - frames / 2);
    return { start: Math.max(0, Math.round(sum(packets.slice(0, frames / 2)) - (frame * frames) / 2)), frame, psnr: psnrOf(clip, out) };
}

/** Sizes at a PSNR, between the two measured points around it (logarithm of the size over PSNR).
 * @param {{ start: number, frame: number, psnr: number }[]} points
 * @param {number} psnr */
function at(points, psnr) {
    const sorted = [...points].sort((a, b) => a.psnr - b.psnr);
    let i = sorted.findIndex((point) => point.psnr >= psnr);
    const outside = i <= 0;
    if (i < 0) i = sorted.length - 1;
    if (i === 0) i = 1;
    const [low, high] = [sorted[i - 1], sorted[i]], share = (psnr - low.psnr) / (high.psnr - low.psnr);
    const mix = (/** @type {number} */ a, /** @type {number} */ b) => Math.exp(Math.log(Math.max(a, 0.01)) * (1 - share) + Math.log(Math.max(b, 0.01)) * share);
    return { start: Math.round(mix(low.start, high.start)), frame: mix(low.frame, high.frame), ...(outside ? { extrapolated: true } : {}) };
}

mkdirSync(work, { recursive: true });
const rows = [];
for (const size of sizes) {
    for (const activity of activities) {
        const clip = scene(size, activity);
        const curves = Object.fromEntries(Object.entries(others).map(([name, options]) => [name, crfs[/** @type {keyof typeof crfs} */ (name)].map((crf) => measureOther(clip, options(crf)))]));
        for (const quality of qualities) {
            const diffy = measureDiffy(clip, quality);
            const codecs = { diffy: { start: diffy.start, frame: diffy.frame }, ...Object.fromEntries(Object.entries(curves).map(([name, points]) => [name, at(points, diffy.psnr)])) };
            rows.push({ size, activity, quality, psnr: diffy.psnr, codecs });
            console.log(`${size} ${activity} quality ${quality}: ${diffy.psnr.toFixed(2)} dB, ${Object.entries(codecs).map(([name, { frame }]) => `${name} ${frame.toFixed(1)}`).join(', ')} bytes per frame`);
        }
    }
}
const table = { measured: new Date().toISOString().slice(0, 10), frames, scenes: 'build/scene --preset quiet and busy, 30 frames per second', machine: `${cpus().length} cores`, ffmpeg: run('ffmpeg', ['-version']).split(' ')[2], rows };
writeFileSync(`${top}web/calc/measured.json`, `${JSON.stringify(table, null, 1)}\n`);
