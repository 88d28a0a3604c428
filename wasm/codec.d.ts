/** What Emscripten makes of wasm/exports.c: build/wasm/diffy.js, imported as "#codec". */
declare const create: (moduleOptions?: object) => Promise<any>;
export default create;
