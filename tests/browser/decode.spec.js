/** The decode page: playing, seeking, facts, exports, and files that are not whole. */
import { readFileSync, writeFileSync } from 'node:fs';
import { clip, compare, countFrames, dropOn, encode, expect, exportAs, h264, openDfy, test, work } from './site.js';

/** @type {string} */
let file;

test.beforeAll(async ({ browser, baseURL }) => {
    const page = await browser.newPage({ baseURL });
    file = await encode(page, [clip('moving.mp4', { extra: h264 })], 'moving');
    await page.close();
});

test('plays, pauses, steps and seeks, by mouse and by keyboard', async ({ page }) => {
    await openDfy(page, file);
    const canvas = page.locator('#picture');
    await expect(canvas).toHaveAttribute('data-frame', '0');
    await page.click('#forward');
    await expect(canvas).toHaveAttribute('data-frame', '1');
    await page.keyboard.press('Escape');
    await page.locator('#position').focus();
    await page.keyboard.press('ArrowRight');
    await expect(canvas).toHaveAttribute('data-frame', '2');
    await page.keyboard.press('l');
    await expect(canvas).toHaveAttribute('data-frame', '12');
    await page.keyboard.press('j');
    await expect(canvas).toHaveAttribute('data-frame', '2');
    await page.keyboard.press('End');
    await expect(canvas).toHaveAttribute('data-frame', '44');
    await page.keyboard.press('Home');
    await expect(canvas).toHaveAttribute('data-frame', '0');
    await page.keyboard.press(' ');
    await expect(page.locator('#play')).toHaveText('pause');
    await expect(canvas).toHaveAttribute('data-frame', '44', { timeout: 20_000 });
    await expect(page.locator('#play')).toHaveText('play');
});

test('seeking gives the same picture as playing up to it', async ({ page }) => {
    await openDfy(page, file);
    const pixels = () => page.evaluate(() => {
        const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector('#picture'));
        const copy = new OffscreenCanvas(canvas.width, canvas.height), context = copy.getContext('2d');
        context?.drawImage(canvas, 0, 0);
        let sum = 0;
        for (const value of context?.getImageData(0, 0, copy.width, copy.height).data ?? []) sum = (sum * 31 + value) >>> 0;
        return sum;
    });
    const canvas = page.locator('#picture');
    for (let i = 1; i <= 20; i++) {
        await page.click('#forward');
        await expect(canvas).toHaveAttribute('data-frame', String(i));
    }
    const stepped = await pixels();
    await page.locator('#position').fill('40');
    await expect(canvas).toHaveAttribute('data-frame', '40');
    await expect.poll(pixels).not.toBe(stepped);
    await page.locator('#position').fill('20');
    await expect(canvas).toHaveAttribute('data-frame', '20');
    await expect.poll(pixels).toBe(stepped);
});

test('exports MP4, zips of PNG and JPEG, Y4M and a single frame', async ({ page }) => {
    await openDfy(page, file);
    const mp4 = await exportAs(page, 'mp4', '.mp4');
    expect(countFrames(mp4)).toBe(45);
    expect(compare(file, mp4).psnr_y ?? 99).toBeGreaterThan(26);
    const png = compare(file, await exportAs(page, 'png', '-png.zip'));
    expect(png.other_frames).toBe(45);
    expect(png.psnr_y ?? 99).toBeGreaterThan(38);
    const jpg = compare(file, await exportAs(page, 'jpg', '-jpg.zip'));
    expect(jpg.other_frames).toBe(45);
    expect(jpg.psnr_y ?? 99).toBeGreaterThan(30);
    await page.locator('#position').fill('7');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '7');
    const frame = readFileSync(await exportAs(page, 'frame', '.png'));
    expect(frame.subarray(1, 4).toString()).toBe('PNG');
});

test('exports a range', async ({ page }) => {
    await openDfy(page, file);
    await page.fill('[name=from]', '10');
    await page.fill('[name=to]', '19');
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(10);
    expect(countFrames(await exportAs(page, 'mp4', '.mp4'))).toBe(10);
    await page.fill('[name=from]', '30');
    await page.fill('[name=to]', '19');
    await page.click('#start-export');
    await expect(page.locator('#export-problem')).toContainText('must not come after the last');
});

test('facts tell chunks and size', async ({ page }) => {
    await openDfy(page, file);
    await expect(page.locator('#facts')).toContainText('320 x 180 pixels');
    await expect(page.locator('#facts')).toContainText('45');
    await expect(page.locator('#chunks tbody tr')).not.toHaveCount(0);
    await expect(page.locator('#chunk-bar rect')).not.toHaveCount(0);
});

test('a file that is no .dfy says so in one sentence', async ({ page }) => {
    const wrong = `${work}/wrong.dfy`;
    writeFileSync(wrong, 'MZ nothing of the kind');
    await page.goto('decode/');
    await dropOn(page, [wrong]);
    await expect(page.locator('#problem')).toContainText('This is not a .dfy file');
});

test('a cut file plays up to the cut and says what is missing', async ({ page }) => {
    const cut = `${work}/cut.dfy`, data = readFileSync(file);
    writeFileSync(cut, data.subarray(0, Math.floor(data.length * 0.7)));
    await page.goto('decode/');
    await dropOn(page, [cut]);
    const opened = page.locator('#opened'), problem = page.locator('#problem');
    await expect(opened.or(problem).locator('visible=true').first()).toBeVisible();
    if (await opened.isVisible()) await expect(page.locator('#facts')).toContainText('no: the file was cut');
    else await expect(problem).not.toHaveText('');
});
