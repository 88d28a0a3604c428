/**
 * Where a sequence's bytes come from, without anybody waiting for them but the one who asked: parts of a file at an address
 * (HTTP ranges), of a Blob or of memory; or, where a server gives no parts, the file as it comes. `have` waits until bytes are
 * there; `read`, which C code calls, gives what is there and throws otherwise.
 */
import { DiffyError, Status } from '../../wasm/module.js';
import { Missing } from '../../wasm/remote.js';

/** @typedef {Blob | ArrayBuffer | Uint8Array | string | URL} SplatSource */

/** So much is asked for at a time at least and at most, and so much is kept. */
const pieceBytes = 1 << 17, mostAtOnce = 1 << 22, mostKept = 128 << 20;

/** @param {string} address
 * @param {string} reason */
const failed = (address, reason) => new DiffyError(Status.IO, `${address} can't be fetched: the server ${reason}.`);
const silent = 'does not answer, or does not allow this page to read it';

/**
 * @param {SplatSource} source
 * @returns {Promise<Parts | Growing>}
 */
export async function openSource(source) {
    if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
        const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
        return new Parts(bytes.length, async (from, to) => bytes.subarray(from, to));
    }
    if (source instanceof Blob) return new Parts(source.size, async (from, to) => new Uint8Array(await source.slice(from, to).arrayBuffer()));
    const address = String(source);
    if (/^(blob|data):/.test(address)) return openSource(await (await fetch(address)).blob());
    const answer = await ask(address, 0, pieceBytes), total = Number(/\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1] ?? NaN);
    if (answer.status === 206 && total >= 0) {
        const version = versionOf(answer), first = new Uint8Array(await answer.arrayBuffer());
        return new Parts(total, (from, to, signal) => fetchPart(address, from, to, { total, version }, signal), first);
    }
    if (answer.status !== 200 || !answer.body) throw failed(address, `answers ${answer.status}`);
    return new Growing(address, answer.body);
}

/** @param {Response} answer */
const versionOf = (answer) => answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? '';

/**
 * @param {string} address
 * @param {number} from
 * @param {number} to exclusive
 * @param {AbortSignal} [signal]
 */
async function ask(address, from, to, signal) {
    const call = () => fetch(address, { headers: { range: `bytes=${from}-${to - 1}` }, signal });
    // A connection that was kept open may have been closed meanwhile.
    return call().catch((error) => (signal?.aborted ? Promise.reject(error) : call())).catch((error) => {
        throw signal?.aborted ? error : failed(address, silent);
    });
}

/**
 * @param {string} address
 * @param {number} from
 * @param {number} to exclusive
 * @param {{ total: number, version: string }} file
 * @param {AbortSignal} [signal]
 */
async function fetchPart(address, from, to, { total, version }, signal) {
    const answer = await ask(address, from, to, signal);
    if (answer.status !== 206 && answer.status !== 200) throw failed(address, `answers ${answer.status}`);
    if (answer.status !== 206 || !answer.headers.get('content-range')?.endsWith(`/${total}`) || versionOf(answer) !== version) {
        throw new DiffyError(Status.IO, `${address} changed while being read: open it again.`);
    }
    return new Uint8Array(await answer.arrayBuffer());
}

/** A file of which any part can be had. */
export class Parts {
    #load;
    /** By number; those used last come last.
     * @type {Map<number, Uint8Array>} */
    #pieces = new Map();
    /** On their way.
     * @type {Map<number, Promise<void>>} */
    #coming = new Map();
    /** All of the file is known to be there. */
    whole = true;

    /**
     * @param {number} size bytes
     * @param {(from: number, to: number, signal?: AbortSignal) => Promise<Uint8Array>} load
     * @param {Uint8Array} [first] the beginning
     */
    constructor(size, load, first) {
        this.size = size;
        this.#load = load;
        if (first) this.#keep(0, first);
    }

    /** @param {number} offset
     * @param {Uint8Array} target */
    read(offset, target) {
        const end = Math.min(this.size, offset + target.length);
        if (offset >= end) return 0;
        for (let at = offset; at < end; ) {
            const index = Math.floor(at / pieceBytes), piece = this.#pieces.get(index);
            if (!piece) throw new Missing(offset, end);
            const part = piece.subarray(at - index * pieceBytes, end - index * pieceBytes);
            if (!part.length) throw new DiffyError(Status.IO, 'The file became shorter while being read: open it again.');
            target.set(part, at - offset);
            at += part.length;
        }
        return end - offset;
    }

