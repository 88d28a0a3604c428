/** A web page that plays the .dfy file inside it: web/saved, with the file put into it as base64. */

/** Bytes of a piece: a multiple of three, so that only the last one is padded. */
const pieceBytes = 3 << 16;

/** @param {Uint8Array} bytes */
function base64(bytes) {
    let text = '';
    for (let i = 0; i < bytes.length; i += 0x6000) text += btoa(String.fromCharCode(...bytes.subarray(i, i + 0x6000)));
    return text;
}

/**
 * @param {Blob} file
 * @param {string} name of it
 * @returns {Promise<Blob>}
 */
export async function webPage(file, name) {
    // Beside the bundled modules' folder; the build does not know this address.
    const address = '../saved-page.txt', answer = await fetch(new URL(address, import.meta.url)).catch(() => null);
    if (!answer?.ok) throw new Error('The player for the page could not be loaded: the first time needs a network connection.');
    const [before, between, after] = (await answer.text()).split(/\{about\}|\{video\}/);
    const about = JSON.stringify({ name }).replace(/[<>&]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
    /** @type {BlobPart[]} */
    const parts = [before, about, between];
    for (let at = 0; at < file.size; at += pieceBytes) {
        const piece = new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer());
        // A Blob each, which the browser may keep on disk.
        parts.push(new Blob(['<script type="text/plain" class="video">', base64(piece), '</script>\n']));
    }
    return new Blob([...parts, after], { type: 'text/html' });
}
