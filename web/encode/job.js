/** One recording on its way. Fires 'change' whenever there is something new to show. */
import { offerElement } from './element.js';
import { Foretelling } from './foretell.js';
import { costOfGrowth, keepLastEncode } from '../shared/last-encode.js';
import { isAbort } from '../shared/rpc.js';
import { keptName, unfinishedName } from '../shared/storage.js';
import { baseName } from '../shared/text.js';
import { presets } from './options.js';
import { noneOwn } from './own-settings.js';
import { Unfinished, describe } from './unfinished.js';
import { takeWorkers } from './workers.js';

/** @typedef {'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled' | 'interrupted'} JobState interrupted: it can be gone on with when the original is here */

/**
 * @typedef {object} EncodeResult
 * @property {Blob} file
 * @property {string | null} place
 * @property {import('../../wasm/encoder.js').EncoderStats} stats
 * @property {[number, number][]} growth how the file grew: frames that were coded, bytes that it had with them
 * @property {boolean} hasSound
 * @property {string[]} warnings on what was damaged, skipped or changed
 * @property {number | null} cutAt seconds after which the video's frames are missing
 * @property {number} videoSeconds that the video tells of
 * @property {number} threads
 * @property {number} width
 * @property {number} height
 * @property {number} seconds from the start to the finished file
 * @property {number} inputBytes
 */

/**
 * What a look at a recording has told before it is encoded.
 * @typedef {object} Probe
 * @property {number} width
 * @property {number} height
 * @property {number} frames
 * @property {number} seconds
 * @property {ImageBitmap | null} thumbnail
 */

let jobs = 0;

/** How far it has come is noted after so many milliseconds. */
const noteTime = 2000;

/** The name of a recording as its owner knows it.
 * @param {import('./gather.js').Gathered} recording */
function titleOf({ name, source }) {
    if (source.kind === 'video') return source.file.name;
    if (source.kind === 'zip') return source.folder && name !== baseName(source.file.name) ? `${source.file.name}/${source.folder}` : source.file.name;
    return source.files.length === 1 ? source.files[0].name : name;
}

export class Job extends EventTarget {
    /** @type {JobState} */
    state = 'waiting';
    /** @type {'background' | 'frames' | 'cycles'} */
    stage = 'background';
    done = 0;
    /** A tab that is gone had begun with it. */
    begun = false;
    total = 0;
    bytes = 0;
    message = '';
    /** The user has the file. */
    saved = false;
    /** It is to start again, with other settings, when this run has stopped. */
    again = false;
    /** It is from an earlier visit: the original isn't here. */
    restored = false;
    /** What goes in is this site's own copy of it: it stays as long as the row. */
    readsCopy = false;
    /** Frames that an earlier tab had encoded. */
    wentOnFrom = 0;
    /** What is missing to go on: the signature of its source. */
    missing = '';
    hasAudio = false;
    /** The frames come through a <video> element, for want of WebCodecs. */
    slow = false;
    framesASecond = 0;
    /** What the file will probably have, and how far that may be off; 0 while that can't be told. */
    bytesAtEnd = 0;
    bytesError = 0;
    #foretelling = new Foretelling();
    /** Seconds left in this stage; NaN while that is not known. */
    left = NaN;
    /** @type {EncodeResult | null} */
    result = null;
    /** @type {import('./options.js').EncodeSettings | null} */
    settings = null;
    /** The first frame that was encoded, in the source. */
    first = { index: 0, timestamp: 0 };
    /** What is kept on the disk of it, to go on after the tab is closed.
     * @type {Unfinished | null} */
    #kept = null;
    /** How it was being encoded when an earlier tab was closed, and the file of that.
     * @type {import('./unfinished.js').Note | null} */
    #broken = null;
    #folder = /** @type {string | null} */ (null);
    #workers = /** @type {import('./workers.js').Workers | null} */ (null);
    #stageStart = 0;
    #stageFrom = 0;
    #noted = 0;

    /** @param {import('./gather.js').Gathered} recording */
    constructor(recording) {
        super();
        this.id = ++jobs;
        this.name = recording.name;
        /** The whole name, with its ending. */
        this.title = titleOf(recording);
        /** @type {import('./options.js').Source} */
        this.source = recording.source;
        this.inputBytes = recording.bytes;
        /** What it will be saved as; the queue sees to it that there are no two of a name. */
        this.fileName = `${this.name}.dfy`;
        /** @type {Probe | null} */
        this.probe = null;
        /** Settings of this recording alone. */
        this.own = { ...noneOwn };
    }

    /** @param {Probe} probe */
    probed(probe) {
        this.probe = probe;
        this.dispatchEvent(new Event('probed'));
    }

