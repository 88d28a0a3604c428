/** The site in Firefox as it is sold: encoding a clip, and playing what comes of it. Skipped where there is no Firefox. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { createSite } from '../../../web/serve.js';

const top = new URL('../../../', import.meta.url).pathname, folder = mkdtempSync(`${tmpdir()}/diffy-firefox-`);
const executablePath = process.env.FIREFOX ?? ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => existsSync(path));
const options = executablePath ? { timeout: 180_000 } : { skip: 'Firefox is not installed (Debian: firefox-esr)' };

/** @type {import('puppeteer-core').Browser | null} */
let browser = null;
/** @type {import('node:http').Server | null} */
let server = null;
let address = '';

before(async () => {
    if (!executablePath) return;
    const { default: puppeteer } = await import('puppeteer-core');
    browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
    server = createSite(`${top}dist`).listen(0);
    address = `http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`;
});
after(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
});

/** A page that remembers what went wrong in it, and nothing of those before it.
 * @param {string} path */
async function open(path) {
    const context = await /** @type {import('puppeteer-core').Browser} */ (browser).createBrowserContext(), page = await context.newPage();
    /** @type {string[]} */
    const problems = [];
    // Firefox reports a module that is not there even where the page goes on without it, as it does without its own decoders.
    const missing = existsSync(`${top}dist/media/media.js`) ? null : /^Error: Failed to load ‘’\. A ServiceWorker/;
    page.on('pageerror', (error) => missing?.test(String(error)) || problems.push(String(error)));
    await page.goto(address + path);
    return { page, problems };
}

/** @param {import('puppeteer-core').Page} page
 * @param {string} selector
 * @param {string[]} files */
async function choose(page, selector, files) {
    const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement> | null} */ (await page.$(selector));
    assert.ok(input);
    await input.uploadFile(...files);
}

/** A second try on a busy machine, as the tests in Chromium have; what needs it is named.
 * @param {() => Promise<void>} run */
const twice = (run) => run().catch((error) => {
    console.log(`second try, because of ${error}`);
    return run();
});

/**
 * What the page makes of a clip, as it keeps it until it is saved: its policy lets a test fetch nothing.
 * @param {string} clip
 * @param {string} file where it is put
 * @returns {Promise<{ problems: string[], text: string }>} what went wrong in the page, and what its row says
 */
async function encode(clip, file) {
    const { page, problems } = await open('');
    await page.evaluate(() => localStorage.setItem('diffy-encode-settings', JSON.stringify({ quality: 95, effort: 1 })));
    await page.reload();
    await choose(page, '#files', [clip]);
    await page.waitForSelector('#queue > li[data-state=done]', { timeout: 120_000 });
    assert.equal(await page.$eval('#queue > li', (row) => row.dataset.frames), '45');
    const saved = await page.evaluate(async () => {
        const root = await navigator.storage.getDirectory();
        let newest = null;
        for await (const folder of /** @type {any} */ (root).values()) {
            for await (const [name, handle] of folder.entries()) {
                if (!name.startsWith('encoded-')) continue;
                const candidate = await (await handle.getFile());
                if (!newest || candidate.lastModified > newest.lastModified) newest = candidate;
            }
        }
        if (!newest) throw new Error('The page kept no file.');
        const bytes = new Uint8Array(await newest.arrayBuffer());
        return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    });
    writeFileSync(file, Buffer.from(saved, 'base64'));
    const text = await page.$eval('#queue > li', (row) => row.innerText);
    await page.close();
    return { problems, text };
}

// Firefox gives RGB alone: by BT.709 where H.264 does not say its matrix, and never by full range. Both clip strong colours,
// of which this picture has nothing else; the site's own decoders, where they were built, don't.
const clips = /** @type {const} */ ([
    ['says nothing', [], 38, 31], ['says BT.601', ['-colorspace', 'smpte170m'], 45, 35], ['says BT.709', ['-colorspace', 'bt709', '-vf', 'scale=out_color_matrix=bt709'], 45, 35],
    ['is of full range', ['-color_range', 'pc', '-vf', 'scale=out_range=pc'], 26, 24],
]);
for (const [i, [name, words, luma, chroma]] of clips.entries()) {
    test(`a clip that ${name} keeps its colours`, options, () => twice(async () => {
        const clip = `${folder}/clip${i}.mp4`, file = `${folder}/clip${i}.dfy`;
        execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=30', '-frames:v', '45', '-pix_fmt', 'yuv420p', ...words, '-c:v', 'libx264', '-preset', 'veryfast', clip]);
        const { problems, text } = await encode(clip, file), told = JSON.parse(execFileSync(`${top}build/diffy`, ['compare', '--json', clip, file], { encoding: 'utf8' }));
        assert.equal(told.other_frames, 45);
        const { psnr_y: y, psnr_u: u, psnr_v: v } = told;
        assert.ok(y > luma && u > chroma && v > chroma, `${y}, ${u}, ${v} dB`);
        if (name === 'is of full range') assert.ok(y > 40 || /full range/.test(text), text);
        assert.deepEqual(problems, []);
    }));
}

test('what comes of a clip plays', options, async () => {
    const decode = await open('decode/');
    await choose(decode.page, '#file', [`${folder}/clip0.dfy`]);
    await decode.page.waitForSelector('body[data-opened="clip0.dfy"]', { timeout: 60_000 });
    await decode.page.keyboard.press(' ');
    await decode.page.waitForSelector('#player[data-frame="44"]', { timeout: 60_000 });
    assert.deepEqual(decode.problems, []);
});
