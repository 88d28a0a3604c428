/** The site: several plain pages, built into dist/ for any static host, under any path. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const root = new URL('./web/', import.meta.url).pathname;

/** The build with threads goes along as it is: its own workers load its files by name. */
const threads = {
    name: 'diffy-threads',
    /** @this {any} */
    generateBundle() {
        const folder = new URL('./build/wasm/threads/', import.meta.url).pathname;
        for (const name of readdirSync(folder)) this.emitFile({ type: 'asset', fileName: `threads/${name}`, source: readFileSync(folder + name) });
    },
};

/** Decoders for what browsers can't read, where `make media` has built them: loaded by name when they are needed. */
const media = {
    name: 'diffy-media',
    /** @this {any} */
    generateBundle() {
        const folder = new URL('./build/wasm/media/', import.meta.url).pathname;
        for (const name of ['media.js', 'media.wasm', 'LICENSE.txt']) if (existsSync(folder + name)) this.emitFile({ type: 'asset', fileName: `media/${name}`, source: readFileSync(folder + name) });
    },
};

/** Whose work the site is made of. */
const notices = {
    name: 'diffy-notices',
    /** @this {any} */
    generateBundle() {
        for (const name of ['NOTICE', 'LICENSE']) this.emitFile({ type: 'asset', fileName: `${name}.txt`, source: readFileSync(new URL(`./${name}`, import.meta.url)) });
    },
};

/** The page that a video is saved in, which the site's pages fill. It is no page of the site: hence the name. */
const savedPage = {
    name: 'diffy-saved-page',
    /** @this {any} */
    generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'saved-page.txt', source: readFileSync(new URL('./build/player/page.html', import.meta.url)) });
    },
};

/** What the heads of all pages have in common, put in where they say so: the built pages are as static as if it stood there. */
const commonHeads = {
    name: 'diffy-heads',
    transformIndexHtml: {
        order: /** @type {const} */ ('pre'),
        /** @param {string} html
         * @param {{ path: string }} page */
        handler(html, { path }) {
            const folder = path.slice(1, path.lastIndexOf('/') + 1), toRoot = folder ? '../' : './';
            const part = (/** @type {string} */ name) => readFileSync(`${root}shared/${name}.html`, 'utf8').trimEnd()
                .replace(`<a href="{root}${folder}"`, '$& aria-current="page"').replaceAll('{root}', toRoot);
            // The decode page plays from any address that it is given.
            const head = folder === 'decode/' ? part('head').replace("connect-src 'self'", "connect-src 'self' https: http:") : part('head');
            return html.replace('<!-- head -->', () => head).replace('<!-- header -->', () => part('header'));
        },
    },
};

export default defineConfig({
    root,
    plugins: [
        commonHeads,
        threads,
        media,
        notices,
        savedPage,
        VitePWA({
            strategies: 'injectManifest',
            srcDir: '.',
            filename: 'sw.js',
            injectRegister: false,
            // web/public has it, since plugins put the same relative link on pages in folders.
            manifest: false,
            injectManifest: {
                globPatterns: ['**/*.{html,js,css,wasm,svg,png,webmanifest}'],
                globIgnores: ['screenshots/**', 'media/**'],
                maximumFileSizeToCacheInBytes: 16e6,
                injectionPoint: 'self.__WB_MANIFEST',
            },
        }),
    ],
    base: './',
    publicDir: 'public',
    build: {
        outDir: '../dist',
        emptyOutDir: true,
        target: 'es2022',
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
        rolldownOptions: {
            input: Object.fromEntries(['', 'decode/', 'calc/', 'record/', 'splat/'].map((page) => [page.slice(0, -1) || 'encode', `${root}${page}index.html`])),
        },
    },
    worker: { format: 'es' },
});
