/** What a player shows: the picture, the scrub bar and the buttons, in its shadow. All of it is told what to do by the element. */
import { make } from '../shared/dom.js';
import { formatTime } from '../shared/text.js';
import { shownSize } from './screen.js';
import { style } from './style.js';

/** @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...Element} children */
export function svg(name, attributes, ...children) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.append(...children);
    return element;
}

const rates = [0.25, 0.5, 1, 2, 4, 8];

/**
 * @typedef {object} Actions
 * @property {() => void} toggle
 * @property {(frames: number) => void} step
 * @property {(direction: 1 | -1) => void} toCycle
 * @property {() => void} fullscreen
 * @property {() => void} markIn
 * @property {() => void} markOut
 * @property {() => void} toggleLoop
 * @property {(rate: number) => void} setRate
 * @property {(volume: number) => void} setVolume
 * @property {() => void} toggleMuted
 * @property {(frame: number) => void} scrub
 * @property {(frame: number) => ImageBitmap | null} thumbnail the nearest there is
 */

export class Controls {
    picture = make('canvas', { id: 'picture', role: 'img', 'aria-label': 'the current frame', width: 16, height: 9 });
    told = make('p', { id: 'told', role: 'status', hidden: true });
    position = make('input', { id: 'position', type: 'range', min: '0', max: '0', value: '0', step: '1', 'aria-label': 'frame' });
    #coarse = make('canvas', { id: 'coarse', 'aria-hidden': 'true', hidden: true });
    /** @type {HTMLImageElement | null} */
    #poster = null;
    #big = make('button', { type: 'button', id: 'big', 'aria-label': 'play', tabIndex: -1, hidden: true }, svg('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, svg('path', { d: 'M1 0 9 5 1 10z' })));
    #marks = svg('svg', { id: 'cycle-marks', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
    #previewCanvas = make('canvas', { width: 160, height: 90 });
    #previewTime = make('span');
    #preview = make('div', { id: 'preview', 'aria-hidden': 'true', hidden: true }, this.#previewCanvas, this.#previewTime);
    #play = make('button', { type: 'button', id: 'play' }, 'play');
    #time = make('output', { id: 'time' });
    #loop = make('button', { type: 'button', id: 'loop', 'aria-pressed': 'false' }, 'loop');
    #rate = make('select', { id: 'speed', 'aria-label': 'speed' }, ...rates.map((rate) => make('option', { value: String(rate), selected: rate === 1 }, `${rate}x`)));
    #in = make('button', { type: 'button', id: 'in', 'aria-pressed': 'false', 'aria-label': 'in point: start playing here' }, 'in');
    #out = make('button', { type: 'button', id: 'out', 'aria-pressed': 'false', 'aria-label': 'out point: stop playing here' }, 'out');
    #mute = make('button', { type: 'button', id: 'mute', 'aria-pressed': 'false', hidden: true }, 'mute');
    #volume = make('input', { type: 'range', id: 'volume', min: '0', max: '1', step: '0.05', value: '1', 'aria-label': 'volume', hidden: true });
    /** @type {HTMLElement[]} */
    #cycleButtons = [];
    #bar;
    #actions;
    #frames = 0;
    #seconds = 0;

