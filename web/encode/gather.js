/**
 * From what a person dropped or chose to recordings: a video is one, a zip is as many as it has folders of images and videos, a
 * folder of images is one, a folder of folders is several, and loose images together are one.
 */
import { baseName, naturalOrder } from '../shared/text.js';
import { animatedType } from './animation.js';
import { imagePattern, isClutter, videoPattern, zipPattern } from './options.js';

/**
 * @typedef {object} Gathered
 * @property {string} name of the recording
 * @property {import('./options.js').Source} source
 * @property {number} bytes
 */

/** A file and its path within what was dropped.
 * @typedef {{ file: File, path: string }} Found */

/** @param {FileList | File[]} files
 * @returns {Found[]} */
export function fromInput(files) {
    return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** @param {DataTransfer} transfer
 * @returns {Promise<Found[]>} */
export async function fromDrop(transfer) {
    // Entries must be taken before the first await: the transfer is empty afterwards.
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => !!entry);
    const files = [...transfer.files];
    if (!entries.length) return fromInput(files);
    /** @type {Found[]} */
    const found = [];
    for (const entry of entries) await walk(entry, found);
    return found;
}

/**
 * @param {FileSystemEntry} entry
 * @param {Found[]} found
 */
async function walk(entry, found) {
    if (entry.isFile) {
        const file = await new Promise((/** @type {(file: File) => void} */ resolve, reject) => {
            /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject);
        });
        found.push({ file, path: entry.fullPath.replace(/^\//, '') });
    } else if (entry.isDirectory) {
        const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
        for (;;) {
            // A directory's reader gives a hundred entries at a time.
            const some = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) => reader.readEntries(resolve, reject));
            if (!some.length) return;
            for (const child of some) await walk(child, found);
        }
    }
}

/**
 * @param {Found[]} found
 * @param {(file: File) => Promise<{ folder: string, frames: number, bytes: number, video?: boolean, zip?: boolean }[]>} listZip
 * @returns {Promise<{ recordings: Gathered[], problems: { name: string, message: string }[], diffyFiles: File[] }>}
 */
export async function gather(found, listZip) {
    /** @type {Gathered[]} */
    const recordings = [];
    /** @type {{ name: string, message: string }[]} */
    const problems = [];
    /** @type {File[]} */
    const diffyFiles = [];
    /** @type {Map<string, File[]>} */
    const folders = new Map();
    const wanted = found.filter(({ path }) => !isClutter(path));
    /** Images with several pictures are recordings of their own. */
    const alone = new Set();
    for (const { file, path } of wanted) if (/\.(gif|a?png|webp)$/i.test(path) && (await animatedType(file).catch(() => null))) alone.add(path);
    for (const { file, path } of wanted.sort((a, b) => naturalOrder(a.path, b.path))) {
        if (alone.has(path)) {
            recordings.push({ name: path.includes('/') ? path.replace(/\.[^./]+$/, '').replaceAll('/', '_') : baseName(path), source: { kind: 'video', file }, bytes: file.size });
        } else if (zipPattern.test(path)) {
            await addZip(file, listZip, recordings, problems);
        } else if (/\.dfy$/i.test(path)) {
            diffyFiles.push(file);
        } else if (imagePattern.test(path)) {
            const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
            folders.set(folder, [...(folders.get(folder) ?? []), file]);
        } else if (!path.includes('/') || videoPattern.test(path) || /^video\//.test(file.type)) {
            // In folders only what calls itself a video: there may be notes and logs beside it.
            recordings.push({ name: baseName(path), source: { kind: 'video', file }, bytes: file.size });
        }
    }
    for (const [folder, files] of folders) {
        const bytes = files.reduce((sum, file) => sum + file.size, 0);
        recordings.push({ name: folder ? folder.replaceAll('/', '_') : baseName(files[0].name), source: { kind: 'images', files }, bytes });
    }
    if (!recordings.length && !problems.length && !diffyFiles.length && found.length)
        problems.push({ name: found[0].path, message: 'There is nothing here to encode: drop a video, images, or a .zip of images.' });
    return { recordings, problems, diffyFiles };
}

/**
 * @param {File} file
 * @param {(file: File) => Promise<{ folder: string, frames: number, bytes: number, video?: boolean, zip?: boolean }[]>} listZip
 * @param {Gathered[]} recordings
 * @param {{ name: string, message: string }[]} problems
 */
async function addZip(file, listZip, recordings, problems) {
    try {
        const folders = await listZip(file);
        if (!folders.length) throw new Error('There are no images or videos in this .zip.');
        for (const { folder, bytes, video, zip } of folders) {
            if (zip) {
                problems.push({ name: `${file.name}/${folder}`, message: 'A .zip in a .zip is not looked into: unpack the outer one first.' });
                continue;
            }
            const path = video ? folder.replace(/\.[^./]+$/, '') : folder;
            const name = (video || folders.length > 1) && path ? path.replaceAll('/', '_') : baseName(file.name);
            recordings.push({ name, source: { kind: 'zip', file, folder, video }, bytes });
        }
    } catch (error) {
        problems.push({ name: file.name, message: error instanceof Error ? error.message : String(error) });
    }
}
