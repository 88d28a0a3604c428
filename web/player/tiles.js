/** Which parts of a picture are others than those shown: tiles of 64x64 pixels that have another identity. */

export const tileSize = 64;

/** @typedef {{ x: number, y: number, width: number, height: number }} Part pixels */

/** From this share of tiles on, the whole is quicker. */
const mostTiles = 0.6;

/**
 * The parts to be drawn, neighbours of a row at once.
 * @param {import('../../wasm/decoder.js').DiffyTiles | null} shown
 * @param {import('../../wasm/decoder.js').DiffyTiles | null} next
 * @param {number} width of the picture, pixels
 * @param {number} height
 * @returns {Part[]}
 */
export function changedParts(shown, next, width, height) {
    const whole = [{ x: 0, y: 0, width, height }];
    if (!shown || !next || shown.identities.length !== next.identities.length) return whole;
    const { columns, rows, identities } = next, parts = [];
    let changed = 0;
    for (let row = 0; row < rows; row++) {
        const y = row * tileSize, high = Math.min(tileSize, height - y);
        for (let column = 0; column < columns; column++) {
            const first = column;
            for (let at = row * columns + column; column < columns && (!identities[at] || identities[at] !== shown.identities[at]); at++) column++;
            const x = first * tileSize, wide = Math.min(width, column * tileSize) - x;
            changed += column - first;
            // What is coded may reach beyond the picture.
            if (wide > 0 && high > 0) parts.push({ x, y, width: wide, height: high });
        }
    }
    return changed > mostTiles * identities.length ? whole : parts;
}
