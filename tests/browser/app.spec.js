/** The site as an app: offline, updates, isolation on plain hosts, shared files, a small first load, a strict policy. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createSite } from '../../web/serve.js';
import { withoutPickers } from './chromium.js';
import { clip, dropOn, expect, h264, rowInState, save, test, top, work } from './site.js';
import { splatPly } from './splats.js';

/** @param {import('@playwright/test').Page} page */
async function serviceWorkerReady(page) {
    await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
    });
}

test('every page works offline after one visit', async ({ page, context }) => {
    test.setTimeout(120_000);
    const video = clip('moving.mp4', { extra: h264 });
    await page.goto('');
    await serviceWorkerReady(page);
    await context.setOffline(true);
    for (const path of ['calc/', 'calc/?workers=7&size=640x360', 'record/', 'splat/', 'decode/', '']) {
        await page.goto(path);
        await expect(page.locator('h1')).toBeVisible();
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    }
    await dropOn(page, [video]);
    const row = await rowInState(page, 'moving');
    await row.getByRole('button', { name: 'quality' }).click();
    await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    const file = await save(page, row.locator('a.download'), 'offline.dfy');
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', /.+/);
    await page.goto('splat/');
    const folder = `${work}/offline-models`;
    mkdirSync(folder, { recursive: true });
    for (const i of [0, 1]) writeFileSync(`${folder}/frame_${i}.ply`, splatPly(i, 500));
    await dropOn(page, [folder]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'offline-models.dfy', { timeout: 60_000 });
    await context.grantPermissions(['camera']);
    await page.goto('record/');
    await page.selectOption('[name=size]', '640x360');
    await page.click('#start');
    await expect(page.locator('#elapsed')).toHaveText(/^0:0[1-9]/, { timeout: 30_000 });
    await page.click('#stop');
    await expect(page.locator('#recordings a').first()).toBeVisible({ timeout: 30_000 });
    await context.setOffline(false);
});

