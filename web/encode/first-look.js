/**
 * A first look before a long run: the first seconds are encoded and shown beside the original, with the size and time that
 * each preset will probably take. The settings in use are measured first, then the presets one after another.
 */
import { make } from '../shared/dom.js';
import { formatBytes, formatDuration, plural } from '../shared/text.js';
import { offerElement } from './element.js';
import { Foretelling, ratios } from './foretell.js';
import { presets } from './options.js';
import { addSplit } from './quality.js';
import { takeWorkers } from './workers.js';

/** A look may take so long, in milliseconds; its frames are encoded for most of it. */
const lookTime = 2500;

/** From so many frames on a recording is worth a look before it is encoded. */
export const longFrames = 1500;

/**
 * What a few seconds of a recording have come to.
 * @typedef {object} Measured
 * @property {import('./worker.js').EncodedFile} result
 * @property {number} seconds that it took
 * @property {{ index: number, timestamp: number }} first
 * @property {Float64Array | null} weights of all its frames
 * @property {number} frames of the whole
 */

/** Panels that are open, by recording.
 * @type {WeakMap<import('./job.js').Job, () => void>} */
const open = new WeakMap();

/** @param {import('./job.js').Job} job */
export function closeLook(job) {
    open.get(job)?.();
}

/**
 * Encodes the first seconds.
 * @param {import('./job.js').Job} job
 * @param {import('./options.js').EncodeSettings} settings
 * @param {AbortSignal} signal
 * @param {(source: import('../shared/rpc.js').Remote, measured: Measured) => unknown} use what to do with it while the recording is open
 */
async function measure(job, settings, signal, use) {
    const { source, encoder } = takeWorkers(), element = job.source.kind === 'video' ? offerElement(job.source.file) : null;
    const close = () => (source.close(), encoder.close(), element?.close());
    signal.addEventListener('abort', close, { once: true });
    try {
        /** @type {import('./sources.js').SourceFacts} */
        const facts = await source.call('open', { source: job.source, settings, element: element?.port }, { transfer: element ? [element.port] : [] });
        const { from, to } = job.own, { port1, port2 } = new MessageChannel(), weights = await source.call('weights', { from, to }), started = performance.now();
        const [result, first] = await Promise.all([
            encoder.call('encode', { port: port2, facts, settings, folder: null, name: 'look' }, { transfer: [port2] }),
            source.call('send', { port: port1, maxWidth: settings.maxWidth, from, to, until: lookTime }, { transfer: [port1] }),
        ]);
        const seconds = (performance.now() - started) / 1000, whole = weights?.length || job.probe?.frames || facts.expectedFrames;
        await use(source, { result, seconds, first: first ?? { index: 0, timestamp: 0 }, weights, frames: whole });
    } finally {
        if (!signal.aborted) encoder.close();
    }
    return close;
}

/**
 * @param {import('./job.js').Job} job
 * @param {HTMLElement} row
 * @param {import('./options.js').EncodeSettings} common
 * @param {(preset: keyof typeof presets) => void} choose
 */
export async function firstLook(job, row, common, choose) {
    closeLook(job);
    const settings = { ...common, ...(job.own.preset ? presets[job.own.preset] : {}) }, ending = new AbortController();
    const status = make('p', { class: 'note', role: 'status' }, 'first look: encoding the first seconds'), panel = make('section', { class: 'quality look', 'aria-label': `first look at ${job.title}` }, status);
    const close = () => {
        open.delete(job);
        ending.abort();
        panel.remove();
    };
    open.set(job, close);
    row.append(panel);
    try {
        await measure(job, settings, ending.signal, async (source, own) => {
            status.textContent = `First look: the first ${plural(own.result.stats.frames, 'frame')}.${job.state === 'running' ? ' The full encode continues in the background.' : ''}`;
            const table = estimateTable(settings, choose);
            panel.append(table.element);
            table.tell(null, estimate(job, own, own));
            const again = job.source.kind === 'video' ? offerElement(job.source.file) : null;
            const compared = await source.call('openComparison', { file: own.result.file, source: job.source, settings, first: own.first, element: again?.port }, { transfer: again ? [again.port] : [] });
            await addSplit(panel, source, compared.info);
            panel.append(make('p', { class: 'actions' }, make('button', { type: 'button', class: 'small', onclick: close }, 'close')));
            panel.dataset.ready = '1';
            void measureOthers(job, settings, own, table, ending.signal).then(() => (panel.dataset.measured = '1'), () => {});
        });
    } catch {
        // The recording itself will say what is wrong with it.
        if (panel.isConnected) close();
    }
}

