/**
 * Files that grow on the user's own disk, in the origin-private file system; in memory where that is missing.
 * Each tab keeps its files in a folder of its own and holds a lock of the same name for as long as it lives, so that
 * what a closed or crashed tab left behind can be told from what another tab still needs.
 */

const folderPrefix = 'tab-';

/** @returns {Promise<FileSystemDirectoryHandle | null>} */
async function root() {
    try {
        return await navigator.storage.getDirectory();
    } catch {
        return null;
    }
}

/** This tab's folder; its lock is held until the tab is gone. Call it on the page, not in a worker.
 * @returns {Promise<string | null>} null: there is no such file system */
export async function claimFolder() {
    if (!(await root()) || !navigator.locks) return null;
    const name = folderPrefix + crypto.randomUUID();
    await new Promise((/** @type {(value?: unknown) => void} */ granted) => {
        void navigator.locks.request(name, () => {
            granted();
            return new Promise(() => {});
        });
    });
    return name;
}

/** Recordings of a camera are kept until their owner deletes them. */
const recordingPrefix = 'recording-';

/** What was encoded is kept until it is saved or removed: a tab that is closed or reloaded loses nothing that is done. */
const encodedPrefix = 'encoded-';

/** What an encoded file is called here; a name that is too long for that loses letters before its ending.
 * @param {number} id
 * @param {string} fileName that it will be saved as */
export function keptName(id, fileName) {
    const ending = /\.\w+$/.exec(fileName)?.[0] ?? '', letters = [...fileName.slice(0, fileName.length - ending.length)];
    const name = () => `${encodedPrefix}${Date.now()}-${id}-${encodeURIComponent(letters.join('') + ending)}`;
    while (letters.length > 1 && name().length >= 200) letters.pop();
    return name();
}

/** A tab's folder, made where it is missing; null: there is no such place.
 * @param {string | null} name */
export async function openFolder(name) {
    const directory = name ? await root() : null;
    return (name && (await directory?.getDirectoryHandle(name, { create: true }).catch(() => null))) || null;
}

/**
 * What an encode that is under way has here: the note of it, its file so far, a copy of what goes in.
 * @param {'work' | 'part' | 'input'} what
 * @param {string} key the encode's
 */
export function unfinishedName(what, key) {
    return `${what}-${key}${what === 'work' ? '.json' : ''}`;
}

/** Days that it is kept for one who doesn't come back to it. */
const unfinishedDays = 30;

/** Keys of the encodes that a folder has notes of.
 * @param {FileSystemDirectoryHandle} folder */
async function unfinishedKeys(folder) {
    const keys = [], oldest = Date.now() - unfinishedDays * 86_400_000;
    for await (const [name, handle] of /** @type {any} */ (folder).entries())
        if (name.startsWith('work-') && (await handle.getFile()).lastModified > oldest) keys.push(name.slice(5, -5));
    return keys;
}

/** Folders of tabs that are gone.
 * @returns {Promise<FileSystemDirectoryHandle[]>} */
export async function abandoned() {
    const directory = await root();
    if (!directory || !navigator.locks) return [];
    const held = new Set(((await navigator.locks.query()).held ?? []).map((lock) => lock.name));
    const folders = [];
    for await (const [name, handle] of /** @type {any} */ (directory).entries()) if (name.startsWith(folderPrefix) && !held.has(name)) folders.push(handle);
    return folders;
}

/** Removes what tabs that are gone left behind, but for recordings, what was encoded and not saved, and what can be gone on with. */
export async function sweep() {
    const directory = await root(), saved = new Set(savedPlaces());
    for (const folder of await abandoned()) {
        const unfinished = await unfinishedKeys(folder);
        let kept = 0;
        for await (const name of /** @type {any} */ (folder).keys()) {
            if (name.startsWith(recordingPrefix) || unfinished.some((key) => name.includes(key)) || (name.startsWith(encodedPrefix) && !saved.has(`${folder.name}/${name}`))) kept++;
            else await folder.removeEntry(name).catch(() => {});
        }
        if (!kept) await directory?.removeEntry(folder.name, { recursive: true }).catch(() => {});
    }
}

/** Recordings that tabs which are gone have left, whole or cut.
 * @returns {Promise<{ file: File, name: string, folderName: string }[]>} */
