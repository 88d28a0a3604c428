/**
 * The model that frames add up to, on the page's side: full arrays, which spans of them changed, and the order to draw in,
 * which a worker sorts. Renderers' adapters are built on it.
 */
import { rowSplats } from './shaders.js';

/** @typedef {import('./decoder.js').SplatFrame} SplatFrame */

/** Splats between two spans that are rather uploaded than two spans made of them. */
const gap = 512;

export class SplatModel {
    /** Makes the sorter's worker, which is another file on every site.
     * @type {() => Worker} */
    static newSorter;

    count = 0;
    degree = 0;
    /** Frames taken in. */
    frame = 0;
    /** Splats there is room for. */
    capacity = 0;
    transforms = new Uint32Array(0);
    scales = new Uint16Array(0);
    colours = new Uint16Array(0);
    /** @type {Uint32Array[]} */
    harmonics = [];
    /** Of the last frame: first splats and ends of what changed, ascending; one of all when everything may have.
     * @type {[number, number][]} */
    spans = [];
    /** Numbers of the splats from far to near; of as many as were there when they were sorted. */
    order = new Uint32Array(0);
    /** Called when a new order has come. */
    onOrder = () => {};
    #sorter;
    #sorting = false;
    /** @type {number[] | null} */
    #wanted = null;
    /** Along which the last order is. */
    #forward = [0, 0, 1];
    /** Shared with the sorter, where the page is isolated.
     * @type {Float32Array<ArrayBufferLike>} */
    #centres = new Float32Array(0);

    /** @param {() => Worker} [newSorter] */
    constructor(newSorter = SplatModel.newSorter) {
        this.#sorter = newSorter();
        this.#sorter.addEventListener('message', ({ data }) => {
            this.order = data.order;
            this.#sorting = false;
            this.onOrder();
            if (this.#wanted) this.sort(this.#wanted);
        });
    }

    /** Takes a frame in.
     * @param {SplatFrame} frame with textures
     * @returns {boolean} whether there are new arrays, since the splats are more or their degree is another */
    take({ count, degree, changed, textures }) {
        if (!textures) throw new TypeError('A model is made of frames with textures.');
        const renewed = !changed && (count > this.capacity || textures.harmonics.length !== this.harmonics.length);
        if (renewed) this.#makeRoom(count, textures.harmonics.length);
        this.count = count;
        this.degree = degree;
        if (changed) this.#scatter(changed, textures);
        else this.#replace(textures);
        this.spans = changed ? spansOf(changed) : [[0, count]];
        this.frame++;
        this.#move(changed, textures.transforms);
        return renewed;
    }

    /** @param {number} count
     * @param {number} planes */
    #makeRoom(count, planes) {
        // Whole rows of textures, so that no upload has to look for the end.
        const capacity = Math.max(this.capacity, rowSplats * Math.ceil(Math.max(1, count) / rowSplats));
        this.capacity = capacity;
        this.transforms = new Uint32Array(4 * capacity);
        this.scales = new Uint16Array(4 * capacity);
        this.colours = new Uint16Array(4 * capacity);
        this.harmonics = Array.from({ length: planes }, () => new Uint32Array(4 * capacity));
    }

    /** @param {import('./decoder.js').SplatTextures} textures */
    #replace({ transforms, scales, colours, harmonics }) {
        this.transforms.set(transforms);
        this.scales.set(scales);
        this.colours.set(colours);
        harmonics.forEach((plane, i) => this.harmonics[i].set(plane));
    }

    /** @param {Uint32Array} changed
     * @param {import('./decoder.js').SplatTextures} textures */
    #scatter(changed, { transforms, scales, colours, harmonics }) {
        const pairs = [[this.transforms, transforms], [this.scales, scales], [this.colours, colours], .../** @type {[Uint32Array, Uint32Array][]} */ (harmonics.map((plane, i) => [this.harmonics[i], plane]))];
        for (const [to, from] of pairs) {
            for (let i = 0; i < changed.length; i++) {
                const at = 4 * changed[i], source = 4 * i;
                to[at] = from[source];
                to[at + 1] = from[source + 1];
                to[at + 2] = from[source + 2];
                to[at + 3] = from[source + 3];
            }
        }
    }

    /** The sorter learns where splats are now.
     * @param {Uint32Array | null} changed
     * @param {Uint32Array} transforms */
    #move(changed, transforms) {
        const floats = new Float32Array(transforms.buffer, transforms.byteOffset, transforms.length), count = floats.length / 4;
        if (globalThis.crossOriginIsolated) {
            if (this.#centres.length < 3 * this.capacity) {
                this.#centres = new Float32Array(new SharedArrayBuffer(12 * this.capacity));
                this.#sorter.postMessage({ shared: this.#centres.buffer });
            }
            for (let i = 0; i < count; i++) for (let k = 0; k < 3; k++) this.#centres[3 * (changed ? changed[i] : i) + k] = floats[4 * i + k];
            this.#sorter.postMessage({ count: this.count });
        } else {
            const centres = new Float32Array(3 * count);
            for (let i = 0; i < count; i++) for (let k = 0; k < 3; k++) centres[3 * i + k] = floats[4 * i + k];
            this.#sorter.postMessage({ count: this.count, centres, changed }, [centres.buffer]);
        }
    }

    /** Wants the order along a direction; while one is sorted only the last wish counts.
     * @param {number[]} forward x, y, z; the last one where there is none */
    sort(forward = this.#forward) {
        this.#wanted = forward;
        if (this.#sorting) return;
        this.#sorting = true;
        this.#forward = forward;
        this.#wanted = null;
        this.#sorter.postMessage({ forward });
    }

    /** Rows of textures that changed: firsts and ends.
     * @returns {[number, number][]} */
    rows() {
        /** @type {[number, number][]} */
        const rows = [];
        for (const [from, to] of this.spans) {
            const first = Math.floor(from / rowSplats), end = Math.ceil(to / rowSplats), last = rows[rows.length - 1];
            if (last && first <= last[1]) last[1] = end;
            else if (end > first) rows.push([first, end]);
        }
        return rows;
    }

    /** Where a camera should look: medians that stray splats don't move, and the radius that holds nine of ten. */
    bounds() {
        const places = new Float32Array(this.transforms.buffer), n = this.count, values = new Float32Array(n);
        if (!n) return { centre: /** @type {[number, number, number]} */ ([0, 0, 0]), radius: 1 };
        const centre = /** @type {[number, number, number]} */ ([0, 1, 2].map((k) => {
            for (let i = 0; i < n; i++) values[i] = places[4 * i + k];
            return values.sort()[n >> 1];
        }));
        for (let i = 0; i < n; i++) values[i] = Math.hypot(places[4 * i] - centre[0], places[4 * i + 1] - centre[1], places[4 * i + 2] - centre[2]);
        return { centre, radius: values.sort()[Math.floor(n * 9 / 10)] };
    }

    close() {
        this.#sorter.terminate();
    }
}

/**
 * Spans of splats that hold those named.
 * @param {Uint32Array} changed
 * @returns {[number, number][]}
 */
function spansOf(changed) {
    /** @type {[number, number][]} */
    const spans = [];
    for (const splat of Uint32Array.from(changed).sort()) {
        const last = spans[spans.length - 1];
        if (last && splat - last[1] < gap) last[1] = splat + 1;
        else spans.push([splat, splat + 1]);
    }
    return spans;
}
