/** The decode page: open, play, look at the facts, export. */
import { startApp, takeLaunchFiles } from '../shared/app.js';
import { acceptDrops, announce, find, make } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { claimFolder, openPlace, sweep } from '../shared/storage.js';
import { exportForm } from './exports.js';
import { showFacts, showLength } from './facts.js';
import { Player } from './player.js';

const problem = find('#problem', HTMLElement);
const opened = find('#opened', HTMLElement);
const input = find('#file', HTMLInputElement);
const folder = claimFolder();
void folder.then(() => sweep());

/** @type {Player | null} */
let player = null;
const exporting = exportForm(find('#export', HTMLFormElement), folder, async () => {
    if (!player) throw new Error('No file is open.');
    return player.picture();
});

export function newDecodeWorker() {
    return new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

find('#choose-file', HTMLButtonElement).onclick = () => input.click();
input.onchange = () => {
    if (input.files?.[0]) void open(input.files[0]);
    input.value = '';
};
acceptDrops(find('#drop', HTMLElement), (transfer) => {
    if (transfer.files[0]) void open(transfer.files[0]);
});

/** @param {File} file */
async function open(file) {
    problem.hidden = true;
    opened.hidden = true;
    try {
        player ??= new Player(showWarnings);
        const facts = await player.open(file);
        showWarnings(facts.warnings);
        if (facts.info.frames) await player.show(0);
        const unplayable = facts.info.frames ? player.frame < 0 && 'it is damaged, and none of its frames can be played.'
            : facts.info.complete ? 'there are no frames in it.' : 'it was cut before its first frame was whole, so there is nothing to play.';
        problem.hidden = !unplayable;
        if (unplayable) problem.textContent = `${file.name}: ${unplayable}`;
        for (const part of /** @type {NodeListOf<HTMLElement>} */ (opened.querySelectorAll('[data-needs-frames]'))) part.hidden = !!unplayable;
        find('#file-name', HTMLElement).textContent = file.name;
        showFacts(file, facts);
        exporting.offer(file, facts.info, newDecodeWorker);
        opened.hidden = false;
        document.body.dataset.opened = file.name;
        announce(`${file.name} is open: ${facts.info.frames} frames.`);
        if (unplayable) return;
        const seconds = await player.length();
        if (seconds) showLength(seconds, facts.info);
    } catch (error) {
        complain(file.name, error);
    }
}

/** @param {string} name
 * @param {unknown} error */
function complain(name, error) {
    const message = error instanceof Error ? error.message : String(error);
    problem.textContent = `${name}: ${message}`;
    // Files for the other pages are often dropped here.
    if (/sequence of splats/.test(message)) problem.append(' ', make('a', { href: '../splat/' }, 'to the splat page'));
    else if (!/\.dfy$/i.test(name)) problem.append(' ', make('a', { href: '../' }, 'to the encode page'));
    problem.hidden = false;
}

/** @param {string[]} warnings */
function showWarnings(warnings) {
    const list = find('#warnings', HTMLUListElement);
    list.hidden = !warnings.length;
    list.replaceChildren(...warnings.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
}

/** A file that another page of the site has just made.
 * @param {URLSearchParams} parameters */
async function openFrom(parameters) {
    const place = parameters.get('place'), name = parameters.get('name') || 'recording.dfy';
    if (!place) return;
    try {
        const file = await openPlace(place);
        await open(new File([file], name));
    } catch (error) {
        complain(name, error);
    }
}

startApp('../');
void openFrom(new URLSearchParams(location.search));
takeLaunchFiles(([file]) => void open(file));
