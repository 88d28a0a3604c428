/**
 * What an encode will come to, from what is coded so far. What comes once, the background and the first group of pictures,
 * stands apart; the rest grows with what happens in the pictures, of which the sizes of the source's own packets tell: where
 * they are large, ours will be. Of eight clips at effort 3, seven are within 10 % of the truth from a quarter of the way on (by
 * time alone: three). How far groups of pictures stray from it says how far the sum may, and so does how far the packets' sizes
 * move it: the eighth clip, a barrier where a car comes now and then, is told as a range.
 */

/** Ours grow more slowly than the source's packets, which hold noise as well: 0.25 and 0.75 miss by up to 11 % where this misses by 7. */
const exponent = 0.5;

/** A key frame counts as so many of its neighbours' median: it shows no more than they do. */
const mostOfMedian = 4, neighbours = 8;

/** Groups after the first that must be there. */
const fewestGroups = 2;

/**
 * Weights of frames, from the sizes of their packets in the order in which they are shown.
 * @param {ArrayLike<number>} sizes bytes
 */
export function weightsOf(sizes) {
    const weights = new Float64Array(sizes.length);
    for (let i = 0; i < sizes.length; i++) {
        const near = Array.from({ length: 2 * neighbours + 1 }, (_, k) => sizes[i - neighbours + k]).filter((size) => size !== undefined).sort((a, b) => a - b);
        const median = near[near.length >> 1];
        weights[i] = Math.max(1, sizes[i] <= mostOfMedian * median ? sizes[i] : median) ** exponent;
    }
    return weights;
}

export class Foretelling {
    /** Frames coded and bytes that the file had with them, rising.
     * @type {[number, number][]} */
    #points = [];
    /** Weights of all frames before each one; null: all are alike.
     * @type {Float64Array | null} */
    #before = null;

    /** @param {Float64Array | null} weights of the frames to come, see {@link weightsOf} */
    set weights(weights) {
        if (!weights) return;
        this.#before = new Float64Array(weights.length + 1);
        for (let i = 0; i < weights.length; i++) this.#before[i + 1] = this.#before[i] + weights[i];
    }

    get points() {
        return this.#points;
    }

    /** @param {number} frames coded
     * @param {number} bytes that the file has with them */
    add(frames, bytes) {
        const last = this.#points.at(-1);
        if (frames && frames !== last?.[0]) this.#points.push([frames, bytes]);
    }

    /** Weight of frames `from` up to `to`; of those that the source told nothing of, the mean.
     * @param {number} from
     * @param {number} to */
    #weight(from, to) {
        const before = this.#before, known = before ? before.length - 1 : 0;
        if (!before || !known) return to - from;
        const sum = before[Math.min(to, known)] - before[Math.min(from, known)];
        return sum + (Math.max(to, known) - Math.max(from, known)) * (before[known] / known);
    }

    /**
     * @param {number} frames of the whole
     * @returns {{ bytes: number, error: number } | null} error: standard error in bytes; null while too little is known
     */
    total(frames) {
        const [start] = this.#points, last = this.#points.at(-1), groups = this.#points.length - 1;
        if (!last || groups < fewestGroups) return null;
        const coded = this.#weight(start[0], last[0]), left = frames > last[0] ? this.#weight(last[0], frames) : 0;
        const perWeight = (last[1] - start[1]) / coded;
        let squares = 0;
        for (let i = 1; i <= groups; i++) {
            const [[a, from], [b, to]] = [this.#points[i - 1], this.#points[i]];
            squares += (to - from - perWeight * this.#weight(a, b)) ** 2;
        }
        const still = Math.max(0, frames - last[0]) / ((last[0] - start[0]) / groups);
        const spread = still ? Math.sqrt(squares / Math.max(1, groups - 1)) * still * Math.sqrt(1 / groups + 1 / Math.max(1, still)) : 0;
        // Where what comes weighs much more or less than what came, as much again rests on the packets alone.
        const byTime = ((last[1] - start[1]) / (last[0] - start[0])) * Math.max(0, frames - last[0]);
        return { bytes: last[1] + perWeight * left, error: Math.hypot(spread, (perWeight * left - byTime) / 2) };
    }
}

/** So many groups tell what later ones take; with fewer, the first stands for them as well. */
const groupsThatTell = 3;

/**
 * Bytes of one beginning of a recording beside another's, as far as both have come: of what comes once, and of what comes after it.
 * @typedef {{ stats: { bytes: number }, growth: [number, number][] }} Beginning growth: frames coded, and bytes with them
 * @param {Beginning} own
 * @param {Beginning} other
 */
export function ratios({ stats, growth: own }, { stats: otherStats, growth: other }) {
    const last = Math.min(own.length, other.length) - 1;
    if (last < 0) {
        // So slow a machine has come to the end of no group: most of what there is comes once.
        const all = otherStats.bytes / Math.max(1, stats.bytes);
        return { start: all, rest: all };
    }
    const start = other[0][1] / own[0][1], later = (/** @type {[number, number][]} */ growth) => (growth[last][1] - growth[0][1]) / Math.max(1, growth[last][0] - growth[0][0]);
    return { start, rest: last >= groupsThatTell && later(own) > 0 ? later(other) / later(own) : other[last][1] / own[last][1] };
}
