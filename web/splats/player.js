/**
 * A sequence of Gaussian splats, played: frames by number, or in time, each as typed arrays of the splats that changed. It
 * draws nothing; an adapter hands its frames to a renderer.
 *
 *     const player = await SplatPlayer.open('https://example.org/scene.dfy');
 *     player.onFrame = (frame) => upload(frame);
 *     await player.show(0);
 *     player.play();
 */
import { Remote } from '../shared/rpc.js';

/** @typedef {import('./decoder.js').SplatFacts} SplatFacts */
/** @typedef {import('./decoder.js').SplatFrame} SplatFrame */

/**
 * @typedef {object} SplatPlayerOptions
 * @property {import('./decoder.js').SplatOutput} [output] 'textures' (the default): packed for renderers; 'attributes': the
 *     numbers of training
 * @property {() => Worker} [newWorker] makes the decoder's worker, where it is not beside this module
 */

export class SplatPlayer {
    /** Makes the decoder's worker, which is another file on every site.
     * @type {() => Worker} */
    static newWorker;

    #remote;
    #output;
    /** Facts about the sequence; `frames` grows while a file comes.
     * @type {SplatFacts} */
    info;
    /** Of each frame its bytes in the file and whether decoding can begin with it.
     * @type {{ bytes: number, isKey: boolean }[]} */
    frames;
    /** Number of the frame handed over last, -1 at first. */
    index = -1;
    /** What was lost so far, for people.
     * @type {string[]} */
    warnings = [];
    loop = false;
    /** Called with every frame, before show() gives it.
     * @type {(frame: SplatFrame) => void} */
    onFrame = () => {};
    /** Called when info or warnings changed.
     * @type {() => void} */
    onChange = () => {};
    /** Called when playing stops, by itself or by a failure.
     * @type {(error?: unknown) => void} */
    onStop = () => {};
    #playing = false;
    /** Frames per second that playing reached. */
    rate = 0;
    #due = 0;
    #busy = false;
    #closed = false;

    /**
     * Use {@link SplatPlayer.open}.
     * @param {Remote} remote
     * @param {{ info: SplatFacts, frames: { bytes: number, isKey: boolean }[] }} opened
     * @param {SplatPlayerOptions} options
     */
    constructor(remote, { info, frames }, options) {
        this.#remote = remote;
        this.#output = options.output ?? 'textures';
        this.info = info;
        this.frames = frames;
    }

    /**
     * @param {import('./source.js').SplatSource} source a file, its bytes, or its address, of which only what is needed is fetched
     * @param {SplatPlayerOptions} [options]
     */
    static async open(source, options = {}) {
        const remote = new Remote((options.newWorker ?? SplatPlayer.newWorker)());
        try {
            const absolute = typeof source === 'string' || source instanceof URL ? String(new URL(source, globalThis.document?.baseURI)) : source;
            const opened = await remote.call('open', { source: absolute });
            const player = new SplatPlayer(remote, opened, options);
            if (!opened.whole) void player.#follow();
            return player;
        } catch (error) {
            remote.close();
            throw error;
        }
    }

    /** Learns of the frames of a file that comes. */
    async #follow() {
        for (let whole = false; !whole && !this.#closed; ) {
            const more = await this.#remote.call('more', { known: this.frames.length }).catch(() => null);
            if (!more) return;
            whole = more.whole;
            this.info = more.info;
            this.frames.push(...more.frames);
            this.onChange();
        }
    }

    /**
     * Hands over a frame. When another is asked for meanwhile, this one may be left out: then it gives null.
     * @param {number} index
     * @returns {Promise<SplatFrame | null>}
     */
    async show(index) {
        if (!(index >= 0 && index < this.info.frames)) throw new RangeError(`There is no frame ${index}: the sequence has ${this.info.frames}.`);
        const next = this.#playing ? this.#after(index) : -1;
        /** @type {SplatFrame | null} */
        let frame = null;
        const { warnings } = await this.#remote.call('show', { frame: index, output: this.#output, next }, { onEvent: (shown) => {
            frame = shown;
        } });
        if (warnings.length !== this.warnings.length) {
            this.warnings = warnings;
            this.onChange();
        }
        if (!frame) return null;
        const shown = /** @type {SplatFrame} */ (frame);
        this.index = shown.index;
        this.onFrame(shown);
        return shown;
    }

    /** Makes the next frame handed over a whole one, for a renderer that begins anew. */
    async forget() {
        await this.#remote.call('forget');
    }

    /** @param {number} index */
    #after(index) {
        if (index + 1 < this.info.frames) return index + 1;
        return this.loop && this.info.complete ? 0 : -1;
    }

    get playing() {
        return this.#playing;
    }

    /** Plays from the frame shown, or from the beginning when that is the last. A machine that is too slow plays slower, and
     * shows every frame. */
    play() {
        if (this.#playing || this.info.frames < 2) return;
        this.#playing = true;
        this.rate = 0;
        this.#due = performance.now();
        this.#schedule();
    }

    pause() {
        this.#playing = false;
    }

    #schedule() {
        if (!this.#playing) return;
        if (typeof requestAnimationFrame === 'function') requestAnimationFrame(() => this.#tick());
        else setTimeout(() => this.#tick(), 2);
    }

    #tick() {
        const now = performance.now(), step = 1000 / this.info.frameRate;
        if (this.#playing && !this.#busy && now >= this.#due - 4) {
            const atEnd = this.index + 1 >= this.info.frames;
            // What is still coming is waited for.
            const next = atEnd && !this.info.complete && !this.loop ? -1 : atEnd ? (this.loop || this.index < 0 ? 0 : -2) : this.index + 1;
            if (next === -2) return this.#stop();
            if (next >= 0) {
                const took = step + Math.max(0, now - this.#due);
                this.rate = this.rate ? 0.9 * this.rate + 0.1 * (1000 / took) : 1000 / step;
                this.#due = Math.max(this.#due + step, now - step);
                this.#busy = true;
                void this.show(next).catch((error) => this.#stop(error)).finally(() => {
                    this.#busy = false;
                });
            }
        }
        this.#schedule();
    }

    /** @param {unknown} [error] */
    #stop(error) {
        if (!this.#playing) return;
        this.#playing = false;
        this.onStop(error);
    }

    /** Ends the worker and frees what it holds. */
    close() {
        this.#closed = true;
        this.#playing = false;
        this.#remote.close();
    }

    [Symbol.dispose]() {
        this.close();
    }
}