/**
 * @param {import('./job.js').Job} job
 * @param {import('./options.js').EncodeSettings} settings in use
 * @param {Measured} own what they came to
 * @param {ReturnType<typeof estimateTable>} table
 * @param {AbortSignal} signal
 */
async function measureOthers(job, settings, own, table, signal) {
    for (const [name, preset] of Object.entries(presets)) {
        if (signal.aborted) return;
        if (name === table.own) continue;
        const close = await measure(job, { ...settings, ...preset }, signal, (_source, other) => table.tell(name, estimate(job, own, other)));
        close();
    }
}

/**
 * What the whole will take with the settings that `other` was measured with. Of slow ones few frames were encoded: they are
 * compared with as many of the ones in use; groups of pictures end at the same frames whatever the settings.
 * @param {import('./job.js').Job} job
 * @param {Measured} own
 * @param {Measured} other
 */
function estimate(job, own, other) {
    const told = new Foretelling();
    told.weights = own.weights;
    for (const [frames, bytes] of own.result.growth) told.add(frames, bytes);
    const { stats, growth } = own.result, all = told.total(own.frames)?.bytes ?? (stats.bytes * own.frames) / stats.frames;
    const once = Math.min(all, growth[0]?.[1] ?? 0), { start, rest } = ratios(own.result, other.result);
    const perFrame = (/** @type {Measured} */ { result, seconds }) => seconds / result.stats.frames;
    // Where the recording is under way, its own speed counts.
    const time = job.state === 'running' && job.framesASecond > 0 ? own.frames / job.framesASecond : perFrame(own) * own.frames;
    return { bytes: start * once + rest * (all - once), time: time * (perFrame(other) / perFrame(own)) };
}

/**
 * A row for each preset, and one for the settings in use where they are none.
 * @param {import('./options.js').EncodeSettings} settings
 * @param {(preset: keyof typeof presets) => void} choose
 */
function estimateTable(settings, choose) {
    const names = /** @type {(keyof typeof presets)[]} */ (Object.keys(presets)), own = names.find((name) => presets[name].quality === settings.quality && presets[name].effort === settings.effort) ?? '';
    const head = ['preset', 'size', 'time', ''];
    /** @type {Map<string, HTMLTableRowElement>} */
    const rows = new Map();
    for (const name of own ? names : [/** @type {const} */ (''), ...names]) {
        const texts = [name || `quality ${settings.quality}, effort ${settings.effort}`, 'measuring', 'measuring'], use = name === own || !name ? 'in use' : make('button', { type: 'button', class: 'small', onclick: () => choose(name), 'aria-label': `use ${name}` }, 'use this');
        rows.set(name, make('tr', {}, ...texts.map((text, i) => make('td', { 'data-label': head[i] }, text)), make('td', {}, use)));
    }
    const element = make('table', { class: 'stacked' }, make('thead', {}, make('tr', {}, ...head.map((text) => make(text ? 'th' : 'td', text ? { scope: 'col' } : {}, text)))), make('tbody', {}, ...rows.values()));
    return {
        element, own,
        /** @param {string | null} name null: the settings in use
         * @param {{ bytes: number, time: number }} told */
        tell(name, { bytes, time }) {
            const cells = rows.get(name ?? own)?.cells;
            if (!cells) return;
            cells[1].textContent = `about ${formatBytes(bytes)}`;
            cells[2].textContent = `about ${formatDuration(time)}`;
        },
    };
}
