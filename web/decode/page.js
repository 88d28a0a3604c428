/** The decode page: open, play, look at the facts, export. */
import { define } from '../player/element.js';
import { startApp, takeLaunchFiles, takeSharedFiles } from '../shared/app.js';
import { acceptDrops, announce, find, make } from '../shared/dom.js';
import { kindOf } from '../shared/kinds.js';
import { Remote } from '../shared/rpc.js';
import { claimFolder, openPlace, sweep } from '../shared/storage.js';
import { formatBytes, plural } from '../shared/text.js';
import { listEpisodes, markEpisode } from './episodes.js';
import { exportForm } from './exports.js';
import { showChunkState, showFacts, showLength } from './facts.js';
import { whatIsWrong } from './lost.js';
import { OriginLegend } from './origin-legend.js';
import { Overlay } from './overlay.js';

const newWorker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
define(newWorker);

const problem = find('#problem', HTMLElement);
const opened = find('#opened', HTMLElement);
const input = find('#file', HTMLInputElement);
const list = find('#files', HTMLOListElement);
const player = /** @type {import('../player/element.js').DiffyPlayer} */ (find('#player', HTMLElement));
const folder = claimFolder();
void folder.then(() => sweep());

/** @type {File[]} */
let files = [];
/** Which of them is open. */
let current = -1;
const exporting = exportForm(find('#export', HTMLFormElement), folder, async () => ({ blob: await player.ask('image'), frame: player.frame }));
const legend = new OriginLegend(() => void showOrigins());
const overlay = new Overlay(find('#overlay', HTMLCanvasElement), legend);

/** Puts noise like the camera's back, to look at. */
const grain = find('#grain', HTMLButtonElement);
grain.onclick = () => {
    const on = grain.getAttribute('aria-pressed') !== 'true';
    grain.setAttribute('aria-pressed', String(on));
    void player.ask('grain', { on });
};

find('#choose-file', HTMLButtonElement).onclick = () => input.click();
input.onchange = () => {
    if (input.files?.length) void openAll([...input.files]);
    input.value = '';
};
acceptDrops(find('#drop', HTMLElement), (transfer) => {
    if (transfer.files.length) void openAll([...transfer.files]);
});
player.addEventListener('frame', (event) => overlay.show(/** @type {CustomEvent} */ (event).detail.extra, player.videoWidth, player.videoHeight));
player.addEventListener('inoutchange', () => {
    exporting.limit(player.inPoint, player.outPoint);
    markEpisode(player);
});
player.addEventListener('warning', () => showWarnings());
document.addEventListener('keydown', (event) => {
    const on = event.target instanceof HTMLElement ? event.target.tagName : '';
    if (opened.hidden || event.defaultPrevented || ['INPUT', 'SELECT', 'TEXTAREA'].includes(on)) return;
    if (event.key.toLowerCase() === 'b' && !event.ctrlKey && !event.metaKey && !event.altKey) return legend.toggle();
    // What is pressed elsewhere on the page drives the player, but for what the place itself takes.
    if (event.target !== player && !(event.key === ' ' && ['BUTTON', 'SUMMARY', 'A'].includes(on))) player.key(event);
});

/** @param {File[]} chosen */
async function openAll(chosen) {
    files = chosen;
    list.hidden = files.length < 2;
    list.replaceChildren(...files.map((file, i) => make('li', {}, make('button', { type: 'button', class: 'small', onclick: () => void open(i) }, file.name), make('span', { class: 'note' }, formatBytes(file.size)))));
    // The first that plays; when none does, the first one's own words say why.
    const others = await Promise.all(files.map(kindOf));
    await open(Math.max(0, others.indexOf(null)));
}

/** @param {number} index */
async function open(index) {
    const file = files[(current = index)];
    problem.hidden = true;
    opened.hidden = true;
    exporting.clear();
    delete document.body.dataset.opened;
    list.querySelectorAll('button').forEach((button, i) => button.setAttribute('aria-pressed', String(i === index)));
    const other = await kindOf(file);
    if (other) return complain(file.name, `this is ${other.text}, not a .dfy file.`, other);
    // A canvas that is not shown is not drawn.
    opened.hidden = false;
    find('#file-name', HTMLElement).textContent = file.name;
    await play(file, () => (player.srcObject = file));
    if (current === index && !opened.hidden) await tell(file);
}

/** Has the player open something.
 * @param {{ name: string }} file
 * @param {() => void} start */
async function play(file, start) {
    start();
    await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
        for (const name of ['loadeddata', 'error']) player.addEventListener(name, resolve, { once: true });
    });
    if (!player.facts) {
        opened.hidden = true;
        return complain(file.name, player.error?.message ?? 'it could not be opened.');
    }
    document.body.classList.add('playing');
    problem.hidden = !player.error;
    if (player.error) problem.textContent = `${file.name}: ${player.error.message}`;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (opened.querySelectorAll('[data-needs-frames]'))) part.hidden = !!player.error;
    player.focus({ preventScroll: true });
}

