/**
 * Saving files. Where the browser can ask for a place (the File System Access pickers), a file is copied there piece by
 * piece from wherever it lies; everywhere else, and when asking fails, it goes the way of every download.
 */
import { announce, make } from './dom.js';
import { isAbort } from './rpc.js';
import { formatBytes } from './text.js';

/** The browser's pickers, which TypeScript doesn't know. */
const pickers = () => /** @type {{ showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>,
    showDirectoryPicker?: (options: { mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle> }} */ (/** @type {any} */ (globalThis));

/**
 * A link that saves a file, and fires 'saved' then; its address lives as long as the link's page.
 * @param {Blob} blob
 * @param {string} name
 * @param {string} [text]
 */
export function downloadLink(blob, name, text = `download ${name}`) {
    const link = make('a', { href: URL.createObjectURL(blob), download: name, class: 'button' }, text);
    link.addEventListener('click', (event) => {
        if (!pickers().showSaveFilePicker) return void link.dispatchEvent(new Event('saved'));
        event.preventDefault();
        void saveAs(link, blob, name);
    });
    return link;
}

/**
 * A link that plays a file on the decode page, in a tab of its own, without saving it first.
 * @param {string | null} place where the file lies; null: nowhere that another page can reach
 * @param {string} name
 * @param {string} [root] the site's, relative to the page
 */
export function playLink(place, name, root = './') {
    if (!place) return [];
    const href = `${root}decode/?${new URLSearchParams({ place, name })}`;
    return [make('a', { href, target: '_blank', class: 'button small', 'aria-label': `play ${name}` }, 'play')];
}

/** @param {Blob} blob
 * @param {string} name */
