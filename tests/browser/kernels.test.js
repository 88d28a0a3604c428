/** The kernels that are written for WebAssembly, against the C reference: tests/kernels/test_video_kernels.c as a program of its own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { WASI } from 'node:wasi';

test('kernels give what the reference gives', async () => {
    const wasi = new WASI({ version: 'preview1', returnOnExit: true });
    const program = await WebAssembly.compile(readFileSync(new URL('../../build/wasm/test_kernels.wasm', import.meta.url)));
    const instance = await WebAssembly.instantiate(program, /** @type {any} */ (wasi.getImportObject()));
    assert.equal(wasi.start(instance), 0);
});
