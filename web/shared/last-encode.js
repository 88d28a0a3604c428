/** The facts of the recording encoded last, which the calc page can calibrate itself with. */

/** @typedef {{ name: string, bytes: number, frames: number, width: number, height: number, quality: number }} LastEncode */

const key = 'diffy-last-encode';

/** @param {LastEncode} facts */
export function keepLastEncode(facts) {
    try {
        localStorage.setItem(key, JSON.stringify(facts));
    } catch {
        // Storage can be switched off; then there is nothing to calibrate with.
    }
}

/** @returns {LastEncode | null} */
export function lastEncode() {
    try {
        const facts = JSON.parse(localStorage.getItem(key) ?? 'null');
        const valid = facts && ['bytes', 'frames', 'width', 'height'].every((name) => Number.isFinite(facts[name]) && facts[name] > 0);
        return valid ? { ...facts, name: String(facts.name), quality: Number(facts.quality) } : null;
    } catch {
        return null;
    }
}
