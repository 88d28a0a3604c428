/** A recording's row in the queue: name, stage, ASCII bar, and what can be done with it. */
import { announce, barCells, make } from '../shared/dom.js';
import { downloadLink, playLink } from '../shared/save.js';
import { asciiBar, formatBytes, formatCount, formatDuration, formatRatio } from '../shared/text.js';

/** @typedef {{ retry: () => void, remove: () => void, inspect: () => void }} RowActions */

const stageNames = /** @type {const} */ ({ background: 'background model', frames: 'frame encoding', cycles: 'cycle compression' });

/** A size is foretold from this share of the frames on: before, the background outweighs all that comes after it. */
const foretellFrom = 0.1;

export class Row {
    #job;
    #actions;
    #facts = make('span');
    #stages = make('p', { class: 'stages' });
    #cells = make('span', { 'aria-hidden': 'true' });
    #percent = make('span');
    #bar;
    #message = make('p', { class: 'row-message' });
    #buttons = make('p', { class: 'actions' });
    /** @type {HTMLAnchorElement | null} */
    #link = null;
    #shownState = '';

    /**
     * @param {import('./job.js').Job} job
     * @param {RowActions} actions
     */
    constructor(job, actions) {
        this.#job = job;
        this.#actions = actions;
        this.#bar = make('div', { class: 'bar', role: 'progressbar', 'aria-label': `progress of ${job.name}`, 'aria-valuemin': 0, 'aria-valuemax': 100 },
            this.#cells, this.#percent);
        this.element = make('li', {}, make('div', { class: 'row-head' }, make('strong', {}, job.name), this.#facts),
            this.#stages, this.#bar, this.#message, this.#buttons);
        job.addEventListener('change', () => this.show());
        this.show();
    }

    show() {
        const job = this.#job, active = job.state === 'running' || job.state === 'paused';
        this.element.dataset.state = job.state;
        this.#facts.textContent = active ? runningFacts(job) : formatBytes(job.inputBytes);
        this.#bar.hidden = !active && job.state !== 'waiting';
        this.#stages.hidden = !active;
        if (!this.#bar.hidden) this.#showProgress();
        if (job.state !== this.#shownState) this.#showState();
    }

    #showProgress() {
        const { stage, done, total, left, state } = this.#job;
        const fraction = state === 'waiting' || !total ? 0 : Math.min(1, done / total);
        // The newest format finds cycles while it encodes.
        const passed = Object.entries(stageNames).filter(([key]) => key !== 'cycles' || this.#job.settings?.format === 1);
        this.#stages.replaceChildren(...passed.flatMap(([key, name], i) => [...(i ? [' -> '] : []), key === stage ? make('b', {}, name) : name]));
        const percent = Math.round(100 * fraction);
        this.#cells.textContent = asciiBar(fraction, barCells());
        const time = state === 'paused' ? 'paused' : state === 'waiting' ? 'waiting' : Number.isNaN(left) ? '' : `${formatDuration(left)} left`;
        this.#percent.textContent = time ? `${percent}%, ${time}` : `${percent}%`;
        this.#bar.setAttribute('aria-valuenow', String(percent));
        this.#bar.setAttribute('aria-valuetext', `${stageNames[stage]}, ${percent} percent, ${time}`);
    }

    /** Message and buttons change with the state only, so that focus stays where it is. */
    #showState() {
        const job = this.#job, state = job.state, had = this.element.contains(document.activeElement);
        this.#shownState = state;
        this.#message.classList.toggle('error', state === 'failed');
        this.#message.textContent = state === 'failed' ? job.message : state === 'cancelled' ? 'cancelled' : '';
        if (job.result) {
            const { stats, seconds, threads, cutAt, videoSeconds } = job.result;
            this.#message.textContent = resultText(job.result, job.hasAudio);
            if (cutAt !== null) this.#message.append(' ', make('span', { class: 'warn' }, `The video ends early, after ${formatDuration(cutAt)} of ${formatDuration(videoSeconds)}: it was cut or is damaged.`));
            Object.assign(this.element.dataset, { frames: stats.frames, bytes: stats.bytes, seconds: seconds.toFixed(3), threads });
        }
        this.#message.hidden = !this.#message.textContent;
        this.#buttons.replaceChildren(...this.#buttonsFor(state));
        if (had) this.#buttons.querySelector('button')?.focus();
        if (state === 'done') announce(`${job.name} is encoded${job.result && job.result.cutAt !== null ? ' as far as it could be read' : ''}.`);
        if (state === 'failed') announce(`${job.name} failed: ${job.message}`);
    }

    /** @param {import('./job.js').JobState} state */
    #buttonsFor(state) {
        const job = this.#job;
        const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
            make('button', { type: 'button', class: 'small', onclick, 'aria-label': `${text} ${job.name}` }, text);
        const remove = button('remove', () => this.#actions.remove());
        if (state === 'waiting') return [button('cancel', () => job.cancel())];
        if (state === 'running') return [button('pause', () => job.pause()), button('cancel', () => job.cancel())];
        if (state === 'paused') return [button('resume', () => job.resume()), button('cancel', () => job.cancel())];
        if (state !== 'done' || !job.result) return [button('retry', () => this.#actions.retry()), remove];
        this.#link = downloadLink(job.result.file, job.fileName, 'download');
        this.#link.setAttribute('aria-label', `download ${job.fileName}`);
        this.#link.classList.add('primary', 'download');
        this.#link.addEventListener('saved', () => (job.saved = true));
        return [this.#link, ...playLink(job.result.place, job.fileName), button('quality', () => this.#actions.inspect()), button('encode again', () => this.#actions.retry()), remove];
    }

    remove() {
        if (this.#link) URL.revokeObjectURL(this.#link.href);
        this.element.remove();
    }
}

/** @param {import('./job.js').Job} job */
function runningFacts({ done, total, framesASecond, bytes, bytesAtEnd, slow }) {
    const rate = framesASecond ? `, ${framesASecond.toFixed(framesASecond < 10 ? 1 : 0)} a second` : '';
    return `${formatCount(done)} of ${formatCount(total)} frames${rate}${bytes > 1000 ? `, ${formatBytes(bytes)} so far` : ''}${bytesAtEnd && done > foretellFrom * total ? `, about ${formatBytes(bytesAtEnd)} in the end` : ''}${slow ? ' (slow: this browser lacks WebCodecs for it)' : ''}`;
}

/**
 * @param {NonNullable<import('./job.js').Job['result']>} result
 * @param {boolean} hasAudio
 */
function resultText({ stats, seconds, inputBytes }, hasAudio) {
    const cycles = stats.cycles > 1 ? `, ${formatCount(stats.cycles)} cycles` : '';
    return `${formatBytes(inputBytes)} -> ${formatBytes(stats.bytes)} (${formatRatio(inputBytes / stats.bytes)}), ${formatCount(stats.frames)} frames${cycles}, `
        + `${formatBytes(stats.bytes / stats.frames)} a frame, ${formatDuration(seconds)} (${(stats.frames / seconds).toFixed(0)} frames a second)`
        + `.${hasAudio ? ' The sound was left out.' : ''}`;
}