    /**
     * Keeps on the disk what is needed to go on with it in another tab.
     * @param {string | null} folder the tab's
     */
    keep(folder) {
        this.#folder = folder;
        if (!folder || this.state !== 'waiting') return;
        const { name, title, fileName, inputBytes, own } = this, key = `${Date.now()}-${this.id}-${crypto.randomUUID().slice(0, 8)}`;
        this.#kept = new Unfinished(folder, { key, name, title, fileName, inputBytes, own: /** @type {any} */ (own), source: describe(this.source), copied: false, settings: null, part: null, done: 0, total: 0 });
        this.#kept.change({});
        this.#kept.copy(this.source);
    }

    /**
     * It was waiting or under way in a tab that is gone.
     * @param {string} folder this tab's
     * @param {import('./unfinished.js').Note} note
     * @param {boolean} hasSource whether what goes in is here
     */
    comeBack(folder, note, hasSource) {
        const { title, fileName, own, done, total, inputBytes, copied } = note;
        Object.assign(this, { title, fileName, own: { ...own, to: own.to ?? Infinity }, done, total, inputBytes, state: hasSource ? 'waiting' : 'interrupted' });
        this.#folder = folder;
        this.#broken = note.part ? note : null;
        this.begun = !!note.part;
        this.readsCopy = copied;
        this.#kept = new Unfinished(folder, note);
    }

    /** What goes in is here again.
     * @param {import('./options.js').Source} source */
    giveSource(source) {
        this.source = source;
        this.#kept?.copy(source);
        this.wait();
    }

