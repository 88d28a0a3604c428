/** The switch of the block origins, and the legend that tells by name and number what the overlay shows by pattern. */
import { find, make } from '../shared/dom.js';
import { drawSwatch, kinds } from './origins.js';

const percent = (/** @type {number} */ share) => (share > 0 && share < 0.001 ? '<0.1%' : `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)}%`);

export class OriginLegend {
    #button = find('#origins', HTMLButtonElement);
    #section = find('#origin-legend', HTMLElement);
    #none = find('#origins-none', HTMLElement);
    /** @type {HTMLElement[]} */
    #shares = [];
    #skipped = make('span', { class: 'share' });
    #wanted = false;
    #possible = false;

    /** @param {() => void} onChange */
    constructor(onChange) {
        const list = find('#origin-kinds', HTMLUListElement);
        const entry = (/** @type {number} */ kind, /** @type {boolean} */ faint, /** @type {string} */ id, /** @type {string} */ text, /** @type {HTMLElement} */ share) => {
            const swatch = make('canvas', { 'aria-hidden': 'true' });
            drawSwatch(swatch, kind, faint);
            list.append(make('li', { 'data-kind': id }, swatch, share, text));
        };
        kinds.forEach(({ id, text }, kind) => {
            this.#shares.push(make('span', { class: 'share' }));
            entry(kind, false, id, text, this.#shares[kind]);
        });
        entry(0, true, 'skipped', 'fainter: copied, nothing else coded', this.#skipped);
        this.#button.onclick = () => {
            this.#wanted = !this.#wanted;
            this.#show();
            onChange();
        };
    }

    get on() {
        return this.#wanted && this.#possible;
    }

    toggle() {
        if (this.#possible) this.#button.click();
    }

    /** A file was opened.
     * @param {{ format: number, lossless: boolean, orientation: number, sampleAspect: [number, number] }} info */
    offer({ format, lossless, orientation, sampleAspect: [num, den] }) {
        // They lie over pictures that are shown as they were coded.
        this.#possible = format === 2 && !lossless && orientation === 1 && (num === den || !num);
        this.#button.disabled = !this.#possible;
        this.#none.hidden = this.#possible;
        this.#show();
    }

    /** @param {import('./origins.js').OriginShares | null | undefined} origins of the frame shown */
    update(origins) {
        if (!origins) return;
        this.#shares.forEach((element, kind) => (element.textContent = percent(origins.shares[kind])));
        this.#skipped.textContent = percent(origins.skipped);
    }

    #show() {
        this.#button.setAttribute('aria-pressed', String(this.on));
        this.#section.hidden = !this.on;
    }
}
