/**
 * <diffy-player>: plays .dfy files with the names of HTMLMediaElement, so that what drives a <video> drives this one too.
 *
 *     <diffy-player src="work.dfy" controls></diffy-player>
 *
 * Decoding and drawing are a worker's; this element holds the state, speaks the media element's events, and takes the keys:
 * space or K plays and pauses, left and right step a frame, J and L ten, Home and End go to the ends, I and O set where the
 * part that is played begins and ends, C and shift+C go to the next and previous cycle, M mutes, F
 * fills the screen.
 */
import { Remote } from '../shared/rpc.js';
import { Controls } from './controls.js';
import { shownSize } from './screen.js';
import { Sound } from './sound.js';
import { Thumbnails } from './thumbs.js';

/**
 * @typedef {object} Facts
 * @property {import('../../wasm/decoder.js').DiffyInfo} info
 * @property {any} metadata
 * @property {import('../../wasm/decoder.js').DiffyCycle[]} cycles
 * @property {import('../../wasm/decoder.js').DiffyDeparture[]} departures
 * @property {import('../../wasm/decoder.js').DiffyEpisode[]} episodes
 * @property {import('../../wasm/decoder.js').DiffyChunk[]} chunks
 * @property {[number, number, number, number][]} imu
 * @property {string[]} warnings
 * @property {import('../../wasm/decoder.js').DiffySound | null} sound
 * @property {number} threads that decode
 */

/** @param {number} start
 * @param {number} end
 * @returns {TimeRanges} */
function range(start, end) {
    const check = (/** @type {number} */ i) => {
        if (i !== 0 || !(end > start)) throw new DOMException('There is no such range.', 'IndexSizeError');
    };
    return { length: end > start ? 1 : 0, start: (i) => (check(i), start), end: (i) => (check(i), end) };
}

/** A seek that takes longer than this is called off when another frame is wanted, unless no frame has come for so long: who drags on
 * is to see something now and then. Milliseconds. */
const longSeek = 80, longestWait = 500;

/** How long the first picture waits before thumbnails are made, in milliseconds. */
const thumbnailDelay = 700;

/** Cycles whose length is far from the others' (as `diffy info` tells outliers).
 * @param {{ seconds: number }[]} cycles
 * @returns {(cycle: { seconds: number }) => boolean} */
export function departures(cycles) {
    const median = (/** @type {number[]} */ values) => {
        const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
        return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    };
    if (cycles.length < 3) return () => false;
    const centre = median(cycles.map(({ seconds }) => seconds));
    const limit = Math.max(3.5 * 1.4826 * median(cycles.map(({ seconds }) => Math.abs(seconds - centre))), centre / 20);
    return ({ seconds }) => Math.abs(seconds - centre) > limit;
}

export class DiffyPlayer extends HTMLElement {
    static observedAttributes = ['src', 'controls', 'loop', 'poster', 'muted'];
    /** Makes the worker, which is another file on every site; see define().
     * @type {() => Worker} */
    static newWorker;

    static HAVE_NOTHING = 0;
    static HAVE_METADATA = 1;
    static HAVE_CURRENT_DATA = 2;
    static HAVE_FUTURE_DATA = 3;
    static HAVE_ENOUGH_DATA = 4;

    #controls;
    /** @type {Remote | null} */
    #remote = null;
    /** @type {Thumbnails | null} */
    #thumbnails = null;
    /** @type {Blob | null} */
    #object = null;
    /** @type {Facts | null} */
    #facts = null;
    /** Counts what was opened: answers about what was open before are nobody's. */
    #opening = 0;
    #frame = -1;
    #seconds = 0;
    #length = NaN;
    /** @type {{ frame?: number, seconds?: number } | null} */
    #wanted = null;
    #seeking = false;
    /** What is sought now, and since when; what seeking took last; when a frame was shown last.
     * @type {{ call: AbortController, begun: number }} */
    #seek = { call: new AbortController(), begun: 0 };
    #seekTook = 0;
    #shownAt = 0;
    /** @type {AbortController | null} */
    #playing = null;
    #rate = 1;
    #volume = 1;
    #muted = false;
    /** @type {Sound | null} */
    #sound = null;
    #ended = false;
    /** @type {number | null} */
    #first = null;
    /** @type {number | null} */
    #last = null;
    /** @type {{ code: number, message: string } | null} */
    #error = null;
    #idle = 0;
    #toldTime = 0;

