/** Images encoded side by side: it takes longer to make a PNG of a frame than to decode the frame. */
import { Remote } from '../shared/rpc.js';

/** More workers than this hardly gain: frames come from one decoder. */
const mostWorkers = 4;

/** What the pixels under way may take; one frame may take more. */
const mostBytes = 150e6;

export class ImageEncoders {
    #type;
    #quality;
    #remotes = Array.from({ length: Math.min(mostWorkers, Math.max(1, navigator.hardwareConcurrency)) }, () =>
        new Remote(new Worker(new URL('./image-worker.js', import.meta.url), { type: 'module' })));
    #next = 0;

    /** Images that may be under way, so that every worker has its next one at hand and memory stays bounded. */
    room;

    /** @param {string} type of the images
     * @param {number} quality 0..1, of JPEG
     * @param {number} pixelBytes of each image */
    constructor(type, quality, pixelBytes) {
        this.#type = type;
        this.#quality = quality;
        this.room = Math.max(1, Math.min(2 * this.#remotes.length, Math.floor(mostBytes / pixelBytes)));
    }

    /** @param {import('../../wasm/decoder.js').DiffyFrame} frame in RGBA; its pixels are gone then
     * @returns {Promise<Uint8Array<ArrayBuffer>>} */
    encode({ width, height, data }) {
        const remote = this.#remotes[this.#next++ % this.#remotes.length];
        // An ImageData would be copied, whatever is said of its buffer.
        return remote.call('encode', { width, height, pixels: data.buffer, type: this.#type, quality: this.#quality }, { transfer: [data.buffer] });
    }

    close() {
        for (const remote of this.#remotes) remote.close();
    }
}
