/**
 * Bundles the npm package: one module, the codec's loader and Mediabunny as chunks that are fetched when needed; and the
 * player's element with its worker in a folder of their own, beside a build of the codec that only decodes; and so the
 * player of splat sequences, whose adapters import three.js and PlayCanvas by name.
 */
const shared = /** @type {const} */ ({
    platform: 'browser',
    // Its paths are for the type checker: they lead to declarations.
    tsconfig: false,
});
/** @param {string} dir
 * @returns {import('rolldown').OutputOptions} */
const output = (dir) => ({ dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', minify: true });

export default [
    { ...shared, input: { diffy: 'wasm/index.js' }, output: output('build/npm') },
    {
        ...shared,
        input: { player: 'web/player/package.js', worker: 'web/player/worker.js' },
        resolve: { alias: { '#codec': new URL('../build/wasm/player/diffy.js', import.meta.url).pathname } },
        output: output('build/npm/player'),
    },
    {
        ...shared,
        input: {
            splats: 'web/splats/package.js',
            three: 'web/splats/package_three.js',
            playcanvas: 'web/splats/package_playcanvas.js',
            worker: 'web/splats/worker.js',
            sorter: 'web/splats/sorter.js',
        },
        external: ['three', 'playcanvas'],
        resolve: { alias: { '#splats': new URL('../build/wasm/splats/diffy.js', import.meta.url).pathname } },
        output: output('build/npm/splats'),
    },
];
