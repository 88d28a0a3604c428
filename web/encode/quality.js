/** The quality panel of an encoded recording: samples, a split view of one frame, and measures over time. */
import { make } from '../shared/dom.js';
import { formatBytes, formatTime } from '../shared/text.js';
import { offerElement } from './element.js';
import { newSourceWorker } from './workers.js';

/**
 * Opens the panel inside the recording's row, or closes it when it is open.
 * @param {import('./job.js').Job} job
 * @param {HTMLElement} row
 */
export async function showQuality(job, row) {
    const shown = row.querySelector('.quality');
    if (shown) return void shown.dispatchEvent(new Event('close'));
    if (!job.result || !job.settings) return;
    const element = job.source.kind === 'video' ? offerElement(job.source.file) : null;
    const remote = newSourceWorker(), status = make('p', { class: 'note', role: 'status' }, 'decoding ...');
    const panel = make('section', { class: 'quality', 'aria-label': `quality of ${job.name}` }, status);
    const close = () => {
        remote.close();
        element?.close();
        panel.remove();
    };
    panel.addEventListener('close', close);
    job.addEventListener('change', close, { once: true });
    row.append(panel);
    try {
        const facts = await remote.call('openComparison', { file: job.result.file, source: job.source, settings: job.settings, first: job.first, element: element?.port }, { transfer: element ? [element.port] : [] });
        await addSamples(panel, remote, facts.info);
        await addSplit(panel, remote, facts.info);
        const curve = await remote.call('compareCurve', { points: 240 }, {
            onEvent: ({ done, total }) => {
                status.textContent = `measuring, ${done} of ${total} frames`;
            },
        });
        await addPlot(panel, curve, facts, job.result.growth);
        status.textContent = summary(curve, job.result);
        status.after(make('p', { class: 'note' }, 'PSNR measures error: 6 dB more means half the error, and above about 40 dB it is hard to see. SSIM compares structure: 1 means identical.'));
        panel.dataset.ready = '1';
    } catch (error) {
        if (panel.isConnected) status.textContent = `The comparison failed: ${error instanceof Error ? error.message : error}`;
    }
}

/** Mean PSNR is that of the mean squared error, as everywhere else in Diffy.
 * @param {{ psnr: number }[]} curve
 * @param {NonNullable<import('./job.js').Job['result']>} result */
function summary(curve, { stats }) {
    const values = curve.map((point) => point.psnr), mse = values.reduce((sum, value) => sum + 10 ** (-value / 10), 0) / values.length;
    return `luma PSNR ${(-10 * Math.log10(mse)).toFixed(2)} dB over ${values.length} frames, lowest ${Math.min(...values).toFixed(2)} dB; ${formatBytes(stats.bytes / stats.frames)} per frame`;
}

/**
 * @param {import('../shared/rpc.js').Remote} remote
 * @param {number} index
 * @param {number} width
 * @returns {Promise<{ images: [ImageBitmap, ImageBitmap, ImageBitmap], psnr: number, ssim: number } | null>}
 */
async function compareFrame(remote, index, width) {
    let result = null;
    await remote.call('compareFrame', { index, width }, { onEvent: (event) => (result = event) });
    return result;
}

/**
 * @param {HTMLElement} panel
 * @param {import('../shared/rpc.js').Remote} remote
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 */
async function addSamples(panel, remote, info) {
    const indices = [...new Set([0.1, 0.5, 0.9].map((share) => Math.floor(share * (info.frames - 1))))];
    panel.append(make('h3', {}, 'samples: original, decoded, difference x 4'));
    for (const index of indices) {
        const sample = await compareFrame(remote, index, 480);
        if (!sample) continue;
        const [original, decoded, difference] = sample.images;
        const text = `PSNR ${Number.isFinite(sample.psnr) ? `${sample.psnr.toFixed(2)} dB` : 'identical'}, SSIM ${sample.ssim.toFixed(4)}`;
        panel.append(make('div', { class: 'compare' },
            figure(original, `frame ${index}, original`), figure(decoded, `decoded, ${text}`), figure(difference, 'difference x 4')));
    }
}

/** @param {ImageBitmap} image
 * @param {string} caption */
function figure(image, caption) {
    const canvas = make('canvas', { width: image.width, height: image.height, role: 'img', 'aria-label': caption });
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    return make('figure', {}, canvas, make('figcaption', {}, caption));
}

/**
 * One frame, the original left of a line and the decoded one right of it.
 * @param {HTMLElement} panel
 * @param {import('../shared/rpc.js').Remote} remote
 * @param {import('../../wasm/decoder.js').DiffyInfo} info
 */
