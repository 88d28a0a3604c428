/** The decode page: playing, seeking, facts, exports, and files that are not whole. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { withoutPickers } from './chromium.js';
import { clip, compare, countFrames, dropOn, encode, expect, exportAs, h264, openDfy, pngFolder, save, test, top, withMetadata, work } from './site.js';
import { episodes } from './states.js';

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
    const pixels = () => page.locator('#picture').evaluate((element) => {
        const canvas = /** @type {HTMLCanvasElement} */ (element);
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
    await page.keyboard.press('b');
    await expect(overlay).toBeHidden();
    await expect(legend).toBeHidden();
    await page.keyboard.press('b');
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

test('noise is put back for the eye alone, where the file says of any', async ({ page }) => {
    const film = `${work}/noisy.y4m`, coded = `${work}/noisy.dfy`, button = page.locator('#grain');
    execFileSync(`${top}build/scene`, ['--preset', 'noisy', '--noise', '6', '--size', '192x128', '--frames', '24', film]);
    execFileSync(`${top}build/diffy`, ['encode', '--effort', '1', '-q', '25', film, coded], { stdio: 'ignore' });
    await openDfy(page, coded);
    await expect(button).toBeVisible();
    await page.locator('#position').fill('9');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '9');
    const seen = () => page.locator('#picture').screenshot();
    const smooth = await seen(), alone = readFileSync(await exportAs(page, 'frame', '-9.png'));
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    await expect.poll(async () => (await seen()).equals(smooth)).toBe(false);
    // Noise is hard to pack: that is how much more there is to see.
    expect((await seen()).length).toBeGreaterThan(1.3 * smooth.length);
    const noisy = await seen();
    await page.keyboard.press('ArrowRight');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '10');
    await page.keyboard.press('ArrowLeft');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '9');
    await expect.poll(async () => (await seen()).equals(noisy)).toBe(true);
    expect(readFileSync(await exportAs(page, 'frame', '-9.png')).equals(alone)).toBe(true);
    await button.click();
    await expect.poll(async () => (await seen()).equals(smooth)).toBe(true);
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', file.split('/').at(-1) ?? '');
    if (!execFileSync(`${top}build/diffy`, ['info', file], { encoding: 'utf8' }).includes('GRAIN')) await expect(button).toBeHidden();
});

test('departures from the routine are marked, listed and gone to', async ({ page }) => {
    const film = `${work}/planted.y4m`, coded = `${work}/planted.dfy`;
    execFileSync(`${top}build/scene`, ['--size', '160x90', '--jitter', '5', '--pauses', '0.4', '--planted', '0.3', '--seed', '3', '--frames', '3000', film]);
    execFileSync(`${top}build/diffy`, ['encode', '--effort', '1', '-q', '15', film, coded]);
    const told = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', coded], { encoding: 'utf8' })).departures;
    expect(told.length).toBeGreaterThan(2);
    await openDfy(page, coded);
    await expect(page.locator('#cycle-marks rect.departure')).toHaveCount(told.length);
    await expect(page.locator('#departures tbody tr')).toHaveCount(told.length);
    const saved = await save(page, page.getByRole('link', { name: 'departures as CSV' }), 'departures.csv');
    execFileSync(`${top}build/diffy`, ['info', '--departures', `${work}/native-departures.csv`, coded]);
    expect(readFileSync(saved, 'utf8')).toBe(readFileSync(`${work}/native-departures.csv`, 'utf8'));
    await page.locator('#departures tbody tr:nth-child(2) button').click();
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', String(told[1].first_frame));
    // A file without any has no table of them.
    await openDfy(page, file);
    await expect(page.locator('#departures-section')).toBeHidden();
});

