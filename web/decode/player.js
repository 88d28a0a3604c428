/** The player: buttons, keys and scrub bar on this side; decoding and drawing in the worker. */
import { find } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { formatTime } from '../shared/text.js';
import { OriginLegend } from './origin-legend.js';

/**
 * @typedef {object} Facts
 * @property {import('../../wasm/decoder.js').DiffyInfo} info
 * @property {any} metadata
 * @property {import('../../wasm/decoder.js').DiffyCycle[]} cycles
 * @property {import('../../wasm/decoder.js').DiffyChunk[]} chunks
 * @property {boolean} checked the chunks' checksums were looked at
 * @property {[number, number, number, number][]} imu
 * @property {string[]} warnings
 */

export class Player {
    #remote = new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
    #canvas = find('#picture', HTMLCanvasElement);
    #overlay = find('#overlay', HTMLCanvasElement);
    #position = find('#position', HTMLInputElement);
    #time = find('#time', HTMLOutputElement);
    #playButton = find('#play', HTMLButtonElement);
    #speed = find('#speed', HTMLSelectElement);
    /** @type {Facts | null} */
    #facts = null;
    #frame = 0;
    #wanted = -1;
    #seeking = false;
    /** @type {AbortController | null} */
    #playing = null;
    #onWarnings;
    #origins = new OriginLegend(() => void this.#showOrigins());

