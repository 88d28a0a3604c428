/**
 * What an image says its colours are, and how they become sRGB, by the rules of the command line (tools/diffy/icc.h): the
 * browser converts by profiles; what a PNG says in numbers is converted here, as browsers differ there.
 */

import { pngChunks, webpChunks } from './animation.js';

/**
 * @typedef {object} ImageColours
 * @property {boolean} profile it has one, which the browser converts by
 * @property {boolean} hdr PQ or HLG, which are to be tone-mapped
 * @property {{ xy: number[], power: number }} [points] x and y of white, red, green and blue; the power that makes light of a value, 0: sRGB's curve
 */

const d65 = [0.3127, 0.329], srgb = [...d65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06], bt601 = [...d65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07];
/** By H.273's code points.
 * @type {Record<number, number[]>} */
const primaries = {
    5: [...d65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06], 6: bt601, 7: bt601,
    9: [...d65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046], 11: [0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06], 12: [...d65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06],
};
/** BT.709's curve is taken for sRGB's, as players do.
 * @type {Record<number, number>} */
const powers = { 4: 2.2, 5: 2.8, 8: 1, 17: 2.6 };

/** As far as what tells of colours reaches. */
const headBytes = 4 << 20;

/** @param {Blob} blob
 * @returns {Promise<ImageColours>} */
export async function coloursOf(blob) {
    const bytes = new Uint8Array(await blob.slice(0, headBytes).arrayBuffer()), view = new DataView(bytes.buffer);
    const text = (/** @type {number} */ at, length = 4) => String.fromCharCode(...bytes.subarray(at, at + length));
    if (text(1, 3) === 'PNG') return coloursOfPng(bytes, view);
    let profile = webpChunks(bytes).has('ICCP');
    if (bytes[0] === 0xff && bytes[1] === 0xd8)
        for (let at = 2; at + 4 < bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) profile ||= bytes[at + 1] === 0xe2 && text(at + 4, 11) === 'ICC_PROFILE';
    // AVIF names its colours in its own way, which browsers know.
    return { profile: profile || text(4) === 'ftyp', hdr: false };
}

/**
 * The first of what it says counts.
 * @param {Uint8Array} bytes
 * @param {DataView} view the same
 * @returns {ImageColours}
 */
function coloursOfPng(bytes, view) {
    const chunks = pngChunks(bytes), cicp = chunks.get('cICP'), gamma = chunks.get('gAMA'), xy = chunks.get('cHRM');
    if (cicp) {
        const [first, second] = bytes.subarray(cicp), power = powers[second] ?? 0;
        if (second === 16 || second === 18) return { profile: false, hdr: true };
        return { profile: false, hdr: false, points: primaries[first] || power ? { xy: primaries[first] ?? srgb, power } : undefined };
    }
    if (chunks.has('iCCP') || chunks.has('sRGB') || !gamma || !view.getUint32(gamma)) return { profile: chunks.has('iCCP'), hdr: false };
    const own = xy ? srgb.map((_, i) => view.getUint32(xy + 4 * i) / 1e5) : srgb, power = 1e5 / view.getUint32(gamma);
    const usual = Math.abs(power - 2.2) < 0.1; // what writers say for sRGB
    const same = own.every((value, i) => Math.abs(value - srgb[i]) < 0.005);
    const good = own.every((value, i) => value <= 1 && (value > 0 || i % 2 === 0));
    return { profile: false, hdr: false, points: !good || (usual && same) ? undefined : { xy: own, power: usual ? 0 : power } };
}

/** @typedef {number[][]} Matrix three rows of three */

/** @param {Matrix} a
 * @param {Matrix} b
 * @returns {Matrix} */
const times = (a, b) => a.map((row) => [0, 1, 2].map((j) => row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]));

/** @param {Matrix} m
 * @returns {Matrix} */
function inverse(m) {
    const minor = (/** @type {number} */ i, /** @type {number} */ j) => m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3] - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3];
    const determinant = [0, 1, 2].reduce((sum, j) => sum + m[0][j] * minor(0, j), 0);
    return [0, 1, 2].map((i) => [0, 1, 2].map((j) => minor(j, i) / determinant));
}

