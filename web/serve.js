/**
 * A small static server for the built site: `node web/serve.js [folder] [port] [address]`. Only this
 * machine reaches it unless an address says otherwise. It sends the headers that make a page
 * cross-origin isolated, which threads in WebAssembly need.
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @type {Record<string, string>} */
const types = {
    '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8', '.wasm': 'application/wasm', '.json': 'application/json', '.svg': 'image/svg+xml',
    '.png': 'image/png', '.webmanifest': 'application/manifest+json', '.txt': 'text/plain; charset=utf-8', '.map': 'application/json',
};

/** @param {string} url
 * @returns {string | null} null: there is no such path */
function pathOf(url) {
    try {
        const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
        // What would end a header or a name is in no path of a site.
        return [...path].some((letter) => letter < ' ' || letter === '\x7f') ? null : path;
    } catch {
        return null;
    }
}

/** @param {string} file */
function statOf(file) {
    try {
        return statSync(file);
    } catch {
        // It isn't there, or part of its path is no folder.
        return undefined;
    }
}

/**
 * @param {string} folder
 * @param {{ isolated?: boolean }} [options] isolated: send the cross-origin isolation headers (the default)
 */
export function createSite(folder, { isolated = true } = {}) {
    const root = resolve(folder);
    return createServer((request, response) => {
        const path = pathOf(request.url ?? '/');
        if (path === null) return void response.writeHead(400).end();
        let file = normalize(join(root, path));
        if (file !== root && !file.startsWith(root + sep)) return void response.writeHead(403).end();
        let stat = statOf(file);
        if (stat?.isDirectory() && !path.endsWith('/')) return void response.writeHead(301, { location: encodeURI(`/${relative(root, file)}/`.replaceAll(sep, '/')) }).end();
        if (stat?.isDirectory()) stat = statOf((file = join(file, 'index.html')));
        if (!stat?.isFile()) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such page.');
        response.writeHead(200, {
            'content-type': types[extname(file)] ?? 'application/octet-stream',
            'content-length': stat.size,
            'cache-control': 'no-cache',
            'x-content-type-options': 'nosniff',
            ...(isolated ? { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' } : {}),
        });
        if (request.method === 'HEAD') return void response.end();
        createReadStream(file).on('error', () => response.destroy()).pipe(response);
    });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
    const [folder = 'dist', port = '8080', host = '127.0.0.1'] = process.argv.slice(2);
    createSite(folder).listen(Number(port), host, () => console.log(`The site is on http://localhost:${port}`));
}
