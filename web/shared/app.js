/** What makes the pages an app: offline use, notice of a new version, files opened or shared from the system. */
import { make } from './dom.js';

/** Registers the service worker, which lies at the site's root.
 * @param {string} [root] relative to the page */
export function startApp(root = './') {
    if (!('serviceWorker' in navigator)) return;
    const address = new URL(`${root}sw.js`, document.baseURI);
    addEventListener('load', async () => {
        try {
            const registration = await navigator.serviceWorker.register(address);
            if (registration.waiting && navigator.serviceWorker.controller) offerUpdate(registration.waiting);
            registration.addEventListener('updatefound', () => {
                const installing = registration.installing;
                installing?.addEventListener('statechange', () => {
                    if (installing.state === 'installed' && navigator.serviceWorker.controller) offerUpdate(installing);
                });
            });
        } catch {
            // Private windows refuse service workers: everything but offline use works without.
        }
    });
}

/** @param {ServiceWorker} worker */
function offerUpdate(worker) {
    if (document.querySelector('.notice')) return;
    const notice = make('div', { class: 'notice', role: 'status' }, 'There is a new version.');
    const update = () => {
        navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
        worker.postMessage('update');
    };
    notice.append(make('button', { type: 'button', class: 'small', onclick: update }, 'use it now'), make('button', { type: 'button', class: 'small', onclick: () => notice.remove() }, 'later'));
    document.body.append(notice);
}

/**
 * Files that the system opened with the installed app.
 * @param {(files: File[]) => void} open
 */
export function takeLaunchFiles(open) {
    const queue = /** @type {any} */ (globalThis).launchQueue;
    queue?.setConsumer(async (/** @type {{ files?: FileSystemFileHandle[] }} */ { files = [] }) => {
        if (files.length) open(await Promise.all(files.map((handle) => handle.getFile())));
    });
}

/** Files that were shared with the installed app; each is given once.
 * @returns {Promise<File[]>} */
export async function takeSharedFiles() {
    if (!new URLSearchParams(location.search).has('shared') || !('caches' in globalThis)) return [];
    const cache = await caches.open('diffy-shared'), files = [];
    for (const request of await cache.keys()) {
        const response = await cache.match(request);
        if (response) files.push(new File([await response.blob()], decodeURIComponent(response.headers.get('x-name') ?? 'shared'), { type: response.headers.get('content-type') ?? '' }));
        await cache.delete(request);
    }
    history.replaceState(null, '', './');
    return files;
}
