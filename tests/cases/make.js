/**
 * Further inputs of the table, made byte by byte: what no program here writes, or not in the way that it comes from elsewhere.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, deflateSync } from 'node:zlib';

/** @param {Buffer} data */
function crc32(data) {
    let crc = -1;
    for (const byte of data) {
        crc ^= byte;
        for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
}

/** A PNG's chunk.
 * @param {string} type
 * @param {Buffer} body */
export function chunk(type, body) {
    const whole = Buffer.concat([Buffer.alloc(4), Buffer.from(type, 'latin1'), body, Buffer.alloc(4)]);
    whole.writeUInt32BE(body.length, 0);
    whole.writeUInt32BE(crc32(whole.subarray(4, -4)), body.length + 8);
    return whole;
}

/** A PNG whose head claims a size that its pixels don't have.
 * @param {number} size */
function pngThatClaims(size) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(size, 0);
    head.writeUInt32BE(size, 4);
    head.set([8, 2, 0, 0, 0], 8);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.alloc(1000))), chunk('IEND', Buffer.alloc(0))]);
}

/**
 * A GIF of 16 x 16 pixels whose pictures are parts of it.
 * @param {{ x: number, y: number, width: number, height: number, colour: number, disposal: number, clear?: number }[]} parts colours: red,
 *     green, blue, white; disposal: 1 keep, 2 clear, 3 back to the picture before; clear: the colour that is transparent
 */
function gif(parts) {
    const out = [Buffer.from('GIF89a'), Buffer.from([16, 0, 16, 0, 0x91, 0, 0]), Buffer.from('bf0000' + '00bf00' + '0000bf' + 'bfbfbf', 'hex')];
    for (const { x, y, width, height, colour, disposal, clear } of parts) {
        out.push(Buffer.from([0x21, 0xf9, 4, (disposal << 2) | (clear === undefined ? 0 : 1), 10, 0, clear ?? 0, 0]));
        out.push(Buffer.from([0x2c, x, 0, y, 0, width, 0, height, 0, 0, 2]));
        // Codes of three bits: clearing the table before every second pixel keeps them so.
        /** @type {number[]} */
        const codes = [];
        for (let i = 0; i < width * height; i++) codes.push(...(i % 2 ? [] : [4]), colour);
        codes.push(5);
        const bytes = Buffer.alloc(Math.ceil((codes.length * 3) / 8));
        codes.forEach((code, i) => {
            for (let bit = 0; bit < 3; bit++) if (code & (1 << bit)) bytes[(3 * i + bit) >> 3] |= 1 << ((3 * i + bit) & 7);
        });
        for (let at = 0; at < bytes.length; at += 255) out.push(Buffer.from([Math.min(255, bytes.length - at)]), bytes.subarray(at, at + 255));
        out.push(Buffer.from([0]));
    }
    return Buffer.concat([...out, Buffer.from([0x3b])]);
}

/**
 * A zip.
 * @param {{ name: string | Buffer, data: Buffer, method?: number, packed?: Buffer, flags?: number, large?: boolean }[]} entries large: sizes
 *     and places as numbers of 64 bits
 */
