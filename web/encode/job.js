/** One recording on its way. Fires 'change' whenever there is something new to show. */
import { offerElement } from './element.js';
import { keepLastEncode } from '../shared/last-encode.js';
import { isAbort } from '../shared/rpc.js';
import { takeWorkers } from './workers.js';

/** @typedef {'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'} JobState */

/**
 * @typedef {object} EncodeResult
 * @property {Blob} file
 * @property {string | null} place
 * @property {import('../../wasm/encoder.js').EncoderStats} stats
 * @property {[number, number][]} growth how the file grew: frames that had come, bytes that were out
 * @property {number | null} cutAt seconds after which the video's frames are missing
 * @property {number} videoSeconds that the video tells of
 * @property {number} threads
 * @property {number} width
 * @property {number} height
 * @property {number} seconds from the start to the finished file
 * @property {number} inputBytes
 */

let jobs = 0;

export class Job extends EventTarget {
    /** @type {JobState} */
    state = 'waiting';
    /** @type {'background' | 'frames' | 'cycles'} */
    stage = 'background';
    done = 0;
    total = 0;
    bytes = 0;
    message = '';
    /** The user has the file. */
    saved = false;
    hasAudio = false;
    /** The frames come through a <video> element, for want of WebCodecs. */
    slow = false;
    framesASecond = 0;
    /** What the file will probably have; 0 while that can't be told. */
    bytesAtEnd = 0;
    /** Seconds left in this stage; NaN while that is not known. */
    left = NaN;
    /** @type {EncodeResult | null} */
    result = null;
    /** @type {import('./options.js').EncodeSettings | null} */
    settings = null;
    #workers = /** @type {import('./workers.js').Workers | null} */ (null);
    #stageStart = 0;
    /** Frames and bytes when the file began to grow.
     * @type {[number, number] | null} */
    #begun = null;
    #stageFrom = 0;

    /** @param {import('./gather.js').Gathered} recording */
    constructor(recording) {
        super();
        this.id = ++jobs;
        this.name = recording.name;
        this.source = recording.source;
        this.inputBytes = recording.bytes;
    }

    get fileName() {
        return `${this.name}.dfy`;
    }

    /**
     * @param {import('./options.js').EncodeSettings} settings
     * @param {string | null} folder
     */
    async run(settings, folder) {
        Object.assign(this, { state: 'running', stage: 'background', done: 0, total: 0, bytes: 0, bytesAtEnd: 0, message: '', left: NaN, result: null, saved: false, settings });
        this.#startStage();
        this.#changed();
        try {
            this.result = await this.#encode(settings, folder);
            this.state = 'done';
            this.#keepFacts();
        } catch (error) {
            this.state = isAbort(error) ? 'cancelled' : 'failed';
            this.message = error instanceof Error ? error.message : String(error);
        }
        this.#closeWorkers();
        this.#changed();
    }

    /**
     * @param {import('./options.js').EncodeSettings} settings
     * @param {string | null} folder
     * @returns {Promise<EncodeResult>}
     */
    async #encode(settings, folder) {
        const started = performance.now(), { source, encoder } = (this.#workers = takeWorkers());
        const element = this.source.kind === 'video' ? offerElement(this.source.file) : null;
        try {
            /** @type {import('./sources.js').SourceFacts} */
            const facts = await source.call('open', { source: this.source, settings, element: element?.port }, { transfer: element ? [element.port] : [] });
            this.#showFacts(facts);
            const { port1, port2 } = new MessageChannel(), job = { port: port2, facts, settings, folder, name: `${this.id}-${Date.now()}.dfy` };
            const [result] = await Promise.all([
                encoder.call('encode', job, { onEvent: (event) => this.#onProgress(event), transfer: [port2] }),
                source.call('send', { port: port1, maxWidth: settings.maxWidth }, { transfer: [port1] }),
            ]);
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
        if (this.state === 'waiting') {
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
        this.#changed();
    }

    /** @param {import('./sources.js').SourceFacts} facts */
    #showFacts({ hasAudio, slow = false, expectedFrames }) {
        Object.assign(this, { hasAudio, slow, total: expectedFrames });
        this.#changed();
    }

    /** @param {{ stage: Job['stage'], done: number, total: number, bytes?: number }} event */
    #onProgress(event) {
        if (event.stage !== this.stage && (event.stage === 'cycles' || this.stage === 'cycles')) {
            this.done = event.done;
            this.#startStage();
        }
        Object.assign(this, { stage: event.stage, done: event.done, total: event.total, bytes: event.bytes ?? this.bytes });
        if (this.settings?.format !== 1) this.#foretell();
        const seconds = (performance.now() - this.#stageStart) / 1000, done = this.done - this.#stageFrom;
        if (seconds > 0.5 && done > 0) {
            this.framesASecond = done / seconds;
            this.left = this.total ? (this.total - this.done) / this.framesASecond : NaN;
        }
        this.#changed();
    }

    /** The file grows evenly once it has begun; what it has then, the background, comes once. */
    #foretell() {
        if (!this.bytes || this.bytes < 1000) this.#begun = null;
        else this.#begun ??= [this.done, this.bytes];
        if (!this.#begun || !this.total) return;
        const [frames, bytes] = this.#begun;
        // The frames that the encoder looks ahead have come, but are not in the file yet.
        if (this.bytes > bytes && this.done > frames) this.bytesAtEnd = bytes + ((this.bytes - bytes) * (this.total - frames)) / (this.done - frames);
    }

    #keepFacts() {
        if (!this.result || !this.settings) return;
        const { stats: { bytes, frames }, width, height } = this.result;
        keepLastEncode({ name: this.name, bytes, frames, width, height, quality: this.settings.quality });
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