    /** It is encoded, or not wanted. */
    #forget() {
        this.#kept?.forget(this.readsCopy, this.result?.file);
        this.#kept = this.#broken = null;
    }

    /** It was encoded by a tab that is gone.
     * @param {File} file
     * @param {string} fileName
     * @param {string} place */
    restore(file, fileName, place) {
        Object.assign(this, { state: 'done', title: fileName, fileName, restored: true });
        this.result = { file, place, stats: /** @type {any} */ ({ frames: 0, bytes: file.size, cycles: 0 }), growth: [], cutAt: null, hasSound: true, warnings: [], videoSeconds: 0, threads: 1, width: 0, height: 0, seconds: 0, inputBytes: 0 };
    }

    /** It can't be read: there is no need to wait for its turn to say so.
     * @param {string} message */
    unreadable(message) {
        if (this.state !== 'waiting') return;
        Object.assign(this, { state: 'failed', message });
        this.#forget();
        this.#changed();
        this.dispatchEvent(new Event('unreadable'));
    }

    /** Seconds that it will probably take, by pixels encoded per second; NaN when too little is known.
     * @param {number} speed */
    timeLeft(speed) {
        if (this.state === 'running' || this.state === 'paused') return this.left;
        if (!this.probe || !speed) return NaN;
        const { from, to } = this.own, share = Math.max(0, Math.min(to, this.probe.seconds) - from) / Math.max(0.001, this.probe.seconds);
        return (share * this.probe.frames * this.probe.width * this.probe.height) / speed;
    }

    /**
     * @param {import('./options.js').EncodeSettings} common
     * @param {string | null} folder
     */
    async run(common, folder) {
        const broken = this.#broken, settings = broken?.settings ?? { ...common, ...(this.own.preset ? presets[this.own.preset] : {}) };
        if (!this.#kept) this.keep(folder);
        Object.assign(this, { state: 'running', stage: 'background', done: 0, total: 0, bytes: 0, bytesAtEnd: 0, bytesError: 0, message: '', left: NaN, result: null, saved: false, settings });
        this.#foretelling = new Foretelling();
        this.#startStage();
        this.#changed();
        try {
            this.result = await this.#encode(settings, folder, broken?.part ?? null);
            this.state = 'done';
            this.#forget();
            this.#keepFacts();
        } catch (error) {
            this.state = isAbort(error) ? 'cancelled' : 'failed';
            this.message = error instanceof Error ? error.message : String(error);
            this.#forget();
        }
        this.#closeWorkers();
        this.#changed();
    }

    /**
     * @param {import('./options.js').EncodeSettings} settings
     * @param {string | null} folder
     * @param {string | null} part of an earlier tab's run, in the folder
     * @returns {Promise<EncodeResult>}
     */
    async #encode(settings, folder, part) {
        const started = performance.now(), { source, encoder } = (this.#workers = takeWorkers());
        const element = this.source.kind === 'video' ? offerElement(this.source.file) : null;
        try {
            /** @type {import('./sources.js').SourceFacts} */
            const facts = await source.call('open', { source: this.source, settings, element: element?.port }, { transfer: element ? [element.port] : [] });
            this.#showFacts(facts);
            const { port1, port2 } = new MessageChannel(), { from, to, targetSize } = this.own;
            const name = this.#kept ? unfinishedName('part', `${this.#kept.key}-${Date.now()}`) : `${this.id}-${Date.now()}.dfy`;
            const job = { port: port2, facts: trimmed(facts, from, to), settings: { ...settings, targetSize }, folder, name, keep: keptName(this.id, this.fileName), goOn: part && `${folder}/${part}` };
            this.total = job.facts.expectedFrames;
            source.call('weights', { from, to }).then((weights) => (this.#foretelling.weights = weights), () => {});
            // What an earlier tab has encoded counts until it is in the new file.
            let begin = (/** @type {number} */ _skip) => {};
            const begun = part ? new Promise((/** @type {(skip: number) => void} */ resolve) => (begin = resolve)) : Promise.resolve(0);
            const adopted = (/** @type {number} */ frames) => {
                this.#kept?.change({ part: name, settings, done: frames, total: this.total });
                Object.assign(this, { done: frames, wentOnFrom: frames });
                this.#startStage();
                begin(frames);
            };
            if (!part) adopted(0);
            const [result, sent] = await Promise.all([
                encoder.call('encode', job, { onEvent: (event) => ('adopted' in event ? adopted(event.adopted) : this.#onProgress(event)), transfer: [port2] }),
                begun.then((skip) => source.call('send', { port: port1, maxWidth: settings.maxWidth, from, to, skip }, { transfer: [port1] })),
            ]);
            this.first = sent ?? { index: 0, timestamp: 0 };
            return { ...result, inputBytes: facts.inputBytes, videoSeconds: facts.lastTimestamp ?? 0, seconds: (performance.now() - started) / 1000 };
        } finally {
            element?.close();
        }
    }

    #closeWorkers() {
        this.#workers?.source.close();
        this.#workers?.encoder.close();
        this.#workers = null;
    }

    cancel() {
        if (this.state === 'waiting' || this.state === 'interrupted') {
            this.#forget();
            this.state = 'cancelled';
            this.#changed();
        }
        this.#closeWorkers();
    }

    pause() {
        if (this.state !== 'running') return;
        this.state = 'paused';
        void this.#workers?.encoder.call('pause').catch(() => {});
        this.#changed();
    }

    resume() {
        if (this.state !== 'paused') return;
        this.state = 'running';
        void this.#workers?.encoder.call('resume').catch(() => {});
        this.#startStage();
        this.#changed();
    }

    wait() {
        this.state = 'waiting';
        if (!this.#kept) this.keep(this.#folder);
        this.#changed();
    }

    /** @param {import('./sources.js').SourceFacts} facts */
    #showFacts({ hasAudio, slow = false, expectedFrames }) {
        Object.assign(this, { hasAudio, slow, total: expectedFrames });
        this.#changed();
    }

    /** @param {{ stage: Job['stage'], done: number, total: number, bytes?: number, coded?: { frames: number, bytes: number } }} event */
    #onProgress(event) {
        if (event.stage !== this.stage && (event.stage === 'cycles' || this.stage === 'cycles')) {
            this.done = event.done;
            this.#startStage();
        }
        Object.assign(this, { stage: event.stage, done: event.done, total: event.total, bytes: event.bytes ?? this.bytes });
        if (this.#kept && performance.now() - this.#noted > noteTime) {
            this.#noted = performance.now();
            this.#kept.change({ done: this.done });
        }
        if (event.coded && this.settings?.format !== 1) this.#foretell(event.coded);
        const seconds = (performance.now() - this.#stageStart) / 1000, done = this.done - this.#stageFrom;
        if (seconds > 0.5 && done > 0) {
            this.framesASecond = done / seconds;
            this.left = this.total ? (this.total - this.done) / this.framesASecond : NaN;
        }
        this.#changed();
    }

    /** @param {{ frames: number, bytes: number }} coded */
    #foretell({ frames, bytes }) {
        this.#foretelling.add(frames, bytes);
        const told = this.total ? this.#foretelling.total(this.total) : null, target = this.own.targetSize;
        if (told) Object.assign(this, { bytesAtEnd: target || told.bytes, bytesError: target ? 0 : told.error });
    }

    #keepFacts() {
        if (!this.result || !this.settings) return;
        const { stats: { bytes, frames }, growth, width, height } = this.result;
        keepLastEncode({ name: this.title, ...costOfGrowth(growth, frames, bytes), frames, width, height, quality: this.settings.quality });
    }

    #startStage() {
        this.#stageStart = performance.now();
        this.#stageFrom = this.done;
        this.left = NaN;
    }

    #changed() {
        this.dispatchEvent(new Event('change'));
    }
}

/** What is to be expected of a part of a recording.
 * @param {import('./sources.js').SourceFacts} facts
 * @param {number} from seconds
 * @param {number} to
 * @returns {import('./sources.js').SourceFacts} */
function trimmed(facts, from, to) {
    const seconds = facts.lastTimestamp || facts.expectedFrames / facts.frameRate;
    if (!from && to >= seconds) return facts;
    if (!(from < Math.min(to, seconds))) throw new Error(`The part from ${from} s to ${Math.min(to, seconds).toFixed(2)} s has no frames: set the in point before the out point.`);
    return { ...facts, cut: false, lastTimestamp: undefined, expectedFrames: Math.max(1, Math.round((Math.min(to, seconds) - from) * facts.frameRate)) };
}
