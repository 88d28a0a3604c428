/** The decode page: playing, seeking, facts, exports, and files that are not whole. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { withoutPickers } from './chromium.js';
import { clip, compare, countFrames, dropOn, encode, expect, exportAs, h264, openDfy, save, test, top, withMetadata, work } from './site.js';

/** @type {string} */
let file;

test.beforeAll(async ({ browser, baseURL }) => {
    const page = await browser.newPage({ baseURL });
    await withoutPickers(page);
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
    // What a worker has drawn comes to the page a moment later.
    const settled = async () => {
        let last = NaN;
        await expect.poll(async () => {
            const before = last;
            last = await pixels();
            return last === before;
        }, { intervals: [200] }).toBe(true);
        return last;
    };
    const canvas = page.locator('#picture');
    for (let i = 1; i <= 20; i++) {
        await page.click('#forward');
        await expect(canvas).toHaveAttribute('data-frame', String(i));
    }
    const stepped = await settled();
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

/** Colours of the overlay that are there at all: how many pixels of each.
 * @param {import('@playwright/test').Page} page */
function overlayColours(page) {
    return page.evaluate(() => {
        const overlay = /** @type {HTMLCanvasElement} */ (document.querySelector('#overlay'));
        const copy = new OffscreenCanvas(overlay.width, overlay.height), context = copy.getContext('2d');
        context?.drawImage(overlay, 0, 0);
        /** @type {Record<string, number>} */
        const colours = {};
        const data = context?.getImageData(0, 0, copy.width, copy.height).data ?? [];
        for (let i = 0; i < data.length; i += 4) {
            const key = data[i + 3] < 8 ? 'none' : data[i + 3] > 200 ? 'coded' : data[i + 3] < 40 ? 'skipped' : 'between';
            colours[key] = (colours[key] ?? 0) + 1;
        }
        return { ...colours, width: overlay.width, height: overlay.height };
    });
}

test('block origins lie over the picture, told in words and numbers too', async ({ page }) => {
    await openDfy(page, file);
    const legend = page.locator('#origin-legend'), button = page.locator('#origins'), overlay = page.locator('#overlay');
    const share = async (/** @type {string} */ kind) => Number.parseFloat((await legend.locator(`[data-kind=${kind}] .share`).textContent()) ?? '');
    await expect(legend).toBeHidden();
    await expect(overlay).toBeHidden();
    await button.focus();
    await page.keyboard.press('Enter');
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    await expect(legend).toBeVisible();
    await expect(overlay).toHaveAttribute('data-on', 'true');
    // The first frame knows the background and itself, nothing before or after it.
    expect(await share('plate')).toBeGreaterThan(50);
    expect((await share('earlier')) + (await share('later')) + (await share('both')) + (await share('kept'))).toBe(0);
    expect((await share('plate')) + (await share('intra'))).toBeCloseTo(100, -0.5);
    const first = await overlayColours(page);
    expect(first).toMatchObject({ width: 320, height: 180 });
    expect(first).not.toHaveProperty('none');
    await page.locator('#position').fill('9');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '9');
    await expect.poll(() => share('plate')).toBeLessThan(50);
    expect((await share('earlier')) + (await share('later')) + (await share('both'))).toBeGreaterThan(50);
    expect(await overlayColours(page)).not.toEqual(first);
    // Both lie on the same place.
    expect(await overlay.boundingBox()).toEqual(await page.locator('#picture').boundingBox());
    await page.locator('#position').focus();
    await page.keyboard.press('o');
    await expect(overlay).toBeHidden();
    await expect(legend).toBeHidden();
    await page.keyboard.press('o');
    await page.keyboard.press(' ');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '44', { timeout: 20_000 });
    await expect(page.locator('#play')).toHaveText('play');
    expect(Object.keys(await overlayColours(page))).toContain('skipped');
    // The picture taken out is the picture alone.
    const under = readFileSync(await exportAs(page, 'frame', '-44.png'));
    await button.click();
    await expect(overlay).toBeHidden();
    expect(readFileSync(await exportAs(page, 'frame', '-44.png')).equals(under)).toBe(true);
});

