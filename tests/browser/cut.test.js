/** Video files that end in the middle of a piece. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isCutOff } from '../../wasm/cut.js';

/** A clip as ffmpeg pipes it.
 * @param {string[]} options */
const made = (...options) => execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=64x48:r=25:d=2', '-pix_fmt', 'yuv420p', '-g', '10', ...options, 'pipe:1'], { maxBuffer: 1 << 26 });
/** @param {Buffer} file */
const blobOf = (file) => new Blob([new Uint8Array(file)]);

for (const [name, options] of /** @type {[string, string[]][]} */ ([
    ['fragmented MP4', ['-c:v', 'libx264', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4']],
    ['live WebM', ['-c:v', 'libvpx', '-f', 'webm', '-live', '1', '-cluster_time_limit', '400']],
])) {
    test(`${name} that is whole, and that was cut`, async () => {
        const file = made(...options);
        assert.equal(await isCutOff(blobOf(file)), false);
        for (const part of [0.5, 0.7, 0.9]) assert.equal(await isCutOff(blobOf(file.subarray(0, Math.floor(file.length * part)))), true, `${part}`);
        assert.equal(await isCutOff(blobOf(Buffer.concat([file, Buffer.alloc(100)]))), false);
    });
}

test('what is neither counts as whole', async () => {
    for (const file of [Buffer.alloc(0), Buffer.from('short'), Buffer.alloc(5000, 1), Buffer.from('1a45dfa3ffffffffffffffffffffffffff', 'hex')])
        assert.equal(await isCutOff(blobOf(file)), false);
});
