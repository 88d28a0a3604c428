/**
 * The decode page's worker: draws the player's canvas, plays, seeks, gives facts, and (in a second worker of the
 * same kind) exports.
 */
import { DiffyDecoder, DiffyError } from '../../wasm/index.js';
import { serve } from '../shared/rpc.js';
import { exportFrames } from './export.js';
import { overlayOf, sharesOf } from './origins.js';

/** @type {DiffyDecoder | null} */
let decoder = null;
/** @type {OffscreenCanvas | null} */
let canvas = null;
/** Lies over the canvas.
 * @type {OffscreenCanvas | null} */
let overlay = null;
let overlaid = false;
let shown = -1;
/** Seconds from the first frame's. */
let shownAt = 0, firstAt = 0;

serve({
    attach(args) {
        ({ canvas, overlay } = args);
    },
    async open({ file }) {
        decoder?.close();
        decoder = null;
        shown = -1;
        shownAt = firstAt = 0;
        decoder = await DiffyDecoder.open(file);
        const checked = check(decoder, file.size);
        const { info, metadata, cycles, chunks, imu, warnings } = decoder;
        return { info, metadata, cycles, chunks, checked, imu, warnings };
    },
    length,
    show: ({ frame }) => ({ shown: show(frame), seconds: shownAt, origins: showOrigins(), warnings: opened().warnings }),
    origins({ on }) {
        overlaid = on;
        return showOrigins();
    },
    play,
    async picture({ frame }) {
        show(frame);
        return /** @type {OffscreenCanvas} */ (canvas).convertToBlob({ type: 'image/png' });
    },
    export: (args, emit, signal) => exportFrames(args, emit, signal),
});

/**
 * Looks at every checksum, which marks the damaged chunks, where that takes no more than a moment.
 * @param {DiffyDecoder} source
 * @param {number} bytes
 */
function check(source, bytes) {
    if (source.info.format === 1 || bytes > 32e6) return false;
    try {
        source.verify();
    } catch (error) {
        if (!(error instanceof DiffyError)) throw error;
    }
    return true;
}

function opened() {
    if (!decoder) throw new Error('No file is open.');
    return decoder;
}

/** Seconds from the first frame to the end of the last, or null: times are only known with their frames. */
function length() {
    const { info } = opened();
    try {
        const last = info.frames > 1 ? decode(info.frames - 1) : null;
        return last && last.index === info.frames - 1 ? last.timestamp - firstAt + 1 / info.frameRate : null;
    } catch {
        return null;
    } finally {
        // Origins are those of the frame decoded last, and that is to be the one shown.
        if (shown >= 0) decode(shown);
    }
}

/** Decodes and draws a frame; returns its number, or the last one's when the file ends before it.
 * @param {number} frame */
function show(frame) {
    const picture = frame === shown ? null : decode(frame);
    if (picture) draw(picture);
    return shown;
}

/** @param {number} frame */
function decode(frame) {
    const source = opened();
    if (source.position !== frame) source.seek(frame);
    const picture = source.next('RGBA');
    if (picture?.index === 0) firstAt = picture.timestamp;
    return picture;
}

/** @param {import('../../wasm/decoder.js').DiffyFrame} picture */
function draw(picture) {
    if (!canvas) return;
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext('2d')?.putImageData(picture.toImageData(), 0, 0);
    shown = picture.index;
    shownAt = picture.timestamp - firstAt;
}

/** Draws where the blocks of the frame shown came from, if that is wanted; returns how much came from where. */
function showOrigins() {
    if (!overlay || !canvas) return null;
    const origins = overlaid && shown >= 0 ? opened().origins() : null;
    // A new size empties it, too.
    Object.assign(overlay, { width: canvas.width, height: canvas.height });
    if (!origins) return null;
    overlay.getContext('2d')?.putImageData(overlayOf(origins, canvas.width, canvas.height), 0, 0);
    return sharesOf(origins);
}

/**
 * Plays from the frame shown until the end or the signal, each frame at its own time. A machine that is too slow plays slower, and shows every frame.
 * @param {{ speed: number }} options
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function play({ speed }, emit, signal) {
    const { info } = opened();
    let due = performance.now();
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    for (let frame = shown + 1; frame < info.frames && !signal.aborted; frame++) {
        const picture = decode(frame);
        if (!picture) break;
        due = Math.max(due + (1000 * Math.max(0, picture.timestamp - firstAt - shownAt)) / speed, performance.now() - 250);
        // Also with nothing to wait for: messages must get in.
        await Promise.race([aborted, new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))]);
        if (signal.aborted) break;
        draw(picture);
        frame = shown;
        emit({ frame: shown, seconds: shownAt, origins: overlaid ? showOrigins() : null });
    }
    return { shown, ended: shown >= info.frames - 1, warnings: opened().warnings };
}
