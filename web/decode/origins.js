/**
 * Where the blocks of a picture came from, as a picture laid over it: every origin has a colour and a pattern of its own,
 * and what was skipped is fainter. The worker paints, the page shows the same patterns in its legend.
 */
import { Origin } from '../../wasm/index.js';

/**
 * In the order of the legend. Colours are those of Okabe and Ito, which colour-blind people can tell apart; `line` says
 * which pixels of an 8x8 tile belong to the pattern.
 * @type {{ id: string, text: string, colour: [number, number, number], line: (x: number, y: number) => boolean }[]}
 */
export const kinds = [
    { id: 'plate', text: 'the background', colour: [86, 180, 233], line: (_, y) => y % 4 === 1 },
    { id: 'earlier', text: 'an earlier picture', colour: [0, 190, 130], line: (x, y) => (x + y) % 8 === 3 },
    { id: 'later', text: 'a later picture', colour: [230, 130, 190], line: (x, y) => (x - y + 8) % 8 === 4 },
    { id: 'both', text: 'an earlier and a later picture', colour: [240, 228, 66], line: (x, y) => (x + y) % 8 === 3 || (x - y + 8) % 8 === 4 },
    { id: 'kept', text: 'a kept picture, such as one from an earlier cycle', colour: [255, 165, 0], line: (x) => x % 4 === 1 },
    { id: 'intra', text: 'nowhere: new in this picture', colour: [255, 80, 30], line: (x, y) => (x >> 1) % 2 === (y >> 1) % 2 },
];

/** The kind of each value a cell can have: what is rarer wins where two pictures were blended.
 * @param {number} cell */
function kindOf(cell) {
    const id = cell & Origin.KEPT ? 'kept' : cell & Origin.PLATE ? 'plate' : cell & Origin.EARLIER && cell & Origin.LATER ? 'both'
        : cell & Origin.LATER ? 'later' : cell & Origin.EARLIER ? 'earlier' : 'intra';
    return kinds.findIndex((kind) => kind.id === id);
}
const kindOfCell = Uint8Array.from({ length: 256 }, (_, cell) => kindOf(cell));

/** A pattern's pixels, 8 * scale wide and high, as RGBA in the memory order of ImageData.
 * @param {number} kind
 * @param {boolean} skipped
 * @param {number} scale */
function tile(kind, skipped, scale) {
    const { colour, line } = kinds[kind], side = 8 * scale, bytes = new Uint8ClampedArray(side * side * 4);
    for (let i = 0; i < side * side; i++) {
        const on = line(Math.floor((i % side) / scale), Math.floor(i / side / scale));
        bytes.set([...colour, skipped ? (on ? 110 : 28) : (on ? 230 : 110)], i * 4);
    }
    return new Uint32Array(bytes.buffer);
}

/** @type {Map<number, Uint32Array[]>} tiles of kind and kind + kinds.length (skipped), by scale */
const tiles = new Map();

/** @param {number} scale */
function tilesOf(scale) {
    let list = tiles.get(scale);
    if (!list) tiles.set(scale, (list = [false, true].flatMap((skipped) => kinds.map((_, kind) => tile(kind, skipped, scale)))));
    return list;
}

/** Tells how much of the picture came from where.
 * @typedef {{ shares: number[], skipped: number }} OriginShares 0..1, shares in the order of {@link kinds}
 * @param {import('../../wasm/decoder.js').DiffyOrigins} origins
 * @returns {OriginShares} */
export function sharesOf({ cells }) {
    const counts = new Array(kinds.length).fill(0);
    let skipped = 0;
    for (const cell of cells) {
        counts[kindOfCell[cell]]++;
        if (cell & Origin.SKIPPED) skipped++;
    }
    return { shares: counts.map((count) => count / cells.length), skipped: skipped / cells.length };
}

/** The overlay of a picture. Wide pictures are shown smaller than they are: their patterns are coarser.
 * @param {import('../../wasm/decoder.js').DiffyOrigins} origins
 * @param {number} width
 * @param {number} height */
export function overlayOf({ columns, cells }, width, height) {
    const image = new ImageData(width, height), out = new Uint32Array(image.data.buffer);
    const scale = width > 1500 ? 4 : width > 700 ? 2 : 1, side = 8 * scale, list = tilesOf(scale);
    for (let y = 0; y < height; y++) {
        const row = (y >> 3) * columns, line = (y % side) * side;
        for (let x = 0; x < width; x++) {
            const cell = cells[row + (x >> 3)], kind = kindOfCell[cell] + (cell & Origin.SKIPPED ? kinds.length : 0);
            out[y * width + x] = list[kind][line + (x % side)];
        }
    }
    return image;
}

/** A kind's pattern for the legend.
 * @param {HTMLCanvasElement} canvas
 * @param {number} kind
 * @param {boolean} [skipped] */
export function drawSwatch(canvas, kind, skipped = false) {
    Object.assign(canvas, { width: 48, height: 32 });
    const image = new ImageData(48, 32), out = new Uint32Array(image.data.buffer), pattern = tilesOf(2)[kind + (skipped ? kinds.length : 0)];
    for (let i = 0; i < out.length; i++) out[i] = pattern[(Math.floor(i / 48) % 16) * 16 + ((i % 48) % 16)];
    canvas.getContext('2d')?.putImageData(image, 0, 0);
}