function download(blob, name) {
    const link = make('a', { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * What a picker gives: null when the user changed their mind, undefined when there is none that works.
 * @template T
 * @param {(() => Promise<T>) | undefined} ask
 */
async function pick(ask) {
    try {
        return await ask?.();
    } catch (error) {
        return isAbort(error) ? null : undefined;
    }
}

/** @param {Blob} blob
 * @param {FileSystemFileHandle} target
 * @param {(share: number) => void} onProgress 0..1 */
async function copy(blob, target, onProgress) {
    let done = 0;
    const counted = new TransformStream({
        transform(piece, controller) {
            controller.enqueue(piece);
            done += piece.length;
            onProgress(done / blob.size);
        },
    });
    // A failure leaves what was there before: the browser puts the copy in its place when it is whole.
    await blob.stream().pipeThrough(counted).pipeTo(await target.createWritable());
}

/** @param {unknown} error */
function reason(error) {
    if (error instanceof Error && error.name === 'QuotaExceededError') return 'There is not enough room: free some space, or choose another place.';
    return error instanceof Error ? error.message : String(error);
}

/** A place beside the element for how saving went; made when first needed.
 * @param {HTMLElement} element */
function outcomeBeside(element) {
    const next = element.nextElementSibling;
    if (next instanceof HTMLElement && next.classList.contains('outcome')) return next;
    const outcome = make('span', { class: 'outcome note' });
    element.after(outcome);
    return outcome;
}

/**
 * @param {HTMLElement} beside
 * @param {string} text
 * @param {boolean} [failed]
 */
function tell(beside, text, failed = false) {
    const outcome = outcomeBeside(beside);
    outcome.classList.toggle('error', failed);
    outcome.textContent = text;
}

/**
 * @param {HTMLAnchorElement} link
 * @param {Blob} blob
 * @param {string} name
 */
async function saveAs(link, blob, name) {
    if (link.getAttribute('aria-disabled')) return;
    const ask = pickers().showSaveFilePicker;
    const target = await pick(ask && (() => ask.call(globalThis, { suggestedName: name })));
    if (target === undefined) {
        download(blob, name);
        link.dispatchEvent(new Event('saved'));
    }
    if (!target) return;
    link.setAttribute('aria-disabled', 'true');
    try {
        await copy(blob, target, (share) => tell(link, `saving, ${Math.round(100 * share)}%`));
        tell(link, `saved as ${target.name}`);
        announce(`${target.name} is saved.`);
        link.dispatchEvent(new Event('saved'));
    } catch (error) {
        tell(link, `not saved: ${reason(error)}`, true);
        announce(`${name} was not saved: ${reason(error)}`);
    }
    link.removeAttribute('aria-disabled');
}

/** Saves the page that plays a file.
 * @param {HTMLElement} button that was pressed
 * @param {Blob} file
 * @param {string} name of the file */
export async function savePage(button, file, name) {
    try {
        const { webPage } = await import('./page-export.js'), page = await webPage(file, name), link = make('a', { class: 'button' });
        const as = `${name.replace(/\.dfy$/i, '')}.html`;
        link.hidden = true;
        button.after(link);
        if (pickers().showSaveFilePicker) await saveAs(link, page, as);
        else download(page, as);
        if (!link.nextElementSibling?.classList.contains('outcome')) tell(button, `${as}: ${formatBytes(page.size)}, plays in any browser`);
        link.remove();
    } catch (error) {
        tell(button, `not saved: ${reason(error)}`, true);
    }
}

/** The first of `name`, `name (2)`, `name (3)`... that a folder doesn't have.
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name */
async function freeName(folder, name) {
    const dot = name.lastIndexOf('.'), [base, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    for (let i = 1; ; i++) {
        const wanted = i > 1 ? `${base} (${i})${ending}` : name;
        const there = await folder.getFileHandle(wanted).then(() => true, (error) => error?.name !== 'NotFoundError');
        if (!there) return wanted;
    }
}

/** Makes a zip of files; done: how many are in it.
 * @typedef {(files: { blob: Blob, name: string }[], onProgress: (done: number) => void) => Promise<Blob>} Pack */

/**
 * Saves many files: into a folder of the user's choice, else as one zip. Browsers stop a page that starts many downloads, and
 * it is not told which of them came through.
 * @param {HTMLElement} button that was pressed
 * @param {{ blob: Blob, name: string }[]} files
 * @param {Pack} pack
 * @returns {Promise<boolean>} whether all of them were
 */
export async function saveAll(button, files, pack) {
    const ask = pickers().showDirectoryPicker;
    const folder = await pick(ask && (() => ask.call(globalThis, { mode: 'readwrite' })));
    if (folder === undefined) return saveZip(button, files, pack);
    if (!folder) return false;
    let saved = 0;
    try {
        for (const { blob, name } of files) {
            const target = await folder.getFileHandle(await freeName(folder, name), { create: true });
            await copy(blob, target, (share) => tell(button, `saving ${saved + 1} of ${files.length}, ${Math.round(100 * share)}%`));
            saved++;
        }
        const text = `${saved} files saved in ${folder.name || 'the folder'}, ${formatBytes(files.reduce((sum, { blob }) => sum + blob.size, 0))}`;
        tell(button, text);
        announce(`${text}.`);
        return true;
    } catch (error) {
        tell(button, `${saved} of ${files.length} saved, then: ${reason(error)}`, true);
        announce(`Only ${saved} of ${files.length} files were saved: ${reason(error)}`);
        return false;
    }
}

/** @param {HTMLElement} button
 * @param {{ blob: Blob, name: string }[]} files
 * @param {Pack} pack */
async function saveZip(button, files, pack) {
    try {
        const packed = await pack(files, (done) => tell(button, `packing ${done} of ${files.length}`));
        download(packed, 'diffy.zip');
        const text = `${files.length} files in diffy.zip, ${formatBytes(packed.size)}`;
        tell(button, text);
        announce(`${text}.`);
        return true;
    } catch (error) {
        tell(button, `not saved: ${reason(error)}`, true);
        announce(`The files were not saved: ${reason(error)}`);
        return false;
    }
}