function zip(entries) {
    /** @type {Buffer[]} */
    const locals = [], list = [];
    let at = 0;
    for (const { name, data, method = 0, packed = data, flags = 0, large = false } of entries) {
        const called = Buffer.from(name), size = large ? 0xffffffff : packed.length;
        const extra = Buffer.alloc(large ? 28 : 0), local = Buffer.alloc(30), central = Buffer.alloc(46);
        if (large) {
            extra.writeUInt16LE(1, 0);
            extra.writeUInt16LE(24, 2);
            extra.writeBigUInt64LE(BigInt(data.length), 4);
            extra.writeBigUInt64LE(BigInt(packed.length), 12);
            extra.writeBigUInt64LE(BigInt(at), 20);
        }
        local.writeUInt32LE(0x04034b50, 0);
        central.writeUInt32LE(0x02014b50, 0);
        for (const [head, from] of /** @type {[Buffer, number][]} */ ([[local, 4], [central, 6]])) {
            head.writeUInt16LE(large ? 45 : 20, from);
            head.writeUInt16LE(flags, from + 2);
            head.writeUInt16LE(method, from + 4);
            head.writeUInt16LE(0x5821, from + 8); // a date
            head.writeUInt32LE(crc32(data), from + 10);
            head.writeUInt32LE(size, from + 14);
            head.writeUInt32LE(large ? 0xffffffff : data.length, from + 18);
            head.writeUInt16LE(called.length, from + 22);
        }
        // The local head has no place, so its numbers are two.
        const localExtra = large ? Buffer.concat([Buffer.from('01001000', 'hex'), extra.subarray(4, 20)]) : extra;
        local.writeUInt16LE(localExtra.length, 28);
        central.writeUInt16LE(20, 4);
        central.writeUInt16LE(extra.length, 30);
        central.writeUInt32LE(large ? 0xffffffff : at, 42);
        list.push(central, called, extra);
        locals.push(local, called, localExtra, packed);
        at += local.length + called.length + localExtra.length + packed.length;
    }
    const directory = Buffer.concat(list), end = Buffer.alloc(22), large = entries.some((entry) => entry.large), tail = [];
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(large ? 0xffff : entries.length, 8);
    end.writeUInt16LE(large ? 0xffff : entries.length, 10);
    end.writeUInt32LE(large ? 0xffffffff : directory.length, 12);
    end.writeUInt32LE(large ? 0xffffffff : at, 16);
    if (large) {
        const record = Buffer.alloc(56), locator = Buffer.alloc(20);
        record.writeUInt32LE(0x06064b50, 0);
        record.writeBigUInt64LE(44n, 4);
        record.writeUInt16LE(45, 12);
        record.writeUInt16LE(45, 14);
        record.writeBigUInt64LE(BigInt(entries.length), 24);
        record.writeBigUInt64LE(BigInt(entries.length), 32);
        record.writeBigUInt64LE(BigInt(directory.length), 40);
        record.writeBigUInt64LE(BigInt(at), 48);
        locator.writeUInt32LE(0x07064b50, 0);
        locator.writeBigUInt64LE(BigInt(at + directory.length), 8);
        locator.writeUInt32LE(1, 16);
        tail.push(record, locator);
    }
    return Buffer.concat([...locals, directory, ...tail, end]);
}

/**
 * Zips of the image `still`.
 * @param {(name: string) => string} at
 * @param {Buffer} still
 */
function makeZips(at, still) {
    const three = (/** @type {Partial<Parameters<typeof zip>[0][0]>} */ more = {}) => [1, 2, 3].map((n) => ({ name: `im${n}.png`, data: still, ...more }));
    const write = (/** @type {string} */ name, /** @type {Parameters<typeof zip>[0]} */ entries) => writeFileSync(at(name), zip(entries));
    write('large.zip', three({ large: true }));
    write('packed.zip', three({ method: 8, packed: deflateRawSync(still) }));
    write('encrypted.zip', three({ flags: 1 }));
    write('bzip2.zip', three({ method: 12, packed: execFileSync('bzip2', ['-c'], { input: still }) }));
    write('unknown.zip', three({ method: 77 }));
    const other = Buffer.from(still);
    other[other.length - 1] ^= 1;
    write('wrong_sum.zip', [{ name: 'im1.png', data: other, packed: still }, ...three().slice(1)]);
    write('slashes.zip', three().map(({ data }, i) => ({ name: `left\\im${i}.png`, data })));
    write('upwards.zip', three().map(({ data }, i) => ({ name: `../../../im${i}.png`, data })));
    write('absolute.zip', three().map(({ data }, i) => ({ name: `/tmp/diffy/im${i}.png`, data })));
    write('latin.zip', three().map(({ data }, i) => ({ name: Buffer.from([0x66, 0x81, 0xff, 0x30 + i, 0x2e, 0x70, 0x6e, 0x67]), data })));
    write('with_folders.zip', [{ name: 'take/', data: Buffer.alloc(0) }, { name: 'take/empty/', data: Buffer.alloc(0) }, ...three().map((entry) => ({ ...entry, name: `take/${entry.name}` }))]);
    write('zips.zip', [{ name: 'inner.zip', data: zip(three()) }]);
    write('no_images.zip', [{ name: 'notes.txt', data: Buffer.from('notes') }]);
    const whole = zip(three());
    writeFileSync(at('cut.zip'), whole.subarray(0, Math.floor(whole.length * 0.7)));
}

/**
 * @param {string} folder
 * @param {(width: number, height: number, duration?: number) => string[]} quads ffmpeg's options for quadrants of colours
 */
