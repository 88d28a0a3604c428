/**
 * The worker's side of a player: opens a file, shows frames, plays. It decodes some frames ahead, so that one that takes long
 * doesn't stop the picture, and keeps the last ones, so that a step back costs nothing. A machine that is too slow skips
 * frames; how far it got is told with every frame.
 */
import { DiffyDecoder } from '../../wasm/decoder.js';
import { Screen } from './screen.js';

/** What decoded pictures may take, ahead of the one shown and behind it. */
const aheadBytes = 64e6, behindBytes = 48e6, mostAhead = 24;

/** Memory of so many frames waits to be used again. */
const mostSpare = 4;

/** Frames decoded before the one that a step back has shown, while nothing else is asked for: the next steps back find them. */
const stepsBack = 8;

/** Pictures that a frame is made from are decoded one by one, so many at most; what is left then is done at once. */
const mostParts = 200;

/** Playing begins when so many frames are decoded: the first may take longer than others. */
const toBegin = 2;

/** A frame may be so late before something is done about it, in milliseconds. */
const lateness = 300;

/**
 * @typedef {object} Shown
 * @property {import('../../wasm/decoder.js').DiffyFrame} frame
 * @property {number} seconds from the first frame
 * @property {import('../../wasm/decoder.js').DiffyTiles | null} tiles
 * @property {any} extra
 */

/**
 * @typedef {object} PlaybackOptions
 * @property {(alone: boolean) => Promise<import('../../wasm/module.js').Codec>} load alone: on one thread
 * @property {(decoder: DiffyDecoder) => any} [extra] what is told with a frame, taken when it has been decoded
 */

export class Playback {
    #options;
    /** @type {DiffyDecoder | null} */
    #decoder = null;
    /** @type {Screen | null} */
    #screen = null;
    /** Frames decoded and not yet shown, in order.
     * @type {Shown[]} */
    #ahead = [];
    /** Frames decoded, by number; the oldest first.
     * @type {Map<number, Shown>} */
    #kept = new Map();
    /** @type {Shown | null} */
    #shown = null;
    /** Memory of frames that are kept no longer, for the next ones: they are large, and making it takes longer than filling it.
     * @type {Uint8Array<ArrayBuffer>[]} */
    #spare = [];
    #firstAt = 0;
    /** Milliseconds that decoding a frame takes, and that a seek took last. */
    #decodeCost = 0;
    #seekCost = 0;
    /** Counts what the page asks for: what is done beside it ends when there is more. */
    #asked = 0;

    /** @param {PlaybackOptions} options */
    constructor(options) {
        this.#options = options;
    }

