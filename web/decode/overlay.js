/** The picture of block origins that lies over the player's. */
import { overlayOf, sharesOf } from './origins.js';

export class Overlay {
    #canvas;
    #legend;

    /** @param {HTMLCanvasElement} canvas
     * @param {import('./origin-legend.js').OriginLegend} legend */
    constructor(canvas, legend) {
        this.#canvas = canvas;
        this.#legend = legend;
    }

    /** @param {boolean} on */
    set on(on) {
        this.#canvas.hidden = !on;
        this.#canvas.dataset.on = String(on);
    }

    /** @param {import('../../wasm/decoder.js').DiffyOrigins | null} origins of the frame shown
     * @param {number} width pixels of the picture
     * @param {number} height */
    show(origins, width, height) {
        if (this.#canvas.hidden) return;
        // A new size empties it, too.
        Object.assign(this.#canvas, { width, height });
        if (!origins) return;
        this.#canvas.getContext('2d')?.putImageData(overlayOf(origins, width, height), 0, 0);
        this.#legend.update(sharesOf(origins));
    }
}
