/** The splat page: models in, a .dfy out; a .dfy in, played and exported. */
import { fromDrop, fromInput } from '../encode/gather.js';
import { startApp } from '../shared/app.js';
import { acceptDrops, announce, barCells, find, make } from '../shared/dom.js';
import { downloadLink } from '../shared/save.js';
import { isAbort } from '../shared/rpc.js';
import { asciiBar, baseName, formatBytes, formatCount, formatRatio } from '../shared/text.js';
import { Player, newWorker } from './player.js';

const settings = find('#settings', HTMLFormElement), problem = find('#problem', HTMLElement), opened = find('#opened', HTMLElement);
const field = (/** @type {HTMLFormElement} */ form, /** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
/** @type {Player | null} */
let player = null;
/** @type {{ file: Blob, name: string } | null} */
let current = null;

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
    problem.hidden = false;
}

/** @param {import('../encode/gather.js').Found[]} found */
async function take(found) {
    problem.hidden = true;
    try {
        const stream = found.find(({ path }) => /\.dfy$/i.test(path));
        if (stream) await open(stream.file, stream.file.name);
        else await encode(found);
    } catch (error) {
        complain(error);
    }
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
    const folder = found[0]?.path.includes('/') ? found[0].path.split('/')[0] : baseName(files[0]?.name ?? 'splats');
    find('#cancel', HTMLButtonElement).onclick = () => remote.close();
    showProgress(0, 0);
    job.hidden = false;
    try {
        const fps = Math.min(240, Math.max(1, Number(field(settings, 'fps').value) || 30));
        const { file, stats, bytes, repaired } = await remote.call('encode', { files, quality: Number(field(settings, 'quality').value), fps, canonical: find('#canonical', HTMLInputElement).checked }, {
            onEvent: ({ done, total }) => showProgress(done, total),
        });
        const name = `${folder}.dfy`, link = downloadLink(file, name);
        link.classList.add('primary');
        const facts = `${formatCount(stats.frames)} frames, ${formatBytes(bytes)} to ${formatBytes(file.size)}, ${formatRatio(bytes / file.size)}`;
        find('#results', HTMLElement).prepend(make('li', {}, make('div', { class: 'row-head' }, make('strong', {}, name), facts),
            ...(repaired ? [make('p', { class: 'note' }, `${formatCount(repaired)} times a number that no renderer could use was made safe.`)] : []),
            make('p', { class: 'actions' }, link)));
        job.hidden = true;
        await open(file, name);
    } finally {
        remote.close();
        job.hidden = true;
    }
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
    showWarnings([]);
    const { info, frames } = await player.open(file);
    current = { file, name };
    find('#file-name', HTMLElement).textContent = name;
    showFacts(info, frames);
    opened.hidden = false;
    document.body.dataset.opened = name;
    announce(`${name} is open: ${info.frames} frames.`);
}

/**
 * @param {SplatInfo} info
 * @param {{ bytes: number, isKey: boolean }[]} frames
 * @typedef {import('../../wasm/splat.js').SplatDecoder['info']} SplatInfo
 */
function showFacts(info, frames) {
    const inter = frames.filter(({ isKey }) => !isKey), mean = inter.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, inter.length);
    const facts = {
        size: `${formatBytes(info.bytes)}, ${formatBytes(info.bytes / Math.max(1, info.frames))} a frame`,
        frames: `${formatCount(info.frames)} at ${Number(info.frameRate.toFixed(2))} a second`,
        'key frames': `${formatCount(info.keyFrames)}, the first ${formatBytes(frames[0]?.bytes ?? 0)}`,
        'other frames': inter.length ? `${formatBytes(mean)} on average` : 'none',
        'spherical harmonics': `degree ${info.degree}`,
        codec: info.codec,
        whole: info.complete ? 'yes' : 'no: the file was cut or never finished',
    };
    find('#facts', HTMLElement).replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

/** @param {string[]} warnings */
function showWarnings(warnings) {
    const list = find('#warnings', HTMLUListElement);
    list.hidden = !warnings.length;
    list.replaceChildren(...warnings.map((text) => make('li', {}, text)));
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
        const base = name.replace(/\.dfy$/i, ''), made = what === 'exportAll' ? `${base}-${kind}.zip` : `${base}-${frame}.${kind}`;
        find('#exports', HTMLElement).prepend(make('li', {}, downloadLink(result.file, made), ` ${[formatBytes(result.file.size), ...result.warnings].join(', ')}`));
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
