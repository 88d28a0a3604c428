/** Small pictures of a file, made one after another by a worker of their own while nothing else is to be done. */
import { Remote } from '../shared/rpc.js';

/** How many there are at most, how wide they are, and how many seconds of decoding they may take in all. */
const most = 48, width = 160, mostSeconds = 30;

export class Thumbnails {
    /** @type {Map<number, ImageBitmap>} */
    #images = new Map();
    /** @type {Remote | null} */
    #remote = null;
    #wanted = /** @type {number[]} */ ([]);
    #busy = false;
    #resting = true;
    #spent = 0;

    /**
     * @param {() => Worker} newWorker
     * @param {any} source of the file
     * @param {number} frames
     */
    constructor(newWorker, source, frames) {
        this.#wanted = order(Math.min(most, frames)).map((i) => Math.round(((frames - 1) * i) / Math.max(1, Math.min(most, frames) - 1)));
        this.start = () => {
            this.#resting = false;
            void this.#work(newWorker, source);
        };
    }

    /** Starts, or goes on, making them. */
    start;

    /** Stops after the one under way. */
    rest() {
        this.#resting = true;
    }

    /** The one nearest to a frame, or null.
     * @param {number} frame */
    nearest(frame) {
        let best = null, distance = Infinity;
        for (const [index, image] of this.#images) if (Math.abs(index - frame) < distance) [best, distance] = [image, Math.abs(index - frame)];
        return best;
    }

    get count() {
        return this.#images.size;
    }

    close() {
        this.#wanted = [];
        this.#remote?.close();
        for (const image of this.#images.values()) image.close();
        this.#images.clear();
    }

    /** @param {() => Worker} newWorker
     * @param {any} source */
    async #work(newWorker, source) {
        if (this.#busy || !this.#wanted.length) return;
        this.#busy = true;
        try {
            if (!this.#remote) {
                this.#remote = new Remote(newWorker());
                await this.#remote.call('open', { source, alone: true });
            }
            while (!this.#resting && this.#wanted.length && this.#spent < mostSeconds) {
                const frame = /** @type {number} */ (this.#wanted.shift()), started = performance.now(), image = await this.#remote.call('thumbnail', { frame, width });
                if (image) this.#images.set(frame, image);
                this.#spent += (performance.now() - started) / 1000;
            }
        } catch {
            // Without them scrubbing shows what it can decode in time; a damaged stretch has none.
            if (!this.#remote) this.#wanted = [];
        }
        this.#busy = false;
        if (this.#wanted.length && this.#spent < mostSeconds) return;
        this.#remote?.close();
        this.#remote = null;
        this.#wanted = [];
    }
}

/** 0 to count - 1, the ends and the middle first.
 * @param {number} count */
function order(count) {
    const list = Array.from({ length: count }, (_, i) => i), bits = Math.ceil(Math.log2(Math.max(2, count)));
    const reversed = (/** @type {number} */ i) => parseInt(i.toString(2).padStart(bits, '0').split('').reverse().join(''), 2);
    return list.sort((a, b) => reversed(a) - reversed(b));
}