test('cycles are marked, stepped through, listed, and the odd one stands out', async ({ page }) => {
    const starts = [0, 9, 18, 27, 42];
    const cycles = starts.map((start, i) => [start, (starts[i + 1] ?? 45) - start, 0, i ? 1.25 : 0, i ? 1 : 0]);
    await openDfy(page, withMetadata('cycles.dfy', clip('moving.mp4', { extra: h264 }), (metadata) => ({ ...metadata, cycles })));
    await expect(page.locator('#cycle-marks rect')).toHaveCount(5);
    await expect(page.locator('#cycle-facts')).toContainText('5 cycles');
    await expect(page.locator('#cycles tbody tr')).toHaveCount(5);
    await expect(page.locator('#cycles tr.outlier')).toHaveCount(2);
    // The rows are told, not the numbers that canonical cycles have among themselves.
    const cell = (/** @type {number} */ row, /** @type {string} */ label) => page.locator(`#cycles tbody tr:nth-child(${row + 1}) td[data-label=${label}]`);
    await expect(cell(0, 'kind')).toHaveText('canonical');
    await expect(cell(3, 'kind')).toHaveText('repeats cycle 0');
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
    await expect(page.locator('#problem')).toHaveText('wrong.dfy: this is a program, not a .dfy file.');
});

test('a file of another kind is told by name, with the way to where it belongs', async ({ page }) => {
    await page.goto('decode/');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    await expect(page.locator('#problem')).toHaveText('moving.mp4: this is an MP4 video, not a .dfy file. open the encode page');
    const folder = pngFolder('moving-png', clip('moving.mp4', { extra: h264 }));
    await dropOn(page, [`${folder}/frame1.png`]);
    await expect(page.locator('#problem')).toHaveText('frame1.png: this is a PNG image, not a .dfy file. open the encode page');
    await expect(page.locator('#opened')).toBeHidden();
    // Whatever came before, the next file plays.
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
    await expect(page.locator('#problem')).toBeHidden();
});

test('several files become a list, and each of them plays', async ({ page }) => {
    const other = `${work}/other.dfy`;
    writeFileSync(other, readFileSync(file));
    await page.goto('decode/');
    await dropOn(page, [file, other, clip('moving.mp4', { extra: h264 })]);
    await expect(page.locator('#files li')).toHaveCount(3);
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
    await page.locator('#files').getByRole('button', { name: 'other.dfy' }).click();
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'other.dfy');
    await expect(page.locator('#files button[aria-pressed=true]')).toHaveText('other.dfy');
    await page.locator('#files').getByRole('button', { name: 'moving.mp4' }).click();
    await expect(page.locator('#problem')).toContainText('an MP4 video');
});

for (const [width, height] of [[1280, 900], [390, 844]]) {
    test(`after opening, the play button is in view and the keys are the player's, ${width} x ${height}`, async ({ page }) => {
        await page.setViewportSize({ width, height });
        await openDfy(page, file);
        for (const part of ['#play', '#position', '#file-name']) await expect(page.locator(part)).toBeInViewport({ ratio: 1 });
        expect(await page.evaluate(() => scrollY)).toBe(0);
        await page.keyboard.press('l');
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '10');
        await page.locator('#picture').click({ position: { x: 20, y: 20 } });
        await expect(page.locator('#play')).toHaveText('pause');
    });
}

test('episodes are listed; one that is chosen is what plays and what is exported', async ({ page }) => {
    await openDfy(page, episodes());
    const list = page.locator('#episodes'), from = page.locator('[name=from]'), to = page.locator('[name=to]');
    await expect(page.locator('#episodes-title')).toHaveText('3 episodes');
    await expect(list.locator('li')).toContainText(['reach for the part30 frames, 1.0 s', 'place it45 frames, 1.5 s', 'check and go home45 frames, 1.5 s']);
    const second = list.getByRole('button', { name: 'place it' });
    await second.click();
    await expect(second).toHaveAttribute('aria-pressed', 'true');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '30');
    await expect(from).toHaveValue('30');
    await expect(to).toHaveValue('74');
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(45);
    // The same button again gives back the whole file.
    await second.click();
    await expect(second).toHaveAttribute('aria-pressed', 'false');
    await expect(to).toHaveValue('119');
    await openDfy(page, file);
    await expect(page.locator('#episodes-section')).toBeHidden();
});