/** Light of RGB to XYZ, the white being the one that is asked for: Bradford's adaptation.
 * @param {number[]} xy */
function toXyz(xy) {
    const xyz = (/** @type {number} */ i) => [xy[i] / xy[i + 1], 1, (1 - xy[i] - xy[i + 1]) / xy[i + 1]], columns = [2, 4, 6].map(xyz), matrix = [0, 1, 2].map((i) => columns.map((column) => column[i]));
    const column = (/** @type {number[]} */ values) => values.map((value) => [value, 0, 0]), first = (/** @type {Matrix} */ m) => m.map((row) => row[0]);
    const weights = first(times(inverse(matrix), column(xyz(0)))), whole = matrix.map((row) => row.map((value, i) => value * weights[i]));
    const cones = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
    const from = first(times(cones, column(xyz(0)))), to = first(times(cones, column([d65[0] / d65[1], 1, (1 - d65[0] - d65[1]) / d65[1]])));
    return times(times(inverse(cones), cones.map((row, i) => row.map((value) => (value * to[i]) / from[i]))), whole);
}

/** @param {number} value
 * @returns {number} */
const lightOfSrgb = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** Steps of light in the table that leads back to values. */
const steps = 1 << 14;

/**
 * Pixels to sRGB, in place.
 * @param {Uint8ClampedArray} rgba
 * @param {NonNullable<ImageColours['points']>} points
 */
export function pointsToSrgb(rgba, { xy, power }) {
    const light = Float32Array.from({ length: 256 }, (_, i) => (power ? (i / 255) ** power : lightOfSrgb(i / 255)));
    const values = Uint8Array.from({ length: steps + 1 }, (_, i) => Math.round(255 * (i / steps <= 0.0031308 ? (12.92 * i) / steps : 1.055 * (i / steps) ** (1 / 2.4) - 0.055)));
    const matrix = times(inverse(toXyz(srgb)), toXyz(xy));
    for (let i = 0; i < rgba.length; i += 4) {
        const red = light[rgba[i]], green = light[rgba[i + 1]], blue = light[rgba[i + 2]];
        for (let c = 0; c < 3; c++) {
            const [r, g, b] = matrix[c], sum = r * red + g * green + b * blue;
            rgba[i + c] = values[sum <= 0 ? 0 : sum >= 1 ? steps : Math.round(sum * steps)];
        }
    }
}

/**
 * Pixels by a profile to sRGB, by the browser: as a PNG that has the profile.
 * @param {ImageData} image
 * @param {Uint8Array} profile
 * @returns {Promise<ImageBitmap | null>} null for what is no RGB device's, which changes nothing
 */
export async function withProfile({ width, height, data }, profile) {
    if (String.fromCharCode(...profile.subarray(16, 20)) !== 'RGB ') return null;
    const rows = new Uint8Array(height * (1 + 3 * width));
    for (let y = 0, to = 0, from = 0; y < height; y++) {
        to++;
        for (let x = 0; x < width; x++, from += 4, to += 3) rows.set(data.subarray(from, from + 3), to);
    }
    const head = new Uint8Array(13), view = new DataView(head.buffer);
    view.setUint32(0, width);
    view.setUint32(4, height);
    head.set([8, 2], 8);
    const name = new Uint8Array([0x70, 0, 0]);
    const parts = [new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', head), chunk('iCCP', name, await packed(profile)), chunk('IDAT', await packed(rows)), chunk('IEND')];
    return createImageBitmap(new Blob(parts, { type: 'image/png' }), { colorSpaceConversion: 'default' });
}

/** @param {Uint8Array} bytes */
async function packed(bytes) {
    const stream = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]).stream().pipeThrough(new CompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {string} type
 * @param {Uint8Array[]} pieces */
function chunk(type, ...pieces) {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0), bytes = new Uint8Array(12 + length), view = new DataView(bytes.buffer);
    view.setUint32(0, length);
    bytes.set(Array.from(type, (letter) => letter.charCodeAt(0)), 4);
    let at = 8;
    for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
    }
    let crc = -1;
    for (const byte of bytes.subarray(4, at)) {
        crc ^= byte;
        for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    view.setInt32(at, ~crc);
    return bytes;
}
