/**
 * The service worker: every page works offline after one visit. It keeps the site's files in a cache of their own version,
 * adds the headers that make pages cross-origin isolated where the host can't, and takes videos that are shared with the
 * installed app.
 *
 * A new version waits until the page says 'update', so that nothing changes under work that is going on.
 */

/** The list that the build fills in: every file of the site with its revision.
 * @type {{ url: string, revision: string | null }[]} */
// @ts-expect-error the name is replaced by the build
const files = self.__WB_MANIFEST;

const scope = /** @type {any} */ (self);
const prefix = 'diffy-';
const cacheName = `${prefix}${hash(JSON.stringify(files))}`;
/** The readers of rare videos, and the page that a video is saved in: too large to be fetched with the first visit. */
const onDemand = /\/(media\/media\.(js|wasm)|saved-page\.txt)$/;
const sharedCache = `${prefix}shared`;

/** FNV-1a: names the version, nothing more.
 * @param {string} text */
function hash(text) {
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return (value >>> 0).toString(16);
}

scope.addEventListener('install', (/** @type {any} */ event) => {
    event.waitUntil((async () => {
        const cache = await caches.open(cacheName);
        await cache.addAll(files.map(({ url }) => new Request(new URL(url, scope.registration.scope), { cache: 'no-cache' })));
        // The first visit has nothing to keep going.
        if (!scope.registration.active) await scope.skipWaiting();
    })());
});

scope.addEventListener('activate', (/** @type {any} */ event) => {
    event.waitUntil((async () => {
        for (const name of await caches.keys()) if (name.startsWith(prefix) && name !== cacheName && name !== sharedCache) await caches.delete(name);
        await scope.clients.claim();
    })());
});

scope.addEventListener('message', (/** @type {any} */ { data }) => {
    if (data === 'update') void scope.skipWaiting();
});

scope.addEventListener('fetch', (/** @type {any} */ event) => {
    const url = new URL(event.request.url);
    if (url.origin !== scope.location.origin) return;
    if (event.request.method === 'POST' && url.href === `${scope.registration.scope}share`) return event.respondWith(takeShared(event.request));
    if (event.request.method === 'GET') event.respondWith(answer(event.request, url));
});

/**
 * @param {Request} request
 * @param {URL} url
 */
async function answer(request, url) {
    const cache = await caches.open(cacheName);
    const page = url.pathname.endsWith('/') ? `${url.origin}${url.pathname}index.html` : `${url.origin}${url.pathname}`;
    const kept = await cache.match(page), response = kept ?? (await fetch(request));
    // What not everybody wants is kept once somebody has wanted it.
    if (!kept && response.status === 200 && onDemand.test(url.pathname)) await cache.put(page, response.clone());
    return isolated(response);
}

/** @param {Response} response */
function isolated(response) {
    if (response.type === 'opaque' || response.type === 'opaqueredirect' || response.status === 0) return response;
    const headers = new Headers(response.headers);
    headers.set('cross-origin-opener-policy', 'same-origin');
    headers.set('cross-origin-embedder-policy', 'require-corp');
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** Whether it comes from the system's share sheet, which has no referrer, or from a page of this site: other sites' forms may
 * not leave files here.
 * @param {Request} request */
function isOwn({ referrer }) {
    return !referrer || referrer === 'about:client' || new URL(referrer).origin === scope.location.origin;
}

/** Keeps what was shared until the page asks for it.
 * @param {Request} request */
async function takeShared(request) {
    const home = new URL('./?shared', scope.registration.scope);
    if (!isOwn(request)) return Response.redirect(scope.registration.scope, 303);
    try {
        const cache = await caches.open(sharedCache);
        let number = 0;
        for (const file of (await request.formData()).getAll('files')) {
            if (file instanceof File) await cache.put(`${scope.registration.scope}shared/${number++}`, new Response(file, { headers: { 'x-name': encodeURIComponent(file.name) } }));
        }
    } catch {
        // Nothing usable was shared: the page opens all the same.
    }
    return Response.redirect(home.href, 303);
}