test('what was just encoded plays in a tab of its own, also offline', async ({ page, context }) => {
    await page.goto('');
    await serviceWorkerReady(page);
    await context.setOffline(true);
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    const row = await rowInState(page, 'moving'), play = row.getByRole('link', { name: 'play moving.dfy' });
    const [played] = await Promise.all([context.waitForEvent('page'), play.click()]);
    await expect(played.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
    await expect(played.locator('#facts')).toContainText('320 x 180 pixels');
    const address = played.url();
    await played.reload();
    await expect(played.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
    // The file goes with the tab that made it, once it has been saved.
    await save(page, row.locator('a.download'), 'played.dfy');
    await page.close();
    await expect(async () => {
        await played.goto(address);
        await expect(played.locator('#problem')).toContainText('no longer kept here', { timeout: 3000 });
    }).toPass({ timeout: 20_000 });
    await context.setOffline(false);
});

test('what nobody saved plays on when its tab is gone', async ({ page, context }) => {
    await page.goto('');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    const row = await rowInState(page, 'moving');
    const [played] = await Promise.all([context.waitForEvent('page'), row.getByRole('link', { name: 'play moving.dfy' }).click()]);
    await expect(played.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.close();
    await played.reload();
    await expect(played.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
});

test('whichever page is visited first, all work offline', async ({ browser, baseURL }) => {
    for (const first of ['splat/', 'decode/?place=tab-0/gone.dfy&name=gone.dfy']) {
        const context = await browser.newContext({ baseURL }), page = await context.newPage();
        await page.goto(first);
        await serviceWorkerReady(page);
        await context.setOffline(true);
        for (const path of ['decode/?place=tab-0/gone.dfy&name=gone.dfy', '', 'splat/', 'calc/', 'record/']) {
            await page.goto(path);
            await expect(page.locator('h1')).toBeVisible();
            if (path.includes('?')) await expect(page.locator('#problem')).toContainText('no longer kept');
        }
        await context.close();
    }
});

test('on a host without the headers, pages are isolated from the second visit on', async ({ browser }) => {
    const server = createSite(`${top}dist`, { isolated: false }).listen(0);
    const context = await browser.newContext();
    try {
        const page = await context.newPage(), home = `http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`;
        await page.goto(home);
        await serviceWorkerReady(page);
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
        await withoutPickers(page);
        await page.reload();
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
        await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
        const cores = await page.evaluate(() => navigator.hardwareConcurrency);
        await expect(await rowInState(page, 'moving')).toHaveAttribute('data-threads', String(Math.min(8, cores)));
        // Every page, and what it loads, on this host too.
        for (const path of ['decode/', 'calc/', 'record/', 'splat/']) {
            await page.goto(home + path);
            expect(await page.evaluate(() => globalThis.crossOriginIsolated), path).toBe(true);
        }
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
        writeFileSync(calc, readFileSync(calc, 'utf8').replace('<h1>', '<h1>The new version: '));
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
    // A .dfy may be shared as well.
    expect(manifest.share_target.params.files[0].accept).toContain('.dfy');
    expect(manifest.file_handlers[0].accept['application/x-dfy']).toEqual(['.dfy']);
    for (const { src } of [...manifest.icons, ...manifest.screenshots]) expect((await request.get(new URL(src, manifestUrl).href)).ok(), src).toBe(true);
});

test('the first load is small, and the page usable within a second', async ({ browser, baseURL }) => {
    const { gzipSync } = await import('node:zlib');
    for (const path of ['', 'decode/', 'calc/', 'record/', 'splat/']) {
        /** @type {number[]} */
        const times = [];
        let bytes = 0;
        // A busy machine is not the page's fault: the best of some visits counts, each by a browser that knows nothing yet.
        for (let visit = 0; visit < 5 && !((times.at(-1) ?? 1e9) < 500); visit++) {
            const context = await browser.newContext({ serviceWorkers: 'block', baseURL }), page = await context.newPage();
            /** @type {Promise<number>[]} */
            const sizes = [];
            page.on('response', (response) => sizes.push(response.body().then((body) => gzipSync(body).length)));
            await page.goto(path);
            await page.waitForLoadState('networkidle');
            bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
            // Modules have run, and every button has its handler, when the document's own event fires.
            times.push(await page.evaluate(() => /** @type {PerformanceNavigationTiming} */ (performance.getEntriesByType('navigation')[0]).domContentLoadedEventEnd));
            await context.close();
        }
        const best = Math.min(...times);
        test.info().annotations.push({ type: `/${path}`, description: `${(bytes / 1000).toFixed(1)} kB compressed, usable after ${best.toFixed(0)} ms` });
        console.log(`/${path}: ${(bytes / 1000).toFixed(1)} kB compressed, usable after ${best.toFixed(0)} ms`);
        expect(bytes).toBeGreaterThan(1000);
        expect(bytes).toBeLessThan(400_000);
        expect(best).toBeLessThan(1000);
    }
});

test('what the service worker fetches beside the first visit is bounded', async ({ browser, baseURL }) => {
    const { gzipSync } = await import('node:zlib');
    const context = await browser.newContext({ baseURL }), page = await context.newPage();
    /** @type {Set<string>} */
    const addresses = new Set();
    context.on('request', (request) => addresses.add(request.url()));
    await page.goto('');
    await serviceWorkerReady(page);
    let bytes = 0;
    for (const address of addresses) bytes += gzipSync(await (await context.request.get(address)).body()).length;
    const told = `${(bytes / 1000).toFixed(0)} kB compressed in ${addresses.size} files`;
    test.info().annotations.push({ type: 'everything', description: told });
    console.log(`everything for offline use: ${told}`);
    expect([...addresses].filter((address) => address.endsWith('.wasm'))).toHaveLength(3);
    expect(bytes).toBeLessThan(1_900_000); // 1.85 MB with what writes .sog and .spz 4
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
