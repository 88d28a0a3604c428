/** The decoder's worker: one sequence at a time. */
import createModule from '#splats';
import { Codec } from '../../wasm/module.js';
import { serve } from '../shared/rpc.js';
import { SequenceDecoder, buffersOf } from './decoder.js';

/** @type {Promise<Codec> | null} */
let loading = null;
/** @type {SequenceDecoder | null} */
let decoder = null;
/** The frame decoded ahead of its being asked for.
 * @type {{ key: string, frame: Promise<import('./decoder.js').SplatFrame | null> } | null} */
let ahead = null;

const load = () => (loading ??= createModule({ printErr: () => {} }).then((/** @type {any} */ module) => new Codec(module)));

function opened() {
    if (!decoder) throw new Error('No sequence is open.');
    return decoder;
}

serve({
    async open({ source }) {
        close();
        const opening = await SequenceDecoder.open(await load(), source);
        decoder = opening;
        const { facts } = opening;
        return { info: facts, whole: opening.whole, frames: Array.from({ length: facts.frames }, (_, frame) => opening.frame(frame)) };
    },

    /** Waits for more of a file that comes, and tells what there is of it. */
    async more({ known }) {
        const source = opened();
        await source.more();
        const { facts } = source;
        return { info: facts, whole: source.whole, frames: Array.from({ length: facts.frames - known }, (_, i) => source.frame(known + i)) };
    },

    /** Emits a frame, whose arrays are given away; nothing when it was overtaken. `next` is decoded meanwhile. */
    async show({ frame, output, next = -1 }, emit) {
        const source = opened(), key = `${frame} ${output}`;
        let shown = ahead?.key === key ? await ahead.frame : null;
        if (!shown) {
            if (ahead) source.forget();
            ahead = null;
            shown = await source.show(frame, { output, ahead: next >= 0 });
        }
        ahead = null;
        if (!shown || source !== decoder) return { warnings: source.warnings };
        emit(shown, buffersOf(shown));
        if (next >= 0) ahead = { key: `${next} ${output}`, frame: source.show(next, { output, ahead: true }).catch(() => null) };
        return { warnings: source.warnings };
    },

    /** Makes the next frame emitted a whole one. */
    forget() {
        ahead = null;
        decoder?.forget();
    },

    close,
});

function close() {
    decoder?.close();
    decoder = null;
    ahead = null;
}
