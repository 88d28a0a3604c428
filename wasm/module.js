/**
 * Loads the WebAssembly codec and wraps what both sides, encoder and decoder, need of it: memory, strings,
 * callbacks, errors. One instance serves any number of encoders and decoders; memory never shrinks, so a long job
 * deserves an instance (or a worker) of its own.
 */

/** Codes of DfyStatus that JavaScript tells apart. */
export const Status = /** @type {const} */ ({ OK: 0, END: 1, ARGUMENT: -1, MEMORY: -2, IO: -3, FORMAT: -4, DAMAGED: -5, UNSUPPORTED: -6, CANCELLED: -7 });

/** A failure of the codec: `message` is a sentence for people, `code` a number of {@link Status}. */
export class DiffyError extends Error {
    /**
     * @param {number} code
     * @param {string} message
     */
    constructor(code, message) {
        super(message);
        this.name = code === Status.CANCELLED ? 'AbortError' : 'DiffyError';
        this.code = code;
    }
}

/**
 * @typedef {object} CodecOptions
 * @property {ArrayBuffer | Uint8Array | WebAssembly.Module} [wasmBinary] the content of diffy.wasm; needed in Node.js, where
 *     nothing can be fetched by a relative address. In a page it is loaded from beside this module.
 * @property {(moduleOptions: object) => Promise<any>} [factory] another build of the codec: the one with threads
 * @property {number} [threads] that the build with threads is to have ready
 */

/** What the build with threads is linked for, in pages of 64 KiB: 64 MiB at the start, 2 GiB at most. */
const sharedMemoryPages = { initial: 1024, maximum: 32768 };

/** What an encoder or decoder does when the codec calls back.
 * @typedef {object} CodecOwner
 * @property {(data: Uint8Array) => void} [write]
 * @property {(offset: number, target: Uint8Array) => number} [read]
 * @property {(stage: number, done: number, total: number) => boolean} [progress] true cancels
 */

export class Codec {
    /**
     * @param {any} module Emscripten's
     * @param {WebAssembly.Memory | null} [memory] of the build with threads
     * @param {number} [threads]
     */
    constructor(module, memory = null, threads = 1) {
        this.module = module;
        this.memory = memory;
        this.threads = threads;
        /** @type {Map<number, CodecOwner>} */
        this.owners = new Map();
        this.nextOwner = 1;
        /** What a callback threw; it is thrown again once the C code has returned.
         * @type {unknown} */
        this.thrown = undefined;
        module.callbacks = {
            write: (/** @type {number} */ id, /** @type {number} */ at, /** @type {number} */ size) =>
                this.#guard(() => (this.owners.get(id)?.write?.(this.bytes(at, size)), 0), 1),
            read: (/** @type {number} */ id, /** @type {number} */ offset, /** @type {number} */ at, /** @type {number} */ size) =>
                this.#guard(() => this.owners.get(id)?.read?.(offset, this.bytes(at, size)) ?? -1, -1),
            progress: (/** @type {number} */ id, /** @type {number} */ stage, /** @type {number} */ done, /** @type {number} */ total) =>
                this.#guard(() => (this.owners.get(id)?.progress?.(stage, done, total) ? 1 : 0), 1),
        };
    }

    /**
     * @param {CodecOptions} [options]
     * @returns {Promise<Codec>}
     */
    static async load({ wasmBinary, factory, threads = 1 } = {}) {
        const create = factory ?? (await import('#codec')).default;
        /** @type {any} */
        const moduleOptions = { printErr: () => {} };
        if (wasmBinary instanceof WebAssembly.Module) {
            moduleOptions.instantiateWasm = (/** @type {any} */ imports, /** @type {any} */ done) => {
                WebAssembly.instantiate(wasmBinary, imports).then((instance) => done(instance, wasmBinary));
                return {};
            };
        } else if (wasmBinary) {
            moduleOptions.wasmBinary = wasmBinary;
        }
        if (!factory) return new Codec(await create(moduleOptions));
        const memory = new WebAssembly.Memory({ ...sharedMemoryPages, shared: true });
        // The caller's own thread is one of them.
        return new Codec(await create({ ...moduleOptions, wasmMemory: memory, threads: threads - 1 }), memory, threads);
    }