export async function addSplit(panel, remote, info) {
    const canvas = make('canvas', { width: info.width, height: info.height, role: 'img', 'aria-label': 'original on the left, decoded on the right' });
    const split = make('input', { type: 'range', min: '0', max: '100', value: '50' }), zoom = make('select', {}, ...[['fit', 'fit'], ['1', '1x'], ['2', '2x'], ['4', '4x']].map(([value, text]) => make('option', { value }, text)));
    const frame = make('input', { type: 'range', min: '0', max: String(info.frames - 1), value: String(Math.floor(info.frames / 2)) });
    const shown = make('output', {});
    /** @type {[ImageBitmap, ImageBitmap, ImageBitmap] | null} */
    let images = null;
    const draw = () => {
        const context = canvas.getContext('2d');
        if (!context || !images) return;
        const at = Math.round((info.width * Number(split.value)) / 100);
        context.drawImage(images[1], 0, 0);
        if (at) context.drawImage(images[0], 0, 0, at, info.height, 0, 0, at, info.height);
        context.fillStyle = '#fff';
        context.fillRect(at - 1, 0, 2, info.height);
    };
    let wanted = -1, busy = false;
    const load = async () => {
        wanted = Number(frame.value);
        if (busy) return;
        busy = true;
        while (wanted >= 0) {
            const index = wanted;
            wanted = -1;
            const result = await compareFrame(remote, index, 0).catch(() => null);
            if (!result) continue;
            images = result.images;
            shown.textContent = `frame ${index}: PSNR ${Number.isFinite(result.psnr) ? `${result.psnr.toFixed(2)} dB` : 'identical'}, SSIM ${result.ssim.toFixed(4)}`;
            draw();
        }
        busy = false;
    };
    split.oninput = draw;
    frame.oninput = () => void load();
    zoom.onchange = () => {
        canvas.style.width = zoom.value === 'fit' ? '100%' : `${info.width * Number(zoom.value)}px`;
        canvas.style.imageRendering = zoom.value === 'fit' || zoom.value === '1' ? 'auto' : 'pixelated';
    };
    panel.append(make('h3', {}, 'split view: original left, decoded right'),
        make('div', { class: 'grid' }, make('label', {}, 'split', split), make('label', {}, 'frame', frame), make('label', {}, 'zoom', zoom)), shown,
        make('div', { class: 'split', tabIndex: 0, role: 'region', 'aria-label': 'split view' }, canvas));
    await load();
}

/**
 * @param {HTMLElement} panel
 * @param {{ index: number, timestamp: number, psnr: number, motion: number }[]} curve
 * @param {{ info: import('../../wasm/decoder.js').DiffyInfo, cycles: import('../../wasm/decoder.js').DiffyCycle[] }} facts
 * @param {[number, number][]} growth
 */
async function addPlot(panel, curve, { cycles }, growth) {
    const [{ default: UPlot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
    const style = getComputedStyle(document.documentElement), colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const bytes = curve.map(({ index }) => bytesAFrame(growth, index));
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 0.3 }, font: '12px monospace' };
    const host = make('div', { class: 'plot', role: 'img', 'aria-label': 'PSNR, bytes per frame and motion over time' });
    panel.append(make('h3', {}, 'over time'), host);
    const plot = new UPlot({
        width: Math.max(300, host.clientWidth), height: 280,
        scales: { x: { time: false }, db: {}, bytes: {}, motion: { range: (/** @type {any} */ _u, /** @type {number} */ _low, /** @type {number} */ high) => [0, Math.max(0.1, high * 3)] } },
        axes: [{ ...axis, values: (/** @type {any} */ _u, /** @type {number[]} */ values) => values.map(formatTime) }, { ...axis, scale: 'db', label: 'dB', size: 56 }, { ...axis, scale: 'bytes', side: 1, label: 'bytes per frame', size: 72, grid: { show: false } }],
        series: [
            { label: 'time', value: (/** @type {any} */ _u, /** @type {number} */ value) => (value === null ? '--' : formatTime(value)) },
            { label: 'PSNR, dB', scale: 'db', stroke: colour('--accent'), width: 2, value: decimals(2) },
            { label: 'bytes per frame', scale: 'bytes', stroke: colour('--warn'), width: 1, value: decimals(0) },
            { label: 'motion, levels', scale: 'motion', stroke: colour('--focus'), width: 1, fill: `${colour('--focus')}22`, value: decimals(2) },
        ],
        hooks: { draw: [(/** @type {any} */ u) => drawCycles(u, cycles, colour('--line'))] },
    }, [curve.map((point) => point.timestamp), curve.map((point) => point.psnr), bytes, curve.map((point) => point.motion)], host);
    new ResizeObserver(() => plot.setSize({ width: Math.max(300, host.clientWidth), height: 280 })).observe(host);
}

/** @param {number} digits */
function decimals(digits) {
    return (/** @type {any} */ _u, /** @type {number | null} */ value) => (value === null ? '--' : value.toFixed(digits));
}

/**
 * @param {any} u
 * @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles
 * @param {string} stroke
 */
function drawCycles(u, cycles, stroke) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.setLineDash([4, 4]);
    for (const cycle of cycles) {
        const x = Math.round(u.valToPos(cycle.start, 'x', true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
    }
    ctx.restore();
}

/** Mean bytes a frame of the stretch that was written when this frame had come.
 * @param {[number, number][]} growth
 * @param {number} index */
function bytesAFrame(growth, index) {
    let before = /** @type {[number, number]} */ ([0, 0]);
    for (const step of growth) {
        if (step[0] > index && step[0] > before[0]) return (step[1] - before[1]) / (step[0] - before[0]);
        before = step;
    }
    return null;
}
