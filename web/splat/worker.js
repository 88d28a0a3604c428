/** The splat page's worker: encodes and exports. Each job has one of its own, so that cancelling is at once. */
import { BlobReader, BlobWriter, Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter, configure } from '@zip.js/zip.js';
import { SplatDecoder, SplatEncoder } from '../../wasm/splat.js';
import { serve } from '../shared/rpc.js';
import { naturalOrder } from '../shared/text.js';
import { extensionOf, modelPattern } from './options.js';

configure({ useWebWorkers: false });

const maxModelBytes = 1.5e9;

serve({ encode, exportAll, exportOne });

/**
 * The models of files and zips, in natural order, one at a time.
 * @param {File[]} files
 * @param {(models: number) => void} count
 * @returns {AsyncGenerator<{ name: string, data: Uint8Array }>}
 */
async function* models(files, count) {
    /** @type {{ name: string, size: number, read: () => Promise<Uint8Array> }[]} */
    const found = [];
    for (const file of files) {
        if (modelPattern.test(file.name)) found.push({ name: file.webkitRelativePath || file.name, size: file.size, read: async () => new Uint8Array(await file.arrayBuffer()) });
        if (!/\.zip$/i.test(file.name)) continue;
        for (const entry of await new ZipReader(new BlobReader(file)).getEntries()) {
            if (entry.directory || !modelPattern.test(entry.filename) || /(^|\/)(\.|__MACOSX\/)/.test(entry.filename)) continue;
            found.push({ name: entry.filename, size: entry.uncompressedSize, read: () => entry.getData(new Uint8ArrayWriter()) });
        }
    }
    if (!found.length) throw new Error('There are no models here: drop .ply, .spz, .sog, .glb or .splat files, a folder or a .zip of them, or a .dfy file.');
    count(found.length);
    for (const { name, size, read } of found.sort((a, b) => naturalOrder(a.name, b.name))) {
        if (size > maxModelBytes) throw new Error(`${name} is too large for a browser: use the command line.`);
        yield { name, data: await read() };
    }
}

/**
 * @param {{ files: File[], quality: number, fps: number, canonical: boolean }} args
 * @param {(event: any) => void} emit
 */
async function encode({ files, quality, fps, canonical }, emit) {
    /** @type {Blob[]} */
    const pieces = [];
    const frameRate = /** @type {[number, number]} */ (Number.isInteger(fps) ? [fps, 1] : [Math.round(fps * 100), 100]);
    const encoder = await SplatEncoder.create({ quality, frameRate, canonical, write: (data) => void pieces.push(new Blob([new Uint8Array(data)])) });
    let done = 0, total = 0, bytes = 0, odd = 0, notes = '';
    for await (const { name, data } of models(files, (count) => total = count)) {
        try {
            const pushed = encoder.push(data);
            odd += pushed.odd;
            if (!notes && pushed.notes) notes = `${name}: ${pushed.notes}`;
        } catch (error) {
            throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
        }
        bytes += data.length;
        emit({ done: ++done, total });
    }
    const { stats } = encoder.finish();
    return { file: new Blob(pieces), stats, bytes, odd, notes };
}

/**
 * @param {{ file: Blob, kind: import('../../wasm/splat.js').SplatFormat }} args
 * @param {(event: any) => void} emit
 */
async function exportAll({ file, kind }, emit) {
    const source = await SplatDecoder.open(file), zip = new ZipWriter(new BlobWriter('application/zip'), { level: 0 });
    let losses = '';
    for (let frame = source.advance(); frame >= 0; frame = source.advance()) {
        losses ||= lossesOf(source, frame, kind);
        await zip.add(`frame_${String(frame).padStart(4, '0')}.${extensionOf(kind)}`, new Uint8ArrayReader(source.write(kind)));
        emit({ done: frame + 1, total: source.info.frames });
    }
    const result = { file: await zip.close(), warnings: source.warnings, losses };
    source.close();
    return result;
}

/**
 * @param {SplatDecoder} source
 * @param {number} frame
 * @param {import('../../wasm/splat.js').SplatFormat} kind
 */
function lossesOf(source, frame, kind) {
    const sentence = source.losses(kind);
    return sentence && `frame ${frame}: ${sentence}`;
}

/** @param {{ file: Blob, frame: number, kind: import('../../wasm/splat.js').SplatFormat }} args */
async function exportOne({ file, frame, kind }) {
    const source = await SplatDecoder.open(file);
    source.seek(frame);
    if (source.advance() !== frame) throw new Error(source.warnings.at(-1) ?? 'This frame is lost.');
    const result = { file: new Blob([source.write(kind)]), warnings: [], losses: lossesOf(source, frame, kind) };
    source.close();
    return result;
}
