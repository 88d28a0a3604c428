/** The quality panel: the measures it shows are those that build/diffy computes. */
import { clip, compare, dropOn, expect, h264, pngFolder, rowInState, save, test } from './site.js';

test('samples, split view and plot, with the PSNR that the command line finds', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 });
    await page.goto('');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'moving');
    const file = await save(page, row.locator('a.download'), 'quality.dfy');
    await row.getByRole('button', { name: 'quality' }).click();
    const panel = row.locator('.quality');
    await expect(panel).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    await expect(panel.locator('.compare')).toHaveCount(3);
    await expect(panel.locator('.uplot')).toBeVisible();
    const text = await panel.locator('[role=status]').innerText();
    const shown = Number(/PSNR ([\d.]+) dB/.exec(text)?.[1]);
    expect(Math.abs(shown - (compare(video, file).psnr_y ?? 100))).toBeLessThan(0.05);
    await panel.getByLabel('frame', { exact: true }).fill('3');
    await expect(panel.locator('output')).toContainText('frame 3: PSNR');
    await panel.getByLabel('zoom').selectOption('2');
    await panel.getByLabel('split', { exact: true }).fill('20');
    await row.getByRole('button', { name: 'quality' }).click();
    await expect(panel).toHaveCount(0);
});

test('works for images as well', async ({ page }) => {
    const folder = pngFolder('moving-frames', clip('moving.mp4', { extra: h264 }));
    await page.goto('');
    await dropOn(page, [folder]);
    const row = await rowInState(page, 'moving-frames');
    await row.getByRole('button', { name: 'quality' }).click();
    await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    const text = await row.locator('.quality [role=status]').innerText();
    expect(Number(/PSNR ([\d.]+) dB/.exec(text)?.[1])).toBeGreaterThan(20);
});
