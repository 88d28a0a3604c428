/**
 * The worker's side of a splat player: fetches what frames need, decodes one after another so that a newer wish can
 * overtake, and hands over what changed as typed arrays.
 */
import { Handle } from '../../wasm/handle.js';
import { DiffyError, Status } from '../../wasm/module.js';
import { Missing } from '../../wasm/remote.js';
import { openSource } from './source.js';

/** What remembered models may take; then the oldest are forgotten. */
const rememberedBytes = 256 << 20;

/** While a sequence plays, so much of the file is fetched ahead. */
const aheadBytes = 4 << 20;

/**
 * Facts about a sequence.
 * @typedef {object} SplatFacts
 * @property {string} codec
 * @property {number} degree of the first model's spherical harmonics
 * @property {number} frames so far, where the file is still coming
 * @property {number} keyFrames
 * @property {number} bytes of the file, or of what is there
 * @property {number} frameRate frames per second
 * @property {number} access with its key frame decoded a frame takes the decoding of at most so many; 0: not limited
 * @property {boolean} complete false: the file was cut, is not finished or still coming
 */

/**
 * What a renderer needs of a frame. Its arrays are those of the splats that changed since the frame handed over before, in the
 * order of `changed`, or of all splats where `changed` is null. Layouts: see wasm/splat_pack.h.
 * @typedef {object} SplatTextures
 * @property {Uint32Array} transforms 4 words per splat
 * @property {Uint16Array} scales 4 halves per splat
 * @property {Uint16Array} colours 4 halves per splat
 * @property {Uint32Array[]} harmonics planes of 4 words per splat: none, 1, 3 or 4
 */

/**
 * The numbers of training, of the same splats.
 * @typedef {object} SplatAttributes
 * @property {Float32Array} xyz
 * @property {Float32Array} rotation w x y z
 * @property {Float32Array} scale natural logarithms
 * @property {Float32Array} opacity before the sigmoid
 * @property {Float32Array} dc the first colour coefficient of red, green, blue
 * @property {Float32Array} rest the others: all of red, all of green, all of blue
 */

/**
 * @typedef {object} SplatFrame
 * @property {number} index of the frame, from 0
 * @property {number} count splats
 * @property {number} degree of the spherical harmonics
 * @property {Uint32Array | null} changed numbers of the splats that changed; null: all may have
 * @property {SplatTextures | null} textures
 * @property {SplatAttributes | null} attributes
 */

/** @typedef {'textures' | 'attributes'} SplatOutput */

export class SequenceDecoder {
    #codec;
    #source;
    #handle;
    /** @type {AbortController | null} */
    #fetching = null;
    /** Of the wish that counts. */
    #wish = 0;
    /** What was lost so far, for people.
     * @type {string[]} */
    warnings = [];

    /**
     * Use {@link SequenceDecoder.open}.
     * @param {import('../../wasm/module.js').Codec} codec
     * @param {import('./source.js').Parts | import('./source.js').Growing} source
     */
    constructor(codec, source) {
        this.#codec = codec;
        this.#source = source;
        this.#handle = new Handle(codec, 'splat_player', { read: (offset, target) => source.read(offset, target) });
    }

    /**
     * @param {import('../../wasm/module.js').Codec} codec
     * @param {import('./source.js').SplatSource} source
     */
    static async open(codec, source) {
        const decoder = new SequenceDecoder(codec, await openSource(source));
        try {
            await decoder.#open();
        } catch (error) {
            decoder.close();
            throw error;
        }
        return decoder;
    }