export async function findRecordings() {
    const found = [];
    for (const folder of await abandoned()) {
        for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
            if (!name.startsWith(recordingPrefix)) continue;
            const file = await handle.getFile();
            if (file.size) found.push({ file, name, folderName: folder.name });
        }
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What tabs that are gone had encoded, and nobody saved.
 * @returns {Promise<{ file: File, fileName: string, place: string }[]>} oldest first */
export async function findEncoded() {
    const found = [];
    for (const folder of await abandoned()) {
        for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
            if (!name.startsWith(encodedPrefix)) continue;
            const file = await handle.getFile(), fileName = decodeURIComponent(name.split('-').slice(3).join('-'));
            if (file.size) found.push({ file, fileName, place: `${folder.name}/${name}` });
        }
    }
    return found.sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** It has been saved, or is not wanted: it goes with its tab, or at once when that is gone.
 * @param {string | null} place */
export async function forgetEncoded(place) {
    const [folderName, name] = place?.split('/') ?? [];
    if (!place || !name?.startsWith(encodedPrefix)) return;
    // At once: the tab may be closed any moment.
    try {
        localStorage.setItem(savedKey, JSON.stringify([...savedPlaces(), place].slice(-200)));
    } catch {
        // It will be offered once more.
    }
    const held = (await navigator.locks?.query())?.held?.some((lock) => lock.name === folderName);
    if (held) return;
    const folder = await (await root())?.getDirectoryHandle(folderName).catch(() => null);
    await folder?.removeEntry(name).catch(() => {});
}

const savedKey = 'diffy-saved';

/** Places of files that were saved while their tab lived.
 * @returns {string[]} */
function savedPlaces() {
    try {
        const list = JSON.parse(localStorage.getItem(savedKey) ?? '[]');
        return Array.isArray(list) ? list.map(String) : [];
    } catch {
        return [];
    }
}

/**
 * @param {string | null} folderName
 * @param {string} name
 */
export async function deleteRecording(folderName, name) {
    const directory = folderName ? await root() : null;
    if (!directory || !folderName) return;
    const folder = await directory.getDirectoryHandle(folderName);
    await folder.removeEntry(name).catch(() => {});
}

/** The file at a place that another page of the site told, while its tab lives.
 * @param {string} place
 * @returns {Promise<File>} */
export async function openPlace(place) {
    const [folder, name] = place.split('/');
    const directory = folder?.startsWith(folderPrefix) && name ? await root() : null;
    const handle = await directory?.getDirectoryHandle(folder).then((inside) => inside.getFileHandle(name)).catch(() => null);
    if (!handle) throw new Error('This file is no longer kept here: it was deleted with the tab that made it. Open the copy you saved.');
    return handle.getFile();
}

/** Copies a file to a place where the site's other pages find it, see {@link openPlace}.
 * @param {string | null} folderName the tab's
 * @param {File} file
 * @returns {Promise<string | null>} null: there is no such place, or no room */
export async function placeFile(folderName, file) {
    const directory = folderName ? await root() : null;
    if (!directory || !folderName) return null;
    try {
        const name = `placed-${crypto.randomUUID()}`, handle = await (await directory.getDirectoryHandle(folderName, { create: true })).getFileHandle(name, { create: true });
        await file.stream().pipeTo(await handle.createWritable());
        return `${folderName}/${name}`;
    } catch {
        return null;
    }
}

/** Bytes that may still be stored, as far as the browser tells.
 * @returns {Promise<number>} */
export async function freeSpace() {
    /** @type {StorageEstimate} */
    const { quota = Infinity, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => ({}))) ?? {};
    return quota - usage;
}

/**
 * A file being written.
 * @typedef {object} Output
 * @property {(data: Uint8Array, position?: number) => void} write appends, or writes at a position
 * @property {() => void} release out of this worker's memory: what it wrote outlives a crash of the tab then
 * @property {() => void} flush to the disk, to outlive the machine's
 * @property {(keptName?: string) => Promise<Blob>} finish the whole file; keptName: what it is called from now on
 * @property {() => Promise<void>} discard
 * @property {string | null} place (after finish) where {@link openPlace} finds it, from any page, as long as this tab lives; null: in memory
 */

/**
 * Opens an output in a worker.
 * @param {string | null} folder the tab's, from {@link claimFolder}
 * @param {string} name
 * @returns {Promise<Output>}
 */
export async function openOutput(folder, name) {
    const directory = folder ? await root() : null;
    if (directory && 'createSyncAccessHandle' in FileSystemFileHandle.prototype) {
        try {
            return await openFile(await directory.getDirectoryHandle(/** @type {string} */ (folder), { create: true }), name);
        } catch {
            // Private windows may refuse files: memory serves as well.
        }
    }
    return openMemory();
}

/** What is appended is written in pieces of so many bytes: each write takes two milliseconds, however small it is. */
const pieceBytes = 1 << 20;

/**
 * @param {FileSystemDirectoryHandle} directory
 * @param {string} name
 * @returns {Promise<Output>}
 */
async function openFile(directory, name) {
    const handle = await directory.getFileHandle(name, { create: true });
    const access = await /** @type {any} */ (handle).createSyncAccessHandle();
    access.truncate(0);
    let end = 0;
    const held = new Uint8Array(pieceBytes);
    /** The file's last bytes, which are still held. */
    let holding = 0;
    const put = (/** @type {Uint8Array} */ data, /** @type {number} */ at) => {
        if (access.write(data, { at }) !== data.length) throw new Error('The disk is full: free some space and try again.');
    };
    const release = () => {
        const bytes = holding;
        holding = 0;
        if (bytes) put(held.subarray(0, bytes), end - bytes);
    };
    const flush = () => {
        release();
        access.flush();
    };
    return {
        get place() {
            return `${directory.name}/${handle.name}`;
        },
        write(data, position = end) {
            const append = position === end && data.length < pieceBytes;
            if (!append || holding + data.length > pieceBytes) release();
            if (append) {
                held.set(data, holding);
                holding += data.length;
            } else {
                // Browsers refuse views of shared memory here.
                put(data.buffer instanceof ArrayBuffer ? data : new Uint8Array(data), position);
            }
            end = Math.max(end, position + data.length);
        },
        release,
        flush,
        async finish(keptName) {
            flush();
            access.close();
            // Not every browser can rename.
            if (keptName) await /** @type {any} */ (handle).move?.(keptName).catch(() => {});
            return handle.getFile();
        },
        async discard() {
            access.close();
            await directory.removeEntry(name).catch(() => {});
        },
    };
}

/** @returns {Output} */
function openMemory() {
    let bytes = new Uint8Array(1 << 16), end = 0;
    return {
        place: null,
        write(data, position = end) {
            if (position + data.length > bytes.length) {
                const larger = new Uint8Array(Math.max(position + data.length, bytes.length * 2));
                larger.set(bytes.subarray(0, end));
                bytes = larger;
            }
            bytes.set(data, position);
            end = Math.max(end, position + data.length);
        },
        release() {},
        flush() {},
        finish: async () => new Blob([bytes.subarray(0, end)]),
        async discard() {
            bytes = new Uint8Array(0);
        },
    };
}
