/**
 * Sequences of 3D Gaussian-splat models: SplatEncoder makes a .dfy of model files, SplatDecoder gives the models back,
 * as numbers, as files, or ready to be drawn.
 *
 *     const encoder = await SplatEncoder.create({ quality: 50 });
 *     for (const file of plyFiles) encoder.push(new Uint8Array(await file.arrayBuffer()));
 *     const { data } = encoder.finish();
 *     const decoder = await SplatDecoder.open(data);
 *     for (let model = decoder.next(); model; model = decoder.next()) show(model.xyz);
 */
import { readerOf } from './decoder.js';
import { Handle } from './handle.js';
import { Codec, DiffyError, Status } from './module.js';

/** Kinds of model files that can be written. */
const formats = /** @type {const} */ ({ ply: 0, ascii: 1, splat: 2, spz: 3, spz2: 4, spz4: 5, sog: 6, glb: 7, 'glb-spz': 8 });

/** @typedef {keyof typeof formats} SplatFormat */

/** @typedef {'position' | 'scale' | 'alpha' | 'dc' | 'rotation' | 'sh'} SplatAttribute */

/**
 * @typedef {object} SplatEncoderOptions
 * @property {number} [quality] 1..100, sets every error; 10 more halve them, default 50
 * @property {number} [effort] 1 (fastest) to 9 (smallest), default 5
 * @property {[number, number]} [frameRate] frames a second as a fraction, recorded for players; default 30/1
 * @property {number} [keyInterval] frames from key frame to key frame at most, default 90; 0: only where needed
 * @property {number} [access] fast seeking: with its key frame decoded, no frame takes the decoding of more than so many, default 8; 0:
 *     not limited
 * @property {boolean} [canonical] sort each splat's axes by size: the same picture, other numbers, 4 % smaller; default no
 * @property {Partial<Record<SplatAttribute, number>>} [error] wanted RMS errors of single attributes instead of the
 *     quality's: position in the models' unit, scale as logarithms, alpha of 0 to 1, rotation in degrees
 * @property {Partial<Record<SplatAttribute, number>>} [maxError] the largest error of any splat, in the same units
 * @property {boolean} [keepOrder] splats come back in their order; default: where the second model has as many as the first
 * @property {Record<string, number>} [parameters] of the vqxyz codecs, by the names gsvvcompressor has: clustersRotationRe,
 *     clustersRotationIm, clustersOpacity, clustersScaling, clustersFeaturesDc, clustersFeaturesRest1 .. 4, maxDegree, tol,
 *     maxIter, k, sampleSize, seed, quantile, alpha, minStep, maxStep, tolerance, zstdLevel; also twoPass and degree of all codecs
 * @property {string} [codec] a name that `diffy splat encode --codec` knows
 * @property {(data: Uint8Array) => void} [write] takes the file piece by piece, each valid during the call; without it
 *     the encoder keeps them
 * @property {Codec} [loaded] a codec that is loaded already
 * @property {ArrayBuffer | Uint8Array | WebAssembly.Module} [wasmBinary] see {@link Codec.load}
 */

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
    const data = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        data.set(piece, at);
        at += piece.length;
    }
    return data;
}

export class SplatEncoder {
    #codec;
    #handle;
    /** @type {Uint8Array[]} */
    #pieces = [];

    /**
     * Use {@link SplatEncoder.create}.
     * @param {Codec} codec
     * @param {SplatEncoderOptions} options
     */
    constructor(codec, options) {
        this.#codec = codec;
        this.#handle = new Handle(codec, 'splat_encoder', { write: options.write ?? ((data) => void this.#pieces.push(data.slice())) });
        const [num, den] = options.frameRate ?? [30, 1];
        this.#handle.opening(() => this.#configure(options));
        this.#handle.opening(() => this.#handle.check(codec.withText(options.codec ?? '', (name) =>
            this.#handle.call('open', options.effort ?? 5, num, den, options.keyInterval ?? -1, Number(options.canonical ?? false), name))));
    }

