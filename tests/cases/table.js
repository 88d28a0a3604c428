/**
 * What must come of each input, whoever reads it: the command line and the site are held against the same table.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { chunk, prepareMore } from './make.js';

/**
 * @typedef {object} Case
 * @property {string} input a file or folder; made by prepare() if it is not in tests/cases/video
 * @property {string[]} [options] of diffy encode
 * @property {[number, number]} [size]
 * @property {number} [frames]
 * @property {number} [rate] frames per second
 * @property {number} [seconds]
 * @property {[number, number]} [aspect] of a pixel
 * @property {number} [matrix] H.273
 * @property {boolean} [full] range
 * @property {[number, number, number, [number, number, number]][]} [pixels] frame, x, y, RGB as a viewer sees it
 * @property {boolean} [dithered] its colours are means of pixels about
 * @property {number} [near] how far a value may be off; 4
 * @property {RegExp} [says] on stderr, or on the page
 * @property {RegExp} [refused] the sentence; nothing else is looked at
 * @property {number} [status] exit status of the command line; 0, or 1 where refused
 * @property {string} [site] why the site is left out
 * @property {RegExp} [siteRefused] the sentence of the site, which can't read it
 * @property {boolean} [media] the site reads it by decoders of its own, which `make media` builds
 */

/** @typedef {[number, number, number]} Colour */
const red = /** @type {Colour} */ ([191, 0, 0]), green = /** @type {Colour} */ ([0, 191, 0]);
const blue = /** @type {Colour} */ ([0, 0, 191]), white = /** @type {Colour} */ ([191, 191, 191]);
const yellow = /** @type {Colour} */ ([191, 191, 0]), cyan = /** @type {Colour} */ ([0, 191, 191]);

/** Bars as the HD inputs have them.
 * @type {Case['pixels']} */
const bars = [[0, 40, 100, white], [0, 200, 100, yellow], [0, 520, 100, cyan]];

/** Quadrants of the 160 x 96 clip: red, green, blue, white from the upper left. */
const upright = [red, green, blue, white];
/** Which quadrant of the coded picture stands where when it is shown, by EXIF orientation. */
const quadrants = [[], [0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0], [2, 3, 0, 1], [0, 2, 1, 3], [2, 0, 3, 1], [3, 1, 2, 0], [1, 3, 0, 2]];

/** @param {number} orientation
 * @returns {Pick<Case, 'size' | 'pixels'>} */
function turned(orientation) {
    const [width, height] = orientation > 4 ? [96, 160] : [160, 96], q = quadrants[orientation];
    return {
        size: [width, height],
        pixels: [0, 1, 2, 3].map((i) => [0, (width * (1 + 2 * (i & 1))) / 4, (height * (1 + 2 * (i >> 1))) / 4, upright[q[i]]]),
    };
}

const ramp = /** @type {Case['pixels']} */ ([[0, 10, 20, [10, 10, 10]], [0, 128, 20, [128, 128, 128]], [0, 250, 20, [250, 250, 250]]]);
const quarters = turned(1);
/** What a profile says whose red is green: the pixels are those of `quarters`. */
const swapped = { ...quarters, pixels: quarters.pixels?.map(([frame, x, y, [r, g, b]]) => /** @type {[number, number, number, Colour]} */ ([frame, x, y, [g, r, b]])) };
/** No browser decodes these; the site's own decoders are used. */
const clip = { ...quarters, frames: 30, rate: 25, seconds: 1.2 };

