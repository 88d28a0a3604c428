/**
 * Whether a video file ends in the middle of a piece of it, as a copy that was broken off does: MP4 and its kin, Matroska and
 * WebM. Others, and those that don't say how long their pieces are, count as whole.
 */

/** So many pieces are looked at: a fragmented file of a day has more. */
const mostPieces = 10_000;

/**
 * @param {Blob} blob
 * @returns {Promise<boolean>}
 */
export async function isCutOff(blob) {
    const view = await viewAt(blob, 0);
    if (view.byteLength < 12) return false;
    if (view.getUint32(0) === 0x1a45dfa3) return isCutMatroska(blob);
    return textOf(view) === 'ftyp' && isCutMp4(blob);
}

/** The bytes in which a piece says what it is and how long.
 * @param {Blob} blob
 * @param {number} at */
async function viewAt(blob, at) {
    return new DataView(await blob.slice(at, at + 16).arrayBuffer());
}

/** @param {DataView} view */
const textOf = (view) => String.fromCharCode(view.getUint8(4), view.getUint8(5), view.getUint8(6), view.getUint8(7));

/** @param {Blob} blob */
async function isCutMp4(blob) {
    let at = 0;
    for (let i = 0; i < mostPieces && at + 8 <= blob.size; i++) {
        const view = await viewAt(blob, at), size = view.getUint32(0);
        // What is no piece is something else that hangs on.
        if (!/^[\w\- ©]{4}$/.test(textOf(view)) || (size !== 1 && size < 8) || (size === 1 && view.byteLength < 16)) return false;
        at += size === 1 ? Number(view.getBigUint64(8)) : size;
    }
    return at > blob.size;
}

/** @param {Blob} blob */
async function isCutMatroska(blob) {
    let at = 0;
    for (let i = 0; i < mostPieces && at + 2 <= blob.size; i++) {
        const view = await viewAt(blob, at), idBytes = Math.clz32(view.getUint8(0)) - 23;
        if (idBytes > 4 || idBytes >= view.byteLength) return false;
        const sizeBytes = Math.clz32(view.getUint8(idBytes)) - 23;
        if (sizeBytes > 8 || idBytes + sizeBytes > view.byteLength) return false;
        const isSegment = idBytes === 4 && view.getUint32(0) === 0x18538067;
        let size = view.getUint8(idBytes) & (0xff >> sizeBytes), unknown = size === 0xff >> sizeBytes;
        for (let byte = 1; byte < sizeBytes; byte++) {
            size = size * 256 + view.getUint8(idBytes + byte);
            unknown &&= view.getUint8(idBytes + byte) === 0xff;
        }
        at += idBytes + sizeBytes;
        if (isSegment && !unknown) return at + size > blob.size;
        if (isSegment) continue; // its pieces tell
        if (unknown) return false;
        at += size;
    }
    return at > blob.size;
}
