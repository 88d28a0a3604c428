/** The codec for a worker of the site: with threads where the page is cross-origin isolated, else without. */
import { Codec } from '../../wasm/index.js';

/** More than this, and the parts of a picture become too small to share out. */
const maxThreads = 8;

/** @returns {Promise<Codec>} */
export async function loadCodec() {
    const threads = Math.min(maxThreads, navigator.hardwareConcurrency || 1);
    if (globalThis.crossOriginIsolated && threads > 1) {
        try {
            // Its files lie beside the bundled ones as Emscripten made them, because its own workers load them by name.
            const address = new URL('../threads/diffy.js', self.location.href).href;
            const { default: factory } = await import(/* @vite-ignore */ address);
            return await Codec.load({ factory, threads });
        } catch {
            // Too little address space for shared memory, or a host that left files out: one thread does it too.
        }
    }
    return Codec.load();
}
