/**
 * Calls between a page and its worker. The page awaits `remote.call(name, ...)`; the worker answers with
 * `serve({ name(args, emit) })`. An AbortSignal on the page's side reaches the worker as a signal of its own; work that
 * doesn't come back to its event loop is ended with the worker, see {@link Remote#close}.
 */

/**
 * @typedef {object} CallOptions
 * @property {Transferable[]} [transfer]
 * @property {(event: any) => void} [onEvent] what the worker emits before it answers
 * @property {AbortSignal} [signal]
 */

export class Remote {
    #worker;
    #next = 1;
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: unknown) => void, onEvent?: (event: any) => void }>} */
    #waiting = new Map();
    /** Why it answers no more.
     * @type {unknown} */
    #ended;

    /** @param {Worker} worker */
    constructor(worker) {
        this.#worker = worker;
        worker.addEventListener('message', ({ data }) => this.#receive(data));
        worker.addEventListener('error', (event) => {
            event.preventDefault();
            this.#fail(new Error(event.message ? `The worker stopped: ${event.message}` : 'The worker could not be started: reload the page.'));
        });
    }

    /**
     * @param {string} name
     * @param {any} [args]
     * @param {CallOptions} [options]
     * @returns {Promise<any>}
     */
    call(name, args, { transfer = [], onEvent, signal } = {}) {
        const id = this.#next++;
        signal?.throwIfAborted();
        if (this.#ended) return Promise.reject(this.#ended);
        signal?.addEventListener('abort', () => this.#worker.postMessage({ abort: id }), { once: true });
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject, onEvent });
            this.#worker.postMessage({ id, name, args }, transfer);
        });
    }

    /** Ends the worker at once, whatever it is doing; calls that still wait fail with an AbortError. */
    close() {
        this.#worker.terminate();
        this.#fail(new DOMException('Cancelled', 'AbortError'));
    }

    /** @param {any} data */
    #receive(data) {
        const call = this.#waiting.get(data.id);
        if (!call) return;
        if ('event' in data) return call.onEvent?.(data.event);
        this.#waiting.delete(data.id);
        if ('error' in data) call.reject(Object.assign(new Error(data.error.message), { name: data.error.name }));
        else call.resolve(data.value);
    }

    /** @param {unknown} error */
    #fail(error) {
        this.#ended ??= error;
        for (const call of this.#waiting.values()) call.reject(error);
        this.#waiting.clear();
    }
}

/**
 * The worker's side.
 * @param {Record<string, (args: any, emit: (event: any, transfer?: Transferable[]) => void, signal: AbortSignal) => any>} handlers
 */
export function serve(handlers) {
    const scope = /** @type {any} */ (self);
    /** @type {Map<number, AbortController>} */
    const running = new Map();
    scope.addEventListener('message', async (/** @type {MessageEvent} */ { data }) => {
        if (data.abort) return running.get(data.abort)?.abort();
        const { id, name, args } = data;
        const controller = new AbortController();
        running.set(id, controller);
        try {
            const value = await handlers[name](args, (event, transfer = []) => scope.postMessage({ id, event }, transfer), controller.signal);
            scope.postMessage({ id, value });
        } catch (error) {
            const { name: errorName, message } = error instanceof Error || error instanceof DOMException ? error : new Error(String(error));
            scope.postMessage({ id, error: { name: errorName, message } });
        } finally {
            running.delete(id);
        }
    });
}

/** @param {unknown} error */
export function isAbort(error) {
    return error instanceof Error && error.name === 'AbortError' || error instanceof DOMException && error.name === 'AbortError';
}
