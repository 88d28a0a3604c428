/**
 * The two workers of a recording: one opens and decodes it, the other encodes what that one sends. Every recording has a pair
 * of its own, so that cancelling works whatever they are doing, and a crash takes nothing else with it.
 */
import { Remote } from '../shared/rpc.js';

/** @typedef {{ source: Remote, encoder: Remote }} Workers */

/** @type {Workers | null} */
let ready = null;

/** Starts the next recording's workers and has the codec loaded: call it when a recording is likely to come. */
export function prepareWorkers() {
    if (ready) return;
    ready = { source: newSourceWorker(), encoder: new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })) };
    // What goes wrong is told to the recording that wants the codec.
    ready.encoder.call('prepare').catch(() => {});
}

/** @returns {Workers} the caller's to close, both */
export function takeWorkers() {
    prepareWorkers();
    const workers = /** @type {Workers} */ (ready);
    ready = null;
    return workers;
}

export function newSourceWorker() {
    return new Remote(new Worker(new URL('./source-worker.js', import.meta.url), { type: 'module' }));
}
