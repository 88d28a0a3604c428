/** The facts of recordings encoded lately, which the calc page can calibrate itself with. */

/**
 * @typedef {object} LastEncode
 * @property {string} name
 * @property {number} start bytes that come once: the background, the first pictures
 * @property {number} frame bytes of each frame after that
 * @property {number} frames
 * @property {number} width
 * @property {number} height
 * @property {number} quality
 */

const key = 'diffy-encodes', most = 12;

/**
 * What came once and what each frame cost, from how the file grew.
 * @param {[number, number][]} growth frames that were coded, bytes that the file had with them, rising
 * @param {number} frames
 * @param {number} bytes of the whole file
 * @returns {{ start: number, frame: number }}
 */
export function costOfGrowth(growth, frames, bytes) {
    // The first step beyond the header is the background with the first pictures.
    const begun = growth.find(([, out]) => out > 1000), last = growth.findLast(([came]) => came < frames) ?? growth.at(-1);
    if (!begun || !last || last[0] - begun[0] < 30 || last[1] <= begun[1]) return { start: 0, frame: bytes / Math.max(1, frames) };
    const frame = (last[1] - begun[1]) / (last[0] - begun[0]);
    return { start: Math.max(0, bytes - frame * frames), frame };
}

/** @param {LastEncode} facts */
export function keepLastEncode(facts) {
    try {
        localStorage.setItem(key, JSON.stringify([facts, ...lastEncodes().filter(({ name }) => name !== facts.name)].slice(0, most)));
    } catch {
        // Storage can be switched off; then there is nothing to calibrate with.
    }
}

/** @returns {LastEncode[]} the last first */
export function lastEncodes() {
    try {
        return validEncodes(JSON.parse(localStorage.getItem(key) ?? '[]'));
    } catch {
        return [];
    }
}

/** What is usable of facts that were stored or came in an address.
 * @param {any} list
 * @returns {LastEncode[]} */
export function validEncodes(list) {
    if (!Array.isArray(list)) return [];
    return list.filter((facts) => facts && ['frame', 'frames', 'width', 'height'].every((name) => Number.isFinite(facts[name]) && facts[name] > 0) && facts.start >= 0 && facts.quality >= 1 && facts.quality <= 100)
        .slice(0, most).map(({ name, start, frame, frames, width, height, quality }) => ({ name: String(name).slice(0, 80), start, frame, frames, width, height, quality }));
}
