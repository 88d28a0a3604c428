/** Recording: Chromium's fake camera, encoded live; and a tab that dies while recording. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { chromium } from '@playwright/test';
import { launchOptions, withoutPickers } from './chromium.js';
import { countFrames, expect, exportAs, openDfy, save, test, top } from './site.js';

/** @param {import('@playwright/test').Page} page
 * @param {string} fps */
async function startRecording(page, fps) {
    await page.context().grantPermissions(['camera']);
    await page.goto('record/');
    await page.selectOption('[name=size]', '640x360');
    await page.fill('[name=fps]', fps);
    await page.click('#start');
}

/** @param {string} file */
const infoOf = (file) => JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8' }));

test('a camera becomes a playable .dfy, without a frame missing', async ({ page }) => {
    // Chromium's own camera gives twenty frames a second.
    await startRecording(page, '30');
    await expect(page.locator('#elapsed')).toHaveText(/^0:0[6-9]/, { timeout: 30_000 });
    await expect(page.locator('#frames')).toContainText('the camera delivers no more');
    await page.click('#stop');
    const item = page.locator('#recordings li'), link = item.locator('a[download]');
    await expect(link).toBeVisible({ timeout: 30_000 });
    const file = await save(page, link, 'recording.dfy'), info = infoOf(file);
    expect(info).toMatchObject({ width: 640, height: 360, complete: true });
    // The encoder holds nothing up. A machine that is busy besides may lose frames before they come to the page: those are told.
    const [, seconds, dropped] = / frames, 0:([\d.]+), (\d+) dropped/.exec(await item.innerText())?.map(Number) ?? [];
    test.info().annotations.push({ type: 'frames', description: `${info.frames} in ${seconds} s, ${dropped} dropped` });
    expect(info.frames + dropped).toBeGreaterThan(seconds * 19);
    expect(dropped).toBeLessThan(seconds * 4);
    await expect(page.locator('#dropped')).not.toContainText('too slow to encode');
    await openDfy(page, file);
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(info.frames);
});

test('when the disk is full, what was recorded by then is kept', async ({ page, context }) => {
    await context.route('**/assets/worker-*.js', async (route) => {
        const response = await route.fetch();
        const full = `{ const { write } = FileSystemSyncAccessHandle.prototype; let room = 12000;
            FileSystemSyncAccessHandle.prototype.write = function (data, at) { return (room -= data.length) < 0 ? 0 : write.call(this, data, at); }; }`;
        await route.fulfill({ response, body: `${full}${await response.text()}` });
    });
    await startRecording(page, '15');
    await expect(page.locator('#problem')).toContainText('The disk is full', { timeout: 60_000 });
    await expect(page.locator('#start')).toBeEnabled();
    const file = await save(page, page.locator('#recordings a[download]'), 'full.dfy'), info = infoOf(file);
    expect(info.complete).toBe(false);
    expect(info.frames).toBeGreaterThan(10);
    await openDfy(page, file);
});

test('a shared screen is recorded as it changes', async ({ page }) => {
    await page.goto('record/');
    await page.selectOption('[name=source]', 'screen');
    await page.click('#start');
    await expect(page.locator('#frames')).toHaveText(/^([3-9]|\d\d+)/, { timeout: 30_000 });
    await expect(page.locator('#frames')).not.toContainText('camera');
    await expect(page.locator('[name=size]')).toBeDisabled();
    await page.click('#stop');
    const link = page.locator('#recordings a[download]');
    await expect(link).toBeVisible({ timeout: 30_000 });
    expect(infoOf(await save(page, link, 'screen.dfy'))).toMatchObject({ complete: true });
    await expect(page.locator('[name=size]')).toBeEnabled();
});

test('browsers without a stream of frames record from the preview', async ({ page }) => {
    await page.addInitScript(() => Object.assign(globalThis, { MediaStreamTrackProcessor: undefined }));
    await startRecording(page, '10');
    await expect(page.locator('#elapsed')).toHaveText(/^0:0[3-9]/, { timeout: 30_000 });
    await page.click('#stop');
    const link = page.locator('#recordings a[download]');
    await expect(link).toBeVisible({ timeout: 30_000 });
    const info = infoOf(await save(page, link, 'preview.dfy'));
    expect(info).toMatchObject({ width: 640, height: 360, complete: true });
    expect(info.frames).toBeGreaterThan(15);
});

test('of several cameras one is chosen by its name', async ({ baseURL }) => {
    const browser = await chromium.launch({ ...launchOptions, args: launchOptions.args.map((arg) => arg.replace(/^--use-fake-device.*/, '$&=device-count=2')) });
    try {
        const page = await browser.newPage({ baseURL, permissions: ['camera'] });
        await page.goto('record/');
        const names = page.locator('[name=source] option');
        await expect(names).toHaveText(['default camera', /fake_device_0|1/, /fake_device_1|2/, 'screen or window']);
        await page.selectOption('[name=size]', '640x360');
        await page.selectOption('[name=source]', { index: 2 });
        await page.click('#start');
        await expect(page.locator('#elapsed')).toHaveText(/^0:0[1-9]/, { timeout: 30_000 });
        const wanted = await page.locator('[name=source] option').nth(2).textContent();
        expect(await page.evaluate(() => /** @type {MediaStream} */ (/** @type {HTMLVideoElement} */ (document.querySelector('#preview')).srcObject).getVideoTracks()[0].label)).toBe(wanted);
        await page.click('#stop');
        const [played] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: /^play recording/ }).click()]);
        await expect(played.locator('body')).toHaveAttribute('data-opened', /^recording/);
    } finally {
        await browser.close();
    }
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
        const link = again.locator('#recovered a[download]');
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
        frames = Number.parseInt((await page.locator('#frames').textContent()) ?? '', 10);
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