    /**
     * Waits until bytes are there.
     * @param {number} from
     * @param {number} to exclusive
     * @param {AbortSignal} [signal]
     */
    async have(from, to, signal) {
        const last = Math.ceil(Math.min(to, this.size) / pieceBytes);
        /** @type {Promise<void>[]} */
        const waiting = [];
        for (let index = Math.floor(from / pieceBytes); index < last; ) {
            const piece = this.#pieces.get(index), coming = this.#coming.get(index);
            if (piece) {
                this.#pieces.delete(index);
                this.#pieces.set(index, piece);
                index++;
            } else if (coming) {
                waiting.push(coming);
                index++;
            } else {
                let end = index + 1;
                while (end < last && !this.#pieces.has(end) && !this.#coming.has(end) && (end - index) * pieceBytes < mostAtOnce) end++;
                waiting.push(this.#fetch(index, end, signal));
                index = end;
            }
        }
        // A part that another asked for and gave up is asked for again.
        const results = await Promise.allSettled(waiting);
        signal?.throwIfAborted();
        const lost = results.find((result) => result.status === 'rejected');
        if (!lost) return;
        if (lost.reason?.name !== 'AbortError') throw lost.reason;
        await this.have(from, to, signal);
    }

    /**
     * @param {number} from piece
     * @param {number} to exclusive
     * @param {AbortSignal} [signal]
     */
    #fetch(from, to, signal) {
        const end = Math.min(this.size, to * pieceBytes);
        const done = this.#load(from * pieceBytes, end, signal).then((bytes) => {
            if (bytes.length !== end - from * pieceBytes) throw new DiffyError(Status.IO, 'The server sent less than requested: try again.');
            this.#keep(from, bytes);
        }).finally(() => {
            for (let index = from; index < to; index++) this.#coming.delete(index);
        });
        for (let index = from; index < to; index++) this.#coming.set(index, done);
        return done;
    }

    /** @param {number} index
     * @param {Uint8Array} bytes */
    #keep(index, bytes) {
        for (let at = 0; at < bytes.length; at += pieceBytes, index++) this.#pieces.set(index, bytes.subarray(at, at + pieceBytes));
        for (const old of this.#pieces.keys()) {
            if (this.#pieces.size * pieceBytes <= mostKept) break;
            this.#pieces.delete(old);
        }
    }

    /** Nothing comes of itself. */
    close() {}
}

/** A file that comes from its beginning to its end, and is kept. */
export class Growing {
    #reader;
    /** @type {Uint8Array[]} pieces of pieceBytes, the last one being filled */
    #pieces = [];
    #error = /** @type {unknown} */ (null);
    /** @type {(() => void)[]} */
    #waiting = [];
    /** Bytes that are there. */
    size = 0;
    whole = false;

    /**
     * @param {string} address
     * @param {ReadableStream<Uint8Array>} body
     */
    constructor(address, body) {
        this.#reader = body.getReader();
        void this.#take().catch((error) => {
            this.#error ??= failed(address, `stopped sending (${error instanceof Error ? error.message : error})`);
            this.#tell();
        });
    }

    async #take() {
        for (;;) {
            const { done, value } = await this.#reader.read();
            if (done) break;
            for (let at = 0; at < value.length; ) {
                const inside = this.size % pieceBytes, part = value.subarray(at, at + pieceBytes - inside);
                if (!inside) this.#pieces.push(new Uint8Array(pieceBytes));
                this.#pieces[this.#pieces.length - 1].set(part, inside);
                this.size += part.length;
                at += part.length;
            }
            this.#tell();
        }
        this.whole = true;
        this.#tell();
    }

    #tell() {
        for (const go of this.#waiting.splice(0)) go();
    }

    /** Waits until more bytes are there, or all.
     * @param {AbortSignal} [signal] */
    more(signal) {
        if (this.whole || this.#error) return Promise.resolve();
        return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
            this.#waiting.push(resolve);
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
    }

    /**
     * Waits until bytes are there.
     * @param {number} _from
     * @param {number} to exclusive
     * @param {AbortSignal} [signal]
     */
    async have(_from, to, signal) {
        while (this.size < to && !this.whole) {
            if (this.#error) throw this.#error;
            await this.more(signal);
        }
    }

    /** @param {number} offset
     * @param {Uint8Array} target */
    read(offset, target) {
        const end = Math.min(this.size, offset + target.length);
        for (let at = offset; at < end; ) {
            const start = at % pieceBytes, part = this.#pieces[Math.floor(at / pieceBytes)].subarray(start, start + end - at);
            target.set(part, at - offset);
            at += part.length;
        }
        return Math.max(0, end - offset);
    }

    close() {
        void this.#reader.cancel().catch(() => {});
    }
}
