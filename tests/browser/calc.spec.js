/** The calc page: units, the formula, the address, and calibration with an own clip. */
import { clip, dropOn, expect, h264, rowInState, test } from './site.js';
import { costOfClips, estimate } from '../../web/calc/model.js';
import { costOfGrowth } from '../../web/shared/last-encode.js';

test('estimates follow the formula, with the right units', async ({ page }) => {
    const { recording, day, uploadSeconds } = estimate({ start: 1e6, frame: 100 }, { workers: 10, hours: 8, shifts: 2, size: '640x360', fps: 30, network: 80, quality: 25, activity: 50 });
    expect(recording).toBe(1e6 + 8 * 3600 * 30 * 100);
    expect(day).toBe(recording * 20);
    expect(uploadSeconds).toBeCloseTo(day / 1e7);
    await page.goto('calc/?workers=10&hours=8&size=1920x1080&fps=25&network=abc');
    await expect(page.locator('[name=workers]')).toHaveValue('10');
    await expect(page.locator('[name=size]')).toHaveValue('1920x1080');
    await expect(page.locator('[name=network]')).toHaveValue('100');
    const rows = page.locator('#result tbody tr');
    await expect(rows).toHaveCount(3);
    const before = await rows.first().innerText();
    await page.fill('[name=workers]', '20');
    await expect(rows.first()).not.toHaveText(before);
    expect(new URL(page.url()).searchParams.get('workers')).toBe('20');
    await expect(page.locator('#measured-facts')).toContainText(/Measured on \d{4}-\d\d-\d\d/);
    await expect(page.locator('#chart')).toContainText('[#');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.click('#copy');
    await expect(page.locator('#copy')).toHaveText('copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
    // On a phone every figure is there without scrolling sideways.
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.locator('#result').evaluate((table) => table.scrollWidth - (table.parentElement?.clientWidth ?? 0))).toBeLessThanOrEqual(0);
    expect(await page.locator('#chart').evaluate((chart) => chart.scrollWidth - chart.clientWidth)).toBeLessThanOrEqual(0);
});

test('what cannot be counted with is told', async ({ page }) => {
    await page.goto('calc/');
    const invalid = page.locator('#invalid'), row = page.locator('#result tbody tr').first();
    await expect(invalid).toBeEmpty();
    const before = await row.innerText();
    await page.fill('[name=shifts]', '9');
    await expect(invalid).toHaveText('shifts per day: a whole number from 1 to 3; using 3.');
    await expect(page.locator('[name=shifts]')).toHaveAttribute('aria-invalid', 'true');
    await page.fill('[name=shifts]', '1');
    await page.fill('[name=workers]', '');
    await expect(invalid).toHaveText('workers recorded: a whole number from 1 to 1,000,000; using 1.');
    await expect(page.locator('#formula')).toContainText('= 1 worker x 1 shift.');
    await page.fill('[name=workers]', '100');
    await expect(invalid).toBeEmpty();
    expect(await row.innerText()).toBe(before);
    await page.fill('[name=shifts]', '2');
    await page.fill('[name=hours]', '13');
    await expect(invalid).toHaveText('2 shifts of 13 hours do not fit into a day.');
    await expect(page.locator('#assumed')).not.toContainText('measured 30 per second');
    await page.fill('[name=fps]', '5');
    await expect(page.locator('#assumed')).toContainText('In fact more happens between frames at a lower rate, so each costs more.');
    await page.selectOption('[name=size]', '3840x2160');
    await expect(page.locator('#assumed')).toContainText('3840 x 2160 was not measured');
});

test('calculates with clips encoded here, and the link takes them along', async ({ page, browser, baseURL }) => {
    await page.goto('');
    await dropOn(page, [clip('rounds.mp4', { frames: 180, extra: h264 }), clip('moving.mp4', { extra: h264 })]);
    await rowInState(page, 'rounds');
    await rowInState(page, 'moving');
    await page.goto('calc/');
    const row = page.locator('#result tbody tr').first(), before = await row.innerText();
    await expect(page.locator('#clip-list label')).toHaveCount(2);
    await page.getByLabel(/^rounds.mp4/).check();
    await expect(page.locator('#calibration')).toContainText('rounds.mp4');
    await expect(page.locator('#assumed')).toContainText("your clips' cost at this size and quality is scaled by the trend");
    await page.getByLabel(/^moving.mp4/).check();
    const after = await row.innerText();
    expect(after).not.toBe(before);
    // Whoever gets the link sees the same, though nothing was encoded there.
    const context = await browser.newContext({ baseURL }), other = await context.newPage();
    await other.goto(page.url());
    await expect(other.locator('#result tbody tr').first()).toHaveText(/diffy/);
    expect(await other.locator('#result tbody tr').first().innerText()).toBe(after);
    await context.close();
    await page.getByLabel(/^rounds.mp4/).uncheck();
    await page.getByLabel(/^moving.mp4/).uncheck();
    await expect(page.locator('#calibration')).toBeEmpty();
    expect(await row.innerText()).toBe(before);
});

test('what is kept and what it costs', async ({ page }) => {
    const inputs = { workers: 10, hours: 8, shifts: 1, size: '640x360', fps: 30, network: 80, quality: 25, activity: 50, days: 30, price: 0.02 };
    const { day, kept, costAMonth } = estimate({ start: 0, frame: 100 }, inputs);
    expect(kept).toBe(30 * day);
    expect(costAMonth).toBeCloseTo((kept / 1e9) * 0.02);
    await page.goto('calc/?days=90&price=0.5');
    await expect(page.locator('#result thead')).toContainText('kept, 90 days');
    await expect(page.locator('#result thead')).toContainText('cost per month');
});

test('a clip costs its start once and each frame after it, and is carried over by the trend of the table', () => {
    /** @type {[number, number][]} */
    const growth = [[10, 40], [64, 20_000], [128, 26_400], [192, 32_800], [200, 34_000]];
    const { start, frame } = costOfGrowth(growth, 200, 34_000);
    expect(frame).toBe(100);
    expect(start).toBe(14_000);
    expect(costOfGrowth([[10, 5000]], 10, 5000)).toEqual({ start: 0, frame: 500 });
    const rows = [25, 50].flatMap((quality) => ['640x360', '1280x720'].flatMap((size) => ['quiet', 'busy'].map((activity) => ({ size, activity, quality, psnr: 40, codecs: { diffy: { start: 1000, frame: (size === '640x360' ? 100 : 200) * (quality / 25) } } }))));
    const table = { measured: '', frames: 1, scenes: '', machine: '', ffmpeg: '', rows }, inputs = { workers: 1, hours: 1, shifts: 1, size: '1280x720', fps: 30, network: 1, quality: 25, activity: 50, days: 1, price: 1 };
    const own = { name: 'a', start: 10, frame: 7, frames: 100, width: 640, height: 360, quality: 25 };
    expect(costOfClips(table, [own], inputs).frame).toBeCloseTo(14);
    expect(costOfClips(table, [own], { ...inputs, quality: 50 }).frame).toBeCloseTo(28);
    expect(costOfClips(table, [own, { ...own, frame: 1, frames: 300 }], { ...inputs, size: '640x360' }).frame).toBeCloseTo((7 * 100 + 300) / 400);
});