    async #open() {
        const source = this.#source;
        for (;;) {
            try {
                this.#handle.check(this.#handle.call('open', source.size, rememberedBytes));
                if (source.whole || this.facts.frames) return;
            } catch (error) {
                if (error instanceof Missing) {
                    await source.have(error.from, error.to);
                    continue;
                }
                if (source.whole) throw error;
            }
            // A file of another kind need not come whole to be told.
            if (source.size > 64) this.#checkMagic();
            await source.have(source.size + 1, source.size + 1);
        }
    }

    #checkMagic() {
        const magic = new Uint8Array(3);
        this.#source.read(0, magic);
        if (String.fromCharCode(...magic) !== 'DFY') throw new DiffyError(Status.FORMAT, this.#handle.message);
    }

    /** Takes in what has come since.
     * @returns {SplatFacts} */
    get facts() {
        if (!this.#source.whole || 'more' in this.#source) this.#handle.call('grow', this.#source.size);
        const codec = this.#codec.text(this.#handle.call('info'));
        const [degree, frames, keyFrames, bytes, num, den, complete, access] = this.#codec.result(8);
        return { codec, degree, frames, keyFrames, bytes, frameRate: num / den, access, complete: !!complete };
    }

    /** Whether all of the file is there, or can be had. */
    get whole() {
        return this.#source.whole;
    }

    /** Waits until more of a file that comes is there. */
    async more() {
        if ('more' in this.#source) await this.#source.more();
    }

    /** Bytes of a frame in the file, and whether decoding can begin with it.
     * @param {number} frame */
    frame(frame) {
        this.#handle.check(this.#handle.call('frame', frame));
        const [bytes, isKey] = this.#codec.result(2);
        return { bytes, isKey: !!isKey };
    }

    /** What is decoded next on the way to a frame, and the bytes that takes.
     * @param {number} frame */
    #needs(frame) {
        this.#handle.check(this.#handle.call('needs', frame));
        const [first, last, offset, bytes] = this.#codec.result(4);
        return { first, last, from: offset, to: offset + bytes };
    }

    /**
     * Decodes a frame and gives what changed since the frame given last. A frame that is damaged is stepped over, and noted in
     * `warnings`. Null when a later call has overtaken this one.
     * @param {number} wanted
     * @param {{ output?: SplatOutput, ahead?: boolean }} [options] ahead: what follows is fetched meanwhile
     * @returns {Promise<SplatFrame | null>}
     */
    async show(wanted, { output = 'textures', ahead = false } = {}) {
        const wish = ++this.#wish;
        this.#fetching?.abort();
        for (let frame = wanted; ; frame = this.#nextKey(frame)) {
            if (frame < 0) throw new DiffyError(Status.DAMAGED, this.warnings.at(-1) ?? 'This frame and those after it are lost.');
            const status = await this.#approach(frame, () => wish === this.#wish, ahead);
            if (wish !== this.#wish) return null;
            if (status === Status.OK) return this.#take(frame, output);
            if (this.warnings.length < 100) this.warnings.push(this.#handle.message);
        }
    }

    /** Whether showing a frame takes no decoding but its own.
     * @param {number} frame */
    isNear(frame) {
        const { first } = this.#needs(frame);
        return first === frame;
    }

    /**
     * Decodes all that a frame needs, and it: first the key frame that it returns to, where that is not at hand.
     * @param {number} frame
     * @param {() => boolean} counts
     * @param {boolean} ahead
     */
    async #approach(frame, counts, ahead) {
        for (;;) {
            const { first, last, from, to } = this.#needs(frame), fetching = (this.#fetching = new AbortController());
            try {
                if (to > from) await this.#source.have(from, to, fetching.signal);
            } catch (error) {
                if (counts()) throw error;
            }
            if (!counts()) return Status.CANCELLED;
            if (ahead && last === frame) void this.#source.have(to, to + aheadBytes).catch(() => {});
            const status = await this.#decode(first, last, counts);
            if (status !== Status.OK || last === frame || !counts()) return status;
        }
    }

    /**
     * @param {number} first
     * @param {number} last
     * @param {() => boolean} counts
     */
    async #decode(first, last, counts) {
        let since = performance.now();
        for (let frame = first; frame <= last; frame++) {
            const status = this.#handle.call('decode', frame);
            if (status === Status.DAMAGED) return status;
            this.#handle.check(status);
            // Newer wishes are heard between frames.
            if (frame === last || performance.now() - since < 30) continue;
            await new Promise((resolve) => setTimeout(resolve));
            if (!counts()) return Status.CANCELLED;
            since = performance.now();
        }
        return Status.OK;
    }

    /** The next key frame, -1 when there is none.
     * @param {number} frame */
    #nextKey(frame) {
        const { frames } = this.facts;
        for (let next = frame + 1; next < frames; next++) if (this.frame(next).isKey) return next;
        return -1;
    }

    /** What was given last is not what its owner has. */
    forget() {
        this.#handle.call('forget');
    }

    /**
     * @param {number} index
     * @param {SplatOutput} output
     * @returns {SplatFrame}
     */
    #take(index, output) {
        const codec = this.#codec, [total, degree] = codec.result(2);
        this.#handle.check(this.#handle.call(output));
        const [count, all, list, ...places] = codec.result(16);
        const changed = all ? null : new Uint32Array(this.#copy(list, 4 * count));
        /** @type {SplatTextures | null} */
        let textures = null;
        /** @type {SplatAttributes | null} */
        let attributes = null;
        if (output === 'textures') {
            const [transforms, scales, colours, planes, ...harmonics] = places;
            textures = {
                transforms: new Uint32Array(this.#copy(transforms, 16 * count)),
                scales: new Uint16Array(this.#copy(scales, 8 * count)),
                colours: new Uint16Array(this.#copy(colours, 8 * count)),
                harmonics: harmonics.slice(0, planes).map((at) => new Uint32Array(this.#copy(at, 16 * count))),
            };
        } else {
            const lengths = [3, 4, 3, 1, 3, 3 * ((degree + 1) ** 2 - 1)];
            const [xyz, rotation, scale, opacity, dc, rest] = lengths.map((length, i) => new Float32Array(this.#copy(places[i], 4 * count * length)));
            attributes = { xyz, rotation, scale, opacity, dc, rest };
        }
        this.#handle.check(this.#handle.call('taken'));
        return { index, count: total, degree, changed, textures, attributes };
    }

    /** @param {number} at
     * @param {number} size */
    #copy(at, size) {
        return new Uint8Array(this.#codec.bytes(at, size)).buffer;
    }

    close() {
        this.#wish++;
        this.#fetching?.abort();
        this.#source.close();
        this.#handle.close();
    }
}

/** What can be given away of a frame instead of being copied.
 * @param {SplatFrame} frame
 * @returns {ArrayBuffer[]} */
export function buffersOf({ changed, textures, attributes }) {
    const arrays = [...(changed ? [changed] : []), ...(attributes ? Object.values(attributes) : []),
        ...(textures ? [textures.transforms, textures.scales, textures.colours, ...textures.harmonics] : [])];
    return arrays.map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer));
}
