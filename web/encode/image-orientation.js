/**
 * How a WebP is to be turned. Its EXIF block says it, as a JPEG's does, but browsers look at it in JPEG and PNG alone, or not
 * every one of them does.
 */
import { webpChunks } from './animation.js';

/**
 * A WebP that says how it is to be turned, without that: whoever decodes it leaves it as it is.
 * @param {Blob} blob
 * @returns {Promise<{ blob: Blob, orientation: number } | null>} orientation: as in EXIF, 2 to 8; null for all other images
 */
export async function turnedWebp(blob) {
    const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 21).arrayBuffer()));
    if (!/^RIFF[^]{4}WEBPVP8X/.test(head) || !(head.charCodeAt(20) & 8)) return null;
    const bytes = new Uint8Array(await blob.arrayBuffer()), at = webpChunks(bytes).get('EXIF');
    if (!at) return null;
    const orientation = exifOrientation(bytes.subarray(at, at + new DataView(bytes.buffer).getUint32(at - 4, true)));
    bytes.set([88, 88, 88, 88], at - 8); // a part that nobody knows
    bytes[20] &= ~8;
    return orientation > 1 ? { blob: new Blob([bytes], { type: 'image/webp' }), orientation } : null;
}

/** @param {Uint8Array} block
 * @returns {number} 1 where it says none */
function exifOrientation(block) {
    const tagged = block.length > 6 && String.fromCharCode(...block.subarray(0, 4)) === 'Exif', data = tagged ? block.subarray(6) : block;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    if (data.length < 14) return 1;
    const little = data[0] === 0x49, from = view.getUint32(4, little), entries = from + 2 <= data.length ? view.getUint16(from, little) : 0;
    for (let i = 0, at = from + 2; i < entries && at + 12 <= data.length; i++, at += 12) {
        if (view.getUint16(at, little) !== 0x112) continue;
        const orientation = view.getUint16(at + 8, little);
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    return 1;
}
