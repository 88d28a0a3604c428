/**
 * The main job the way a person does it, in a real browser: drop a video on the site, wait for the download, drop that
 * on the decode page, export its frames. Prints one table; the .dfy and a contact sheet stay in build/demo/.
 *
 *     node tests/browser/demo.js [VIDEO]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, resolve } from 'node:path';
import { chromium } from '@playwright/test';
import { createSite } from '../../web/serve.js';
import { dropOn, launchOptions, withoutPickers } from './chromium.js';

const top = new URL('../../', import.meta.url).pathname;
const folder = `${top}build/demo`;

const maxRawBytes = 400e6;

/** Milliseconds between opening the site and dropping the clip: a person finds and drags it meanwhile, and the browser, which
 * has just been started as well, needs half a processor for a second or two. */
const beforeDropping = 2500;

/** Without a clip of the user's own: the project's test scene, as a camera would record it. */
function renderScene() {
    const clip = `${folder}/scene.mp4`;
    if (existsSync(clip)) return clip;
    console.log('Rendering the test scene ...');
    const y4m = `${folder}/scene.y4m`;
    execFileSync(`${top}build/scene`, ['--size', '640x360', '--frames', '300', '--fps', '30', '--seed', '1', y4m], { stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', y4m, '-c:v', 'libx264', '-crf', '14', '-preset', 'fast', clip]);
    return clip;
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {string} clip
 */
async function encode(page, clip) {
    await dropOn(page, [clip]);
    const row = page.locator('#queue > li');
    await row.first().waitFor();
    let shown = '';
    for (;;) {
        const state = await row.first().getAttribute('data-state');
        if (state === 'done') break;
        if (state === 'failed') throw new Error(await row.first().locator('.error').innerText());
        const text = (await row.first().locator('.bar').innerText().catch(() => '')).replace(/\s+/g, ' ');
        if (text !== shown && process.stdout.isTTY) process.stdout.write(`\r${text}   `);
        shown = text;
        await page.waitForTimeout(200);
    }
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    const { frames, bytes, seconds } = await row.first().evaluate((element) => ({ .../** @type {HTMLElement} */ (element).dataset }));
    const [download] = await Promise.all([page.waitForEvent('download'), row.first().locator('a.download').click()]);
    const file = `${folder}/${basename(clip, extname(clip))}.dfy`;
    await download.saveAs(file);
    return { file, frames: Number(frames), bytes: Number(bytes), seconds: Number(seconds) };
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {string} kind
 * @param {string} file
 */
async function exportAs(page, kind, file) {
    const started = performance.now();
    await page.selectOption('#export [name=kind]', kind);
    await page.click('#start-export');
    const link = page.locator(`#exports a[download$="${extname(file)}"]`).first();
    await Promise.race([link.waitFor({ timeout: 0 }), page.locator('#export-problem:not([hidden])').waitFor({ timeout: 0 }).then(async () => {
        throw new Error(await page.locator('#export-problem').innerText());
    })]);
    const seconds = (performance.now() - started) / 1000;
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    await download.saveAs(file);
    return seconds;
}

/** Original, decoded and their difference times four, at four moments.
 * @param {string} clip
 * @param {string} decoded
 * @param {number} frames
 * @param {number} height */
function contactSheet(clip, decoded, frames, height) {
    const moments = [0, 1, 2, 3].map((i) => `eq(n,${Math.floor((i * (frames - 1)) / 3)})`).join('+');
    const row = Math.min(360, height);
    const pick = `settb=1/30,setpts=N,select='${moments}',scale=-2:${row}:flags=area,format=gbrp,split`;
    const graph = `[0:v]${pick}[a][c];[1:v]${pick}[b][d];[c][d]blend=all_mode=difference,lutrgb=r=val*4:g=val*4:b=val*4[e];[a][b][e]hstack=3,tile=1x${Math.min(4, frames)}`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip, '-i', decoded, '-filter_complex', graph, '-fps_mode', 'passthrough', '-frames:v', '1', `${folder}/contact-sheet.png`]);
}

async function main() {
    mkdirSync(folder, { recursive: true });
    const clip = process.argv[2] ? resolve(process.argv[2]) : renderScene();
    if (!existsSync(clip)) throw new Error(`There is no file ${clip}.`);
    const site = createSite(`${top}dist`).listen(0);
    const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());
    // A profile on disk, as people have: private windows keep files in memory, and little of them.
    const profile = mkdtempSync(`${tmpdir()}/diffy-demo-`);
    const browser = await chromium.launchPersistentContext(profile, { ...launchOptions, viewport: { width: 1280, height: 900 } });
    try {
        const page = await browser.newPage();
        await withoutPickers(page);
        await page.goto(`http://localhost:${port}/`);
        await page.waitForTimeout(beforeDropping);
        const { file, frames, bytes, seconds } = await encode(page, clip);
        await page.goto(`http://localhost:${port}/decode/`);
        await dropOn(page, [file]);
        await page.locator('body[data-opened]').waitFor();
        // Of a long recording the beginning is taken out as raw frames, and the whole measured from the .dfy.
        const { width, height } = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8', maxBuffer: 1 << 28 }));
        const exported = Math.min(frames, Math.max(1, Math.floor(maxRawBytes / (width * height * 1.5))));
        await page.fill('#export [name=to]', String(exported - 1));
        const decodeSeconds = await exportAs(page, 'y4m', `${folder}/decoded.y4m`);
        await exportAs(page, 'png', `${folder}/frames.zip`);
        const decoded = exported === frames ? `${folder}/decoded.y4m` : file;
        const compared = JSON.parse(execFileSync(`${top}build/diffy`, ['compare', '--json', clip, decoded], { encoding: 'utf8', maxBuffer: 1 << 28 }));
        const input = statSync(clip).size;
        contactSheet(clip, `${folder}/decoded.y4m`, exported, height);
        const number = (/** @type {number | null} */ value) => (value === null ? 'identical' : value.toFixed(2));
        const rows = [
            ['clip', basename(clip)],
            ['frames in', String(compared.reference_frames)], ['frames out', String(compared.other_frames)],
            ['bytes in', input.toLocaleString('en')], ['bytes out', bytes.toLocaleString('en')],
            ['bytes per frame', (bytes / frames).toFixed(1)], ['ratio', `${(input / bytes).toFixed(1)} : 1`],
            ['PSNR Y / U / V, dB', [compared.psnr_y, compared.psnr_u, compared.psnr_v].map(number).join(' / ')],
            ['encode, seconds', seconds.toFixed(2)], ['encode, frames a second', (frames / seconds).toFixed(1)],
            ['decode and export, seconds', decodeSeconds.toFixed(2)], ['decode and export, frames a second', (exported / decodeSeconds).toFixed(1)],
        ];
        const column = Math.max(...rows.map(([name]) => name.length));
        console.log(rows.map(([name, value]) => `${name.padEnd(column)}  ${value}`).join('\n'));
        console.log(`\nKept in build/demo: ${basename(file)}, frames.zip, decoded.y4m, contact-sheet.png (original | decoded | difference x 4)`);
        if (compared.reference_frames !== compared.other_frames) throw new Error('Frames were lost on the way.');
    } finally {
        await browser.close();
        site.close();
        rmSync(profile, { recursive: true, force: true });
    }
}

main().catch((error) => {
    console.error(`The demo failed: ${error.message}`);
    process.exitCode = 1;
});
