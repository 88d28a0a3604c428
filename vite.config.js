/** The site: several plain pages, built into dist/ for any static host, under any path. */
import { existsSync } from 'node:fs';
import { defineConfig } from 'vite';

const root = new URL('./web/', import.meta.url).pathname;

export default defineConfig({
    root,
    base: './',
    publicDir: 'public',
    build: {
        outDir: '../dist',
        emptyOutDir: true,
        target: 'es2022',
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
        rolldownOptions: {
            input: Object.fromEntries(['', 'decode/', 'calc/', 'record/'].filter((page) => existsSync(`${root}${page}index.html`)).map((page) => [page.slice(0, -1) || 'encode', `${root}${page}index.html`])),
        },
    },
    worker: { format: 'es' },
});
