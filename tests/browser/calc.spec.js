/** The calc page: units, the formula, the address, and calibration with an own clip. */
import { clip, dropOn, expect, h264, rowInState, test } from './site.js';
import { estimate } from '../../web/calc/model.js';

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
    await expect(invalid).toHaveText('shifts a day: a whole number from 1 to 3; counted with 3.');
    await expect(page.locator('[name=shifts]')).toHaveAttribute('aria-invalid', 'true');
    await page.fill('[name=shifts]', '1');
    await page.fill('[name=workers]', '');
    await expect(invalid).toHaveText('workers recorded: a whole number from 1 to 1,000,000; counted with 1.');
    await expect(page.locator('#formula')).toContainText('= 1 worker x 1 shift.');
    await page.fill('[name=workers]', '100');
    await expect(invalid).toBeEmpty();
    expect(await row.innerText()).toBe(before);
    await page.fill('[name=shifts]', '2');
    await page.fill('[name=hours]', '13');
    await expect(invalid).toHaveText('2 shifts of 13 hours are longer than a day.');
    await expect(page.locator('#formula')).not.toContainText('were measured');
    await page.fill('[name=fps]', '5');
    await expect(page.locator('#formula')).toContainText('each really costs more');
});

test('calibrates with the clip encoded last', async ({ page }) => {
    await page.goto('');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    await rowInState(page, 'moving');
    await page.goto('calc/');
    await page.click('#calibrate');
    await expect(page.locator('#calibration')).toContainText('moving');
    await page.click('#uncalibrate');
    await expect(page.locator('#calibration')).toBeEmpty();
});