test('in and out points bound what is played, in a loop, and what is exported', async ({ page }) => {
    await openDfy(page, file);
    await page.keyboard.press('l');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '10');
    await page.keyboard.press('i');
    await page.locator('#position').fill('14');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '14');
    await page.locator('#out').click();
    await expect(page.locator('[name=from]')).toHaveValue('10');
    await expect(page.locator('[name=to]')).toHaveValue('14');
    await page.locator('#loop').click();
    /** Frames shown in their order. */
    await page.locator('#player').evaluate((player) => {
        /** @type {number[]} */
        const frames = (/** @type {any} */ (window).frames_ = []);
        player.addEventListener('frame', (event) => frames.push(/** @type {CustomEvent} */ (event).detail.frame));
    });
    await page.locator('#play').click();
    await expect.poll(() => page.evaluate(() => /** @type {any} */ (window).frames_.filter((/** @type {number} */ frame) => frame === 10).length), { timeout: 20_000 }).toBeGreaterThan(2);
    const frames = await page.evaluate(() => /** @type {any} */ (window).frames_);
    expect(Math.min(...frames)).toBe(10);
    expect(Math.max(...frames)).toBe(14);
    await page.locator('#play').click();
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(5);
});

test('while scrubbing a small picture stands in at once', async ({ page }) => {
    const long = `${work}/scrubbed.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', clip('long.mp4', { frames: 400, size: '640x360', extra: h264 }), long]);
    await openDfy(page, long);
    await expect.poll(() => page.locator('#player').evaluate((player) => /** @type {any} */ (player).thumbnailCount), { timeout: 30_000 }).toBeGreaterThan(4);
    const coarse = await page.locator('#position').evaluate((element) => {
        const input = /** @type {HTMLInputElement} */ (element), canvas = /** @type {HTMLCanvasElement} */ (/** @type {ShadowRoot} */ (input.getRootNode()).querySelector('#coarse'));
        input.value = '250';
        input.dispatchEvent(new Event('input'));
        return { hidden: canvas.hidden, width: canvas.width, height: canvas.height };
    });
    expect(coarse).toEqual({ hidden: false, width: 160, height: 90 });
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '250');
    await expect(page.locator('#coarse')).toBeHidden();
    const box = /** @type {{ x: number, y: number, width: number, height: number }} */ (await page.locator('#position').boundingBox());
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await expect(page.locator('#preview')).toBeVisible();
});

test('WebGL draws what the decoder converts', async ({ page }) => {
    // The renderer is asked for before there is a worker.
    const pixels = async (/** @type {string} */ renderer, /** @type {[string, number][]} */ ...steps) => {
        await page.goto('decode/');
        await page.locator('#player').evaluate((player, name) => player.setAttribute('renderer', name), renderer);
        await dropOn(page, [file]);
        await expect(page.locator('body')).toHaveAttribute('data-opened', /.+/);
        await expect(page.locator('#player')).toHaveAttribute('data-renderer', renderer);
        for (const [key, frame] of steps) {
            await page.keyboard.press(key);
            await expect(page.locator('#picture')).toHaveAttribute('data-frame', String(frame));
        }
        await page.waitForTimeout(500);
        return page.locator('#picture').evaluate((element) => {
            const canvas = /** @type {HTMLCanvasElement} */ (element), copy = new OffscreenCanvas(canvas.width, canvas.height), context = copy.getContext('2d');
            context?.drawImage(canvas, 0, 0);
            return [...(context?.getImageData(0, 0, copy.width, copy.height).data ?? [])];
        });
    };
    // Only tiles that are others than those shown are drawn: whatever was shown before, the picture is the same.
    const gpu = await pixels('webgl', ['End', 44], ['Home', 0], ['l', 10], ['ArrowRight', 11]), plain = await pixels('canvas', ['l', 10], ['l', 20], ['j', 10], ['ArrowRight', 11]), straight = await pixels('canvas', ['l', 10], ['ArrowRight', 11]);
    expect(gpu.length).toBe(320 * 180 * 4);
    let most = 0;
    for (let i = 0; i < gpu.length; i++) most = Math.max(most, Math.abs(gpu[i] - plain[i]));
    expect(most).toBeLessThanOrEqual(2);
    expect(plain).toEqual(straight);
});

test('a processor that plays the GPU is not taken for one', async ({ page }) => {
    await page.goto('decode/');
    const name = await page.evaluate(() => {
        const gl = document.createElement('canvas').getContext('webgl2'), told = gl?.getExtension('WEBGL_debug_renderer_info');
        return String(told ? gl?.getParameter(told.UNMASKED_RENDERER_WEBGL) : '');
    });
    test.skip(!/SwiftShader|llvmpipe/.test(name), `this browser draws with ${name || 'no WebGL'}`);
    await openDfy(page, file);
    await expect(page.locator('#player')).toHaveAttribute('data-renderer', 'canvas');
});

test.describe('by address', () => {
    // What a service worker asks for passes the routes of a test by.
    test.use({ serviceWorkers: 'block' });

    test('an address plays, of this site and of any host that lets it', async ({ page }) => {
        const data = readFileSync(file), length = data.length;
        await page.route(({ pathname }) => pathname.startsWith('/videos/'), (route) => {
            const [, from, to] = /bytes=(\d+)-(\d+)/.exec(route.request().headers().range ?? '') ?? [];
            if (!from) return route.fulfill({ body: data });
            const part = data.subarray(Number(from), Math.min(length, Number(to) + 1));
            return route.fulfill({ status: 206, body: part, headers: { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${length}` } });
        });
        await page.goto('decode/?url=../videos/remote.dfy');
        await expect(page.locator('body')).toHaveAttribute('data-opened', 'remote.dfy');
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '0');
        await page.goto('decode/?url=file:///etc/passwd');
        await expect(page.locator('#problem')).toContainText('only addresses that begin with https://');
    });
});

