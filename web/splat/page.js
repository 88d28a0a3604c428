/** The splat page: models in, a .dfy out; a .dfy in, played and exported. */
import { fromDrop, fromInput } from '../encode/gather.js';
import { startApp } from '../shared/app.js';
import { acceptDrops, announce, barCells, find, make } from '../shared/dom.js';
import { downloadLink } from '../shared/save.js';
import { kindOf } from '../shared/kinds.js';
import { isAbort } from '../shared/rpc.js';
import { asciiBar, baseName, formatBytes, formatCount, formatRatio } from '../shared/text.js';
import { extensionOf } from './options.js';
import { Player, newWorker } from './player.js';

const settings = find('#settings', HTMLFormElement), problem = find('#problem', HTMLElement), opened = find('#opened', HTMLElement);
const field = (/** @type {HTMLFormElement} */ form, /** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
/** @type {Player | null} */
let player = null;
/** @type {{ file: Blob, name: string } | null} */
let current = null;
/** What is said of a file that ends too early; '': it doesn't. */
let cutOff = '';
/** Files that may be models, or hold some, whatever they begin with. */
const models = /\.(ply|spz|sog|glb|splat|zip)$/i;

settings.onsubmit = (event) => event.preventDefault();
field(settings, 'quality').addEventListener('input', () => {
    find('#quality-value', HTMLOutputElement).textContent = field(settings, 'quality').value;
});
for (const name of ['files', 'folder']) {
    const input = find(`#${name}`, HTMLInputElement);
    find(`#choose-${name}`, HTMLButtonElement).onclick = () => input.click();
    input.onchange = () => {
        if (input.files?.length) void take(fromInput(input.files));
        input.value = '';
    };
}
acceptDrops(find('#drop', HTMLElement), async (transfer) => take(await fromDrop(transfer)));

/** @param {unknown} error */
function complain(error) {
    if (isAbort(error)) return;
    problem.textContent = error instanceof Error ? error.message : String(error);
    if (/is a video, not a sequence/.test(problem.textContent)) problem.append(' ', make('a', { href: '../decode/' }, 'open the decode page'));
    problem.hidden = false;
}

/** @param {import('../encode/gather.js').Found[]} found */
async function take(found) {
    problem.hidden = true;
    try {
        const streams = found.filter(({ path }) => /\.dfy$/i.test(path)).map(({ file }) => file);
        if (!streams.length) return (await isOther(found)) || (await encode(found));
        if (streams.length > 1) for (const file of [...streams].reverse()) addRow(file, file.name, formatBytes(file.size), []);
        await open(streams[0], streams[0].name);
    } catch (error) {
        complain(error);
    }
}

/** A single file that is no model is told by name.
 * @param {import('../encode/gather.js').Found[]} found */
async function isOther(found) {
    if (found.length !== 1 || models.test(found[0].file.name)) return false;
    const { file } = found[0], kind = await kindOf(file);
    if (!kind || kind.page === 'splat') return false;
    complain(`${file.name}: this is ${kind.text}, not a splat model.`);
    if (kind.page === 'encode') problem.append(' ', make('a', { href: '../' }, 'open the encode page'));
    return true;
}

/** @param {number} done
 * @param {number} total */
function showProgress(done, total) {
    const bar = find('#job-bar', HTMLElement), fraction = total ? done / total : 0;
    bar.children[0].textContent = asciiBar(fraction, barCells());
    bar.children[1].textContent = total ? `${done} of ${total} frames` : 'looking';
    bar.setAttribute('aria-valuenow', String(Math.round(100 * fraction)));
}

/** @param {import('../encode/gather.js').Found[]} found */
async function encode(found) {
    const job = find('#job', HTMLElement), remote = newWorker(), files = found.map(({ file }) => file);
    const wanted = found[0]?.path.includes('/') ? found[0].path.split('/')[0] : sequenceName(files.map(({ name }) => baseName(name)));
    find('#cancel', HTMLButtonElement).onclick = () => remote.close();
    showProgress(0, 0);
    job.hidden = false;
    try {
        const fps = Math.min(240, Math.max(1, Number(field(settings, 'fps').value) || 30));
        const { file, stats, bytes, odd, notes } = await remote.call('encode', { files, quality: Number(field(settings, 'quality').value), fps, canonical: find('#canonical', HTMLInputElement).checked }, {
            onEvent: ({ done, total }) => showProgress(done, total),
        });
        const name = `${freeName(wanted)}.dfy`, link = downloadLink(file, name);
        link.classList.add('primary');
        const facts = `${countOf(stats.frames, 'frame')}, ${formatBytes(bytes)} to ${formatBytes(file.size)}, ${formatRatio(bytes / file.size)}`;
        addRow(file, name, facts, [
            ...(odd ? [`${countOf(odd, 'splat')} had invalid numbers such as NaN: they are kept exactly, but not drawn.`] : []),
            ...(notes ? [notes] : []),
        ], link);
        job.hidden = true;
        await open(file, name);
    } finally {
        remote.close();
        job.hidden = true;
    }
}

/** A name for loose files: what they have in common before their numbers.
 * @param {string[]} names without endings */
function sequenceName(names) {
    if (names.length < 2) return names[0] ?? 'splats';
    let common = names[0];
    while (common && !names.every((name) => name.startsWith(common))) common = common.slice(0, -1);
    return common.replace(/[\d._\s-]+$/, '') || 'splats';
}

/** Files made since the page was opened, by name.
 * @type {Set<string>} */
const taken = new Set();

/** @param {string} wanted */
function freeName(wanted) {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
    taken.add(name);
    return name;
}

/** @param {number} count
 * @param {string} what */
const countOf = (count, what) => `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;

/**
 * A row that plays a file again, and saves it where it was made here.
 * @param {File | Blob} file
 * @param {string} name
 * @param {string} facts
 * @param {string[]} notes
 * @param {HTMLAnchorElement} [link]
 */
function addRow(file, name, facts, notes, link) {
    const play = make('button', { type: 'button', 'aria-label': `play ${name}` }, 'play');
    play.onclick = () => {
        problem.hidden = true;
        open(file, name).catch(complain);
    };
    find('#results', HTMLElement).prepend(make('li', {}, make('div', { class: 'row-head' }, make('strong', {}, name), facts),
        ...notes.map((note) => make('p', { class: 'note' }, note)), make('p', { class: 'actions' }, ...(link ? [link, ' '] : []), play)));
}

/** @param {Blob} file
 * @param {string} name */
async function open(file, name) {
    opened.hidden = true;
    delete document.body.dataset.opened;
    find('#exports', HTMLElement).replaceChildren();
    find('#export-state', HTMLElement).textContent = '';
    // The canvas must have its size before the first picture.
    player ??= new Player(showWarnings, complain);
    cutOff = '';
    showWarnings([]);
    const { info, frames } = await player.open(file);
    current = { file, name };
    find('#file-name', HTMLElement).textContent = name;
    if (!info.frames) throw new Error(`${name}: it was cut off before the end of its first frame, so there is nothing to play.`);
    showFacts(info, frames);
    cutOff = info.complete ? '' : `This file is cut off or was never finished: its ${countOf(info.frames, 'frame')} ${info.frames > 1 ? 'play' : 'plays'}.`;
    showWarnings([]);
    opened.hidden = false;
    document.body.classList.add('playing');
    document.body.dataset.opened = name;
    announce(`${name} is open: ${countOf(info.frames, 'frame')}.`);
}

/**
 * @param {SplatInfo} info
 * @param {{ bytes: number, isKey: boolean }[]} frames
 * @typedef {import('../splats/player.js').SplatFacts} SplatInfo
 */
function showFacts(info, frames) {
    const inter = frames.filter(({ isKey }) => !isKey), mean = inter.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, inter.length);
    const facts = {
        size: `${formatBytes(info.bytes)}, ${formatBytes(info.bytes / Math.max(1, info.frames))} per frame`,
        frames: `${formatCount(info.frames)} at ${Number(info.frameRate.toFixed(2))} per second`,
        'key frames': `${formatCount(info.keyFrames)}, the first ${formatBytes(frames[0]?.bytes ?? 0)}`,
        'other frames': inter.length ? `${formatBytes(mean)} on average` : 'none',
        'spherical harmonics': `degree ${info.degree}`,
        codec: info.codec,
        complete: info.complete ? 'yes' : 'no: the file was cut off or never finished',
    };
    find('#facts', HTMLElement).replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

/** @param {string[]} warnings */
function showWarnings(warnings) {
    const list = find('#warnings', HTMLUListElement), lines = cutOff ? [cutOff, ...warnings] : warnings;
    list.hidden = !lines.length;
    list.replaceChildren(...lines.map((text) => make('li', {}, text)));
}

const exporting = find('#export', HTMLFormElement), state = find('#export-state', HTMLElement);
exporting.onsubmit = (event) => {
    event.preventDefault();
    void run('exportAll');
};
find('#export-one', HTMLButtonElement).onclick = () => void run('exportOne');

/** @param {'exportAll' | 'exportOne'} what */
async function run(what) {
    if (!current || !player) return;
    const { file, name } = current, kind = field(exporting, 'kind').value, frame = player.frame, remote = newWorker();
    const buttons = ['#export-all', '#export-one'].map((id) => find(id, HTMLButtonElement));
    for (const button of buttons) button.disabled = true;
    state.classList.remove('error');
    try {
        const result = await remote.call(what, { file, frame, kind }, { onEvent: ({ done, total }) => {
            state.textContent = `${done} of ${total} frames`;
        } });
        const base = name.replace(/\.dfy$/i, ''), made = what === 'exportAll' ? `${base}-${kind}.zip` : `${base}-${frame}.${extensionOf(kind)}`;
        find('#exports', HTMLElement).prepend(make('li', {}, downloadLink(result.file, made), ` ${[formatBytes(result.file.size), ...result.warnings].join(', ')}`,
            ...(result.losses ? [make('p', { class: 'note' }, `${result.losses}.`)] : [])));
        state.textContent = '';
        announce(`${made} is ready.`);
    } catch (error) {
        state.textContent = error instanceof Error ? error.message : String(error);
        state.classList.add('error');
    } finally {
        remote.close();
        for (const button of buttons) button.disabled = false;
    }
}

startApp('../');