/** @type {Case[]} */
export const cases = [
    { input: 'rgbhd_h264.mp4', size: [1280, 720], frames: 5, rate: 25, matrix: 1, full: false, pixels: bars },
    { input: 'hd.mp4', size: [1280, 720], frames: 5, rate: 25, matrix: 1, full: false, pixels: bars },
    { input: 'hd.mp4', options: ['--max-width', '640'], size: [640, 360], matrix: 1, pixels: [[0, 20, 50, white], [0, 140, 50, yellow], [0, 230, 50, cyan]] },
    { input: 'hd_png', size: [1280, 720], frames: 1, matrix: 1, pixels: bars },
    { input: 'hd.gif', size: [1280, 720], frames: 3, rate: 10, seconds: 0.3, matrix: 1, near: 14, pixels: bars }, // its palette has no better
    { input: 'png16bit', size: [256, 64], frames: 3, pixels: [[0, 9, 20, [9, 9, 9]], [0, 65, 20, [65, 65, 65]], [0, 129, 20, [129, 129, 129]]] },
    { input: 'gray.mkv', media: true, size: [256, 64], frames: 10, rate: 25, full: true, pixels: ramp },
    { input: 'back.ts', media: true, size: [160, 96], frames: 60, rate: 25, seconds: 2.4, says: /clock .* jumps/ },
    { input: 'hflip.mp4', size: [160, 96], frames: 30, rate: 25, seconds: 1.2 },
    { input: 'vflip.mp4', size: [160, 96], frames: 30, rate: 25, seconds: 1.2 },
    { input: 'sar.mp4', size: [160, 96], frames: 30, rate: 25, aspect: [16, 11] },
    { input: 'sar.mp4', options: ['--pixels', 'square'], size: [232, 96], frames: 30, aspect: [1, 1], site: 'the site keeps the shape of pixels' },
    { input: 'trim.mp4', size: [160, 96], frames: 17, rate: 25, seconds: 0.68 },
    { input: 'anim.webp', size: [160, 96], frames: 5 },
    { input: 'zero', refused: /f4\.jpg is empty/, site: 'the site skips what it can not read, and says so' },
    { input: 'zero', options: ['--on-error', 'skip'], size: [160, 96], frames: 6, says: /1 .*(skipped|could not be read).*f4\.jpg is empty/, status: 1 },
    { input: 'trunc', refused: /f4\.jpg is damaged or cut/, site: 'the site skips what it can not read, and says so' },
    { input: 'trunc', options: ['--on-error', 'skip'], size: [160, 96], frames: 6, says: /1 .*(skipped|could not be read).*f4\.jpg is damaged or cut/, status: 1 },
    { input: 'exif', size: [96, 160], frames: 6 },
    { input: 'hold2.mp4', size: [160, 96], frames: 30, rate: 25, seconds: 3.16 },
    { input: 'damaged.mp4', media: true, size: [160, 96], frames: 29, rate: 25, seconds: 1.2, says: /damaged/ },
    { input: 'res.ts', media: true, size: [160, 96], frames: 60, rate: 25, seconds: 2.4, says: /160 x 96 to 96 x 160/ },
    { input: 'cover.mp3', refused: /no video/ },
    { input: 'cmyk.jpg', size: [64, 48], frames: 1, near: 6, pixels: [[0, 16, 12, red], [0, 48, 12, green], [0, 16, 36, blue], [0, 48, 36, [255, 255, 255]]] },
    { input: 'hdr.mp4', media: true, size: [320, 240], frames: 5, rate: 25, matrix: 1, says: /HDR \(PQ\)/ },
    { input: 'hdr.mp4', options: ['--hdr', 'keep'], size: [320, 240], frames: 5, matrix: 9, site: 'the site always tone-maps' },
    { input: 'nomoov.mp4', refused: /ends before the list of its contents/ },
    // From here on inputs that prepare() makes.
    { input: '2024-05-01T12:30:00.mp4', ...clip },
    { input: 'new\nline and 😀.mp4', ...clip },
    { input: 'box%02d.png', size: [64, 48], frames: 5, rate: 10 },
    { input: `${'n'.repeat(251)}.mp4`, ...clip },
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ input: `matrix${n}.mp4`, frames: 30, rate: 25, ...turned(n) })),
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ input: `exif${n}.jpg`, frames: 1, ...turned(n) })),
    { input: 'gray10.mkv', media: true, size: [256, 64], full: true, pixels: ramp },
    { input: 'gray16.mkv', media: true, size: [256, 64], full: true, pixels: ramp },
    { input: 'grayraw.avi', media: true, size: [256, 64], full: true, pixels: ramp },
    { input: 'grayhevc.mp4', media: true, size: [256, 64], full: true, pixels: ramp },
    { input: 'gbrp10.mkv', media: true, size: [1280, 720], matrix: 1, pixels: [[0, 320, 180, red], [0, 960, 540, white]] },
    { input: 'huffyuv.avi', media: true, size: [1280, 720], matrix: 1, pixels: [[0, 320, 180, red], [0, 960, 540, white]] },
    { input: 'yuv422p10.mov', media: true, ...quarters },
    { input: 'yuv444p12.mkv', media: true, ...quarters },
    { input: 'vp9_10.webm', ...quarters },
    { input: 'palette.png', frames: 1, ...quarters, near: 10, dithered: true },
    { input: 'anim.png', size: [160, 96], frames: 3, seconds: 0.3 },
    { input: 'deep.tiff', media: true, frames: 1, ...quarters },
    { input: 'still.bmp', frames: 1, ...quarters },
    { input: 'still.webp', frames: 1, ...quarters, near: 6 },
    { input: 'still.avif', frames: 1, ...quarters, near: 6 },
    { input: 'still.heic', frames: 1, ...quarters, near: 6, siteRefused: /still\.heic is a HEIC image, which this browser can't read: convert it/ },
    ...['profile.jpg', 'profile.png', 'profile.webp', 'profile_gamma.png'].map((input) => ({ input, frames: 1, ...swapped, near: 8 })),
    { input: 'profile.tiff', media: true, frames: 1, ...swapped, near: 8 },
    { input: 'pages.tiff', media: true, frames: 3, size: [160, 96], pixels: [[0, 40, 24, red], [1, 40, 24, blue], [2, 40, 24, white]] },
    // Colours that a PNG names, in the order in which they count: code points, a profile (above), sRGB, chromaticities and a power.
    { input: 'linear.png', frames: 1, pixels: [[0, 32, 24, [127, 127, 127]]] },
    { input: 'points_p3.png', frames: 1, pixels: [[0, 32, 24, [139, 30, 36]]] },
    { input: 'points_709.png', frames: 1, pixels: [[0, 32, 24, [128, 40, 40]]] },
    { input: 'points_pq.png', media: true, frames: 1, near: 6, pixels: [[0, 32, 24, [241, 241, 241]]], says: /HDR \(PQ\)/ },
    { input: 'chromaticities.png', frames: 1, pixels: [[0, 32, 24, [139, 30, 36]]] },
    { input: 'said_srgb.png', frames: 1, pixels: [[0, 32, 24, [128, 40, 40]]] },
    { input: 'clear.png', frames: 1, size: [64, 48], pixels: [[0, 16, 24, [128, 128, 128]]] },
    { input: 'clear.png', options: ['--alpha', 'white'], frames: 1, pixels: [[0, 16, 24, [255, 255, 255]]], site: 'black shows through on the site' },
    { input: 'mpeg4.avi', media: true, ...clip, near: 8 },
    { input: 'mjpeg.avi', media: true, ...clip, near: 8 },
    { input: 'raw.h264', media: true, ...quarters, frames: 30, rate: 25 },
    { input: 'wrap.ts', media: true, ...clip },
    { input: 'segments.ts', media: true, ...quarters, frames: 90, rate: 25, seconds: 3.6, says: /clock .* jumps 2 times/ },
    { input: 'late.mkv', ...clip },
    { input: 'gap.mkv', size: [160, 96], frames: 30, rate: 25, seconds: 9.2 },
    { input: 'ntsc.mkv', size: [160, 96], frames: 30, rate: 29.97, seconds: 1.001 },
    // H.264, MPEG-2, H.264; of the picture before the change two are one packet.
    { input: 'codecs.ts', media: true, ...quarters, rate: 25, seconds: 3.6, says: /continues with different video, mpeg2video after h264 at 1\.\d s and again/ },
    { input: 'numbers.ts', media: true, ...quarters, frames: 90, rate: 25, seconds: 3.6, says: /continues with different video, mpeg2video after h264 at 1\.\d s and again/ },
    { input: 'minutes.mkv', media: true, size: [32, 16], frames: 4320, rate: 1 / 60, seconds: 259200 },
    { input: 'sub', size: [256, 64], frames: 3 },
    // Colours that only the stream states, or its codec.
    { input: 'vp8_720.webm', size: [1280, 720], frames: 3, matrix: 6, near: 6, pixels: [[0, 320, 180, red], [0, 960, 180, green], [0, 320, 540, blue], [0, 960, 540, white]] },
    { input: 'vp8_709.webm', size: [1280, 720], frames: 3, matrix: 1 },
    { input: 'vui.mp4', ...quarters, frames: 10, matrix: 1, full: true },
    { input: 'vp9_709.webm', ...quarters, frames: 10, matrix: 1, full: false },
    { input: 'full.mp4', ...quarters, frames: 10, matrix: 6, full: true },
    { input: 'h264_444.mp4', media: true, ...quarters, frames: 10 },
    { input: 'h264_422p10.mp4', media: true, ...quarters, frames: 10 },
    { input: 'hevc10.mp4', media: true, ...quarters, frames: 10 },
    { input: 'alpha.webm', media: true, ...quarters, frames: 10 },
    { input: 'av1_10.mp4', ...quarters, frames: 5 },
    { input: 'av1_hdr.mp4', size: [160, 96], frames: 5, says: /HDR \(PQ\)/ },
    { input: 'grayh264.mp4', size: [256, 64], frames: 5 },
    // Times.
    { input: 'phone.mp4', ...quarters, frames: 30, rate: 25, seconds: 1.608 },
    { input: 'early.mp4', ...clip },
    { input: 'fragments.mp4', ...clip },
    { input: 'fragments_cut.mp4', ...quarters, rate: 25, says: /early|cut/ },
    { input: 'delayed.mp4', ...clip },
    { input: 'live.webm', ...clip },
    { input: 'live_cut.webm', media: true, ...quarters, rate: 25, frames: 10 },
    { input: 'cut.mkv', media: true, size: [160, 96], rate: 25, says: /ends early, after \d\d frames/ },
    // Shapes.
    { input: 'sar_turned.mp4', size: [96, 160], aspect: [11, 16], frames: 30 },
    { input: 'odd.webm', size: [35, 53], frames: 5, pixels: [[0, 30, 50, red]] },
    { input: 'tiny.mkv', media: true, size: [3, 5], frames: 5, pixels: [[0, 2, 4, red]] },
    { input: 'tiny.png', size: [1, 1], frames: 1, pixels: [[0, 0, 0, red]] },
    // Containers and codecs.
    { input: 'wmv2.wmv', media: true, ...clip, near: 8 },
    { input: 'msmpeg4.avi', media: true, ...clip, near: 8 },
    { input: 'mpeg2.mpg', media: true, ...clip, near: 8 },
    { input: 'flv1.flv', media: true, ...clip, near: 8 },
    { input: 'theora.ogv', media: true, size: [160, 96], frames: 30, rate: 25, seconds: 1.2 },
    { input: 'theora_still.ogv', media: true, ...quarters, near: 8, rate: 25, seconds: 1.2 },
    { input: 'h263.3gp', media: true, size: [176, 144], frames: 30 },
    { input: 'mjpeg.mov', media: true, ...clip, near: 8 },
    { input: 'raw.hevc', media: true, ...quarters, frames: 30, rate: 25 },
    { input: 'two.mkv', media: true, frames: 10, says: /contains 2 videos/ },
    { input: 'programs.ts', media: true, frames: 10, says: /contains 2 videos/ },
    { input: 'y4m_p10.y4m', media: true, ...quarters, frames: 3 },
    { input: 'y4m_mono.y4m', media: true, size: [160, 96], frames: 3 },
    { input: 'y4m_alpha.y4m', media: true, ...quarters, frames: 3 },
    { input: 'y4m_fields.y4m', media: true, ...quarters, frames: 3, says: /interlaced/ },
    // Images.
    { input: 'progressive.jpg', frames: 1, ...quarters },
    { input: 'arithmetic.jpg', frames: 1, ...quarters },
    { input: 'twelve.jpg', refused: /precision 12|damaged/ },
    ...['turned.png', 'turned.webp'].map((input) => ({ input, frames: 1, ...turned(6) })),
    { input: 'turned.tiff', media: true, frames: 1, ...turned(6) },
    { input: 'lzw.tiff', media: true, frames: 1, ...quarters },
    { input: 'gray16.tiff', media: true, frames: 1, size: [256, 64], pixels: ramp },
    { input: 'rgba64.png', frames: 1, ...quarters },
    { input: 'huge.png', refused: /65536 x 65536|too large/ },
    { input: 'large.png', refused: /damaged/ },
    { input: 'disposal.gif', size: [16, 16], frames: 4, rate: 10, pixels: [[0, 8, 8, red], [1, 8, 8, green], [1, 1, 1, red], [2, 8, 8, red], [2, 1, 1, blue], [3, 1, 1, [0, 0, 0]], [3, 13, 13, white]], near: 14 },
    ...['box.png', 'box.webp', 'box.gif'].map((input) => ({ input, size: /** @type {[number, number]} */ ([64, 48]), frames: 5, rate: 10, near: 8, dithered: input === 'box.gif',
        pixels: /** @type {Case['pixels']} */ ([[0, 4, 24, red], [0, 40, 24, white], [3, 4, 24, white], [3, 38, 24, red]]) })),
    // What is no recording.
    { input: 'nothing.mp4', refused: /is empty/ },
    { input: 'text.mp4', refused: /can't be read/ },
    { input: 'page.mp4', refused: /can't be read/ },
    { input: 'sizes', refused: /c\.png .*1 x 1 pixels/, site: 'the site skips what it can not read, and says so' },
    // Zips.
    { input: 'large.zip', ...quarters, frames: 3 },
    { input: 'packed.zip', ...quarters, frames: 3 },
    { input: 'encrypted.zip', refused: /im1\.png .*is encrypted.* unpack/ },
    { input: 'bzip2.zip', ...quarters, frames: 3, siteRefused: /im1\.png .*is compressed .*unpack/ },
    { input: 'unknown.zip', refused: /im1\.png .*is compressed .*unpack/ },
    { input: 'wrong_sum.zip', refused: /im1\.png .*damaged/, site: 'the site skips what it can not read, and says so' },
    { input: 'slashes.zip', ...quarters, frames: 3 },
    { input: 'upwards.zip', ...quarters, frames: 3 },
    { input: 'absolute.zip', ...quarters, frames: 3 },
    { input: 'latin.zip', ...quarters, frames: 3 },
    { input: 'with_folders.zip', ...quarters, frames: 3 },
    { input: 'zips.zip', refused: /unpack/ },
    { input: 'no_images.zip', refused: /no (readable )?images/ },
    { input: 'cut.zip', refused: /damaged/ },
];

/**
 * Makes all inputs of the table in a folder.
 * @param {string} folder
 */
export function prepare(folder) {
    mkdirSync(folder, { recursive: true });
    cpSync(new URL('./video', import.meta.url), folder, { recursive: true });
    const at = (/** @type {string} */ name) => join(folder, name);
    const ffmpeg = (/** @type {string[]} */ ...args) => execFileSync('ffmpeg', ['-v', 'error', '-y', '-nostdin', ...args], { cwd: folder });
    const quads = (/** @type {number} */ w, /** @type {number} */ h, duration = 1.2) => {
        const part = (/** @type {string} */ c) => `color=c=${c}:s=${w / 2}x${h / 2}:r=25:d=${duration},format=gbrp`;
        return ['-filter_complex', `${part('0xbf0000')}[a];${part('0x00bf00')}[b];${part('0x0000bf')}[c];${part('0xbfbfbf')}[d];` +
            '[a][b]hstack[e];[c][d]hstack[f];[e][f]vstack'];
    };
    const x264 = ['-c:v', 'libx264', '-crf', '8', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'];
    ffmpeg(...quads(160, 96), ...x264, at('quads.mp4'));
    for (const name of ['2024-05-01T12:30:00.mp4', 'new\nline and 😀.mp4', `${'n'.repeat(251)}.mp4`]) copyFileSync(at('quads.mp4'), at(name));
    for (let n = 1; n <= 8; n++) writeFileSync(at(`matrix${n}.mp4`), withMatrix(readFileSync(at('quads.mp4')), n));
    ffmpeg(...quads(160, 96, 0.04), '-pix_fmt', 'yuvj444p', '-frames:v', '1', '-q:v', '1', at('quads.jpg'));
    for (let n = 1; n <= 8; n++) writeFileSync(at(`exif${n}.jpg`), withExif(readFileSync(at('quads.jpg')), n));
    const grey = (/** @type {string} */ format) => ['-f', 'lavfi', '-i', `color=s=256x64:r=25:d=0.2,format=gray,geq=lum=X,format=${format}`];
    ffmpeg(...grey('gray10le'), '-c:v', 'ffv1', at('gray10.mkv'));
    ffmpeg(...grey('gray16le'), '-c:v', 'ffv1', at('gray16.mkv'));
    ffmpeg(...grey('gray'), '-c:v', 'rawvideo', at('grayraw.avi'));
    ffmpeg(...grey('gray'), '-c:v', 'libx265', '-x265-params', 'log-level=none', '-crf', '4', at('grayhevc.mp4'));
    ffmpeg(...quads(1280, 720, 0.04), '-pix_fmt', 'gbrp10le', '-c:v', 'ffv1', at('gbrp10.mkv'));
    ffmpeg(...quads(1280, 720, 0.04), '-pix_fmt', 'rgb24', '-c:v', 'huffyuv', at('huffyuv.avi'));
    ffmpeg(...quads(160, 96, 0.12), '-pix_fmt', 'yuv422p10le', '-c:v', 'prores_ks', at('yuv422p10.mov'));
    ffmpeg(...quads(160, 96, 0.12), '-pix_fmt', 'yuv444p12le', '-c:v', 'ffv1', at('yuv444p12.mkv'));
    ffmpeg(...quads(160, 96, 0.12), '-pix_fmt', 'yuv420p10le', '-c:v', 'libvpx-vp9', '-crf', '4', '-b:v', '0', at('vp9_10.webm'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-pix_fmt', 'pal8', at('palette.png'));
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=160x96:r=10:d=0.3', '-f', 'apng', at('anim.png'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-pix_fmt', 'rgb48le', at('deep.tiff'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', at('still.bmp'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-q:v', '95', at('still.webp'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-c:v', 'libaom-av1', '-still-picture', '1', '-crf', '4', '-pix_fmt', 'yuv444p', at('still.avif'));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', at('quads.png'));
    execFileSync('heif-enc', ['-q', '95', at('quads.png'), '-o', at('still.heic')], { stdio: 'ignore' });
    writeFileSync(at('profile.jpg'), withJpegProfile(readFileSync(at('quads.jpg')), swappedProfile()));
    writeFileSync(at('profile.png'), withPngProfile(readFileSync(at('quads.png')), swappedProfile()));
    writeFileSync(at('profile_gamma.png'), withChunks(readFileSync(at('profile.png')), { gAMA: [100000] }));
    ffmpeg(...quads(160, 96, 0.04), '-frames:v', '1', '-lossless', '1', at('lossless.webp'));
    writeFileSync(at('profile.webp'), withWebpPart(readFileSync(at('lossless.webp')), 'ICCP', swappedProfile()));
    writeFileSync(at('turned.webp'), withWebpPart(readFileSync(at('lossless.webp')), 'EXIF', exifBlock(6)));
    const still = readFileSync(at('quads.png'));
    writeFileSync(at('turned.png'), Buffer.concat([still.subarray(0, 33), chunk('eXIf', exifBlock(6)), still.subarray(33)]));
    const pixels = execFileSync('ffmpeg', ['-v', 'error', '-i', at('quads.png'), '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']);
    writeFileSync(at('profile.tiff'), tiff(160, 96, [pixels], swappedProfile()));
    writeFileSync(at('turned.tiff'), tiff(160, 96, [pixels], undefined, 6));
    writeFileSync(at('pages.tiff'), tiff(160, 96, [pixels, Buffer.alloc(pixels.length, Buffer.from(blue)), Buffer.alloc(pixels.length, Buffer.from(white))]));
    const p3 = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000], red8 = png(8, [128, 40, 40]);
    writeFileSync(at('linear.png'), withChunks(png(16, [14025, 14025, 14025]), { gAMA: [100000] }));
    writeFileSync(at('points_p3.png'), withChunks(red8, { gAMA: [100000], cICP: [0x0c0d0001] }));
    writeFileSync(at('points_709.png'), withChunks(red8, { cICP: [0x01010001] })); // as Diffy writes them
    writeFileSync(at('points_pq.png'), withChunks(png(16, [38000, 38000, 38000]), { cICP: [0x09100001] }));
    writeFileSync(at('chromaticities.png'), withChunks(red8, { gAMA: [45455], cHRM: p3 }));
    writeFileSync(at('said_srgb.png'), withChunks(withChunks(red8, { gAMA: [100000], cHRM: p3 }), { sRGB: [] }));
    ffmpeg('-f', 'lavfi', '-i', 'color=c=0xffffff:s=64x48:d=0.04,format=rgba,colorchannelmixer=aa=0.502', '-frames:v', '1', at('clear.png'));
    ffmpeg(...quads(160, 96), '-c:v', 'mpeg4', '-q:v', '2', at('mpeg4.avi'));
    ffmpeg(...quads(160, 96), '-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p', at('mjpeg.avi'));
    ffmpeg('-i', at('quads.mp4'), '-c', 'copy', at('raw.h264'));
    ffmpeg('-i', at('quads.mp4'), '-c', 'copy', '-muxdelay', '0', '-output_ts_offset', '95442.9', at('wrap.ts'));
    ffmpeg('-i', at('quads.mp4'), '-c', 'copy', '-output_ts_offset', '3', at('late.mkv'));
    ffmpeg('-i', at('quads.mp4'), '-c', 'copy', at('one.ts'));
    writeFileSync(at('segments.ts'), Buffer.concat(Array(3).fill(readFileSync(at('one.ts')))));
    ffmpeg('-i', at('quads.mp4'), '-c:v', 'mpeg2video', '-q:v', '2', at('two.ts'));
    writeFileSync(at('codecs.ts'), Buffer.concat(['one.ts', 'two.ts', 'one.ts'].map((name) => readFileSync(at(name)))));
    ffmpeg('-i', at('two.ts'), '-c', 'copy', '-streamid', '0:300', at('other.ts'));
    writeFileSync(at('numbers.ts'), Buffer.concat(['one.ts', 'other.ts', 'one.ts'].map((name) => readFileSync(at(name)))));
    ffmpeg('-i', at('quads.mp4'), '-vf', 'setpts=PTS+if(gte(N\\,10)\\,8/TB\\,0)', '-fps_mode', 'passthrough', ...x264, at('gap.mkv'));
    ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=160x96:r=30000/1001', '-frames:v', '30', ...x264, at('ntsc.mkv'));
    ffmpeg('-f', 'lavfi', '-i', 'color=s=32x16:r=1/60', '-frames:v', '4320', '-c:v', 'mpeg4', at('minutes.mkv'));
    mkdirSync(at('sub/inner'), { recursive: true });
    for (const n of [1, 2, 3]) copyFileSync(at(`png16bit/g${n}.png`), at(`sub/inner/g${n}.png`));
    writeFileSync(at('sar_turned.mp4'), withMatrix(readFileSync(at('sar.mp4')), 6));
    prepareMore(folder, quads);
}

/** Display matrices that a player carries out: a, b, c, d of x' = a x + c y, y' = b x + d y, by EXIF orientation. */
const matrices = [[], [1, 0, 0, 1], [-1, 0, 0, 1], [-1, 0, 0, -1], [1, 0, 0, -1], [0, 1, 1, 0], [0, 1, -1, 0], [0, -1, -1, 0], [0, -1, 1, 0]];

/** An MP4 with another matrix in its track's head.
 * @param {Buffer} file
 * @param {number} orientation */
function withMatrix(file, orientation) {
    const at = file.indexOf('tkhd') + 4 + 40, [a, b, c, d] = matrices[orientation];
    const width = file.readUInt32BE(at + 36), height = file.readUInt32BE(at + 40);
    const x = (a < 0 ? width : 0) + (c < 0 ? height : 0), y = (b < 0 ? width : 0) + (d < 0 ? height : 0);
    [a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, x, y, 1 << 30].forEach((value, i) => file.writeInt32BE(value, at + 4 * i));
    return file;
}

/** A JPEG with an EXIF block that holds nothing but an orientation.
 * @param {Buffer} file
 * @param {number} orientation */
function withExif(file, orientation) {
    const exif = Buffer.from('ffe10000457869660000' + '49492a0008000000' + '0100' + '120103000100000000000000' + '00000000', 'hex');
    exif.writeUInt16BE(exif.length - 2, 2);
    exif.writeUInt16LE(orientation, 10 + 8 + 2 + 8);
    return Buffer.concat([file.subarray(0, 2), exif, file.subarray(2)]);
}

/** An ICC profile of sRGB's colours with red and green the other way round. */
function swappedProfile() {
    const xyz = { r: [0.3851, 0.7169, 0.0971], g: [0.4361, 0.2225, 0.0139], b: [0.1431, 0.0606, 0.7141], w: [0.9642, 1, 0.8249] };
    const fixed = (/** @type {number[]} */ values) => {
        const data = Buffer.alloc(8 + 4 * values.length);
        data.write('XYZ ', 0, 'latin1');
        values.forEach((value, i) => data.writeInt32BE(Math.round(value * 65536), 8 + 4 * i));
        return data;
    };
    const curve = Buffer.from('63757276' + '00000000' + '00000001' + '0233' + '0000', 'hex'); // a power of 2.2
    const text = Buffer.concat([Buffer.from('7465787400000000', 'hex'), Buffer.from('swapped\0')]);
    const name = Buffer.concat([Buffer.from('6465736300000000' + '00000008', 'hex'), Buffer.from('swapped\0'), Buffer.alloc(78 + 2)]);
    /** @type {[string, Buffer][]} */
    const tags = [['desc', name], ['cprt', text], ['wtpt', fixed(xyz.w)], ['rXYZ', fixed(xyz.r)], ['gXYZ', fixed(xyz.g)], ['bXYZ', fixed(xyz.b)],
        ['rTRC', curve], ['gTRC', curve], ['bTRC', curve]];
    const head = Buffer.alloc(128 + 4 + 12 * tags.length);
    let size = head.length;
    head.writeUInt32BE(0x02100000, 8);
    head.write('mntrRGB XYZ ', 12, 'latin1');
    head.write('acsp', 36, 'latin1');
    fixed(xyz.w).copy(head, 68, 8);
    head.writeUInt32BE(tags.length, 128);
    tags.forEach(([tag, data], i) => {
        head.write(tag, 132 + 12 * i, 'latin1');
        head.writeUInt32BE(size, 136 + 12 * i);
        head.writeUInt32BE(data.length, 140 + 12 * i);
        size += data.length;
    });
    head.writeUInt32BE(size, 0);
    return Buffer.concat([head, ...tags.map(([, data]) => data)]);
}

/** @param {Buffer} file
 * @param {Buffer} profile */
function withJpegProfile(file, profile) {
    const head = Buffer.concat([Buffer.from('ffe20000', 'hex'), Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1')]);
    head.writeUInt16BE(head.length - 2 + profile.length, 2);
    return Buffer.concat([file.subarray(0, 2), head, profile, file.subarray(2)]);
}

/** A PNG with chunks behind its head, of numbers of 32 bits; sRGB's one byte is 0.
 * @param {Buffer} file
 * @param {Record<string, number[]>} chunks */
function withChunks(file, chunks) {
    const made = Object.entries(chunks).map(([type, numbers]) => {
        const body = Buffer.alloc(numbers.length ? 4 * numbers.length : 1);
        numbers.forEach((number, i) => body.writeUInt32BE(number, 4 * i));
        return chunk(type, body);
    });
    return Buffer.concat([file.subarray(0, 33), ...made, file.subarray(33)]);
}

/** A PNG of 64 x 48 pixels of one colour.
 * @param {8 | 16} depth
 * @param {number[]} colour */
function png(depth, colour) {
    const pixel = Buffer.from(depth === 8 ? colour : colour.flatMap((value) => [value >> 8, value & 255]));
    const row = Buffer.concat([Buffer.alloc(1), Buffer.alloc(64 * pixel.length, pixel)]);
    const head = Buffer.concat([Buffer.from('0000004000000030', 'hex'), Buffer.from([depth, 2, 0, 0, 0])]);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(Array(48).fill(row)))), chunk('IEND', Buffer.alloc(0))]);
}

/** @param {Buffer} file
 * @param {Buffer} profile */
function withPngProfile(file, profile) {
    return Buffer.concat([file.subarray(0, 33), chunk('iCCP', Buffer.concat([Buffer.from('swapped\0\0', 'latin1'), deflateSync(profile)])), file.subarray(33)]);
}

/** What EXIF says of an orientation, as a TIFF block.
 * @param {number} orientation */
function exifBlock(orientation) {
    const block = Buffer.from('49492a0008000000' + '0100' + '120103000100000000000000' + '00000000', 'hex');
    block.writeUInt16LE(orientation, 18);
    return block;
}

/** A WebP of 160 x 96 pixels, with a part more.
 * @param {Buffer} file
 * @param {'ICCP' | 'EXIF'} type of the part
 * @param {Buffer} body */
function withWebpPart(file, type, body) {
    const part = (/** @type {string} */ type, /** @type {Buffer} */ body) => {
        const head = Buffer.concat([Buffer.from(type, 'latin1'), Buffer.alloc(4)]);
        head.writeUInt32LE(body.length, 4);
        return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
    };
    const profile = type === 'ICCP', own = part(type, body), head = part('VP8X', Buffer.from(`${profile ? '20' : '08'}0000009f00005f0000`, 'hex'));
    return part('RIFF', Buffer.concat([Buffer.from('WEBP'), head, ...(profile ? [own, file.subarray(12)] : [file.subarray(12), own])]));
}

/** A TIFF without compression, whose pages are not numbered.
 * @param {number} width
 * @param {number} height
 * @param {Buffer[]} pages RGB
 * @param {Buffer} [profile]
 * @param {number} [orientation] */
function tiff(width, height, pages, profile, orientation = 1) {
    /** @type {Buffer[]} */
    const parts = [Buffer.from('49492a0000000000', 'hex')];
    let end = 8, pointer = parts[0], place = 4;
    const add = (/** @type {Buffer} */ part) => {
        parts.push(part);
        end += part.length;
        return end - part.length;
    };
    for (const page of pages) {
        const pixels = add(page), bits = add(Buffer.from('080008000800', 'hex')), colours = profile ? add(Buffer.concat([profile, Buffer.alloc(profile.length & 1)])) : 0;
        const tags = [[256, 4, 1, width], [257, 4, 1, height], [258, 3, 3, bits], [259, 3, 1, 1], [262, 3, 1, 2], [273, 4, 1, pixels], [274, 3, 1, orientation], [277, 3, 1, 3], [278, 4, 1, height],
            [279, 4, 1, page.length], ...(profile ? [[34675, 7, profile.length, colours]] : [])];
        const directory = Buffer.alloc(6 + 12 * tags.length);
        directory.writeUInt16LE(tags.length, 0);
        tags.forEach(([tag, type, count, value], i) => {
            directory.writeUInt16LE(tag, 2 + 12 * i);
            directory.writeUInt16LE(type, 4 + 12 * i);
            directory.writeUInt32LE(count, 6 + 12 * i);
            directory.writeUInt32LE(value, 10 + 12 * i);
        });
        pointer.writeUInt32LE(add(directory), place);
        [pointer, place] = [directory, directory.length - 4];
    }
    return Buffer.concat(parts);
}
