/**
 * Frames on their way from the worker that gets them to the one that encodes them, so that both work at the same time. So
 * many frames, or bytes, may be under way; the getting worker waits for room, and gets the memory of encoded frames back.
 */

/**
 * @typedef {object} SentFrame
 * @property {import('../../wasm/encoder.js').RawFrame} picture
 * @property {number} [timestamp] seconds
 * @property {0 | 90 | 180 | 270} [rotation]
 * @property {boolean} [flip]
 * @property {import('../../wasm/picture.js').Colour} [made] what RGB was made by that was YCbCr before
 * @property {import('../../wasm/decoder.js').DiffySoundPacket[]} [sound] packets that come with it
 */

/** @typedef {import('../encode/sources.js').Ending} Ending */

/** The getting worker's end. */
export class FrameSender {
    #port;
    #limits;
    #frames = 0;
    #bytes = 0;
    /** Bytes of the pictures that memory was asked for last: that of others is of no use. */
    #size = 0;
    /** @type {Uint8Array<ArrayBuffer>[]} */
    #spare = [];
    #wake = () => {};

    /**
     * @param {MessagePort} port
     * @param {{ frames: number, bytes: number }} limits of what is under way; the last frame may exceed the bytes
     */
    constructor(port, limits) {
        this.#port = port;
        this.#limits = limits;
        port.onmessage = ({ data }) => this.#takeBack(data.memory);
    }

    /** @param {Uint8Array<ArrayBuffer>} memory of a frame that is encoded */
    #takeBack(memory) {
        this.#frames--;
        this.#bytes -= memory.length;
        if (memory.length === this.#size) this.#spare.push(memory);
        this.#wake();
    }

    /** Memory for a picture: where there is some, that of one which is encoded.
     * @param {number} bytes */
    memoryFor(bytes) {
        if (bytes !== this.#size) this.#spare = [];
        this.#size = bytes;
        return this.#spare.pop() ?? new Uint8Array(bytes);
    }

    /** Comes back when another frame may be sent. */
    async room() {
        while (this.#frames >= this.#limits.frames || this.#bytes >= this.#limits.bytes)
            await new Promise((/** @type {(value?: unknown) => void} */ resolve) => (this.#wake = resolve));
    }

    /** Sends a frame; its pixels are gone then.
     * @param {SentFrame} frame */
    send(frame) {
        const { data } = frame.picture;
        this.#frames++;
        this.#bytes += data.length;
        this.#port.postMessage({ frame }, [data.buffer]);
    }

    /** No more will come.
     * @param {unknown} [error] because of this
     * @param {Ending} [ending] what is known now */
    end(error, ending) {
        this.#port.postMessage({ end: true, ending, problem: error === undefined ? undefined : error instanceof Error ? error.message : String(error) });
    }
}

/**
 * The encoding worker's end: frames as they come. Asking for the next gives the memory of the one before back.
 * @param {MessagePort} port
 * @param {(ending: Ending) => void} [onEnd] gets what is known when all have come
 * @returns {AsyncGenerator<SentFrame>}
 */
export async function* receiveFrames(port, onEnd) {
    /** @type {{ frame?: SentFrame, end?: true, problem?: string, ending?: Ending }[]} */
    const arrived = [];
    let wake = () => {};
    port.onmessage = ({ data }) => {
        arrived.push(data);
        wake();
    };
    for (;;) {
        const message = arrived.shift();
        if (message?.frame) {
            yield message.frame;
            const { buffer } = message.frame.picture.data;
            port.postMessage({ memory: new Uint8Array(buffer) }, [buffer]);
        } else if (message?.problem !== undefined) {
            throw new Error(message.problem);
        } else if (message) {
            if (message.ending) onEnd?.(message.ending);
            return;
        } else {
            await new Promise((/** @type {(value?: unknown) => void} */ resolve) => (wake = resolve));
        }
    }
}
