/** What a file is, by its first bytes: to tell a person by name what was dropped in the wrong place. */

/** @typedef {{ text: string, page: 'encode' | 'splat' | null }} Kind page: where it belongs */

/** @type {{ test: (bytes: Uint8Array, text: string, name: string) => boolean, kind: Kind }[]} */
const kinds = [
    { test: (_, text) => text.slice(4, 8) === 'ftyp' && /^(avif|heic|heix|mif1)/.test(text.slice(8, 12)), kind: { text: 'an AVIF or HEIC image', page: 'encode' } },
    { test: (_, text) => text.slice(4, 8) === 'ftyp' && text.slice(8, 10) === 'qt', kind: { text: 'a QuickTime video', page: 'encode' } },
    { test: (_, text) => /^(ftyp|moov|mdat|moof|styp)$/.test(text.slice(4, 8)), kind: { text: 'an MP4 video', page: 'encode' } },
    { test: (bytes, text) => bytes[0] === 0x1a && text.slice(1, 4) === 'E\xdf\xa3', kind: { text: 'a WebM or Matroska video', page: 'encode' } },
    { test: (_, text) => text.startsWith('RIFF') && text.slice(8, 12) === 'AVI ', kind: { text: 'an AVI video', page: 'encode' } },
    { test: (_, text) => text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP', kind: { text: 'a WebP image', page: 'encode' } },
    { test: (_, text) => text.startsWith('RIFF') && text.slice(8, 12) === 'WAVE', kind: { text: 'a WAV sound file', page: null } },
    { test: (_, text) => text.startsWith('YUV4MPEG2'), kind: { text: 'a raw video (Y4M)', page: 'encode' } },
    { test: (_, text) => text.startsWith('\x89PNG'), kind: { text: 'a PNG image', page: 'encode' } },
    { test: (_, text) => text.startsWith('\xff\xd8\xff'), kind: { text: 'a JPEG image', page: 'encode' } },
    { test: (_, text) => text.startsWith('GIF8'), kind: { text: 'a GIF image', page: 'encode' } },
    { test: (_, text) => text.startsWith('BM') && text.length > 30 && text[6] === '\0', kind: { text: 'a BMP image', page: 'encode' } },
    { test: (_, text) => text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06'), kind: { text: 'a .zip archive', page: 'encode' } },
    { test: (_, text) => text.startsWith('OggS'), kind: { text: 'an Ogg file', page: 'encode' } },
    { test: (_, text) => text.startsWith('FLV\x01'), kind: { text: 'a Flash video', page: 'encode' } },
    { test: (bytes) => bytes.length > 376 && bytes[0] === 0x47 && bytes[188] === 0x47 && bytes[376] === 0x47, kind: { text: 'an MPEG transport stream', page: 'encode' } },
    { test: (_, text) => text.startsWith('\0\0\x01\xba'), kind: { text: 'an MPEG video', page: 'encode' } },
    { test: (_, text) => text.startsWith('ply\n') || text.startsWith('ply\r'), kind: { text: 'a .ply model', page: 'splat' } },
    { test: (bytes, _, name) => bytes[0] === 0x1f && bytes[1] === 0x8b && /\.spz$/i.test(name), kind: { text: 'an .spz model', page: 'splat' } },
    { test: (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b, kind: { text: 'a gzip archive', page: null } },
    { test: (_, text) => text.startsWith('Rar!'), kind: { text: 'a RAR archive', page: null } },
    { test: (_, text) => text.startsWith("7z\xbc\xaf'\x1c"), kind: { text: 'a 7z archive', page: null } },
    { test: (_, text) => text.startsWith('%PDF'), kind: { text: 'a PDF document', page: null } },
    { test: (_, text) => text.startsWith('\x7fELF') || text.startsWith('MZ'), kind: { text: 'a program', page: null } },
    { test: (_, text) => /^(ID3|\xff[\xf2-\xfb])/.test(text), kind: { text: 'an MP3 sound file', page: null } },
    { test: (_, text) => /^\s*<(!doctype html|html)/i.test(text), kind: { text: 'a web page', page: null } },
    { test: (bytes) => bytes.length > 0 && bytes.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte > 31 && byte !== 127)), kind: { text: 'a text file', page: null } },
];

/**
 * What a file is that is no .dfy; null for one that is, and for what nobody knows: the decoder has its own words then.
 * @param {File} file
 * @returns {Promise<Kind | null>}
 */
export async function kindOf(file) {
    if (!file.size) return { text: 'an empty file', page: null };
    const bytes = new Uint8Array(await file.slice(0, 512).arrayBuffer()), text = String.fromCharCode(...bytes);
    if (text.startsWith('DFY') || text.startsWith('DFS')) return null;
    const known = kinds.find(({ test }) => test(bytes, text, file.name));
    if (known) return known.kind;
    return { text: 'an unknown type of file', page: null };
}
