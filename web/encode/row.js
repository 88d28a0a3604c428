/** A recording's row in the queue: one line with name, progress and what can be done with it; the rest on demand. */
import { announce, barCells, make } from '../shared/dom.js';
import { downloadLink, playLink, savePage } from '../shared/save.js';
import { asciiBar, formatBytes, formatDuration, formatRatio, plural } from '../shared/text.js';
import { forgetEncoded } from '../shared/storage.js';
import { ownSettings } from './own-settings.js';

/** @typedef {{ retry: () => void, remove: () => void, inspect: () => void, firstLook: () => void }} RowActions */

const stageNames = /** @type {const} */ ({ background: 'learning the background', frames: 'encoding frames', cycles: 'compressing cycles' });

/** A size is foretold from this share of the frames on: before, the background outweighs all that comes after it. */
const foretellFrom = 0.1;

export class Row {
    #job;
    #actions;
    #thumbnail = make('canvas', { class: 'thumb', width: 64, height: 36, 'aria-hidden': 'true' });
    #about = make('span', { class: 'note about' });
    #cells = make('span', { 'aria-hidden': 'true' });
    #percent = make('span');
    #bar;
    #message = make('p', { class: 'row-message' });
    #buttons = make('p', { class: 'actions' });
    #details = make('div');
    #summary = make('summary');
    #more = make('details', { class: 'more' }, this.#summary, this.#details);
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
        this.#bar = make('div', { class: 'bar', role: 'progressbar', 'aria-label': `progress of ${job.title}`, 'aria-valuemin': 0, 'aria-valuemax': 100 },
            this.#cells, this.#percent);
        this.element = make('li', {}, make('div', { class: 'row' }, this.#thumbnail, make('div', { class: 'what' }, make('strong', {}, job.title), this.#about), this.#bar, this.#buttons),
            this.#message, this.#more);
        job.addEventListener('change', () => this.show());
        job.addEventListener('probed', () => this.#showProbe());
        this.show();
        this.#showProbe();
    }

    show() {
        const job = this.#job, active = job.state === 'running' || job.state === 'paused';
        this.element.dataset.state = job.state;
        this.#bar.hidden = !active && job.state !== 'waiting';
        this.#thumbnail.hidden = job.restored || (job.state === 'failed' && !job.probe);
        if (!this.#bar.hidden) this.#showProgress();
        if (job.state !== this.#shownState) this.#showState();
        if (active) this.#details.replaceChildren(make('p', { class: 'note' }, runningFacts(job)));
    }

    #showProbe() {
        const { probe, inputBytes, restored, result } = this.#job;
        if (restored) return void (this.#about.textContent = formatBytes(result?.file.size ?? 0));
        this.#about.textContent = [...(probe ? [`${probe.width} x ${probe.height}`, ...(probe.seconds > 0 ? [formatDuration(probe.seconds)] : [])] : []), formatBytes(inputBytes)].join(', ');
        if (!probe?.thumbnail) return;
        Object.assign(this.#thumbnail, { width: probe.thumbnail.width, height: probe.thumbnail.height });
        this.#thumbnail.getContext('2d')?.drawImage(probe.thumbnail, 0, 0);
    }

    #showProgress() {
        const { stage, done, total, left, state, bytesAtEnd, bytesError } = this.#job;
        const fraction = state === 'waiting' || !total ? 0 : Math.min(1, done / total), percent = Math.round(100 * fraction);
        this.#cells.textContent = asciiBar(fraction, Math.round(barCells() / 2));
        const time = state === 'paused' ? 'paused' : state === 'waiting' ? 'waiting' : Number.isNaN(left) ? '' : `${formatDuration(left)} left`;
        const size = bytesAtEnd && done > foretellFrom * total ? sizeText(bytesAtEnd, bytesError) : '';
        this.#percent.textContent = [...(state === 'waiting' ? [] : [`${percent} %`]), time, size].filter(Boolean).join(' - ');
        this.#bar.setAttribute('aria-valuenow', String(percent));
        this.#bar.setAttribute('aria-valuetext', `${stageNames[stage]}, ${percent} percent, ${time}`);
    }

    /** Message and buttons change with the state only, so that focus stays where it is. */
    #showState() {
        const job = this.#job, state = job.state, had = this.element.contains(document.activeElement);
        this.#shownState = state;
        this.#message.classList.toggle('error', state === 'failed');
        this.#message.textContent = state === 'failed' ? job.message : state === 'cancelled' ? 'cancelled' : state === 'interrupted' ? interruptedText(job) : '';
        if (job.result) {
            const { stats, seconds, threads, cutAt, videoSeconds, warnings = [] } = job.result;
            this.#message.textContent = job.restored ? 'Encoded on an earlier visit, not saved yet.' : resultText(job.result, job.hasAudio);
            for (const warning of warnings) this.#message.append(' ', make('span', { class: 'warn' }, warning));
            if (cutAt !== null) this.#message.append(' ', make('span', { class: 'warn' }, `The video ends early, after ${formatDuration(cutAt)}${videoSeconds > cutAt + 0.5 ? ` of ${formatDuration(videoSeconds)}` : ''}: it is cut off or damaged.`));
            Object.assign(this.element.dataset, { frames: stats.frames, bytes: stats.bytes, seconds: seconds.toFixed(3), threads });
        }
        this.#message.hidden = !this.#message.textContent;
        this.#buttons.replaceChildren(...this.#buttonsFor(state));
        this.#details.replaceChildren(...this.#detailsFor(state));
        this.#summary.textContent = state === 'waiting' || state === 'cancelled' ? 'settings' : 'details';
        this.#summary.setAttribute('aria-label', `${this.#summary.textContent} of ${job.title}`);
        this.#more.hidden = !this.#details.childElementCount && state !== 'running' && state !== 'paused';
        if (had) this.#buttons.querySelector('button')?.focus();
        if (state === 'done') announce(`${job.title} is encoded${job.result && job.result.cutAt !== null ? ' as far as it could be read' : ''}.`);
        if (state === 'failed') announce(`${job.title} failed: ${job.message}`);
    }

    /** @param {string} text
     * @param {(button: HTMLButtonElement) => void} action */
    #button(text, action) {
        const button = make('button', { type: 'button', class: 'small', 'aria-label': `${text}, ${this.#job.title}` }, text);
        button.onclick = () => action(button);
        return button;
    }

    /** @param {import('./job.js').JobState} state */
    #buttonsFor(state) {
        const job = this.#job;
        const remove = this.#button('remove', () => this.#actions.remove()), cancel = this.#button('cancel', () => job.cancel());
        if (state === 'interrupted') return [remove];
        if (state === 'waiting') return [cancel];
        if (state === 'running') return [this.#button('pause', () => job.pause()), cancel];
        if (state === 'paused') return [this.#button('resume', () => job.resume()), cancel];
        if (state !== 'done' || !job.result) return [this.#button('retry', () => this.#actions.retry()), remove];
        this.#link = downloadLink(job.result.file, job.fileName, 'download');
        this.#link.setAttribute('aria-label', `download ${job.fileName}`);
        this.#link.classList.add('primary', 'download', 'small');
        this.#link.addEventListener('saved', () => {
            job.saved = true;
            void forgetEncoded(job.result?.place ?? null);
        });
        return [this.#link, ...playLink(job.result.place, job.fileName), ...(job.restored ? [] : [this.#button('quality', () => this.#actions.inspect())]), remove];
    }

    /** @param {import('./job.js').JobState} state */
    #detailsFor(state) {
        const job = this.#job;
        if (state === 'waiting') return [ownSettings(job), make('p', { class: 'actions' }, this.#button('first look', () => this.#actions.firstLook()))];
        if (state === 'done' && job.result) {
            const page = this.#button('save as a web page', (button) => {
                button.disabled = true;
                void savePage(button, /** @type {Blob} */ (job.result?.file), job.fileName).finally(() => (button.disabled = false));
            });
            const again = !job.restored ? [ownSettings(job), this.#button('encode again', () => this.#actions.retry())] : [];
            return [...(job.restored ? [] : [make('p', { class: 'note' }, resultDetails(job.result))]), make('p', { class: 'actions' }, page), ...again];
        }
        return state === 'cancelled' ? [ownSettings(job)] : [];
    }

    remove() {
        if (this.#link) URL.revokeObjectURL(this.#link.href);
        this.element.remove();
    }
}

/** A size that may be further off than a tenth is told as a range.
 * @param {number} bytes
 * @param {number} error standard error */
export function sizeText(bytes, error) {
    if (error < 0.12 * bytes) return `about ${formatBytes(bytes)}`;
    return `${formatBytes(Math.max(0.4 * bytes, bytes - error))} to ${formatBytes(bytes + error)}`;
}

/** @param {import('./job.js').Job} job */
function interruptedText({ begun, done, total, title }) {
    if (!begun) return `Not started when its tab was closed. To encode it, drop or choose ${title} again.`;
    return `Stopped${done && total ? ` at ${Math.round((100 * done) / total)} %` : ''} when its tab was closed. To continue from there, drop or choose ${title} again.`;
}

/** @param {import('./job.js').Job} job */
function runningFacts({ stage, done, total, framesASecond, bytes, slow, wentOnFrom }) {
    const rate = framesASecond ? `, ${framesASecond.toFixed(framesASecond < 10 ? 1 : 0)} per second` : '';
    return `${stageNames[stage]}: ${done.toLocaleString('en')} of ${plural(total, 'frame')}${rate}${bytes > 1000 ? `, ${formatBytes(bytes)} written` : ''}${wentOnFrom ? `; resumed at frame ${wentOnFrom.toLocaleString('en')}` : ''}${slow ? '; slow, because this browser has no WebCodecs for this video' : ''}`;
}

/**
 * @param {NonNullable<import('./job.js').Job['result']>} result
 * @param {boolean} hasAudio
 */
function resultText({ stats, inputBytes, hasSound }, hasAudio) {
    return `${inputBytes ? `${formatBytes(inputBytes)} -> ` : ''}${formatBytes(stats.bytes)}${inputBytes ? ` (${formatRatio(inputBytes / stats.bytes)})` : ''}, ${plural(stats.frames, 'frame')}.${hasAudio && !hasSound ? ' Sound was not kept.' : ''}`;
}

/** @param {NonNullable<import('./job.js').Job['result']>} result */
function resultDetails({ stats, seconds }) {
    const cycles = stats.cycles > 1 ? `${plural(stats.cycles, 'cycle')}, ` : '';
    return `${cycles}${formatBytes(stats.bytes / Math.max(1, stats.frames))} per frame${seconds ? `, encoded in ${formatDuration(seconds)} (${(stats.frames / seconds).toFixed(0)} frames per second)` : ''}.`;
}