    constructor() {
        super();
        this.#controls = new Controls(this.attachShadow({ mode: 'open', delegatesFocus: false }), {
            toggle: () => (this.paused ? void this.play() : this.pause()),
            step: (frames) => this.step(frames),
            toCycle: (direction) => this.toCycle(direction),
            fullscreen: () => this.toggleFullscreen(),
            markIn: () => this.markIn(),
            markOut: () => this.markOut(),
            toggleLoop: () => (this.loop = !this.loop),
            setRate: (rate) => (this.playbackRate = rate),
            setVolume: (volume) => {
                this.#muted = false;
                this.volume = volume;
            },
            toggleMuted: () => (this.muted = !this.muted),
            scrub: (frame) => (this.frame = frame),
            thumbnail: (frame) => this.#thumbnails?.nearest(frame) ?? null,
        });
        this.#controls.controls = false;
        this.addEventListener('keydown', (event) => this.key(event));
    }

    connectedCallback() {
        if (!this.hasAttribute('tabindex')) this.tabIndex = 0;
    }

    disconnectedCallback() {
        this.pause();
        // A move within the document comes back in the same task.
        queueMicrotask(() => {
            if (this.isConnected) return;
            this.#thumbnails?.close();
            this.#sound?.close();
            this.#remote?.close();
            this.#remote = this.#thumbnails = null;
        });
    }

    /** @param {string} name
     * @param {string | null} _before
     * @param {string | null} value */
    attributeChangedCallback(name, _before, value) {
        if (name === 'controls') this.#controls.controls = value !== null;
        if (name === 'loop') this.#controls.loop = value !== null;
        if (name === 'poster') this.#controls.poster = value ?? '';
        // As with media elements it is how a file begins.
        if (name === 'muted' && !this.#facts) this.#muted = value !== null;
        if (name === 'src' && value !== null) {
            queueMicrotask(() => {
                if (this.preload !== 'none' || this.autoplay) return this.load();
                this.#forget();
                this.#controls.offerToOpen();
            });
        }
    }

    /* ---------------------------------------------------------------- what a media element has */

    get src() {
        const value = this.getAttribute('src');
        return value ? new URL(value, document.baseURI).href : '';
    }
    set src(value) {
        this.setAttribute('src', value);
    }
    get currentSrc() {
        return this.#object ? '' : this.src;
    }
    /** A File or Blob to play, in place of an address. */
    get srcObject() {
        return this.#object;
    }
    set srcObject(blob) {
        this.#object = blob;
        this.load();
    }
    get controls() {
        return this.hasAttribute('controls');
    }
    set controls(on) {
        this.toggleAttribute('controls', on);
    }
    get loop() {
        return this.hasAttribute('loop');
    }
    set loop(on) {
        this.toggleAttribute('loop', on);
        this.#again();
    }
    get autoplay() {
        return this.hasAttribute('autoplay');
    }
    set autoplay(on) {
        this.toggleAttribute('autoplay', on);
    }
    get poster() {
        return this.getAttribute('poster') ?? '';
    }
    set poster(address) {
        this.setAttribute('poster', address);
    }
    get preload() {
        return this.getAttribute('preload') ?? 'metadata';
    }
    set preload(value) {
        this.setAttribute('preload', value);
    }
    get paused() {
        return !this.#playing;
    }
    get ended() {
        return this.#ended;
    }
    get seeking() {
        return this.#seeking;
    }
    get error() {
        return this.#error;
    }
    get readyState() {
        return !this.#facts ? 0 : this.#frame < 0 ? 1 : 4;
    }
    get networkState() {
        return this.#error ? 3 : this.#facts ? 1 : this.#object || this.src ? 2 : 0;
    }
    get duration() {
        return this.#length;
    }
    get currentTime() {
        return this.#seconds;
    }
    set currentTime(seconds) {
        void this.#show({ seconds: Math.max(0, Number(seconds) || 0) });
    }
    get playbackRate() {
        return this.#rate;
    }
    set playbackRate(rate) {
        if (!(rate > 0)) throw new DOMException('Playing backwards is not possible: choose a rate above 0.', 'NotSupportedError');
        this.#rate = rate;
        this.#controls.rate = rate;
        this.#tell('ratechange');
        this.#again();
    }
    get defaultPlaybackRate() {
        return 1;
    }
    get defaultMuted() {
        return this.hasAttribute('muted');
    }
    set defaultMuted(on) {
        this.toggleAttribute('muted', on);
    }
    /** @param {number} seconds */
    fastSeek(seconds) {
        this.currentTime = seconds;
    }
    /** Frames that playing came to since the file was opened, and those of them that were left out because they came too late. */
    getVideoPlaybackQuality() {
        return { creationTime: performance.now(), totalVideoFrames: this.#came, droppedVideoFrames: this.#dropped, corruptedVideoFrames: 0 };
    }
    get volume() {
        return this.#volume;
    }
    set volume(value) {
        if (!(value >= 0 && value <= 1)) throw new DOMException('A volume is from 0 to 1.', 'IndexSizeError');
        this.#volume = value;
        this.#setLoudness();
    }
    get muted() {
        return this.#muted;
    }
    set muted(value) {
        this.#muted = !!value;
        this.#setLoudness();
    }
    /** @returns {[number, number]} */
    get #shownSize() {
        return this.#facts ? shownSize(this.#facts.info.width, this.#facts.info.height, this.#facts.info) : [0, 0];
    }
    get videoWidth() {
        return this.#shownSize[0];
    }
    get videoHeight() {
        return this.#shownSize[1];
    }
    get buffered() {
        return range(0, this.#facts ? this.#length : 0);
    }
    get seekable() {
        return range(0, this.#facts ? this.#length : 0);
    }
    get played() {
        return range(0, this.#seconds);
    }
    /** @param {string} type */
    canPlayType(type) {
        return /^(application|video)\/x-dfy\b/.test(type) ? 'probably' : '';
    }

    /** Opens what `srcObject` or `src` names, from the start. */
    load() {
        void this.#load().catch(() => {});
    }

    /** Plays on from the frame shown, from the start when it is the last one. */
    async play() {
        if (!this.#facts && !this.#opened && (this.#object || this.src)) this.load();
        if (!this.#facts && this.#opened) await this.#opened;
        if (this.#error) throw new DOMException(this.#error.message, 'NotSupportedError');
        if (!this.#facts || this.#playing || this.#frame < 0) return;
        this.#tell('play');
        this.#run();
    }

    pause() {
        if (!this.#playing) return;
        this.#stop();
        this.#tell('timeupdate');
        this.#tell('pause');
        this.#rest();
    }

    /* ---------------------------------------------------------------- what only this one has */

    /** What the file tells of itself, once it is open. */
    get facts() {
        return this.#facts;
    }
    /** Number of the frame shown, from 0; -1: none yet. */
    get frame() {
        return this.#frame;
    }
    set frame(frame) {
        const most = Math.max(0, (this.#facts?.info.frames ?? 1) - 1);
        void this.#show({ frame: Math.min(most, Math.max(0, Math.round(frame))) });
    }
    /** The part that is played and exported, in frames; null: from the start, to the end. */
    get inPoint() {
        return this.#first;
    }
    set inPoint(frame) {
        this.#mark(frame, this.#last !== null && frame !== null && this.#last < frame ? null : this.#last);
    }
    get outPoint() {
        return this.#last;
    }
    set outPoint(frame) {
        this.#mark(this.#first !== null && frame !== null && frame < this.#first ? null : this.#first, frame);
    }
    /** Sets both ends of the part at once.
     * @param {number | null} first
     * @param {number | null} last inclusive */
    setPart(first, last) {
        this.#mark(first, last);
    }
    /** Small pictures made so far. */
    get thumbnailCount() {
        return this.#thumbnails?.count ?? 0;
    }
    /** The calls that this site's worker adds.
     * @param {string} name
     * @param {any} [args] */
    ask(name, args) {
        return this.#worker().call(name, args);
    }
    /** @param {number} frames to go on by, or back */
    step(frames) {
        this.pause();
        this.frame = (this.#wanted?.frame ?? this.#frame) + frames;
    }
    /** @param {1 | -1} direction to the next cycle's start, or to the one before */
    toCycle(direction) {
        const starts = (this.#facts?.cycles ?? []).map((cycle) => cycle.firstFrame).sort((a, b) => a - b);
        const target = direction > 0 ? starts.find((start) => start > this.#frame) : starts.findLast((start) => start < this.#frame);
        if (target !== undefined) this.frame = target;
    }
    markIn() {
        this.inPoint = this.#first === this.#frame ? null : this.#frame;
    }
    markOut() {
        this.outPoint = this.#last === this.#frame ? null : this.#frame;
    }
    toggleFullscreen() {
        if (document.fullscreenElement) void document.exitFullscreen();
        else void this.requestFullscreen?.();
    }
    /** What a key does here; a page may pass on the keys that were pressed outside.
     * @param {KeyboardEvent} event */
    key(event) {
        const inside = event.composedPath()[0], on = inside instanceof HTMLElement ? inside.tagName : '';
        if (!this.#facts || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || on === 'SELECT') return;
        if (event.key === ' ' && on === 'BUTTON') return;
        /** @type {Record<string, () => void>} */
        const keys = {
            ' ': () => (this.paused ? void this.play() : this.pause()), k: () => (this.paused ? void this.play() : this.pause()), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
            j: () => this.step(-10), l: () => this.step(10), f: () => this.toggleFullscreen(), m: () => (this.muted = !this.muted), i: () => this.markIn(), o: () => this.markOut(),
            c: () => this.toCycle(event.shiftKey ? -1 : 1), Home: () => (this.frame = 0), End: () => (this.frame = Infinity),
        };
        const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!action) return;
        event.preventDefault();
        action();
    }

    /* ---------------------------------------------------------------- how */

    /** @type {Promise<void> | null} */
    #opened = null;

    #worker() {
        if (this.#remote) return this.#remote;
        this.#remote = new Remote(DiffyPlayer.newWorker());
        const canvas = this.#controls.picture.transferControlToOffscreen();
        const attached = this.#remote.call('attach', { canvas, renderer: this.getAttribute('renderer') ?? undefined }, { transfer: [canvas] });
        attached.then(({ renderer }) => (this.dataset.renderer = renderer), () => {});
        return this.#remote;
    }

    #load() {
        const source = this.#object ?? this.src, opening = this.#forget();
        if (!source) return Promise.resolve();
        this.#tell('loadstart');
        this.#opened = this.#open(source, opening);
        return this.#opened;
    }

    /** What was open is open no more. */
    #forget() {
        const opening = ++this.#opening;
        this.#stop();
        this.#thumbnails?.close();
        this.#sound?.close();
        this.#sound = null;
        Object.assign(this.dataset, { frame: '', ready: '', sound: '' });
        this.#facts = this.#thumbnails = this.#error = this.#wanted = this.#opened = null;
        [this.#frame, this.#seconds, this.#length, this.#ended, this.#seekTook] = [-1, 0, NaN, false, 0];
        this.#controls.say('');
        this.#mark(null, null);
        [this.#came, this.#dropped] = [0, 0];
        this.#tell('emptied');
        return opening;
    }
    #came = 0;
    #dropped = 0;

    /** @param {Blob | string} source
     * @param {number} opening */
    async #open(source, opening) {
        try {
            /** @type {Facts} */
            const facts = await this.#worker().call('open', { source });
            if (opening !== this.#opening) return;
            this.#facts = facts;
            this.dataset.threads = String(facts.threads);
            this.#length = facts.info.frames / facts.info.frameRate;
            this.#controls.open(facts.info, facts.cycles, departures(facts.cycles), facts.departures);
            this.#tell('durationchange', 'loadedmetadata', 'resize');
            await this.#show({ frame: 0 });
            if (opening !== this.#opening) return;
            if (this.#frame < 0) throw new Error(emptiness(facts.info));
            this.#controls.playing = false;
            await this.#openSound(facts);
            if (opening !== this.#opening) return;
            this.dataset.ready = '1';
            this.#tell('loadeddata', 'canplay', 'canplaythrough');
            this.#thumbnails = new Thumbnails(DiffyPlayer.newWorker, source, facts.info.frames);
            this.#rest();
            if (this.autoplay) void this.play();
        } catch (error) {
            if (opening !== this.#opening) return;
            const message = error instanceof Error ? error.message : String(error);
            this.#error = { code: 4, message };
            this.#controls.say(message, true);
            this.#tell('error');
        }
    }

    /** Shows a frame; while one is on its way only the last one asked for counts.
     * @param {{ frame?: number, seconds?: number }} where */
    async #show(where) {
        if (!this.#facts) return;
        const resume = !!this.#playing;
        this.#stop();
        this.#ended = false;
        this.#wanted = where;
        this.#controls.coarse(this.#thumbnails?.nearest(where.frame ?? (where.seconds ?? 0) * this.#facts.info.frameRate) ?? null);
        if (where.frame !== undefined) this.#controls.position.value = String(where.frame);
        this.#thumbnails?.rest();
        if (this.#seeking) {
            this.#resume ||= resume;
            return this.#callOff();
        }
        this.#resume = resume;
        this.#seeking = true;
        this.#tell('seeking');
        const opening = this.#opening;
        try {
            while (this.#wanted && opening === this.#opening) {
                const asked = this.#wanted, seek = (this.#seek = { call: new AbortController(), begun: performance.now() });
                this.#wanted = null;
                const answer = await this.#worker().call('show', asked, { signal: seek.call.signal });
                if (opening !== this.#opening || answer.overtaken) continue;
                this.#seekTook = performance.now() - seek.begun;
                this.#moved(answer);
            }
        } catch (error) {
            if (opening === this.#opening) this.#controls.say(error instanceof Error ? error.message : String(error));
        }
        this.#seeking = false;
        if (opening !== this.#opening) return;
        this.#tell('timeupdate', 'seeked');
        if (this.#resume) this.#run();
        else this.#rest();
    }
    #resume = false;

    /** Another frame is wanted than the one on its way. */
    #callOff() {
        const now = performance.now(), long = Math.max(this.#seekTook, now - this.#seek.begun) > longSeek;
        if (long && now - this.#shownAt < longestWait) this.#seek.call.abort();
    }

    #run() {
        const playing = (this.#playing = new AbortController()), opening = this.#opening, info = /** @type {Facts} */ (this.#facts).info;
        const options = { rate: this.#rate, first: this.#first ?? 0, last: this.#last ?? info.frames - 1, loop: this.loop };
        this.#ended = false;
        this.#controls.playing = true;
        this.#thumbnails?.rest();
        this.#sound?.start(this.#seconds, this.#rate);
        this.#tell('playing');
        const answer = this.#worker().call('play', options, {
            signal: playing.signal,
            onEvent: (event) => {
                if (this.#playing !== playing) return;
                this.#moved(event);
                this.#came += 1 + event.dropped;
                this.#dropped += event.dropped;
                this.#sound?.follow(event.seconds);
                this.dataset.slow = event.slow ? '1' : '';
                this.#controls.say(event.slow ? 'slower than real time' : '');
            },
        });
        answer.then((end) => {
            if (this.#playing !== playing || opening !== this.#opening) return;
            this.#moved(end);
            this.#stop();
            this.#ended = end.ended;
            this.#tell('timeupdate', 'pause', 'ended');
            this.#rest();
        }, (error) => {
            if (this.#playing !== playing) return;
            this.#stop();
            this.#controls.say(error instanceof Error ? error.message : String(error));
            this.#tell('pause');
        });
    }

    /** Plays on with what has changed. */
    #again() {
        if (!this.#playing) return;
        this.#stop();
        this.#run();
    }

    #stop() {
        if (this.#playing) this.#controls.say('');
        this.#sound?.stop();
        this.#playing?.abort();
        this.#playing = null;
        this.#controls.playing = false;
    }

    /** Nothing is to be done now: thumbnails may be made, and the exact length found. */
    #rest() {
        clearTimeout(this.#idle);
        this.#idle = window.setTimeout(() => {
            if (this.paused && !this.#seeking && document.visibilityState === 'visible') this.#thumbnails?.start();
        }, thumbnailDelay);
    }

    /** @param {{ frame: number, seconds: number, extra: any, warnings?: string[] }} answer */
    #moved({ frame, seconds, extra, warnings }) {
        const known = this.#facts?.warnings ?? [], more = warnings?.filter((text) => !known.includes(text)) ?? [];
        if (this.#facts && more.length) {
            this.#facts.warnings = [...known, ...more];
            this.#tell('warning');
        }
        if (frame < 0) return;
        this.#shownAt = performance.now();
        this.#frame = frame;
        this.#seconds = seconds;
        if (seconds > this.#length) this.#length = seconds;
        this.dataset.frame = String(frame);
        if (!this.#wanted) this.#controls.moved(frame, seconds, this.#length);
        this.dispatchEvent(new CustomEvent('frame', { detail: { frame, seconds, extra } }));
        // As often as media elements do it.
        if (this.#playing && performance.now() - this.#toldTime > 250) this.#tell('timeupdate');
    }

    /** The length that the frames' own times tell, once somebody has asked for it.
     * @param {number} seconds */
    set exactLength(seconds) {
        if (!(seconds > 0) || seconds === this.#length) return;
        this.#length = seconds;
        this.#controls.moved(this.#frame, this.#seconds, seconds);
        this.#tell('durationchange');
    }

    /** @param {Facts} facts */
    async #openSound({ sound }) {
        const opened = sound && new Sound(sound, (from, to) => this.#worker().call('sound', { from, to }));
        this.#sound = opened && (await opened.playable()) ? opened : null;
        this.dataset.sound = sound ? (this.#sound ? 'playable' : 'unknown') : 'none';
        this.#controls.sound = !!this.#sound;
        this.#setLoudness();
    }

    #setLoudness() {
        const loudness = this.#muted ? 0 : this.#volume;
        if (this.#sound) this.#sound.volume = loudness;
        this.#controls.loudness(this.#volume, this.#muted);
        this.#tell('volumechange');
    }

    /** Pieces of sound played since the file was opened. */
    get soundPieces() {
        return this.#sound?.pieces ?? 0;
    }

    /** @param {number | null} first
     * @param {number | null} last */
    #mark(first, last) {
        [this.#first, this.#last] = [first, last];
        this.#controls.marks(first, last);
        this.#tell('inoutchange');
        this.#again();
    }

    /** @param {...string} events */
    #tell(...events) {
        for (const name of events) {
            if (name === 'timeupdate') this.#toldTime = performance.now();
            this.dispatchEvent(new Event(name));
        }
    }
}

/** Why there is nothing to play.
 * @param {{ frames: number, complete: boolean }} info */
function emptiness({ frames, complete }) {
    if (frames) return 'it is damaged, and none of its frames can be played.';
    return complete ? 'it has no frames.' : 'it was cut off before the end of its first frame, so there is nothing to play.';
}

/** Makes <diffy-player> known to the page.
 * @param {() => Worker} newWorker */
export function define(newWorker) {
    DiffyPlayer.newWorker = newWorker;
    if (!customElements.get('diffy-player')) customElements.define('diffy-player', DiffyPlayer);
}
