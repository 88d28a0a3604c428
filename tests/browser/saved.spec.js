/** The page that plays the video inside it: opened from disk, offline, by double click, so to say. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { clip, compare, countFrames, encode, expect, exportAs, h264, openDfy, save, test, top, withMetadata, work } from './site.js';

/** @type {string} */
let file;

test.beforeAll(() => {
    const video = clip('moving.mp4', { extra: h264 });
    file = `${work}/to-save <b>.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', video, file]);
});

/** Opens a page from disk, where nothing may be asked of anybody, and nothing may go wrong.
 * @param {import('@playwright/test').Browser} browser
 * @param {string} html
 * @param {(page: import('@playwright/test').Page) => Promise<void>} look */
async function fromDisk(browser, html, look) {
    const context = await browser.newContext(), page = await context.newPage();
    /** @type {string[]} */
    const problems = [];
    await context.setOffline(true);
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    context.on('request', (request) => /^(file|blob|data):/.test(request.url()) || problems.push(`a request to ${request.url()}`));
    await page.goto(pathToFileURL(html).href);
    await expect(page.locator('diffy-player')).toHaveAttribute('data-ready', '1');
    await look(page);
    expect(problems).toEqual([]);
    await context.close();
}

test('diffy decode writes a page that plays, steps, and saves the .dfy and an MP4', async ({ browser }) => {
    const html = `${work}/saved.html`;
    execFileSync(`${top}build/diffy`, ['decode', file, html]);
    const bytes = statSync(html).size - Math.ceil(statSync(file).size / 3) * 4;
    expect(bytes).toBeLessThan(300_000);
    await fromDisk(browser, html, async (page) => {
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '0');
        // A name is only text.
        await expect(page.locator('h1')).toHaveText('to-save <b>.dfy');
        await expect(page.locator('#facts')).toContainText('320 x 180, 45 frames');
        await page.keyboard.press('ArrowRight');
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '1');
        await page.locator('#position').fill('20');
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '20');
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`)).toEqual([]);
        await page.locator('#play').click();
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '44', { timeout: 20_000 });
        const again = await save(page, page.locator('#save'), 'again.dfy');
        expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
        const mp4 = await save(page, page.locator('#save-mp4'), 'saved.mp4');
        expect(countFrames(mp4)).toBe(45);
        expect(compare(file, mp4).psnr_y ?? 99).toBeGreaterThan(30);
        const { streams: [stream] } = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height,duration', '-of', 'json', mp4], { encoding: 'utf8' }));
        expect(stream).toMatchObject({ codec_name: 'h264', width: 320, height: 180 });
        expect(Number(stream.duration)).toBeCloseTo(1.5, 1);
    });
});

test('its policy lets nothing in but what is in it', async ({ browser }) => {
    const html = `${work}/saved.html`, text = readFileSync(html, 'utf8');
    const policy = String(/Content-Security-Policy" content="([^"]+)"/.exec(text)?.[1]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*|'self'/);
    expect(text).not.toMatch(/\son\w+="|\sstyle="/);
    await fromDisk(browser, html, async (page) => {
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '0');
    });
    const page = await browser.newPage();
    await page.goto(pathToFileURL(html).href);
    expect(await page.evaluate(() => fetch('https://example.com/').then(() => 'allowed', () => 'refused'))).toBe('refused');
    await page.close();
});

test('cycles are shown, and files of version 1 play too', async ({ browser }) => {
    const starts = [0, 9, 18, 27, 42], cycles = starts.map((start, i) => [start, (starts[i + 1] ?? 45) - start, 0, i ? 1.25 : 0, i ? 1 : 0]);
    const old = withMetadata('saved-cycles.dfy', clip('moving.mp4', { extra: h264 }), (metadata) => ({ ...metadata, cycles })), html = `${work}/saved-cycles.html`;
    execFileSync(`${top}build/diffy`, ['decode', old, html]);
    await fromDisk(browser, html, async (page) => {
        await expect(page.locator('#cycle-marks rect')).toHaveCount(5);
        await expect(page.locator('#cycle-marks rect.departs')).toHaveCount(2);
        await page.locator('#cycle-forward').click();
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '9');
    });
});

test('the decode page and the encode page save such a page', async ({ page, browser }) => {
    const encoded = await encode(page, [clip('moving.mp4', { extra: h264 })], 'moving');
    const row = page.locator('#queue > li').first();
    await row.locator('summary').click();
    const fromEncode = await save(page, row.getByRole('button', { name: 'save as a web page' }), 'from-encode.html');
    await openDfy(page, encoded);
    const fromDecode = await exportAs(page, 'html', '.html');
    for (const html of [fromEncode, fromDecode]) {
        await fromDisk(browser, html, async (saved) => {
            await expect(saved.locator('h1')).toHaveText('moving.dfy');
            await saved.keyboard.press('End');
            await expect(saved.locator('#picture')).toHaveAttribute('data-frame', '44');
        });
    }
});
