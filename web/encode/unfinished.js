/**
 * Recordings that are not encoded yet, kept on the disk so that a tab which is closed or reloaded goes on where it was: a
 * note of what each one is and how it is to be encoded, the file as far as it was written (the encoding worker's), and a copy
 * of what goes in, for a page may not open a file of the user's again by itself. What is too large to be copied is asked for.
 */
import { abandoned, openFolder, unfinishedName } from '../shared/storage.js';

/** The share of the free space that copies may take. */
const mostOfSpace = 0.25;

/** How often a file is asked for that is still being written, a tenth of a second apart. */
const mostTries = 50;

/**
 * @typedef {object} Note
 * @property {string} key
 * @property {string} name
 * @property {string} title
 * @property {string} fileName
 * @property {number} inputBytes
 * @property {import('./own-settings.js').OwnSettings & { to: number | null }} own to: null for Infinity, which JSON has not
 * @property {{ kind: 'video' | 'images' | 'zip', files: { name: string, size: number, type: string, lastModified: number }[], folder?: string, video?: boolean }} source
 * @property {boolean} copied what goes in lies here as well
 * @property {import('./options.js').EncodeSettings | null} settings of the run that was broken off
 * @property {string | null} part the file's name as far as it was written
 * @property {number} done frames, of `total`
 * @property {number} total
 */

/** What a signature tells of a recording: the same name and size is taken for the same.
 * @param {{ files: { name: string, size: number }[], folder?: string }} source */
export function signature({ files, folder = '' }) {
    return JSON.stringify([folder, ...files.map(({ name, size }) => [name, size])]);
}

/** @param {import('./options.js').Source} source
 * @returns {Note['source']} */
export function describe(source) {
    const files = (source.kind === 'images' ? source.files : [source.file]).map(({ name, size, type, lastModified }) => ({ name, size, type, lastModified }));
    return source.kind === 'zip' ? { kind: 'zip', files, folder: source.folder, video: source.video } : { kind: source.kind, files };
}

/** One copy at a time, in the order of the queue. */
let copying = Promise.resolve();
/** Bytes that copies may still take; NaN: not asked yet. */
let room = NaN;

/** A note on the disk and the copy beside it. Whatever fails here costs only that the tab can't be gone on with. */
export class Unfinished {
    #folder;
    #note;
    #gone = false;
    /** One write after another. */
    #writing = Promise.resolve();

    /**
     * @param {string | null} folder the tab's; null: nothing is kept
     * @param {Note} note
     */
    constructor(folder, note) {
        this.#folder = folder;
        this.#note = note;
    }

    get key() {
        return this.#note.key;
    }