/** Everything beside the picture.
 * @param {File} file */
async function tell(file) {
    const { facts } = player;
    if (!facts) return;
    showFacts(file, facts);
    showWarnings();
    exporting.offer(file, facts.info, () => new Remote(newWorker()));
    legend.offer(facts.info);
    listEpisodes(player);
    grain.hidden = !facts.chunks.some(({ name }) => name === 'GRAIN');
    if (grain.getAttribute('aria-pressed') === 'true') await player.ask('grain', { on: !grain.hidden });
    await showOrigins();
    document.body.dataset.opened = file.name;
    announce(`${file.name} is open: ${plural(facts.info.frames, 'frame')}.`);
    const { checked, chunks, warnings } = await check(file);
    if (player.facts !== facts) return;
    Object.assign(facts, { chunks, warnings: [...new Set([...facts.warnings, ...warnings])] });
    showChunkState(file, facts, checked);
    showWarnings();
    if (player.error) return;
    const seconds = await player.ask('length');
    if (player.facts !== facts || !seconds) return;
    player.exactLength = seconds;
    showLength(seconds, facts.info);
}

/** Looks for damage, in a worker of its own: the player's is to answer at once.
 * @param {File} file
 * @returns {Promise<{ checked: boolean, chunks: import('../../wasm/decoder.js').DiffyChunk[], warnings: string[] }>} */
async function check(file) {
    const checking = new Remote(newWorker());
    try {
        await checking.call('open', { source: file, alone: true });
        return await checking.call('check', { bytes: file.size });
    } finally {
        checking.close();
    }
}

async function showOrigins() {
    overlay.on = legend.on;
    overlay.show(await player.ask('origins', { on: legend.on }), player.videoWidth, player.videoHeight);
}

/** @param {string} name
 * @param {string} message
 * @param {import('../shared/kinds.js').Kind} [kind] of file, when it is another */
function complain(name, message, kind) {
    problem.textContent = `${name}: ${message}`;
    // Files for the other pages are often dropped here.
    if (kind?.page === 'splat' || /sequence of splats/.test(message)) problem.append(' ', make('a', { href: '../splat/' }, 'open the splat page'));
    else if (kind?.page === 'encode') problem.append(' ', make('a', { href: '../' }, 'open the encode page'));
    problem.hidden = false;
}

/** What is lost stands above the picture, for it is what matters first. */
function showWarnings() {
    if (!player.facts) return;
    const { sentence, list: numbers, lines } = whatIsWrong(player.facts.warnings, player.facts.info, player.facts.chunks);
    const shown = find('#warnings', HTMLUListElement);
    shown.hidden = !lines.length;
    if (sentence) shown.hidden = false;
    const open = shown.querySelector('details')?.open ?? false;
    shown.replaceChildren(...(sentence ? [make('li', {}, sentence, ...(numbers ? [make('details', { open }, make('summary', {}, 'which'), numbers)] : []))] : []), ...lines.map((text) => make('li', {}, text)));
}

/** A file that another page of the site has just made, or one at an address, of any host that lets pages of others read it (CORS).
 * @param {URLSearchParams} parameters */
async function openFrom(parameters) {
    const place = parameters.get('place'), name = parameters.get('name') || 'recording.dfy', address = parameters.get('url');
    try {
        if (place) await openAll([new File([await openPlace(place)], name)]);
        else if (address) await openAddress(address);
    } catch (error) {
        complain(place ? name : String(address), error instanceof Error ? error.message : String(error));
    }
}

/** Plays from an address while its parts are fetched; what wants the whole file has it afterwards.
 * @param {string} address */
async function openAddress(address) {
    const url = new URL(address, document.baseURI), name = decodeURIComponent(url.pathname.split('/').at(-1) || 'video.dfy');
    if (!/^https?:$/.test(url.protocol)) throw new Error('only addresses that begin with https:// or http:// can be opened.');
    opened.hidden = false;
    // Whose video it is should be seen where a link led here.
    find('#file-name', HTMLElement).textContent = url.origin === location.origin ? name : `${name}, from ${url.host}`;
    await play({ name }, () => {
        player.src = url.href;
    });
    if (!player.facts) return;
    const answer = await fetch(url, { referrerPolicy: 'no-referrer' });
    if (answer.ok) await tell(new File([await answer.blob()], name));
}

startApp('../');
void openFrom(new URLSearchParams(location.search));
takeLaunchFiles((chosen) => void openAll(chosen));
void takeSharedFiles().then((shared) => {
    if (shared.length) void openAll(shared);
});
