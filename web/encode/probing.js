/** Probes recordings one after another in a worker of their own, which goes when there is nothing more to look at. */
import { offerElement } from './element.js';
import { newSourceWorker } from './workers.js';

/** @type {import('./job.js').Job[]} */
const wanted = [];
let working = false;

/** Whoever looks at a file for longer than this is stuck, in milliseconds. */
const patience = 20_000;

/** @param {import('./job.js').Job} job
 * @param {import('./options.js').EncodeSettings} settings */
export function probe(job, settings) {
    wanted.push(job);
    void work(settings);
}

/** @param {import('./options.js').EncodeSettings} settings */
async function work(settings) {
    if (working) return;
    working = true;
    /** @type {import('../shared/rpc.js').Remote | null} */
    let remote = null;
    for (let job = wanted.shift(); job; job = wanted.shift()) {
        if (!job.source || !['waiting', 'running'].includes(job.state)) continue;
        const element = job.source.kind === 'video' ? offerElement(job.source.file) : null;
        const watched = (remote ??= newSourceWorker());
        const timer = setTimeout(() => watched.close(), patience);
        try {
            job.probed(await remote.call('probe', { source: job.source, settings, element: element?.port }, { transfer: element ? [element.port] : [] }));
        } catch (error) {
            if (error instanceof Error && error.name !== 'AbortError' && !/worker/i.test(error.message)) job.unreadable(error.message);
            remote.close();
            remote = null;
        }
        clearTimeout(timer);
        element?.close();
    }
    remote?.close();
    working = false;
}