    /** @param {ShadowRoot} shadow
     * @param {Actions} actions */
    constructor(shadow, actions) {
        this.#actions = actions;
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(style);
        shadow.adoptedStyleSheets = [sheet];
        const button = (/** @type {string} */ id, /** @type {string} */ long, /** @type {string} */ short, /** @type {() => void} */ onclick) =>
            make('button', { type: 'button', id, onclick, 'aria-label': long }, make('span', { class: 'long' }, long), make('span', { class: 'short', 'aria-hidden': 'true' }, short));
        this.#cycleButtons = [button('cycle-back', 'previous cycle', '<< cycle', () => actions.toCycle(-1)), button('cycle-forward', 'next cycle', 'cycle >>', () => actions.toCycle(1))];
        for (const one of this.#cycleButtons) one.hidden = true;
        const screen = make('div', { class: 'screen', part: 'screen' }, this.picture, this.#coarse, make('slot', { name: 'overlay' }), this.#big, this.told);
        this.#bar = make('div', { class: 'bar', part: 'bar' },
            make('div', { class: 'scrub' }, this.#marks, this.position, this.#preview),
            make('div', { class: 'controls', role: 'group', 'aria-label': 'playback' }, this.#play, this.#time,
                button('back', 'previous frame', '< frame', () => actions.step(-1)), button('forward', 'next frame', 'frame >', () => actions.step(1)), ...this.#cycleButtons,
                this.#loop, this.#in, this.#out, this.#rate, this.#mute, this.#volume, button('fullscreen', 'full screen', 'full', () => actions.fullscreen()), make('slot', { name: 'controls' })));
        shadow.append(screen, this.#bar);
        this.#play.onclick = () => actions.toggle();
        this.#loop.onclick = () => actions.toggleLoop();
        this.#in.onclick = () => actions.markIn();
        this.#out.onclick = () => actions.markOut();
        this.#rate.onchange = () => actions.setRate(Number(this.#rate.value));
        this.#mute.onclick = () => actions.toggleMuted();
        this.#volume.oninput = () => actions.setVolume(Number(this.#volume.value));
        this.position.oninput = () => actions.scrub(Number(this.position.value));
        screen.onclick = () => (this.#frames || !this.#big.hidden) && actions.toggle();
        screen.ondblclick = () => actions.fullscreen();
        this.position.onpointermove = ({ clientX, pointerType }) => pointerType === 'mouse' && this.#showPreview(clientX);
        this.position.onpointerleave = () => (this.#preview.hidden = true);
    }

    /** @param {boolean} on */
    set controls(on) {
        this.#bar.hidden = !on;
    }

    /** @param {string} address '': none */
    set poster(address) {
        this.#poster?.remove();
        this.#poster = address ? make('img', { id: 'poster', alt: '', src: address }) : null;
        if (this.#poster) this.picture.after(this.#poster);
    }

    /** @param {boolean} on */
    set loop(on) {
        this.#loop.setAttribute('aria-pressed', String(on));
    }

    /** @param {boolean} on */
    set playing(on) {
        this.#play.textContent = on ? 'pause' : 'play';
        this.#big.hidden = on || !this.#frames;
        if (on) this.poster = '';
    }

    /** A file is named that is only opened when it is to be played. */
    offerToOpen() {
        this.#big.hidden = false;
    }

    /** Whether there is sound that can be played.
     * @param {boolean} on */
    set sound(on) {
        this.#mute.hidden = this.#volume.hidden = !on;
    }

    /** @param {number} volume 0..1
     * @param {boolean} muted */
    loudness(volume, muted) {
        this.#volume.value = String(volume);
        this.#mute.setAttribute('aria-pressed', String(muted));
    }

    /** @param {number} rate */
    set rate(rate) {
        this.#rate.value = String(rates.find((known) => known === rate) ?? '');
    }

    /** What is said over the picture; '': nothing.
     * @param {string} text
     * @param {boolean} [error] in place of the picture */
    say(text, error = false) {
        this.told.hidden = !text;
        this.told.classList.toggle('error', error);
        if (this.told.textContent !== text) this.told.textContent = text;
        this.picture.hidden = error;
    }

    /** A file is open.
     * @param {import('../../wasm/decoder.js').DiffyInfo} info
     * @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles
     * @param {(cycle: import('../../wasm/decoder.js').DiffyCycle) => boolean} departs
     * @param {import('../../wasm/decoder.js').DiffyDeparture[]} departures */
    open(info, cycles, departs, departures) {
        this.#frames = info.frames;
        this.picture.style.aspectRatio = shownSize(info.width, info.height, info).join(' / ');
        this.position.max = String(Math.max(0, info.frames - 1));
        for (const button of this.#cycleButtons) button.hidden = cycles.length < 2;
        const gap = info.frames / 600;
        this.#marks.toggleAttribute('hidden', cycles.length < 2 && !departures.length);
        this.#marks.setAttribute('viewBox', `0 0 ${Math.max(1, info.frames)} 10`);
        this.#marks.replaceChildren(...cycles.map((cycle) => svg('rect', {
            x: cycle.firstFrame, y: 2, width: Math.max(gap, cycle.frames - gap), height: 6,
            class: departs(cycle) ? 'departs' : cycle.isCanonical ? '' : 'repeat',
        })), ...departures.map((departure) => svg('rect', {
            x: departure.firstFrame, y: 0, width: Math.max(2 * gap, departure.frames), height: 10, class: 'departure',
        })));
    }

    /** @param {number | null} first
     * @param {number | null} last */
    marks(first, last) {
        this.#in.setAttribute('aria-pressed', String(first !== null));
        this.#out.setAttribute('aria-pressed', String(last !== null));
        for (const old of this.#marks.querySelectorAll('.cut')) old.remove();
        if (first !== null || last !== null) this.#marks.removeAttribute('hidden');
        if (first) this.#marks.append(svg('rect', { x: 0, y: 0, width: first, height: 10, class: 'cut' }));
        if (last !== null) this.#marks.append(svg('rect', { x: last + 1, y: 0, width: Math.max(0, this.#frames - last - 1), height: 10, class: 'cut' }));
    }

    /** @param {number} frame
     * @param {number} seconds
     * @param {number} length seconds in all */
    moved(frame, seconds, length) {
        this.#seconds = length;
        this.position.value = String(frame);
        this.picture.dataset.frame = String(frame);
        const text = `${formatTime(seconds)} / ${formatTime(length)}`;
        this.#time.textContent = `${text}, frame ${frame}`;
        this.position.setAttribute('aria-valuetext', `frame ${frame} of ${this.#frames}, ${text}`);
        this.#coarse.hidden = true;
    }

    /** A small picture stands in until the frame that was asked for has been decoded.
     * @param {ImageBitmap | null} image */
    coarse(image) {
        if (image) paint(this.#coarse, image);
        this.#coarse.hidden = !image;
    }

    /** @param {number} clientX */
    #showPreview(clientX) {
        const box = this.position.getBoundingClientRect(), share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
        const frame = Math.round(share * Math.max(0, this.#frames - 1)), image = this.#actions.thumbnail(frame);
        this.#preview.hidden = !this.#frames;
        this.#previewCanvas.hidden = !image;
        if (image) paint(this.#previewCanvas, image);
        this.#previewTime.textContent = formatTime((frame / Math.max(1, this.#frames)) * this.#seconds);
        this.#preview.style.left = `${Math.min(box.width - this.#preview.offsetWidth, Math.max(0, share * box.width - this.#preview.offsetWidth / 2))}px`;
    }
}

/** @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} image */
function paint(canvas, image) {
    Object.assign(canvas, { width: image.width, height: image.height });
    canvas.getContext('2d')?.drawImage(image, 0, 0);
}