    /** Copies what goes in, when those before it are copied, where there is room.
     * @param {import('./options.js').Source} source */
    copy(source) {
        const files = source.kind === 'images' ? source.files : [source.file];
        copying = copying.then(async () => {
            if (this.#gone || this.#note.copied) return;
            if (Number.isNaN(room)) room = mostOfSpace * (((await navigator.storage.estimate()).quota ?? 0) - ((await navigator.storage.estimate()).usage ?? 0));
            const size = files.reduce((sum, file) => sum + file.size, 0), folder = size <= room ? await this.#directory() : null;
            if (!folder) return;
            room -= size;
            const handle = await folder.getFileHandle(unfinishedName('input', this.key), { create: true });
            // Whole files: the browser copies them itself, and no piece comes through this page's memory.
            const writable = await handle.createWritable();
            for (const file of files) await writable.write(file);
            await writable.close();
            if (this.#gone) await this.#remove('input');
            else this.change({ copied: true });
        }).catch(() => {});
    }

    /** @param {Partial<Note>} changes */
    change(changes) {
        Object.assign(this.#note, changes);
        const text = JSON.stringify(this.#note);
        this.#writing = this.#writing.then(async () => {
            const folder = this.#gone ? null : await this.#directory();
            if (!folder) return;
            const handle = await folder.getFileHandle(unfinishedName('work', this.key), { create: true }), writable = await handle.createWritable();
            await writable.write(text);
            await writable.close();
        }).catch(() => {});
    }

    /** It is encoded, or not wanted: nothing of it is kept, but for a copy that is still read from, and the whole file.
     * @param {boolean} keepCopy
     * @param {Blob} [whole] the file; where the browser could not rename it, it is the part */
    forget(keepCopy, whole) {
        if (this.#gone) return;
        this.#gone = true;
        void this.#writing.then(async () => {
            await this.#remove('work');
            if (!(whole instanceof File && whole.name === this.#note.part)) await this.#remove('part');
            if (!keepCopy) await this.#remove('input');
        });
    }

    /** @param {'work' | 'part' | 'input'} what */
    async #remove(what) {
        const name = what === 'part' ? this.#note.part : unfinishedName(what, this.key), folder = name ? await this.#directory() : null;
        if (name) await folder?.removeEntry(name).catch(() => {});
    }

    #directory() {
        return openFolder(this.#folder);
    }
}

/**
 * What tabs that are gone have not finished, moved to this tab's folder; oldest first.
 * @param {string | null} folderName the tab's
 * @returns {Promise<{ note: Note, source: import('./options.js').Source | null }[]>} source: null where it was not copied
 */
export async function takeUnfinished(folderName) {
    const own = await openFolder(folderName);
    /** @type {{ note: Note, source: import('./options.js').Source | null }[]} */
    const found = [];
    if (!own) return found;
    for (const folder of await abandoned()) {
        // Of two tabs that open at once only one takes it.
        await navigator.locks.request(folder.name, { ifAvailable: true }, async (lock) => {
            if (!lock) return;
            const names = [];
            for await (const name of /** @type {any} */ (folder).keys()) if (name.startsWith('work-')) names.push(name);
            for (const name of names) {
                const one = await take(folder, own, name).catch(() => null);
                if (one) found.push(one);
            }
        });
    }
    return found.sort((a, b) => (a.note.key < b.note.key ? -1 : 1));
}

/**
 * @param {FileSystemDirectoryHandle} from
 * @param {FileSystemDirectoryHandle} to
 * @param {string} name of the note
 */
async function take(from, to, name) {
    /** @type {Note} */
    const note = JSON.parse(await (await (await from.getFileHandle(name)).getFile()).text());
    /** @param {string} file */
    const move = async (file) => {
        const handle = /** @type {any} */ (await from.getFileHandle(file));
        for (let tries = 0; ; tries++) {
            try {
                await handle.move(to, file);
                break;
            } catch (error) {
                // The worker of the tab that was reloaded may be about to end, and holds its file until then.
                if (tries === mostTries || /** @type {Error} */ (error).name !== 'NoModificationAllowedError') throw error;
                await new Promise((resolve) => setTimeout(resolve, 100));
            }
        }
        return /** @type {FileSystemFileHandle} */ (await to.getFileHandle(file));
    };
    // The note goes last: whatever stops this, it still tells where the rest is.
    if (note.part) await move(note.part).catch(() => (note.part = null));
    const input = note.copied ? await move(unfinishedName('input', note.key)).then((handle) => handle.getFile()).catch(() => null) : null;
    await move(name);
    return { note: { ...note, copied: !!input }, source: input && sourceOf(note.source, input) };
}

/**
 * @param {Note['source']} source
 * @param {File} copy of all its files, one behind the other
 * @returns {import('./options.js').Source}
 */
function sourceOf({ kind, files: described, folder = '', video }, copy) {
    let at = 0;
    const files = described.map(({ name, size, type, lastModified }) => new File([copy.slice(at, (at += size))], name, { type, lastModified }));
    if (kind === 'images') return { kind, files };
    return kind === 'zip' ? { kind, file: files[0], folder, video } : { kind, file: files[0] };
}