test('block origins are not promised where there are none', async ({ page }) => {
    const old = `${work}/old.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--format', '1', clip('moving.mp4', { extra: h264 }), old], { stdio: 'ignore' });
    await openDfy(page, file);
    await page.click('#origins');
    await expect(page.locator('#origin-legend')).toBeVisible();
    await dropOn(page, [old]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'old.dfy');
    await expect(page.locator('#origins')).toBeDisabled();
    await expect(page.locator('#origins-none')).toBeVisible();
    await expect(page.locator('#origin-legend')).toBeHidden();
    await expect(page.locator('#overlay')).toBeHidden();
});

test('cycles are marked, stepped through, listed, and the odd one stands out', async ({ page }) => {
    const starts = [0, 9, 18, 27, 42];
    const cycles = starts.map((start, i) => [start, (starts[i + 1] ?? 45) - start, 0, i ? 1.25 : 0, i ? 1 : 0]);
    await openDfy(page, withMetadata('cycles.dfy', clip('moving.mp4', { extra: h264 }), (metadata) => ({ ...metadata, cycles })));
    await expect(page.locator('#cycle-marks rect')).toHaveCount(5);
    await expect(page.locator('#cycle-facts')).toContainText('5 cycles');
    await expect(page.locator('#cycles tbody tr')).toHaveCount(5);
    await expect(page.locator('#cycles tr.outlier')).toHaveCount(2);
    // What can be saved is what the command line writes.
    const saved = await save(page, page.getByRole('link', { name: 'cycles as CSV' }), 'cycles.csv');
    execFileSync(`${top}build/diffy`, ['info', '--cycles', `${work}/native-cycles.csv`, `${work}/cycles.dfy`]);
    expect(readFileSync(saved, 'utf8')).toBe(readFileSync(`${work}/native-cycles.csv`, 'utf8'));
    const shown = async (/** @type {number} */ frame) => expect(page.locator('#picture')).toHaveAttribute('data-frame', String(frame));
    await page.click('#cycle-forward');
    await shown(9);
    await page.keyboard.press('c');
    await shown(18);
    await page.keyboard.press('Shift+C');
    await shown(9);
    await page.click('#cycle-back');
    await shown(0);
    const json = JSON.parse(readFileSync(await save(page, page.getByRole('link', { name: 'cycles as JSON' }), 'cycles.json'), 'utf8'));
    expect(json.map((/** @type {any} */ cycle) => cycle.firstFrame)).toEqual(starts);
    // A file without any has no buttons for them.
    await openDfy(page, file);
    await expect(page.locator('#cycle-forward')).toBeHidden();
});

test('speed, full screen, and the keys J, K and L', async ({ page }) => {
    await openDfy(page, file);
    await page.selectOption('#speed', '0.25');
    await page.locator('#position').focus();
    await page.keyboard.press(' ');
    await page.waitForTimeout(1500);
    await page.keyboard.press('k');
    await expect(page.locator('#play')).toHaveText('play');
    const frame = Number(await page.locator('#picture').getAttribute('data-frame'));
    // A quarter of thirty a second.
    expect(frame).toBeGreaterThan(4);
    expect(frame).toBeLessThan(25);
    await page.keyboard.press('f');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement?.id)).toBe('player');
    await page.keyboard.press('f');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement)).toBe(null);
});

test('an export can be cancelled, and what it takes no notice of cannot be set', async ({ page }) => {
    const long = `${work}/to-cancel.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', clip('long.mp4', { frames: 400, size: '640x360', extra: h264 }), long]);
    await openDfy(page, long);
    await page.selectOption('#export [name=kind]', 'png');
    await expect(page.locator('#export [name=quality]')).toBeDisabled();
    await expect(page.locator('#export [name=from]')).toBeEnabled();
    await page.click('#start-export');
    await expect(page.getByRole('progressbar', { name: 'progress of the export' })).toBeVisible();
    await page.click('#cancel-export');
    await expect(page.locator('#export-problem')).toHaveText('The export was cancelled.');
    await expect(page.locator('#exports a')).toHaveCount(0);
    await page.selectOption('#export [name=kind]', 'frame');
    await expect(page.locator('#export [name=from]')).toBeDisabled();
});

test('a file that the system opens with the installed app plays', async ({ page }) => {
    await page.addInitScript((bytes) => {
        const launched = new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], 'launched.dfy');
        Object.defineProperty(globalThis, 'launchQueue', { value: { setConsumer: (/** @type {any} */ take) => take({ files: [{ getFile: async () => launched }] }) } });
    }, readFileSync(file).toString('base64'));
    await page.goto('decode/');
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'launched.dfy');
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

test('a damaged chunk is named, and its frames are said to be lost', async ({ page }) => {
    const damaged = `${work}/damaged.dfy`, data = Buffer.from(readFileSync(file));
    const { chunks } = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8' }));
    const segments = chunks.filter((/** @type {any} */ chunk) => chunk.name === 'SEGMENT');
    for (const { offset, bytes } of segments) data[offset + 24 + Math.floor(bytes / 2)] ^= 0xff;
    writeFileSync(damaged, data);
    await openDfy(page, damaged);
    await expect(page.locator('#chunks tr', { hasText: 'SEGMENT' })).toContainText(`${segments.length} damaged`);
    await expect(page.locator('#chunks tr', { hasText: 'STREAM' })).toContainText('whole');
    await expect(page.locator('#warnings')).toContainText('lost');
    // All are: there is nothing to play or to export, and the page says so.
    await expect(page.locator('#problem')).toContainText('none of its frames can be played');
    await expect(page.locator('#player')).toBeHidden();
    await expect(page.locator('#start-export')).toBeHidden();
    await dropOn(page, [file]);
    await expect(page.locator('#player')).toBeVisible();
    await expect(page.locator('#problem')).toBeHidden();
    // Cut before the first frame.
    writeFileSync(damaged, data.subarray(0, 200));
    await dropOn(page, [damaged]);
    await expect(page.locator('#problem')).toContainText('cut before its first frame');
    await expect(page.locator('#player')).toBeHidden();
});
