/** What a .dfy file is, by build/diffy: for tests that went through the command line or the site alike. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';

/** Facts in the shape that compare.js wants.
 * @param {string} diffy the command
 * @param {string} file */
export function infoOf(diffy, file) {
    const info = JSON.parse(execFileSync(diffy, ['info', '--json', file], { encoding: 'utf8', maxBuffer: 1e8 }));
    return { ...info, full: info.range === 'full', matrix: info.h273.matrix, rate: info.frame_rate };
}

/**
 * Pixels of a frame as `decode` writes them.
 * @param {string} diffy
 * @param {string} file
 * @param {number} frame
 */
export function pictureOf(diffy, file, frame) {
    const folder = mkdtempSync(join(tmpdir(), 'diffy-')), out = join(folder, 'out');
    try {
        execFileSync(diffy, ['decode', '--frames', String(frame), file, `${out}/`]);
        return readPng(readFileSync(join(out, readdirSync(out)[0])));
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** A PNG of 8-bit RGB.
 * @param {Buffer} file */
function readPng(file) {
    const width = file.readUInt32BE(16), height = file.readUInt32BE(20), parts = [];
    for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at))
        if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
    const raw = inflateSync(Buffer.concat(parts)), stride = width * 3, data = new Uint8Array(stride * height);
    for (let y = 0; y < height; y++) {
        const filter = raw[y * (stride + 1)];
        for (let x = 0; x < stride; x++) {
            const left = x < 3 ? 0 : data[y * stride + x - 3], up = y ? data[(y - 1) * stride + x] : 0;
            const corner = x < 3 || !y ? 0 : data[(y - 1) * stride + x - 3], p = left + up - corner;
            const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
            const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
            data[y * stride + x] = raw[y * (stride + 1) + 1 + x] + [0, left, up, (left + up) >> 1, paeth][filter];
        }
    }
    return { width, height, step: 3, data };
}