    /** @param {(warnings: string[]) => void} onWarnings */
    constructor(onWarnings) {
        this.#onWarnings = onWarnings;
        const canvas = this.#canvas.transferControlToOffscreen(), overlay = this.#overlay.transferControlToOffscreen();
        void this.#remote.call('attach', { canvas, overlay }, { transfer: [canvas, overlay] });
        this.#playButton.onclick = () => this.toggle();
        this.#position.oninput = () => void this.show(Number(this.#position.value));
        this.#speed.onchange = () => {
            if (this.#playing) void this.#restart();
        };
        const buttons = { back: () => this.step(-1), forward: () => this.step(1), 'cycle-back': () => this.toCycle(-1), 'cycle-forward': () => this.toCycle(1), fullscreen: () => this.fullscreen() };
        for (const [id, action] of Object.entries(buttons)) find(`#${id}`, HTMLButtonElement).onclick = action;
        document.addEventListener('keydown', (event) => this.#key(event));
    }

    /** @param {File} file
     * @returns {Promise<Facts>} */
    async open(file) {
        this.pause();
        this.#facts = null;
        const facts = await this.#remote.call('open', { file });
        this.#facts = facts;
        this.#frame = 0;
        this.#wanted = -1;
        this.#position.max = String(Math.max(0, facts.info.frames - 1));
        this.#markCycles(facts);
        this.#origins.offer(facts.info);
        await this.#showOrigins();
        return facts;
    }

    /** The frame shown; negative: none could be. */
    get frame() {
        return this.#frame;
    }

    /** Shows a frame; while one is on its way only the last one asked for counts.
     * @param {number} frame */
    async show(frame) {
        if (!this.#facts) return;
        this.pause();
        this.#wanted = Math.min(this.#facts.info.frames - 1, Math.max(0, frame));
        if (this.#seeking) return;
        this.#seeking = true;
        try {
            while (this.#wanted >= 0) {
                const wanted = this.#wanted;
                this.#wanted = -1;
                const { shown, seconds, origins, warnings } = await this.#remote.call('show', { frame: wanted });
                this.#onWarnings(warnings);
                this.#moved(shown, seconds);
                this.#origins.update(origins);
            }
        } finally {
            this.#seeking = false;
        }
    }

    /** @returns {Promise<number | null>} seconds, where they can be told */
    length() {
        return this.#remote.call('length');
    }

    /** The frame shown, as a PNG. @returns {Promise<{ blob: Blob, frame: number }>} */
    async picture() {
        return { blob: await this.#remote.call('picture', { frame: this.#frame }), frame: this.#frame };
    }

    toggle() {
        if (this.#playing) this.pause();
        else void this.play();
    }

    pause() {
        this.#playing?.abort();
        this.#playing = null;
        this.#playButton.textContent = 'play';
    }

    async play() {
        if (!this.#facts) return;
        if (this.#frame >= this.#facts.info.frames - 1) await this.show(0);
        const playing = this.#playing = new AbortController();
        this.#playButton.textContent = 'pause';
        const { warnings } = await this.#remote.call('play', { speed: Number(this.#speed.value) }, {
            signal: playing.signal,
            onEvent: ({ frame, seconds, origins }) => {
                if (this.#playing !== playing) return;
                this.#moved(frame, seconds);
                this.#origins.update(origins);
            },
        });
        this.#onWarnings(warnings);
        if (this.#playing === playing) this.pause();
    }

    /** @param {number} frames */
    step(frames) {
        void this.show((this.#wanted >= 0 ? this.#wanted : this.#frame) + frames);
    }

    /** @param {1 | -1} direction */
    toCycle(direction) {
        const starts = (this.#facts?.cycles ?? []).map((cycle) => cycle.firstFrame).sort((a, b) => a - b);
        const target = direction > 0 ? starts.find((start) => start > this.#frame) : starts.findLast((start) => start < this.#frame);
        if (target !== undefined) void this.show(target);
    }

    fullscreen() {
        if (document.fullscreenElement) void document.exitFullscreen();
        else void find('#player', HTMLElement).requestFullscreen();
    }

    async #showOrigins() {
        this.#overlay.hidden = !this.#origins.on;
        this.#origins.update(await this.#remote.call('origins', { on: this.#origins.on }));
        this.#overlay.dataset.on = String(this.#origins.on);
    }

    async #restart() {
        this.pause();
        await this.play();
    }

    /** @param {number} frame
     * @param {number} seconds */
    #moved(frame, seconds) {
        if (!this.#facts) return;
        this.#frame = frame;
        const { info } = this.#facts;
        this.#position.value = String(frame);
        const text = `frame ${frame} (0 to ${info.frames - 1}), ${formatTime(seconds)}`;
        this.#time.textContent = text;
        this.#position.setAttribute('aria-valuetext', text);
        this.#canvas.dataset.frame = String(frame);
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const on = event.target instanceof HTMLElement ? event.target.tagName : '';
        const typing = on === 'INPUT' && event.target !== this.#position || on === 'SELECT' || on === 'TEXTAREA';
        if (!this.#facts || typing || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === ' ' && (on === 'BUTTON' || on === 'SUMMARY' || on === 'A')) return;
        /** @type {Record<string, () => void>} */
        const keys = {
            ' ': () => this.toggle(), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), j: () => this.step(-10), l: () => this.step(10),
            k: () => this.pause(), f: () => this.fullscreen(), o: () => this.#origins.toggle(), c: () => this.toCycle(event.shiftKey ? -1 : 1), Home: () => void this.show(0), End: () => void this.show(Infinity),
        };
        const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!action) return;
        event.preventDefault();
        action();
    }

    /** @param {Facts} facts */
    #markCycles({ info, cycles }) {
        const marks = find('#cycle-marks', SVGSVGElement);
        marks.setAttribute('viewBox', `0 0 ${Math.max(1, info.frames)} 10`);
        marks.replaceChildren(...cycles.map((cycle) => {
            const mark = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
            const gap = info.frames / 600;
            Object.entries({ x: cycle.firstFrame, y: 2, width: Math.max(gap, cycle.frames - gap), height: 6 }).forEach(([name, value]) => mark.setAttribute(name, String(value)));
            if (!cycle.isCanonical) mark.setAttribute('class', 'repeat');
            return mark;
        }));
        for (const id of ['#cycle-back', '#cycle-forward']) find(id, HTMLButtonElement).hidden = cycles.length < 2;
    }
}
