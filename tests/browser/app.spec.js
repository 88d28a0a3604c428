/** The site as an app: offline, updates, isolation on plain hosts, shared files, a small first load, a strict policy. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createSite } from '../../web/serve.js';
import { clip, dropOn, expect, h264, rowInState, save, test, top } from './site.js';

/** @param {import('@playwright/test').Page} page */
async function serviceWorkerReady(page) {
    await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
    });
}

test('every page works offline after one visit', async ({ page, context }) => {
    const video = clip('moving.mp4', { extra: h264 });
    await page.goto('');
    await serviceWorkerReady(page);
    await context.setOffline(true);
    for (const path of ['calc/', 'record/', 'decode/', '']) {
        await page.goto(path);
        await expect(page.locator('h1')).toBeVisible();
    }
    await dropOn(page, [video]);
    const row = await rowInState(page, 'moving');
    await row.getByRole('button', { name: 'quality' }).click();
    await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    const file = await save(page, row.locator('a.download'), 'offline.dfy');
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', /.+/);
    await context.setOffline(false);
});

test('on a host without the headers, pages are isolated from the second visit on', async ({ browser }) => {
    const server = createSite(`${top}dist`, { isolated: false }).listen(0);
    const context = await browser.newContext();
    try {
        const page = await context.newPage();
        await page.goto(`http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`);
        await serviceWorkerReady(page);
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
        await page.reload();
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    } finally {
        await context.close();
        server.close();
    }
});

test('a new version is offered, and used when asked for', async ({ browser }) => {
    const folder = mkdtempSync(`${tmpdir()}/diffy-site-`);
    cpSync(`${top}dist`, folder, { recursive: true });
    const server = createSite(folder).listen(0), context = await browser.newContext();
    try {
        const page = await context.newPage();
        await page.goto(`http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/calc/`);
        await serviceWorkerReady(page);
        const calc = `${folder}/calc/index.html`;
        writeFileSync(calc, readFileSync(calc, 'utf8').replace('How much a factory', 'The new version: how much a factory'));
        const worker = readFileSync(`${folder}/sw.js`, 'utf8'), entry = /\{"revision":"([0-9a-f]+)","url":"calc\/index.html"\}/.exec(worker);
        writeFileSync(`${folder}/sw.js`, worker.replace(String(entry?.[1]), 'f'.repeat(32)));
        await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
        await expect(page.locator('.notice')).toContainText('new version', { timeout: 20_000 });
        await expect(page.locator('h1')).not.toContainText('The new version');
        await page.getByRole('button', { name: 'use it now' }).click();
        await expect(page.locator('h1')).toContainText('The new version');
    } finally {
        await context.close();
        server.close();
        rmSync(folder, { recursive: true, force: true });
    }
});

test('a video shared with the app is encoded', async ({ page }) => {
    const video = readFileSync(clip('moving.mp4', { extra: h264 })).toString('base64');
    await page.goto('');
    await serviceWorkerReady(page);
    await page.evaluate(async (base64) => {
        const form = new FormData();
        form.append('files', new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], 'shared.mp4', { type: 'video/mp4' }));
        await fetch('./share', { method: 'POST', body: form });
    }, video);
    await page.goto('?shared');
    await rowInState(page, 'shared');
    expect(new URL(page.url()).search).toBe('');
});

test('the manifest is complete and its files are there', async ({ page, request }) => {
    await page.goto('decode/');
    const address = await page.locator('link[rel=manifest]').getAttribute('href');
    const manifestUrl = new URL(String(address), page.url()).href;
    const manifest = await (await request.get(manifestUrl)).json();
    expect(manifest).toMatchObject({ name: 'diffy', display: 'standalone' });
    expect(manifest.file_handlers[0].accept['application/x-dfy']).toEqual(['.dfy']);
    for (const { src } of [...manifest.icons, ...manifest.screenshots]) expect((await request.get(new URL(src, manifestUrl).href)).ok(), src).toBe(true);
});

test('the first load is small and quick', async ({ browser, baseURL }) => {
    const context = await browser.newContext({ serviceWorkers: 'block', baseURL }), page = await context.newPage();
    const { gzipSync } = await import('node:zlib');
    /** @type {Promise<number>[]} */
    const sizes = [];
    page.on('response', (response) => sizes.push(response.body().then((body) => gzipSync(body).length)));
    const started = performance.now();
    await page.goto('');
    await expect(page.getByRole('button', { name: 'choose files' })).toBeEnabled();
    expect(performance.now() - started).toBeLessThan(5000);
    await page.waitForLoadState('networkidle');
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThan(400_000);
    await context.close();
});

test('the policy holds: no inline script, no other host', async ({ browser, baseURL }) => {
    const context = await browser.newContext({ baseURL }), page = await context.newPage();
    for (const path of ['', 'decode/', 'calc/', 'record/', 'splat/']) {
        await page.goto(path);
        const results = await page.evaluate(async () => {
            const script = document.createElement('script');
            script.textContent = 'document.body.dataset.inline = "ran"';
            document.body.append(script);
            let fetched = 'refused';
            try {
                await fetch('https://example.com/', { mode: 'no-cors' });
                fetched = 'allowed';
            } catch {}
            const element = document.createElement('button');
            element.setAttribute('onclick', 'document.body.dataset.inline = "ran"');
            document.body.append(element);
            element.click();
            return { inline: document.body.dataset.inline ?? 'refused', fetched };
        });
        expect(results).toEqual({ inline: 'refused', fetched: 'refused' });
    }
    await context.close();
});