/** A host that gives parts of a file, and tells pages of other hosts nothing but its bytes.
 * @param {Buffer} data
 * @param {boolean} open lets pages of other hosts read it at all
 * @param {string[]} asked ranges */
function otherHost(data, open, asked) {
    return createServer((request, response) => {
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [], allow = open ? { 'access-control-allow-origin': '*' } : {};
        asked.push(`${request.method} ${request.headers.range ?? ''}`);
        if (request.method === 'HEAD' || !from) return void response.writeHead(200, { ...allow, 'content-length': data.length }).end(request.method === 'HEAD' ? undefined : data);
        const part = data.subarray(Number(from), Math.min(data.length, Number(to) + 1));
        response.writeHead(206, { ...allow, 'content-length': part.length, 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${data.length}` }).end(part);
    }).listen(0);
}

test('an address of another host plays where that lets it, and its name is seen', async ({ browser, baseURL }) => {
    /** @type {string[]} */
    const asked = [], data = readFileSync(file), servers = [otherHost(data, true, asked), otherHost(data, false, [])];
    const [open, closed] = servers.map((server) => `127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`);
    const page = await browser.newPage({ baseURL });
    try {
        await page.goto(`decode/?url=http://${open}/far.dfy`);
        await expect(page.locator('body')).toHaveAttribute('data-opened', 'far.dfy');
        await expect(page.locator('#file-name')).toHaveText(`far.dfy, from ${open}`);
        await expect(page.locator('#picture')).toHaveAttribute('data-frame', '0');
        expect(asked.slice(0, 2)).toEqual(['GET bytes=0-262143', 'HEAD ']);
        await page.goto(`decode/?url=http://${closed}/far.dfy`);
        await expect(page.locator('#problem')).toContainText('does not answer, or does not allow this page to read it');
    } finally {
        await page.close();
        for (const server of servers) server.close();
    }
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
    // A byte of each would cost a picture or two: all of them are spoilt, behind the chunks' heads.
    for (const { offset, bytes } of segments) for (let i = offset + 24; i < offset + bytes; i++) data[i] ^= 0xff;
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
    await expect(page.locator('#problem')).toContainText('cut off before the end of its first frame');
    await expect(page.locator('#player')).toBeHidden();
});

test('one damaged byte is told above the picture, with the frames that are lost', async ({ page }) => {
    const whole = `${work}/to-damage.dfy`, damaged = `${work}/one-byte.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', clip('long.mp4', { frames: 400, size: '640x360', extra: h264 }), whole]);
    const data = readFileSync(whole);
    data[Math.floor(data.length * 0.66)] ^= 0x55;
    writeFileSync(damaged, data);
    await openDfy(page, damaged);
    await expect(page.locator('#warnings li').first()).toContainText(/\d+.* lost: this file is damaged/);
    const [warnings, picture] = await Promise.all(['#warnings', '#picture'].map((part) => page.locator(part).boundingBox()));
    expect(Number(warnings?.y) + Number(warnings?.height)).toBeLessThanOrEqual(Number(picture?.y));
    await expect(page.locator('#play')).toBeInViewport({ ratio: 1 });
});

test('sound plays beside the pictures, and can be muted', async ({ page }) => {
    const loud = `${work}/loud-opus.mkv`, dfy = `${work}/loud.dfy`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip('rounds.mp4', { frames: 180, extra: h264 }), '-f', 'lavfi', '-i', 'sine', '-shortest', '-c:v', 'copy', '-c:a', 'libopus', loud]);
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', loud, dfy]);
    await openDfy(page, dfy);
    const player = page.locator('#player'), pieces = () => player.evaluate((element) => /** @type {any} */ (element).soundPieces);
    await expect(player).toHaveAttribute('data-sound', 'playable');
    await expect(page.locator('#volume')).toBeVisible();
    await page.locator('#play').click();
    // Opus comes in pieces of 20 milliseconds.
    await expect.poll(pieces).toBeGreaterThan(40);
    await page.keyboard.press('m');
    await expect(page.locator('#mute')).toHaveAttribute('aria-pressed', 'true');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '179', { timeout: 20_000 });
    // It goes along into an MP4.
    const mp4 = await exportAs(page, 'mp4', '.mp4');
    expect(countFrames(mp4)).toBe(180);
    const [sound] = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'a', '-show_entries', 'stream=codec_name,duration', '-of', 'json', mp4], { encoding: 'utf8' })).streams;
    expect(sound.codec_name).toBe('opus');
    expect(Math.abs(Number(sound.duration) - 6)).toBeLessThan(0.2);
    // A file without any has no such buttons.
    await openDfy(page, file);
    await expect(player).toHaveAttribute('data-sound', 'none');
    await expect(page.locator('#mute')).toBeHidden();
});

for (const renderer of ['canvas', 'webgl']) {
    test(`a file that says how it is to be turned is shown upright, ${renderer}`, async ({ page }) => {
        const plain = clip('plain.mp4', { frames: 10, size: '320x176', extra: h264 });
        for (const degrees of [90, 180]) {
            const rotated = `${work}/turned-${degrees}.mp4`, dfy = `${work}/turned.dfy`;
            execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', plain, '-c', 'copy', '-metadata:s:v:0', `rotate=${degrees}`, rotated]);
            execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', rotated, dfy]);
            const [width, height] = degrees === 90 ? [176, 320] : [320, 176], small = [width / 8, height / 8];
            const wanted = execFileSync('ffmpeg', ['-v', 'error', '-i', rotated, '-frames:v', '1', '-vf', `scale=${small.join(':')}:flags=area`, '-f', 'rawvideo', '-pix_fmt', 'rgba', '-']);
            await page.goto('decode/');
            await page.locator('#player').evaluate((player, name) => player.setAttribute('renderer', name), renderer);
            await dropOn(page, [dfy]);
            await expect(page.locator('body')).toHaveAttribute('data-opened', 'turned.dfy');
            await page.waitForTimeout(500);
            const shown = await page.locator('#picture').evaluate((element, [w, h]) => {
                const canvas = /** @type {HTMLCanvasElement} */ (element), copy = new OffscreenCanvas(w, h), context = copy.getContext('2d');
                if (context) context.imageSmoothingQuality = 'high';
                context?.drawImage(canvas, 0, 0, w, h);
                return { size: [canvas.width, canvas.height], pixels: [...(context?.getImageData(0, 0, w, h).data ?? [])] };
            }, small);
            expect(shown.size).toEqual([width, height]);
            const difference = shown.pixels.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]), 0) / wanted.length;
            expect(difference).toBeLessThan(8);
            if (renderer === 'webgl') continue;
            // An MP4 says the same of itself: players turn it.
            const [width2, height2] = execFileSync('ffmpeg', ['-v', 'error', '-i', await exportAs(page, 'mp4', '.mp4'), '-frames:v', '1', '-c:v', 'ppm', '-f', 'image2pipe', '-'], { encoding: 'latin1' }).split('\n', 2)[1].split(' ').map(Number);
            expect([width2, height2]).toEqual([width, height]);
        }
    });
}