    /** Registers who is called back; the number goes to the C side.
     * @param {CodecOwner} owner */
    addOwner(owner) {
        this.owners.set(this.nextOwner, owner);
        return this.nextOwner++;
    }

    /** @param {number} id */
    removeOwner(id) {
        this.owners.delete(id);
    }

    /** All of the codec's memory as it is now: it grows, and another thread may have made it grow.
     * @returns {Uint8Array<ArrayBuffer>} */
    get heap() {
        return this.memory ? new Uint8Array(/** @type {any} */ (this.memory.buffer)) : this.module.HEAPU8;
    }

    /** A view into the codec's memory, valid until the next call into it.
     * @param {number} at
     * @param {number} size */
    bytes(at, size) {
        return this.heap.subarray(at >>> 0, (at >>> 0) + size);
    }

    /** The first numbers of the last call's result.
     * @param {number} count
     * @returns {number[]} */
    result(count) {
        return [...new Float64Array(this.heap.buffer, this.module._web_result() >>> 0, count)];
    }

    /** @param {number} at the address of a C string */
    text(at) {
        if (!at) return '';
        const heap = this.heap;
        let end = at >>> 0;
        while (heap[end]) end++;
        // A copy: TextDecoder takes no shared memory.
        return new TextDecoder().decode(heap.slice(at >>> 0, end));
    }

    /** Calls back with the address of a C copy of the string.
     * @template T
     * @param {string} string
     * @param {(at: number) => T} use */
    withText(string, use) {
        const data = new TextEncoder().encode(string);
        const at = this.module._web_malloc(data.length + 1);
        if (!at) throw new DiffyError(Status.MEMORY, 'There is no memory left for this.');
        try {
            const view = this.bytes(at, data.length + 1);
            view.set(data);
            view[data.length] = 0;
            return use(at);
        } finally {
            this.module._web_free(at);
        }
    }

    /**
     * Runs `use` with a copy of the bytes in the codec's memory.
     * @template T
     * @param {Uint8Array} data
     * @param {(at: number) => T} use
     * @returns {T}
     */
    withBytes(data, use) {
        const at = this.module._web_malloc(Math.max(1, data.length));
        if (!at) throw new DiffyError(Status.MEMORY, 'There is no memory left for this.');
        try {
            this.bytes(at, data.length).set(data);
            return use(at);
        } finally {
            this.module._web_free(at);
        }
    }

    /**
     * Calls the C side, throwing again what a callback threw meanwhile.
     * @param {string} name without the leading "web_"
     * @param {...number} args
     * @returns {number}
     */
    call(name, ...args) {
        this.thrown = undefined;
        let value;
        try {
            value = this.module[`_web_${name}`](...args);
        } catch (error) {
            throw error instanceof WebAssembly.RuntimeError
                ? new DiffyError(Status.MEMORY, 'The codec stopped: it ran out of memory or met a file it cannot handle.')
                : error;
        }
        if (this.thrown !== undefined) {
            const thrown = this.thrown;
            this.thrown = undefined;
            throw thrown;
        }
        return value;
    }

    /** An error for a negative status, with the sentence of encoder or decoder where it has one.
     * @param {number} status
     * @param {number} messageAt */
    error(status, messageAt) {
        const sentence = this.text(messageAt) || `The codec failed: ${this.text(this.module._web_strstatus(status))}.`;
        return new DiffyError(status, sentence);
    }

    /** Exceptions must not pass through the C code's frames. After the first one nothing is called back until it is thrown:
     * what C code tries in its stead would only hide it.
     * @template T
     * @param {() => T} callback
     * @param {T} failure */
    #guard(callback, failure) {
        if (this.thrown !== undefined) return failure;
        try {
            return callback();
        } catch (error) {
            this.thrown = error;
            return failure;
        }
    }
}
