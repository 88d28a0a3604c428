/**
 * Frames of a live camera on their way to the encoder. The encoder codes a group of frames at once and takes nothing
 * meanwhile; the first group takes longest, for the background comes with it. So frames wait here, as many as `limits` allow.
 *
 * Where the encoder is too slow for good, the queue fills. Then only every second frame is taken, or every third, until it
 * keeps up: a movement with fewer frames, evenly spread, is worth more than one with holes.
 */

/** How full the queue is when fewer frames are taken, and when more are; and how many must have come since the last such change:
 * fewer soon, more only when that has been enough for some groups. */
const crowded = 0.6, relaxed = 0.2, settleCrowded = 30, settleRelaxed = 90;
const maxStep = 8;

/**
 * @template T
 */
export class FrameQueue {
    /** @type {{ frame: T, bytes: number }[]} */
    #waiting = [];
    #bytes = 0;
    #limits;
    #sinceTaken = Infinity;
    #sinceChange = 0;
    /** Every how manieth frame is taken. */
    step = 1;
    /** Frames left out since the start. */
    dropped = 0;

    /** @param {{ frames: number, bytes: number }} limits */
    constructor(limits) {
        this.#limits = limits;
    }

    get length() {
        return this.#waiting.length;
    }

    /** 0..1
     * @param {number} more bytes */
    #fill(more) {
        return Math.max((this.#waiting.length + 1) / this.#limits.frames, (this.#bytes + more) / this.#limits.bytes);
    }

    /**
     * Whether the next frame is to be taken: ask once for every frame, before its pixels are copied.
     * @param {number} bytes of the frame
     */
    wants(bytes) {
        const fill = this.#fill(bytes);
        this.#sinceTaken++;
        this.#sinceChange++;
        if (fill > crowded && this.step < maxStep && this.#sinceChange >= settleCrowded) this.#take(this.step + 1);
        if (fill < relaxed && this.step > 1 && this.#sinceChange >= settleRelaxed) this.#take(this.step - 1);
        const wanted = this.#sinceTaken >= this.step && (fill <= 1 || !this.#waiting.length);
        if (wanted) this.#sinceTaken = 0;
        else this.dropped++;
        return wanted;
    }

    /** @param {number} step */
    #take(step) {
        this.step = step;
        this.#sinceChange = 0;
    }

    /**
     * @param {T} frame
     * @param {number} bytes
     */
    put(frame, bytes) {
        this.#waiting.push({ frame, bytes });
        this.#bytes += bytes;
    }

    /** The oldest. @returns {T | undefined} */
    take() {
        const first = this.#waiting.shift();
        this.#bytes -= first?.bytes ?? 0;
        return first?.frame;
    }
}