    /** @returns {DiffyDecoder} */
    get decoder() {
        if (!this.#decoder) throw new Error('No file is open.');
        return this.#decoder;
    }

    get shown() {
        return this.#shown;
    }

    /** What `serve` wants: the calls that the page may make. */
    get handlers() {
        return {
            attach: (/** @type {{ canvas: OffscreenCanvas, renderer?: string }} */ { canvas, renderer }) => {
                this.#screen = new Screen(canvas, { renderer });
                return { renderer: this.#screen.wants === 'native' ? 'webgl' : 'canvas' };
            },
            open: (/** @type {{ source: any, alone?: boolean }} */ { source, alone }) => this.open(source, alone),
            show: (/** @type {{ frame?: number, seconds?: number }} */ where, /** @type {any} */ _, /** @type {AbortSignal} */ signal) => this.show(where, signal),
            play: (/** @type {any} */ options, /** @type {any} */ emit, /** @type {AbortSignal} */ signal) => this.play(options, emit, signal),
            length: () => this.length(),
            image: () => this.image(),
            refresh: () => this.refresh(),
            sound: (/** @type {{ from: number, to: number }} */ { from, to }) => this.sound(from, to),
            thumbnail: (/** @type {{ frame: number, width: number }} */ { frame, width }) => this.thumbnail(frame, width),
        };
    }

    /** @param {Blob | ArrayBuffer | Uint8Array | string} source
     * @param {boolean} [alone] it is to be decoded on one thread */
    async open(source, alone = false) {
        this.#asked++;
        this.#decoder?.close();
        this.#decoder = this.#shown = null;
        this.#ahead = [];
        this.#kept.clear();
        this.#firstAt = this.#decodeCost = this.#seekCost = 0;
        const codec = await this.#options.load(alone), { threads } = codec;
        this.#decoder = await DiffyDecoder.open(source, { codec });
        const { info, metadata, cycles, departures, episodes, chunks, imu, warnings, sound } = this.#decoder;
        this.#spare = [];
        this.#screen?.forget();
        if (this.#screen) this.#screen.shape = info;
        return { info, metadata, cycles, departures, episodes, chunks, imu, warnings, sound, threads };
    }

    /**
     * Decodes and draws a frame, told by its number or its time; behind the last whole one, that. When the signal comes before
     * it is there, nothing is drawn.
     * @param {{ frame?: number, seconds?: number }} where
     * @param {AbortSignal} signal
     */
    async show({ frame, seconds }, signal) {
        this.#asked++;
        const index = frame ?? (await this.#frameAt(seconds ?? 0)), before = this.#shown?.frame.index;
        if (index !== before) {
            const item = await this.#find(index, signal);
            if (!signal.aborted) this.#draw(item);
            if (!signal.aborted && before !== undefined && index === before - 1) this.#prepareStepsBack(index).catch(() => {});
        }
        return { ...this.#told(), overtaken: signal.aborted, warnings: this.decoder.warnings };
    }

    /** What is told of the frame shown, taken anew. */
    refresh() {
        const { index } = this.#shown?.frame ?? { index: -1 };
        if (index < 0 || !this.#options.extra) return null;
        this.#ahead = [];
        this.#kept.clear();
        this.#shown = this.#decode(index);
        return this.#shown?.extra ?? null;
    }

    /** Puts noise like the camera's back, or no longer, and shows the frame anew. Whether the file says of any.
     * @param {boolean} on */
    grain(on) {
        const any = this.decoder.setGrain(on), shown = this.#shown;
        this.#ahead = [];
        this.#kept.clear();
        if (shown) this.#draw(this.#decode(shown.frame.index));
        return any;
    }

    /** Packets of sound that begin in a stretch of time.
     * @param {number} from seconds from the first frame
     * @param {number} to exclusive */
    sound(from, to) {
        const packets = [];
        for (const packet of this.decoder.soundPackets(from + this.#firstAt)) {
            const timestamp = packet.timestamp - this.#firstAt;
            if (timestamp >= to) break;
            if (timestamp >= from) packets.push({ ...packet, timestamp });
        }
        return packets;
    }

    /** A small picture of a frame, or null where it is damaged.
     * @param {number} frame
     * @param {number} width pixels */
    async thumbnail(frame, width) {
        const source = this.decoder;
        if (source.position !== frame) source.seek(frame);
        const picture = source.next('RGBA'), canvas = picture && this.#drawn(picture);
        return canvas && createImageBitmap(canvas, { resizeWidth: Math.min(width, canvas.width), resizeQuality: 'medium' });
    }

    /** The frame shown, as a PNG. */
    async image() {
        const { index } = this.#shown?.frame ?? { index: 0 }, source = this.decoder;
        this.#ahead = [];
        source.seek(index);
        const picture = source.next('RGBA');
        if (!picture) throw new Error('This frame is damaged.');
        return this.#drawn(picture).convertToBlob({ type: 'image/png' });
    }

    /** A picture as it is shown.
     * @param {import('../../wasm/decoder.js').DiffyFrame} picture in RGBA */
    #drawn(picture) {
        const canvas = new OffscreenCanvas(1, 1), screen = new Screen(canvas, { renderer: 'canvas' });
        screen.shape = this.decoder.info;
        screen.draw(picture);
        return canvas;
    }

    /** Seconds from the first frame to the end of the last, or null where that part of the file is damaged. */
    async length() {
        const { frames, frameRate } = this.decoder.info;
        try {
            return (await this.decoder.timeOf(frames - 1)) - this.#firstAt + 1 / frameRate;
        } catch {
            return null;
        }
    }

    /**
     * Plays from the frame shown until the last one or the signal, each frame at its own time.
     * @param {{ rate: number, first: number, last: number, loop: boolean }} options last: inclusive
     * @param {(event: any) => void} emit
     * @param {AbortSignal} signal
     */
    async play({ rate, first, last, loop }, emit, signal) {
        this.#asked++;
        const at = this.#shown?.frame.index ?? -1;
        if (at < first || at >= last) {
            const item = await this.#find(first, signal);
            if (!signal.aborted) this.#draw(item);
        }
        if (!this.#shown) return { ended: true, ...this.#told(), warnings: this.decoder.warnings };
        const run = new Run(this.#shown.seconds, rate, 1 / this.decoder.info.frameRate);
        let next = (this.#ahead.at(-1) ?? this.#shown).frame.index + 1;
        if (this.#ahead.length && this.#ahead[0].frame.index !== this.#shown.frame.index + 1) [this.#ahead, next] = [[], this.#shown.frame.index + 1];
        const room = Math.max(2, Math.min(mostAhead, Math.floor(aheadBytes / this.#shown.frame.data.length)));
        emit({ ...this.#told(), slow: false, dropped: 0 });
        let begun = false;
        const presentDue = () => {
            const now = performance.now(), is = begun && this.#ahead.length > 0 && run.due(this.#ahead[0].seconds) <= now + 1;
            if (is) this.#present(run, now, emit);
            return is;
        };
        while (!signal.aborted) {
            if (loop && next > last) next = first;
            if (!begun && (this.#ahead.length >= toBegin || next > last)) {
                begun = true;
                run.begin();
            }
            if (presentDue()) {
                // One more may be due by now.
            } else if (next <= last && this.#ahead.length < room) {
                if (begun && !this.#ahead.length) next = this.#leap(run, next, last, performance.now());
                const decoded = await this.#reach(next, signal, presentDue);
                if (!decoded) last = next - 1;
                else next = this.#ahead[this.#ahead.push(decoded) - 1].frame.index + 1;
            } else if (!this.#ahead.length) {
                break;
            }
            await pass(this.#ahead.length >= room || next > last ? run.due(this.#ahead[0]?.seconds ?? 0) - performance.now() : 0, signal);
        }
        return { ended: !signal.aborted, ...this.#told(), warnings: this.decoder.warnings };
    }

    /** Shows the frame that is due; those that it comes too late for are left out.
     * @param {Run} run
     * @param {number} now
     * @param {(event: any) => void} emit */
    #present(run, now, emit) {
        let item = /** @type {Shown} */ (this.#ahead.shift());
        const before = this.#shown?.frame.index ?? -1, wraps = this.#shown && item.frame.index <= this.#shown.frame.index;
        // First of all: frames of the loop's next round are due by its own clock.
        if (this.#shown && wraps) run.wrap(this.#shown.seconds, item.seconds);
        const first = item;
        while (this.#ahead.length && this.#ahead[0].frame.index > item.frame.index && run.due(this.#ahead[0].seconds) <= now) {
            this.#keep(item);
            item = /** @type {Shown} */ (this.#ahead.shift());
        }
        if (!wraps || item !== first) run.catchUp(item.seconds, now);
        this.#draw(item);
        emit({ ...this.#told(), slow: run.slow(now), dropped: Math.max(0, item.frame.index - before - 1) });
    }

    /** Where decoding goes on when it can't keep up: further on, if getting there takes less time than all that lies between.
     * @param {Run} run
     * @param {number} next
     * @param {number} last
     * @param {number} now */
    #leap(run, next, last, now) {
        const { frameRate } = this.decoder.info, behind = now - run.due((this.#shown?.seconds ?? 0) + 1 / frameRate);
        if (behind < lateness || !this.#decodeCost) return next;
        const perFrame = 1000 / frameRate / run.rate, seek = this.#seekCost || 10 * this.#decodeCost;
        const frames = Math.min(last - next, Math.ceil((behind + seek) / perFrame));
        if (frames < 2 || frames * this.#decodeCost < 1.5 * seek) return next;
        run.skipped(now);
        return next + frames;
    }

    /** A frame that is decoded already, or else decodes it; null: the signal came before, or there is none.
     * @param {number} index
     * @param {AbortSignal} signal */
    async #find(index, signal) {
        const known = this.#kept.get(index) ?? this.#ahead.find(({ frame }) => frame.index === index);
        if (known) {
            if (this.#ahead.includes(known)) this.#ahead = this.#ahead.slice(this.#ahead.indexOf(known) + 1);
            return known;
        }
        this.#ahead = [];
        return this.#reach(index, signal);
    }

    /** Decodes a frame, of those that lead to it one at a time, and lets messages in between; null: the signal came before it was
     * there, or there is none.
     * @param {number} index
     * @param {{ aborted: boolean }} signal
     * @param {() => void} [between] done after each
     * @returns {Promise<Shown | null>} */
    async #reach(index, signal, between = () => {}) {
        const source = this.decoder, started = performance.now(), seeks = source.position !== index;
        for (let parts = 0; !signal.aborted && parts < mostParts && source.approach(index); parts++) {
            await pass(0);
            if (!signal.aborted) between();
        }
        if (signal.aborted) return null;
        const item = this.#decode(index), cost = performance.now() - started;
        if (seeks) this.#seekCost = cost;
        else this.#decodeCost = this.#decodeCost ? 0.9 * this.#decodeCost + 0.1 * cost : cost;
        return item;
    }

    /** Decodes the frames before one, until the page asks for anything.
     * @param {number} index */
    async #prepareStepsBack(index) {
        const asked = this.#asked, overtaken = () => asked !== this.#asked, room = Math.floor(behindBytes / (this.#shown?.frame.data.length ?? behindBytes)) - 1;
        for (let i = index - 1; i >= Math.max(0, index - Math.min(stepsBack, room)); i--) {
            await pass(0);
            if (overtaken()) return;
            if (!this.#kept.has(i)) this.#keep(await this.#reach(i, { get aborted() { return overtaken(); } }));
        }
    }

    /** The number of the frame that is shown at a time.
     * @param {number} seconds */
    async #frameAt(seconds) {
        const { frames, frameRate } = this.decoder.info;
        let first = 0, last = frames - 1, guess = Math.floor(seconds * frameRate + 1e-3);
        try {
            // Frames that come at an even rate are found at the first look, which the second one proves.
            for (let looks = 0; first < last; looks++) {
                const index = looks < 4 ? Math.min(last, Math.max(first + 1, guess)) : (first + last + 1) >> 1, ahead = seconds - ((await this.decoder.timeOf(index)) - this.#firstAt);
                guess = index + Math.floor(ahead * frameRate + 1e-3);
                if (guess >= index) first = index;
                else last = index - 1;
            }
            return first;
        } catch {
            // The times of a damaged stretch are lost.
            return Math.min(last, Math.max(first, guess));
        }
    }

    /** @param {number} index
     * @returns {Shown | null} */
    #decode(index) {
        const source = this.decoder;
        if (source.position !== index) source.seek(index);
        const frame = source.next(this.#screen?.wants ?? 'RGBA', (bytes) => this.#memory(bytes));
        if (!frame) return null;
        if (frame.index === 0) this.#firstAt = frame.timestamp;
        return { frame, seconds: frame.timestamp - this.#firstAt, tiles: source.tiles(), extra: this.#options.extra?.(source) ?? null };
    }

    /** @param {number} bytes */
    #memory(bytes) {
        const spare = this.#spare.pop();
        return spare?.length === bytes ? spare : new Uint8Array(bytes);
    }

    /** @param {Shown | null} item */
    #draw(item) {
        if (!item) return;
        this.#screen?.draw(item.frame, item.tiles);
        this.#shown = item;
        this.#keep(item);
    }

    /** @param {Shown | null} item */
    #keep(item) {
        if (!item) return;
        this.#kept.delete(item.frame.index);
        this.#kept.set(item.frame.index, item);
        const most = Math.max(1, Math.floor(behindBytes / item.frame.data.length));
        for (const [index, old] of this.#kept) {
            if (this.#kept.size <= most) break;
            this.#kept.delete(index);
            if (old !== this.#shown && !this.#ahead.includes(old) && this.#spare.length < mostSpare) this.#spare.push(old.frame.data);
        }
    }

    #told() {
        return { frame: this.#shown?.frame.index ?? -1, seconds: this.#shown?.seconds ?? 0, extra: this.#shown?.extra ?? null };
    }
}

/** When each frame is due while a stretch is played. */
class Run {
    #anchor = performance.now();
    #anchorSeconds;
    #length;
    #slowAt = -Infinity;
    #late = 0;

    /** @param {number} seconds of the frame that is shown now
     * @param {number} rate 2 plays twice as fast
     * @param {number} length of a frame, in seconds */
    constructor(seconds, rate, length) {
        this.#anchorSeconds = seconds;
        this.rate = rate;
        this.#length = length;
    }

    /** The clock starts now. */
    begin() {
        this.#anchor = performance.now();
    }

    /** @param {number} seconds
     * @returns {number} by performance.now() */
    due(seconds) {
        // A frame before the one shown last comes after the end of the loop: at once, when that one has had its time.
        return this.#anchor + (1000 * (seconds < this.#anchorSeconds ? this.#length : seconds - this.#anchorSeconds)) / this.rate;
    }

    /** The loop starts again.
     * @param {number} from
     * @param {number} to */
    wrap(from, to) {
        this.#anchor = Math.max(this.due(from) + (1000 * this.#length) / this.rate, performance.now() - lateness);
        this.#anchorSeconds = to;
    }

    /** A frame is shown: the clock starts from it, or waits for it when it is much too late.
     * @param {number} seconds
     * @param {number} now */
    catchUp(seconds, now) {
        const due = this.due(seconds);
        this.#late = now - due;
        if (this.#late > lateness) this.#slowAt = now;
        this.#anchor = this.#late > 4 * lateness ? now : due;
        this.#anchorSeconds = seconds;
    }

    /** @param {number} now */
    skipped(now) {
        this.#slowAt = now;
    }

    /** Lately, frames were late or left out.
     * @param {number} now */
    slow(now) {
        return now - this.#slowAt < 2000;
    }
}

const { port1, port2 } = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];

/** Nobody listens when nobody waits: a program in Node.js would never end. */
function wake() {
    waiting.shift()?.();
    if (!waiting.length) port1.onmessage = null;
}

/**
 * Lets messages in, and time pass.
 * @param {number} milliseconds
 * @param {AbortSignal} [signal] ends it
 */
function pass(milliseconds, signal) {
    return new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
        if (milliseconds < 2) {
            // A timer would take four milliseconds at least.
            waiting.push(resolve);
            port1.onmessage = wake;
            port2.postMessage(0);
            return;
        }
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
}
