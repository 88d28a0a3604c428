/** Bundles the npm package: one module, the codec's loader and Mediabunny as chunks that are fetched when needed. */
export default {
    input: { diffy: 'wasm/index.js' },
    platform: 'browser',
    // Its paths are for the type checker: they lead to declarations.
    tsconfig: false,
    output: { dir: 'build/npm', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', minify: true },
};
