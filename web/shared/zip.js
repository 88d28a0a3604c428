/**
 * Writes a .zip of files that are compressed already: each is stored as it is, its bytes looked at once, for the checksum.
 * Only the directory at the end is held; it is of the 64-bit kind where there is more than the old fields can count.
 */

/** Tables for eight bytes at a time: table k is the CRC of a byte that k more bytes follow. */
const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[0][byte] = crc;
}
for (let byte = 0; byte < 256; byte++) for (let k = 1; k < 8; k++) tables[k][byte] = (tables[k - 1][byte] >>> 8) ^ tables[0][tables[k - 1][byte] & 255];

/** CRC-32, as .zip and PNG have it.
 * @param {Uint8Array} data */
export function crc32(data) {
    const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
    let crc = -1, i = 0;
    for (const end = data.length - 7; i < end; i += 8) {
        crc ^= data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24);
        crc = t7[crc & 255] ^ t6[(crc >>> 8) & 255] ^ t5[(crc >>> 16) & 255] ^ t4[crc >>> 24] ^ t3[data[i + 4]] ^ t2[data[i + 5]] ^ t1[data[i + 6]] ^ t0[data[i + 7]];
    }
    for (; i < data.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ data[i]) & 255];
    return ~crc >>> 0;
}

/** Little-endian fields, one after another: [bytes, value].
 * @param {[1 | 2 | 4 | 8, number][]} fields */
function record(fields) {
    const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0)), view = new DataView(bytes.buffer);
    let at = 0;
    for (const [size, value] of fields) {
        if (size === 8) view.setBigUint64(at, BigInt(value), true);
        else if (size === 4) view.setUint32(at, value, true);
        else view.setUint16(at, value, true);
        at += size;
    }
    return bytes;
}

const full16 = 0xffff, full32 = 0xffffffff;
const flags = 0x0800; // names are UTF-8

/** As MS-DOS counts them: two seconds, minutes and hours; days, months and years from 1980.
 * @param {Date} date
 * @returns {[number, number]} time and date */
function dosTime(date) {
    const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
    return [time, ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()];
}

export class ZipFile {
    #write;
    #at = 0;
    #entries = 0;
    /** @type {Uint8Array[]} */
    #directory = [];
    #time = dosTime(new Date());

    /** @param {(data: Uint8Array<ArrayBuffer>) => void} write appends */
    constructor(write) {
        this.#write = write;
    }

    /**
     * @param {string} name
     * @param {Uint8Array<ArrayBuffer>} data less than 4 GB
     * @param {number} [crc] its {@link crc32}, where that is known
     */
    add(name, data, crc = crc32(data)) {
        if (data.length >= full32) throw new Error(`${name} is too large for a .zip.`);
        const path = new TextEncoder().encode(name), far = this.#at >= full32;
        /** What both headers have: flags, method "stored", time, checksum, sizes, and the lengths of name and extra field.
         * @param {number} version
         * @param {number} extra
         * @returns {[1 | 2 | 4 | 8, number][]} */
        const common = (version, extra) => [[2, version], [2, flags], [2, 0], [2, this.#time[0]], [2, this.#time[1]], [4, crc], [4, data.length], [4, data.length], [2, path.length], [2, extra]];
        const start = this.#at;
        this.#append(record([[4, 0x04034b50], ...common(20, 0)]), path, data);
        this.#directory.push(record([[4, 0x02014b50], [2, 45], ...common(far ? 45 : 20, far ? 12 : 0), [2, 0], [2, 0], [2, 0], [4, 0], [4, far ? full32 : start]]), path);
        if (far) this.#directory.push(record([[2, 1], [2, 8], [8, start]]));
        this.#entries++;
    }

    /** Writes the directory: the file is whole. */
    finish() {
        const start = this.#at;
        for (const piece of this.#directory) this.#append(piece);
        const size = this.#at - start, end = this.#at, entries = this.#entries;
        if (entries >= full16 || start >= full32 || size >= full32) {
            this.#append(record([[4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, entries], [8, entries], [8, size], [8, start]]));
            this.#append(record([[4, 0x07064b50], [4, 0], [8, end], [4, 1]]));
        }
        const [few, small, near] = [Math.min(entries, full16), Math.min(size, full32), Math.min(start, full32)];
        this.#append(record([[4, 0x06054b50], [2, 0], [2, 0], [2, few], [2, few], [4, small], [4, near], [2, 0]]));
    }

    /** @param {...Uint8Array<ArrayBufferLike>} pieces */
    #append(...pieces) {
        for (const piece of pieces) {
            this.#write(/** @type {Uint8Array<ArrayBuffer>} */ (piece));
            this.#at += piece.length;
        }
    }
}
