/** Recording: Chromium's fake camera, encoded live; and a tab that dies while recording. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { chromium } from '@playwright/test';
import { launchOptions, withoutPickers } from './chromium.js';
import { countFrames, expect, exportAs, openDfy, save, test, top } from './site.js';

test('a camera becomes a playable .dfy', async ({ page, context }) => {
    await context.grantPermissions(['camera']);
    await page.goto('record/');
    await page.selectOption('[name=size]', '640x360');
    await page.fill('[name=fps]', '10');
    await page.click('#start');
    await expect(page.locator('#frames')).toHaveText(/^([5-9]|\d\d+)$/, { timeout: 30_000 });
    await page.click('#stop');
    const link = page.locator('#recordings a');
    await expect(link).toBeVisible({ timeout: 30_000 });
    const file = await save(page, link, 'recording.dfy');
    const info = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8' }));
    expect(info).toMatchObject({ width: 640, height: 360, complete: true });
    expect(info.frames).toBeGreaterThanOrEqual(5);
    await openDfy(page, file);
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(info.frames);
});

/**
 * Records in a tab that is then lost; gives the next visit's tab, and the file it recovered.
 * @param {string} baseURL
 * @param {Record<string, string>} settings of the form, besides the size
 * @param {(page: import('@playwright/test').Page) => Promise<void>} lose waits as long as it likes, then ends the tab
 * @param {(page: import('@playwright/test').Page, info: any, file: string) => Promise<void>} judge
 */
async function loseTab(baseURL, settings, lose, judge) {
    const profile = mkdtempSync(`${tmpdir()}/diffy-record-`);
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions, baseURL, acceptDownloads: true });
    try {
        await withoutPickers(context);
        await context.grantPermissions(['camera'], { origin: baseURL });
        const page = await context.newPage();
        await page.goto('record/');
        await page.selectOption('[name=size]', '640x360');
        for (const [name, value] of Object.entries(settings)) await page.fill(`[name=${name}]`, value);
        await page.click('#start');
        await lose(page);
        const again = await context.newPage();
        await again.goto('record/');
        const link = again.locator('#recovered a');
        await expect(link).toHaveCount(1);
        const [download] = await Promise.all([again.waitForEvent('download'), link.click()]);
        const file = `${profile}/recovered.dfy`;
        await download.saveAs(file);
        await judge(again, JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8' })), file);
    } finally {
        await context.close();
        rmSync(profile, { recursive: true, force: true });
    }
}

test('what a crashed tab recorded is there at the next visit', async ({ baseURL }) => {
    await loseTab(String(baseURL), { fps: '15' }, async (page) => {
        await expect(page.locator('#size')).toHaveText(/^\d[\d.]* [kM]B/, { timeout: 60_000 });
        await page.waitForTimeout(3000);
        // The renderer dies without a chance to tidy up.
        await Promise.all([page.waitForEvent('crash'), page.goto('chrome://crash').catch(() => {})]);
        await page.close();
    }, async (again, info) => {
        expect(info.frames).toBeGreaterThan(0);
        await again.locator('#recovered button').click();
        await expect(again.locator('#recovered li')).toHaveCount(0);
        await again.reload();
        await expect(again.locator('#recovery')).toBeHidden();
    });
});

// At the lowest quality little is written: with segments of the usual length nothing would be there yet.
test('a tab closed while recording loses two seconds and the frames looked ahead', async ({ baseURL }) => {
    let frames = 0, seconds = 0;
    await loseTab(String(baseURL), { fps: '15', quality: '1' }, async (page) => {
        await expect(page.locator('#elapsed')).toHaveText(/^0:1[0-9]/, { timeout: 60_000 });
        frames = Number((await page.locator('#frames').textContent())?.replace(/\D/g, ''));
        seconds = Number((await page.locator('#elapsed').textContent())?.split(':')[1]);
        await page.close();
    }, async (again, info, file) => {
        expect(info.complete).toBe(false);
        const perSecond = frames / seconds, lost = (frames - info.frames) / perSecond;
        test.info().annotations.push({ type: 'seconds lost', description: lost.toFixed(1) });
        expect(lost).toBeLessThanOrEqual(2 + 33 / perSecond + 0.2);
        // What is left plays to its end.
        await openDfy(again, file);
        expect(countFrames(await exportAs(again, 'y4m', '.y4m'))).toBe(info.frames);
    });
});
