/**
 * An encoder or decoder on the C side, which JavaScript has to free: its address, who it calls back, its calls and its
 * errors. The C functions of a kind share their beginning: decoder_new, decoder_next, decoder_message, decoder_close.
 */
import { DiffyError, Status } from './module.js';

export class Handle {
    #codec;
    #kind;
    #owner;
    #at;

    /**
     * Makes one; {@link Handle#opening} then opens it.
     * @param {import('./module.js').Codec} codec
     * @param {'decoder' | 'splat_decoder' | 'splat_encoder' | 'splat_player'} kind
     * @param {import('./module.js').CodecOwner} owner what it calls back
     */
    constructor(codec, kind, owner) {
        this.#codec = codec;
        this.#kind = kind;
        this.#owner = codec.addOwner(owner);
        this.#at = codec.call(`${kind}_new`, this.#owner);
        if (this.#at) return;
        codec.removeOwner(this.#owner);
        throw new DiffyError(Status.MEMORY, `There is no memory left for this ${this.#noun}.`);
    }

    get #noun() {
        return this.#kind.replace('splat_', '');
    }

    /** Runs what opens it and gives what that gives; when it throws, nothing stays behind.
     * @template T
     * @param {() => T} open */
    opening(open) {
        try {
            return open();
        } catch (error) {
            this.close();
            throw error;
        }
    }

    /**
     * Calls a C function of this kind; throws once closed.
     * @param {string} name without the kind, such as "next"
     * @param {...number} args behind the address
     */
    call(name, ...args) {
        if (!this.#at) throw new DiffyError(Status.ARGUMENT, `The ${this.#noun} is closed.`);
        return this.#codec.call(`${this.#kind}_${name}`, this.#at, ...args);
    }

    /** The codec's last remark, a sentence for people, or ''. */
    get message() {
        return this.#codec.text(this.call('message'));
    }

    /** Throws the codec's sentence for a negative status.
     * @param {number} status */
    check(status) {
        if (status < 0) throw this.#codec.error(status, this.call('message'));
    }

    /** Frees its memory; a second time does nothing. */
    close() {
        if (!this.#at) return;
        this.#codec.call(`${this.#kind}_close`, this.#at);
        this.#at = 0;
        this.#codec.removeOwner(this.#owner);
    }
}
