/**
 * A file at an address, of which only the parts that are needed are fetched (HTTP ranges). The codec wants bytes at once: a
 * worker waits for them; elsewhere, where nobody may wait, the codec's call fails with {@link Missing}, the bytes are
 * fetched, and the call is made again.
 */
import { DiffyError, Status } from './module.js';

/** So much is asked of a server at a time, and so many such pieces are kept. Who reads on gets twice as many each time. */
const pieceBytes = 1 << 18, mostPieces = 128, mostAtOnce = 16;

/** Thrown by a read of bytes that are not there yet. */
export class Missing extends Error {
    /**
     * @param {number} from
     * @param {number} to exclusive
     */
    constructor(from, to) {
        super('These bytes are not loaded yet: use frameAt() or framesAt(), which wait for them.');
        this.name = 'Missing';
        this.from = from;
        this.to = to;
    }
}

/**
 * Where a decoder reads. `load` fetches what a {@link Missing} wants and throws any other error again; what has none is always
 * there.
 * @typedef {object} Reader
 * @property {number} size bytes
 * @property {(offset: number, target: Uint8Array) => number} read
 * @property {(error: unknown) => Promise<void>} [load]
 */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Uint8Array} bytes
 * @property {number} total of the file, NaN: not told, as servers of other hosts often don't
 * @property {string} version what tells one state of the file from another
 */

const inWorker = () => 'WorkerGlobalScope' in globalThis && 'XMLHttpRequest' in globalThis;

/** @param {string} address
 * @param {string} reason */
const failed = (address, reason) => new DiffyError(Status.IO, `${address} can't be fetched: the server ${reason}.`);
const silent = 'does not answer, or does not allow this page to read it';

/**
 * @param {number} from
 * @param {number} to exclusive
 */
const rangeOf = (from, to) => `bytes=${from}-${to - 1}`;

/**
 * @param {string} address
 * @param {number} status
 * @param {ArrayBuffer} body
 * @param {(name: string) => string | null} header
 * @returns {Answer}
 */
function answerOf(address, status, body, header) {
    const total = Number(/\/(\d+)$/.exec(header('content-range') ?? '')?.[1] ?? NaN);
    if (status !== 200 && status !== 206) throw failed(address, `answers ${status}`);
    return { status, bytes: new Uint8Array(body), total, version: header('etag') ?? header('last-modified') ?? '' };
}

/**
 * Waits, in a worker.
 * @param {string} address
 * @param {number} from
 * @param {number} to exclusive
 */
function requestNow(address, from, to) {
    const call = new XMLHttpRequest();
    call.open('GET', address, false);
    call.responseType = 'arraybuffer';
    call.setRequestHeader('range', rangeOf(from, to));
    try {
        call.send();
    } catch {
        throw failed(address, silent);
    }
    // Asking for a header that another host keeps to itself would be told on the console as a fault.
    const headers = new Headers(call.getAllResponseHeaders().trim().split(/\r?\n/).filter((line) => line.includes(':')).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
    return answerOf(address, call.status, call.response, (name) => headers.get(name));
}

/**
 * @param {string} address
 * @param {number} from
 * @param {number} to exclusive
 */
async function request(address, from, to) {
    const ask = () => fetch(address, { headers: { range: rangeOf(from, to) } });
    // A connection that was kept open may have been closed meanwhile.
    const answer = await ask().catch(ask).catch(() => {
        throw failed(address, silent);
    });
    return answerOf(address, answer.status, await answer.arrayBuffer(), (name) => answer.headers.get(name));
}

/**
 * @param {string} address http:, https:, blob: or data:
 * @returns {Promise<Reader | Blob | Uint8Array>} all of it where the server gives no parts
 */
export async function openAddress(address) {
    if (/^(blob|data):/.test(address)) return (await fetch(address)).blob();
    const first = await request(address, 0, pieceBytes);
    if (first.status === 200) return first.bytes;
    if (Number.isNaN(first.total)) first.total = await lengthOf(address);
    return first.total > 0 ? new Remote(address, first) : (await fetch(address)).blob();
}

/** Bytes of a file, which any host may be asked for; NaN: it doesn't say.
 * @param {string} address */
async function lengthOf(address) {
    const answer = await fetch(address, { method: 'HEAD' }).catch(() => null);
    return answer?.ok && !answer.headers.get('content-encoding') ? Number(answer.headers.get('content-length') ?? NaN) : NaN;
}

/** @implements {Reader} */
class Remote {
    #address;
    #version;
    /** By number; those used last come last.
     * @type {Map<number, Uint8Array>} */
    #pieces;
    #most = mostPieces;
    /** The piece behind those that were fetched last, and how many those were. */
    #next = 1;
    #run = 1;

    /**
     * @param {string} address
     * @param {Answer} first piece
     */
    constructor(address, first) {
        this.#address = address;
        this.#version = first.version;
        this.#pieces = new Map([[0, first.bytes]]);
        this.size = first.total;
    }

    /**
     * @param {number} offset
     * @param {Uint8Array} target
     */
    read(offset, target) {
        const end = Math.min(this.size, offset + target.length);
        if (offset >= end) return 0;
        this.#have(offset, end);
        for (let done = 0; offset + done < end; ) {
            const at = offset + done, index = Math.floor(at / pieceBytes), start = at - index * pieceBytes;
            const part = /** @type {Uint8Array} */ (this.#pieces.get(index)).subarray(start, start + end - at);
            if (!part.length) throw new DiffyError(Status.IO, `${this.#address} became shorter while being read: open it again.`);
            target.set(part, done);
            done += part.length;
        }
        return end - offset;
    }

    /** @param {unknown} error */
    async load(error) {
        if (!(error instanceof Missing)) throw error;
        this.#add(error.from, await request(this.#address, error.from, error.to));
    }

    /** Sees to it that bytes are there.
     * @param {number} from
     * @param {number} to exclusive */
    #have(from, to) {
        const first = Math.floor(from / pieceBytes), last = Math.floor((to - 1) / pieceBytes);
        let missing = -1, end = -1;
        for (let index = first; index <= last; index++) {
            const piece = this.#pieces.get(index);
            if (!piece) {
                if (missing < 0) missing = index;
                end = index + 1;
                continue;
            }
            this.#pieces.delete(index);
            this.#pieces.set(index, piece);
        }
        if (missing < 0) return;
        this.#most = Math.max(this.#most, last - first + 1);
        this.#run = missing === this.#next ? Math.min(mostAtOnce, 2 * this.#run) : 1;
        this.#next = Math.max(end, missing + this.#run);
        const want = new Missing(missing * pieceBytes, Math.min(this.size, this.#next * pieceBytes));
        if (!inWorker()) throw want;
        this.#add(want.from, requestNow(this.#address, want.from, want.to));
    }

    /**
     * @param {number} from
     * @param {Answer} answer
     */
    #add(from, { status, bytes, total, version }) {
        if (status !== 206 || (!Number.isNaN(total) && total !== this.size) || version !== this.#version) {
            throw new DiffyError(Status.IO, `${this.#address} changed while being read: open it again.`);
        }
        for (let at = 0; at < bytes.length; at += pieceBytes) {
            const index = (from + at) / pieceBytes;
            this.#pieces.delete(index);
            this.#pieces.set(index, bytes.subarray(at, at + pieceBytes));
        }
        for (const index of this.#pieces.keys()) {
            if (this.#pieces.size <= this.#most) break;
            this.#pieces.delete(index);
        }
    }
}
