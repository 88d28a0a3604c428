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

/** Folders of tabs that are gone.
 * @returns {Promise<FileSystemDirectoryHandle[]>} */
async function abandoned() {
    const directory = await root();
    if (!directory || !navigator.locks) return [];
    const held = new Set(((await navigator.locks.query()).held ?? []).map((lock) => lock.name));
    const folders = [];
    for await (const [name, handle] of /** @type {any} */ (directory).entries()) if (name.startsWith(folderPrefix) && !held.has(name)) folders.push(handle);
    return folders;
}

/** Removes what tabs that are gone left behind, but for recordings. */
export async function sweep() {
    const directory = await root();
    for (const folder of await abandoned()) {
        let kept = 0;
        for await (const name of /** @type {any} */ (folder).keys()) {
            if (name.startsWith(recordingPrefix)) kept++;
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
    if (!handle) throw new Error('This file is no longer kept here: it goes with the tab that made it. Open the one you saved.');
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
 * @property {() => Promise<Blob>} finish the whole file
 * @property {() => Promise<void>} discard
 * @property {string | null} place where {@link openPlace} finds it, from any page, as long as this tab lives; null: in memory
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
        place: `${directory.name}/${name}`,
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
        async finish() {
            flush();
            access.close();
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
