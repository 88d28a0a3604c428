/** The player: frames and the camera's wishes go to the worker one at a time, what comes back is drawn. */
import { find } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { formatCount } from '../shared/text.js';
import { Camera } from './camera.js';
import { orbit } from './orbit.js';
import { View } from './view.js';

export function newWorker() {
    return new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

export class Player {
    #remote = newWorker();
    #camera = new Camera();
    #canvas = find('#view', HTMLCanvasElement);
    #view;
    #position = find('#position', HTMLInputElement);
    #time = find('#time', HTMLOutputElement);
    #play = find('#play', HTMLButtonElement);
    #loop = find('#loop', HTMLInputElement);
    #info = { frames: 0, frameRate: 30 };
    #shown = -1;
    #wanted = -1;
    #count = 0;
    #moved = false;
    #busy = false;
    #drawing = false;
    #playing = false;
    #due = 0;
    #rate = 0;
    #onWarnings;
    #onProblem;

    /** @param {(warnings: string[]) => void} onWarnings
     * @param {(error: unknown) => void} onProblem */
    constructor(onWarnings, onProblem) {
        this.#onWarnings = onWarnings;
        this.#onProblem = onProblem;
        this.#view = new View(this.#canvas);
        orbit(this.#canvas, this.#camera, () => this.#cameraMoved());
        new ResizeObserver(() => this.#resize()).observe(this.#canvas);
        this.#play.onclick = () => this.toggle();
        this.#position.oninput = () => {
            this.pause();
            this.show(Number(this.#position.value));
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

    /** @param {Blob} file */
    async open(file) {
        this.pause();
        while (this.#busy) await new Promise((resolve) => setTimeout(resolve, 5));
        const { info, frames } = await this.#remote.call('open', { file });
        this.#info = info;
        this.#shown = this.#wanted = -1;
        this.#position.max = String(Math.max(0, info.frames - 1));
        if (info.frames) await this.show(0);
        return { info, frames };
    }

    /** @param {number} frame */
    show(frame) {
        this.#wanted = frame;
        return this.#work();
    }

    toggle() {
        if (this.#playing) this.pause();
        else this.#start();
    }

    pause() {
        this.#playing = false;
        this.#play.textContent = 'play';
    }

    #start() {
        if (this.#info.frames < 2) return;
        this.#playing = true;
        this.#play.textContent = 'pause';
        this.#due = performance.now();
        this.#rate = 0;
        if (this.#shown >= this.#info.frames - 1) this.#wanted = 0;
        this.#tick();
    }

    #tick() {
        if (!this.#playing) return;
        const now = performance.now(), step = 1000 / this.#info.frameRate;
        if (!this.#busy && now >= this.#due - 4) {
            const next = this.#shown + 1, last = next >= this.#info.frames;
            if (last && !this.#loop.checked) return this.pause();
            // A machine that is too slow plays slower, and shows every frame.
            const took = step + Math.max(0, now - this.#due);
            this.#rate = this.#rate ? 0.9 * this.#rate + 0.1 * (1000 / took) : 1000 / step;
            this.#due = Math.max(this.#due + step, now - step);
            void this.show(last ? 0 : next);
        }
        requestAnimationFrame(() => this.#tick());
    }

    #cameraMoved() {
        this.#moved = true;
        this.#draw();
        void this.#work();
    }

    /** One call at a time; while it runs only the last wish counts. */
    async #work() {
        if (this.#busy) return;
        this.#busy = true;
        try {
            while (this.#wanted >= 0 || (this.#moved && this.#shown >= 0)) {
                const { eye, forward } = this.#camera.pose, frame = this.#wanted;
                this.#wanted = -1;
                this.#moved = false;
                await (frame >= 0 ? this.#newFrame(frame, eye, forward) : this.#newLook(eye, forward));
                this.#draw();
            }
        } catch (error) {
            this.pause();
            this.#onProblem(error);
        } finally {
            this.#busy = false;
        }
    }

    /**
     * @param {number} frame
     * @param {number[]} eye
     * @param {number[]} forward
     */
    async #newFrame(frame, eye, forward) {
        const data = await this.#remote.call('show', { frame, eye, forward });
        this.#shown = data.shown;
        this.#count = data.count;
        this.#view.update(data);
        if (data.bounds) {
            this.#camera.lookAt(data.bounds.centre, data.bounds.radius);
            this.#moved = true;
        }
        this.#position.value = String(data.shown);
        this.#onWarnings(data.warnings);
        this.#say();
    }

    /** @param {number[]} eye
     * @param {number[]} forward */
    async #newLook(eye, forward) {
        const data = await this.#remote.call('look', { eye, forward });
        // Calls go one at a time, so these belong to the frame shown.
        this.#view.update(data);
    }

    #say() {
        const rate = this.#playing && this.#rate ? `, ${Math.round(this.#rate)} frames a second` : '';
        this.#time.textContent = `frame ${this.#shown} (0 to ${this.#info.frames - 1}), ${formatCount(this.#count)} splats${rate}`;
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
            this.#view.draw(this.#camera);
            this.#canvas.dataset.drawn = String(this.#shown);
        });
    }
}