    /** @param {SplatEncoderOptions} options */
    #configure(options) {
        this.#handle.check(this.#handle.call('quality', options.quality ?? 50));
        for (const [list, largest] of /** @type {const} */ ([[options.error, 0], [options.maxError, 1]]))
            for (const [name, value] of Object.entries(list ?? {})) {
                const known = this.#codec.withText(name, (text) => this.#handle.call('error', text, value, largest));
                if (!known || !(value > 0)) throw new DiffyError(Status.ARGUMENT, `There is no error "${name}" of ${value}: the names are position, scale, alpha, dc, rotation and sh.`);
            }
        const { keepOrder, access } = options;
        const parameters = { ...options.parameters, ...(keepOrder === undefined ? {} : { keepOrder: Number(keepOrder) }), ...(access === undefined ? {} : { access }) };
        for (const [name, value] of Object.entries(parameters)) {
            const known = this.#codec.withText(name, (text) => this.#handle.call('set', text, Number(value)));
            if (!known) throw new DiffyError(Status.ARGUMENT, `There is no parameter "${name}" of splat codecs that could be ${value}.`);
        }
        this.#checkCodec(options, !options.codec || options.codec === 'tree-range');
    }

    /** What the codec would not look at is refused.
     * @param {SplatEncoderOptions} options
     * @param {boolean} isTree */
    #checkCodec({ codec, quality, error, effort, canonical, parameters = {} }, isTree) {
        const names = isTree ? Object.keys(parameters).filter((name) => !['twoPass', 'degree', 'keepOrder', 'access'].includes(name))
            : Object.entries({ quality, error, effort, canonical }).filter(([, value]) => value !== undefined && value !== false).map(([name]) => name);
        if (!names.length) return;
        const reason = isTree ? 'are parameters of the vqxyz codecs: name one as codec' : `can't be chosen with ${codec}`;
        throw new DiffyError(Status.ARGUMENT, `${names.join(', ')} ${reason}.`);
    }

    /** @param {SplatEncoderOptions} [options] */
    static async create(options = {}) {
        return new SplatEncoder(options.loaded ?? (await Codec.load({ wasmBinary: options.wasmBinary })), options);
    }

    /**
     * Adds a frame: the bytes of a .ply, .spz, .sog, .glb or .splat file.
     * @param {Uint8Array} model
     * @returns {{ splats: number, odd: number, notes: string }} odd: splats with numbers that are kept exactly beside the
     *     coded ones, such as NaN; notes: what the file holds and a sequence does not, a sentence or nothing
     */
    push(model) {
        const at = this.#codec.call('malloc', Math.max(1, model.length));
        if (!at) throw new DiffyError(Status.MEMORY, 'There is no memory left for this model.');
        try {
            this.#codec.bytes(at, model.length).set(model);
            this.#handle.check(this.#handle.call('push', at, model.length));
            const [splats, odd] = this.#codec.result(2);
            return { splats, odd, notes: this.#codec.text(this.#handle.call('notes')) };
        } finally {
            this.#codec.call('free', at);
        }
    }

    /**
     * Ends the file and the encoder; `data` is empty when the pieces went elsewhere. Of `stats`, orderBytes is what keeping
     * the order took, exactBytes what numbers took that are kept exactly; cutModels is how many models the parameter
     * `degree` cut; positionError is the wanted RMS in the models' unit, 0 with codecs that have none.
     */
    finish() {
        this.#handle.check(this.#handle.call('finish'));
        const [frames, keyFrames, bytes, splats, orderBytes, exactBytes, cutModels, positionError, orderKept] = this.#codec.result(9);
        const data = joined(this.#pieces);
        this.close();
        return { data, stats: { frames, keyFrames, bytes, splats, orderBytes, exactBytes, cutModels, positionError, orderKept: !!orderKept } };
    }

    /** Frees the encoder's memory. */
    close() {
        this.#handle.close();
        this.#pieces = [];
    }

    [Symbol.dispose]() {
        this.close();
    }
}

/**
 * A model. Its arrays are copies and stay valid.
 * @typedef {object} SplatModel
 * @property {number} index number of the frame, from 0
 * @property {number} count splats
 * @property {number} degree of the spherical harmonics, 0..4
 * @property {Float32Array} xyz
 * @property {Float32Array} rotation w x y z
 * @property {Float32Array} scale natural logarithms
 * @property {Float32Array} opacity before the sigmoid
 * @property {Float32Array} dc the first colour coefficient of red, green, blue
 * @property {Float32Array} rest the others: all of red, all of green, all of blue
 */

export class SplatDecoder {
    #codec;
    #handle;
    #count = 0;
    /** @type {Uint8Array[]} */
    #written = [];
    /** Facts about the file. */
    info;
    /** What was lost so far, for people.
     * @type {string[]} */
    warnings = [];

    /**
     * Use {@link SplatDecoder.open}.
     * @param {Codec} codec
     * @param {{ size: number, read: (offset: number, target: Uint8Array) => number }} reader
     */
    constructor(codec, reader) {
        this.#codec = codec;
        this.#handle = new Handle(codec, 'splat_decoder', { read: reader.read, write: (data) => void this.#written.push(data.slice()) });
        this.info = this.#handle.opening(() => {
            this.#handle.check(this.#handle.call('open', reader.size));
            const name = codec.text(this.#handle.call('info'));
            const [degree, frames, keyFrames, bytes, num, den, complete, access] = codec.result(8);
            return { codec: name, degree, frames, keyFrames, bytes, frameRate: num / den, complete: !!complete, access };
        });
    }

    /**
     * @param {import('./decoder.js').DecoderSource} source
     * @param {{ codec?: Codec, wasmBinary?: import('./module.js').CodecOptions['wasmBinary'] }} [options]
     */
    static async open(source, options = {}) {
        const codec = options.codec ?? (await Codec.load({ wasmBinary: options.wasmBinary }));
        return new SplatDecoder(codec, await readerOf(source));
    }

    /** Bytes of a frame in the file, and whether decoding can begin with it.
     * @param {number} frame */
    frame(frame) {
        this.#handle.check(this.#handle.call('frame', frame));
        const [bytes, isKey] = this.#codec.result(2);
        return { bytes, isKey: !!isKey };
    }

    /** Number of the frame that comes next. */
    get position() {
        return this.#handle.call('position');
    }

    /** Makes a frame the next one.
     * @param {number} frame from 0 */
    seek(frame) {
        this.#handle.check(this.#handle.call('seek', frame));
    }

    /**
     * Decodes the next frame and leaves it in the codec, for write(), shapes(), colours() and order(). Damaged frames
     * are stepped over and noted in `warnings`.
     * @returns {number} its number, -1 at the end
     */
    advance() {
        for (;;) {
            const index = this.position, status = this.#handle.call('next');
            this.#count = 0;
            if (status === Status.END) return -1;
            if (status === Status.DAMAGED && this.position > index) {
                if (this.warnings.length < 100) this.warnings.push(this.#handle.message);
                continue;
            }
            this.#handle.check(status);
            [this.#count] = this.#codec.result(1);
            return index;
        }
    }

    /** The next frame's numbers, or null at the end.
     * @returns {SplatModel | null} */
    next() {
        const index = this.advance();
        if (index < 0) return null;
        const [count, degree, ...places] = this.#codec.result(8);
        const lengths = [3, 4, 3, 1, 3, 3 * ((degree + 1) ** 2 - 1)];
        const [xyz, rotation, scale, opacity, dc, rest] = lengths.map((length, i) => new Float32Array(this.#copy(places[i], 4 * count * length)));
        return { index, count, degree, xyz, rotation, scale, opacity, dc, rest };
    }

    /** The frame that was decoded last as a model file.
     * @param {SplatFormat} format */
    write(format) {
        this.#known(format);
        this.#written = [];
        this.#handle.check(this.#handle.call('write', formats[format]));
        const data = joined(this.#written);
        this.#written = [];
        return data;
    }

    /** What is lost of the frame that was decoded last in a format, beyond rounding: a sentence, or nothing.
     * @param {SplatFormat} format */
    losses(format) {
        this.#known(format);
        return this.#codec.text(this.#handle.call('losses', formats[format]));
    }

    /** Splats of the frame that was decoded last. */
    get count() {
        return this.#count;
    }

    /** Eight words a splat for a texture: x, y, z and a factor as floats, the covariance over that factor as six half
     * floats (xx xy, xz yy, yz zz), 0. */
    shapes() {
        return new Uint32Array(this.#made(this.#handle.call('shapes'), 32));
    }

    /** Red, green, blue, alpha of each splat as seen from a point.
     * @param {readonly number[]} eye x, y, z */
    colours([x, y, z]) {
        return new Uint8Array(this.#made(this.#handle.call('colours', x, y, z), 4));
    }

    /** Numbers of the splats from far to near along a direction.
     * @param {readonly number[]} forward x, y, z */
    order([x, y, z]) {
        return new Uint32Array(this.#made(this.#handle.call('order', x, y, z), 4));
    }

    /** Where a camera should look: a middle that stray splats don't move, and the radius that holds nine of ten. */
    bounds() {
        this.#handle.check(this.#handle.call('bounds'));
        const [x, y, z, radius] = this.#codec.result(4);
        return { centre: /** @type {[number, number, number]} */ ([x, y, z]), radius };
    }

    /** Frees the decoder's memory. */
    close() {
        this.#handle.close();
    }

    [Symbol.dispose]() {
        this.close();
    }

    /** @param {string} format */
    #known(format) {
        if (!(format in formats)) throw new DiffyError(Status.ARGUMENT, `${format} is none of the formats that can be written: ${Object.keys(formats).join(', ')}.`);
    }

    /** @param {number} at
     * @param {number} size */
    #copy(at, size) {
        return new Uint8Array(this.#codec.bytes(at, size)).buffer;
    }

    /** @param {number} at
     * @param {number} bytes a splat */
    #made(at, bytes) {
        if (!at) throw new DiffyError(Status.MEMORY, 'There is no frame to show, or no memory left for it.');
        return this.#copy(at, this.#count * bytes);
    }
}
