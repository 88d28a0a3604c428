/** The decode page's worker: plays for the page's player, checks the file, and (in another worker of the same kind) exports. */
import { Codec, DiffyError } from '../../wasm/index.js';
import { Playback } from '../player/playback.js';
import { loadCodec } from '../shared/codec.js';
import { serve } from '../shared/rpc.js';
import { exportFrames } from './export.js';

let overlaid = false, noisy = false;
/** @type {Promise<Codec> | null} */
let loading = null;
const playback = new Playback({
    load: (alone) => (loading ??= alone ? Codec.load() : loadCodec()),
    extra: (decoder) => (overlaid ? decoder.origins() : null),
});

/** Files up to this size are read whole when they are opened. */
const mostChecked = 32e6;

/** Looking for what is lost may take so long, in milliseconds. */
const searchTime = 4000;

serve({
    ...playback.handlers,
    /** The frame shown, without noise. */
    image() {
        playback.decoder.setGrain(false);
        const image = playback.image();
        playback.decoder.setGrain(noisy);
        return image;
    },
    check,
    /** Whether frames tell where their blocks came from; gives that of the frame shown. */
    origins({ on }) {
        overlaid = on;
        return playback.refresh();
    },
    /** Whether noise is put back; what is exported stays without. */
    grain({ on }) {
        noisy = on;
        return playback.grain(on);
    },
    export: (args, emit, signal) => exportFrames(args, emit, signal),
});

/**
 * Looks at every checksum, which marks the damaged chunks, where that takes no more than a moment, and finds what is lost.
 * @param {{ bytes: number }} args
 */
function check({ bytes }) {
    const { decoder } = playback, checked = decoder.info.format !== 1 && bytes <= mostChecked;
    if (checked) {
        try {
            decoder.verify();
        } catch (error) {
            if (!(error instanceof DiffyError)) throw error;
            findLost();
        }
    }
    return { checked, chunks: decoder.chunks, warnings: decoder.warnings };
}

/** The decoder tells which frames are lost when it comes to them: it is sent through the parts that are damaged. Where these lie is
 * known by their number among the others, with one of them to spare on both sides. */
function findLost() {
    const { decoder } = playback, { frames } = decoder.info, until = performance.now() + searchTime;
    const segments = decoder.chunks.filter(({ name }) => name === 'SEGMENT'), length = frames / Math.max(1, segments.length);
    segments.forEach(({ damaged }, i) => {
        if (!damaged) return;
        const last = Math.min(frames, Math.ceil((i + 2) * length));
        decoder.seek(Math.max(0, Math.floor((i - 1) * length)));
        while (decoder.position < last && performance.now() < until && decoder.next());
    });
}
