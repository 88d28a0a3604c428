/** The page's player: the library's sequence, drawn, with controls. */
import { find } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { formatCount } from '../shared/text.js';
import { SplatModel } from '../splats/model.js';
import { SplatPlayer } from '../splats/player.js';
import { View } from '../splats/view.js';
import { Camera } from './camera.js';
import { orbit } from './orbit.js';

SplatPlayer.newWorker = () => new Worker(new URL('../splats/worker.js', import.meta.url), { type: 'module' });
SplatModel.newSorter = () => new Worker(new URL('../splats/sorter.js', import.meta.url), { type: 'module' });

/** For encoding and exporting. */
export function newWorker() {
    return new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

export class Player {
    /** @type {SplatPlayer | null} */
    #sequence = null;
    #model = new SplatModel();
    #camera = new Camera();
    #canvas = find('#view', HTMLCanvasElement);
    #view;
    #position = find('#position', HTMLInputElement);
    #time = find('#time', HTMLOutputElement);
    #play = find('#play', HTMLButtonElement);
    #loop = find('#loop', HTMLInputElement);
    /** Of the frame that is drawn: it waits for its order. */
    #shown = -1;
    #wanted = -1;
    #busy = false;
    #drawing = false;
    #onWarnings;
    #onProblem;

    /** @param {(warnings: string[]) => void} onWarnings
     * @param {(error: unknown) => void} onProblem */
    constructor(onWarnings, onProblem) {
        this.#onWarnings = onWarnings;
        this.#onProblem = onProblem;
        this.#view = new View(this.#canvas);
        this.#model.onOrder = () => {
            this.#view.setOrder(this.#model.order);
            this.#draw();
        };
        orbit(this.#canvas, this.#camera, () => this.#cameraMoved());
        new ResizeObserver(() => this.#resize()).observe(this.#canvas);
        this.#play.onclick = () => this.toggle();
        this.#position.oninput = () => {
            this.pause();
            void this.show(Number(this.#position.value));
        };
        find('#start-over', HTMLButtonElement).onclick = () => {
            this.#camera.startOver();
            this.#cameraMoved();
        };
        const upright = find('#upright', HTMLButtonElement);
        upright.onclick = () => {
            this.#camera.upsideDown = !this.#camera.upsideDown;
            upright.setAttribute('aria-pressed', String(this.#camera.upsideDown));
            this.#cameraMoved();
        };
        find('#fullscreen', HTMLButtonElement).onclick = () => void (document.fullscreenElement ? document.exitFullscreen() : this.#canvas.parentElement?.requestFullscreen());
        this.#loop.onchange = () => {
            if (this.#sequence) this.#sequence.loop = this.#loop.checked;
        };
        document.addEventListener('keydown', (event) => {
            if (event.key !== ' ' || (event.target instanceof Element && event.target.closest('button, a, input, select, summary'))) return;
            event.preventDefault();
            this.toggle();
        });
    }

    /** Number of the frame shown. */
    get frame() {
        return Math.max(0, this.#shown);
    }

    /** @param {Blob | string} source */
    async open(source) {
        this.pause();
        const sequence = await SplatPlayer.open(source);
        this.#sequence?.close();
        this.#sequence = sequence;
        this.#shown = this.#wanted = -1;
        sequence.loop = this.#loop.checked;
        sequence.onFrame = (frame) => this.#take(frame);
        sequence.onChange = () => {
            this.#position.max = String(Math.max(0, sequence.info.frames - 1));
            this.#onWarnings(sequence.warnings);
        };
        sequence.onStop = (error) => {
            this.pause();
            if (error) this.#onProblem(error);
        };
        this.#position.max = String(Math.max(0, sequence.info.frames - 1));
        if (sequence.info.frames) await this.show(0);
        return { info: sequence.info, frames: sequence.frames };
    }

    /** Shows a frame; while one is on its way only the last wish counts.
     * @param {number} frame */
    async show(frame) {
        this.#wanted = frame;
        if (this.#busy) return;
        this.#busy = true;
        try {
            while (this.#wanted >= 0 && this.#sequence) {
                const next = this.#wanted;
                this.#wanted = -1;
                await this.#sequence.show(next);
            }
        } catch (error) {
            this.pause();
            this.#onProblem(error);
        } finally {
            this.#busy = false;
        }
    }

    toggle() {
        if (this.#sequence?.playing) this.pause();
        else this.#start();
    }

    pause() {
        this.#sequence?.pause();
        this.#play.textContent = 'play';
    }

    #start() {
        this.#sequence?.play();
        if (this.#sequence?.playing) this.#play.textContent = 'pause';
    }

    /** @param {import('../splats/decoder.js').SplatFrame} frame */
    #take(frame) {
        const first = this.#shown < 0;
        this.#view.update(this.#model, this.#model.take(frame));
        if (first) {
            const { centre, radius } = this.#model.bounds();
            this.#camera.lookAt(centre, radius);
        }
        this.#shown = frame.index;
        this.#model.sort([...this.#camera.pose.forward]);
        this.#position.value = String(frame.index);
        this.#say();
    }

    #cameraMoved() {
        if (this.#shown < 0) return;
        this.#model.sort([...this.#camera.pose.forward]);
        this.#draw();
    }

    #say() {
        const sequence = this.#sequence;
        if (!sequence) return;
        const rate = sequence.playing && sequence.rate ? `, ${Math.round(sequence.rate)} frames per second` : '';
        this.#time.textContent = `frame ${this.#shown} (0 to ${sequence.info.frames - 1}), ${formatCount(this.#model.count)} splats${rate}`;
    }

    #resize() {
        const { width, height } = this.#canvas.getBoundingClientRect(), dense = Math.min(2, devicePixelRatio);
        if (!width || !height) return;
        Object.assign(this.#canvas, { width: Math.round(width * dense), height: Math.round(height * dense) });
        this.#draw();
    }

    /** Draws once before the next repaint. */
    #draw() {
        if (this.#drawing) return;
        this.#drawing = true;
        requestAnimationFrame(() => {
            this.#drawing = false;
            if (this.#shown < 0) return;
            this.#view.draw(this.#camera, this.#model.count);
            if (this.#model.order.length === this.#model.count) this.#canvas.dataset.drawn = String(this.#shown);
        });
    }
}
