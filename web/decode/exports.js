/** The export form: each export runs in a worker of its own, so that the player plays on and cancelling is at once. */
import { announce, barCells, find, make } from '../shared/dom.js';
import { webPage } from '../shared/page-export.js';
import { isAbort } from '../shared/rpc.js';
import { downloadLink } from '../shared/save.js';
import { asciiBar, formatBytes, formatDuration } from '../shared/text.js';

const endings = { mp4: '.mp4', html: '.html', png: '-png.zip', jpg: '-jpg.zip', y4m: '.y4m' };

/**
 * @param {HTMLFormElement} form
 * @param {Promise<string | null>} folder
 * @param {() => Promise<{ blob: Blob, frame: number }>} shownPicture
 */
export function exportForm(form, folder, shownPicture) {
    const start = find('#start-export', HTMLButtonElement), cancel = find('#cancel-export', HTMLButtonElement);
    const bar = find('#export-bar', HTMLElement), problem = find('#export-problem', HTMLElement), list = find('#exports', HTMLUListElement);
    const field = (/** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
    /** @type {{ file: File, frames: number, newWorker: () => import('../shared/rpc.js').Remote } | null} */
    let offered = null;
    let runs = 0;

    /** What the chosen kind takes no notice of can't be set. */
    const offerFields = () => {
        const kind = field('kind').value;
        field('quality').disabled = kind !== 'mp4' && kind !== 'jpg';
        // A web page holds the whole file: a part of it would have to be encoded again.
        field('from').disabled = field('to').disabled = kind === 'frame' || kind === 'html';
    };
    field('kind').addEventListener('change', offerFields);
    offerFields();

    const showProgress = (/** @type {number} */ done, /** @type {number} */ total, /** @type {number} */ since) => {
        const fraction = total ? done / total : 0, percent = Math.round(100 * fraction);
        const left = ((performance.now() - since) / 1000) * (1 / Math.max(fraction, 1e-6) - 1);
        bar.children[0].textContent = asciiBar(fraction, barCells());
        bar.children[1].textContent = `${percent}% ${done ? `${formatDuration(left)} left` : ''}`;
        bar.setAttribute('aria-valuenow', String(percent));
    };

    const addResult = (/** @type {Blob} */ blob, /** @type {string} */ name, /** @type {string} */ note) => {
        list.prepend(make('li', {}, downloadLink(blob, name), ` ${formatBytes(blob.size)}${note ? `, ${note}` : ''}`));
        announce(`${name} is ready.`);
    };

    const run = async () => {
        if (!offered) return;
        const kind = field('kind').value, base = offered.file.name.replace(/\.dfy$/i, '');
        if (kind === 'frame') {
            const { blob, frame } = await shownPicture();
            return addResult(blob, `${base}-${frame}.png`, '');
        }
        if (kind === 'html') {
            const page = await webPage(offered.file, offered.file.name);
            return addResult(page, `${base}.html`, 'plays in any browser, even offline');
        }
        const from = Math.max(0, Math.round(Number(field('from').value))), to = Math.min(offered.frames - 1, Math.round(Number(field('to').value)));
        if (!(from <= to)) throw new Error(`The first frame must not come after the last: choose numbers from 0 to ${offered.frames - 1}.`);
        const remote = offered.newWorker(), since = performance.now();
        cancel.onclick = () => remote.close();
        bar.hidden = cancel.hidden = false;
        showProgress(0, 1, since);
        try {
            const name = base + endings[/** @type {keyof typeof endings} */ (kind)];
            const args = { file: offered.file, kind, from, to, quality: field('quality').value, folder: await folder, name: `export-${Date.now()}-${++runs}` };
            const { file, note, warnings } = await remote.call('export', args, { onEvent: ({ done, total }) => showProgress(done, total, since) });
            addResult(file, name, [note, `${to - from + 1} ${to === from ? 'frame' : 'frames'} in ${formatDuration((performance.now() - since) / 1000)}`, ...warnings].filter(Boolean).join(', '));
        } finally {
            remote.close();
            bar.hidden = cancel.hidden = true;
        }
    };

    form.onsubmit = async (event) => {
        event.preventDefault();
        problem.hidden = true;
        start.disabled = true;
        try {
            await run();
        } catch (error) {
            problem.textContent = isAbort(error) ? 'The export was cancelled.' : error instanceof Error ? error.message : String(error);
            problem.hidden = false;
        }
        start.disabled = false;
    };

    return {
        /** Another file is being opened. */
        clear() {
            offered = null;
            start.disabled = true;
        },
        /**
         * @param {File} file
         * @param {{ frames: number }} info
         * @param {() => import('../shared/rpc.js').Remote} newWorker
         */
        offer(file, { frames }, newWorker) {
            offered = { file, frames, newWorker };
            problem.hidden = true;
            start.disabled = false;
            for (const name of ['from', 'to']) /** @type {HTMLInputElement} */ (field(name)).max = String(Math.max(0, frames - 1));
            field('from').value = '0';
            field('to').value = String(Math.max(0, frames - 1));
        },
        /** Takes the part that was marked in the player.
         * @param {number | null} first
         * @param {number | null} last */
        limit(first, last) {
            if (!offered) return;
            field('from').value = String(first ?? 0);
            field('to').value = String(last ?? Math.max(0, offered.frames - 1));
        },
    };
}