export function prepareMore(folder, quads) {
    const at = (/** @type {string} */ name) => join(folder, name);
    const ffmpeg = (/** @type {string[]} */ ...args) => execFileSync('ffmpeg', ['-v', 'error', '-y', '-nostdin', ...args], { cwd: folder, maxBuffer: 1 << 28 });
    const x264 = ['-c:v', 'libx264', '-crf', '8', '-preset', 'ultrafast', '-g', '10'];
    const from = ['-i', at('quads.mp4')], vp8 = ['-c:v', 'libvpx', '-crf', '4', '-b:v', '4M', '-deadline', 'realtime', '-cpu-used', '8'];
    const vp9 = ['-c:v', 'libvpx-vp9', '-crf', '4', '-b:v', '0', '-deadline', 'realtime', '-cpu-used', '8'];
    // Colour.
    ffmpeg(...quads(1280, 720, 0.12), '-pix_fmt', 'yuv420p', ...vp8, at('vp8_720.webm'));
    ffmpeg(...quads709(quads(1280, 720, 0.12), 'tv'), '-pix_fmt', 'yuv420p', ...vp8, '-colorspace', 'bt709', at('vp8_709.webm'));
    // Only the stream says what its colours are, not the container.
    ffmpeg(...quads709(quads(160, 96, 0.4), 'full'), '-pix_fmt', 'yuvj420p', ...x264, '-x264-params', 'colormatrix=bt709:fullrange=on', at('vui.mp4'));
    ffmpeg(...quads709(quads(160, 96, 0.4), 'tv'), '-pix_fmt', 'yuv420p', ...vp9, '-colorspace', 'bt709', at('vp9_709.webm'));
    ffmpeg(...quads(160, 96, 0.4), '-pix_fmt', 'yuvj420p', ...x264, at('full.mp4'));
    ffmpeg(...quads(160, 96, 0.4), '-pix_fmt', 'yuv444p', ...x264, at('h264_444.mp4'));
    ffmpeg(...quads(160, 96, 0.4), '-pix_fmt', 'yuv422p10le', ...x264, at('h264_422p10.mp4'));
    ffmpeg(...quads(160, 96, 0.4), '-pix_fmt', 'yuva420p', ...vp9, at('alpha.webm'));
    ffmpeg(...quads(160, 96, 0.4), '-pix_fmt', 'yuv420p10le', '-c:v', 'libx265', '-x265-params', 'log-level=none', '-crf', '4', '-tag:v', 'hvc1', at('hevc10.mp4'));
    ffmpeg(...quads(160, 96, 0.2), '-pix_fmt', 'yuv420p10le', '-c:v', 'libaom-av1', '-crf', '4', '-cpu-used', '8', at('av1_10.mp4'));
    ffmpeg('-i', at('av1_10.mp4'), '-c', 'copy', '-bsf:v', 'av1_metadata=color_primaries=9:transfer_characteristics=16:matrix_coefficients=9', at('av1_hdr.mp4'));
    ffmpeg('-f', 'lavfi', '-i', 'color=s=256x64:r=25:d=0.2,format=gray,geq=lum=X', '-pix_fmt', 'gray', ...x264, at('grayh264.mp4'));
    // Time.
    const uneven = "setpts='(N/25+0.004*mod(N\\,3)+if(gte(N\\,12)\\,0.4\\,0))/TB'"; // as phones record
    ffmpeg(...from, '-vf', uneven, '-fps_mode', 'passthrough', '-enc_time_base', '1/90000', '-video_track_timescale', '90000', ...x264, at('phone.mp4'));
    ffmpeg(...from, '-c:v', 'libx264', '-bf', '3', '-crf', '8', '-movflags', 'negative_cts_offsets', at('early.mp4'));
    ffmpeg(...from, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', at('fragments.mp4'));
    ffmpeg('-itsoffset', '0.5', ...from, '-c', 'copy', at('delayed.mp4'));
    writeFileSync(at('live.webm'), ffmpeg(...from, ...vp9, '-g', '10', '-f', 'webm', '-live', '1', 'pipe:1')); // as a page records
    cutShort(at('fragments.mp4'), at('fragments_cut.mp4'), 0.6);
    cutShort(at('live.webm'), at('live_cut.webm'), 0.6);
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=160x96:r=25:d=4', ...x264, '-pix_fmt', 'yuv420p', at('test.mkv'));
    cutShort(at('test.mkv'), at('cut.mkv'), 0.6);
    // Shape.
    ffmpeg('-f', 'lavfi', '-i', 'color=0xbf0000:s=36x54:r=25:d=0.2,format=gbrp,crop=35:53:0:0:exact=1', ...vp9, at('odd.webm'));
    ffmpeg('-f', 'lavfi', '-i', 'color=0xbf0000:s=3x5:r=25:d=0.2,format=gbrp', '-c:v', 'ffv1', at('tiny.mkv'));
    ffmpeg('-f', 'lavfi', '-i', 'color=0xbf0000:s=1x1,format=rgb24', '-frames:v', '1', at('tiny.png'));
    // Containers and codecs.
    const good = ['-q:v', '2'];
    ffmpeg(...from, '-c:v', 'wmv2', ...good, at('wmv2.wmv'));
    ffmpeg(...from, '-c:v', 'msmpeg4', ...good, at('msmpeg4.avi'));
    ffmpeg(...from, '-c:v', 'mpeg2video', ...good, at('mpeg2.mpg'));
    ffmpeg(...from, '-c:v', 'flv', ...good, at('flv1.flv'));
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=160x96:r=25:d=1.2', '-pix_fmt', 'yuv420p', '-c:v', 'libtheora', '-q:v', '10', at('theora.ogv'));
    ffmpeg(...from, '-c:v', 'libtheora', '-q:v', '10', at('theora_still.ogv')); // what repeats is left out
    ffmpeg(...quads(176, 144), '-c:v', 'h263', ...good, at('h263.3gp'));
    ffmpeg(...from, '-c:v', 'mjpeg', '-pix_fmt', 'yuvj422p', ...good, at('mjpeg.mov'));
    ffmpeg(...from, '-c:v', 'libx265', '-x265-params', 'log-level=none', '-crf', '4', at('raw.hevc'));
    ffmpeg(...quads(160, 96, 0.4), ...quads(320, 192, 0.4).map((option) => option.replace(/\[([a-f])\]/g, '[2$1]')), ...x264, '-pix_fmt', 'yuv420p', at('two.mkv'));
    ffmpeg('-i', at('two.mkv'), '-map', '0', '-c', 'copy', '-program', 'title=a:st=0', '-program', 'title=b:st=1', at('programs.ts'));
    for (const [name, format] of [['p10', 'yuv420p10le'], ['mono', 'gray'], ['alpha', 'yuva444p'], ['422', 'yuv422p']])
        ffmpeg(...quads(160, 96, 0.12), '-pix_fmt', format, '-strict', '-1', at(`y4m_${name}.y4m`));
    writeFileSync(at('y4m_fields.y4m'), Buffer.from(readFileSync(at('y4m_422.y4m'), 'latin1').replace(' Ip', ' It'), 'latin1'));
    // Images.
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-pix_fmt', 'rgb24', '-compression_algo', 'lzw', at('lzw.tiff'));
    ffmpeg('-f', 'lavfi', '-i', 'color=s=256x64:d=0.04,format=gray16le,geq=lum=X*257', '-frames:v', '1', '-pix_fmt', 'gray16le', at('gray16.tiff'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-pix_fmt', 'rgba64be', at('rgba64.png'));
    writeFileSync(at('huge.png'), pngThatClaims(65536));
    writeFileSync(at('large.png'), pngThatClaims(8192));
    writeFileSync(at('disposal.gif'), gif([
        { x: 0, y: 0, width: 16, height: 16, colour: 0, disposal: 1 },
        { x: 4, y: 4, width: 8, height: 8, colour: 1, disposal: 3 },
        { x: 0, y: 0, width: 4, height: 4, colour: 2, disposal: 2, clear: 3 },
        { x: 12, y: 12, width: 4, height: 4, colour: 3, disposal: 1 },
    ]));
    const outside = "'191*(1-between(X\\,10*N\\,10*N+15)*between(Y\\,16\\,31))'"; // a red box that moves over white
    const box = ['-f', 'lavfi', '-i', `color=s=64x48:r=10:d=0.5,format=gbrp,geq=r=191:g=${outside}:b=${outside}`];
    ffmpeg(...box, '-f', 'apng', at('box.png'));
    copyFileSync(at('box.png'), at('box%02d.png')); // no pattern of names
    ffmpeg(...box, at('box.gif'));
    ffmpeg(...box, '-c:v', 'libwebp_anim', '-lossless', '1', at('box.webp'));
    // What is no recording.
    writeFileSync(at('nothing.mp4'), '');
    writeFileSync(at('text.mp4'), 'This is no video.\n'.repeat(200));
    writeFileSync(at('page.mp4'), '<!DOCTYPE html>\n<html><head><title>Not found</title></head><body><p>404</p></body></html>\n'.repeat(50));
    mkdirSync(at('sizes'), { recursive: true });
    copyFileSync(at('quads.png'), at('sizes/a.png'));
    copyFileSync(at('still.bmp'), at('sizes/b.bmp'));
    writeFileSync(at('sizes/c.png'), readFileSync(at('tiny.png')));
    makeZips(at, readFileSync(at('quads.png')));
}

/** @param {string} from
 * @param {string} to
 * @param {number} part of its bytes */
function cutShort(from, to, part) {
    const whole = readFileSync(from);
    writeFileSync(to, whole.subarray(0, Math.floor(whole.length * part)));
}

/** @param {string[]} options
 * @param {string} range */
function quads709(options, range) {
    return options.map((option) => (option.endsWith('vstack') ? `${option},scale=out_color_matrix=bt709:out_range=${range}` : option));
}
