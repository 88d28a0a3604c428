/** Every vector in tests/vectors decodes in WebAssembly to what it decodes to elsewhere: pictures.c as a program of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url)), folder = join(top, 'tests/vectors');

/**
 * What the program prints for a file.
 * @param {Function} program
 * @param {Uint8Array} wasmBinary
 * @param {string} file
 */
async function picturesOf(program, wasmBinary, file) {
    const bytes = readFileSync(file), /** @type {string[]} */ lines = [];
    let at = 0;
    await program({
        wasmBinary,
        stdin: () => (at < bytes.length ? bytes[at++] : null),
        print: (/** @type {string} */ line) => lines.push(line),
        printErr: (/** @type {string} */ line) => assert.fail(line),
        quit: (/** @type {number} */ status) => assert.equal(status, 0),
    });
    return lines.map((line) => `${line}\n`).join('');
}

test('every vector gives the pictures that it gives elsewhere', async (t) => {
    if (spawnSync(join(top, 'tests/vectors/current.sh')).status) return t.skip('the vectors are of another draft');
    const { default: program } = await import(join(top, 'build/wasm/pictures.js'));
    const wasmBinary = readFileSync(join(top, 'build/wasm/pictures.wasm'));
    const names = readdirSync(folder).filter((file) => file.endsWith('.dfy')).map((file) => file.slice(0, -4)).sort();
    assert.ok(names.length >= 50);
    const wanted = readFileSync(join(folder, 'pictures.txt'), 'utf8').split(/^== /m).slice(1);
    const lines = new Map(wanted.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]));
    assert.deepEqual([...lines.keys()].sort(), names);
    for (const name of names) assert.equal(await picturesOf(program, wasmBinary, join(folder, `${name}.dfy`)), lines.get(name), name);
});
