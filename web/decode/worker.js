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

serve({
    attach(args) {
        ({ canvas, overlay } = args);
    },
    async open({ file }) {
        decoder?.close();
        decoder = null;
        shown = -1;
        decoder = await DiffyDecoder.open(file);
        const checked = check(decoder, file.size);
        const { info, metadata, cycles, chunks, imu, warnings } = decoder;
        return { info, metadata, cycles, chunks, checked, imu, warnings };
    },
    show: ({ frame }) => ({ shown: show(frame), origins: showOrigins(), warnings: opened().warnings }),
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

/** Decodes and draws a frame; returns its number, or the last one's when the file ends before it.
 * @param {number} frame */
function show(frame) {
    if (frame === shown) return shown;
    const source = opened();
    if (source.position !== frame) source.seek(frame);
    const picture = source.next('RGBA');
    if (!picture || !canvas) return shown;
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext('2d')?.putImageData(picture.toImageData(), 0, 0);
    shown = picture.index;
    return shown;
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
 * Plays from the frame shown until the end or the signal. A machine that is too slow plays slower, and shows every frame.
 * @param {{ speed: number }} options
 * @param {(event: any) => void} emit
 * @param {AbortSignal} signal
 */
async function play({ speed }, emit, signal) {
    const { info } = opened(), step = 1000 / (info.frameRate * speed);
    let due = performance.now();
    for (let frame = shown + 1; frame < info.frames && !signal.aborted; frame++) {
        show(frame);
        emit({ frame: shown, origins: overlaid ? showOrigins() : null });
        due = Math.max(due + step, performance.now() - 250);
        // Also with nothing to wait for: messages must get in.
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
    return { shown, ended: shown >= info.frames - 1, warnings: opened().warnings };
}
