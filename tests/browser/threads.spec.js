/** The build with threads where the page is isolated, the other where it isn't; both make the same file, and both play it. */
import { readFileSync } from 'node:fs';
import { createSite } from '../../web/serve.js';
import { withoutPickers } from './chromium.js';
import { clip, dropOn, encode, expect, h264, openDfy, rowInState, save, test, top, work } from './site.js';

/** The picture shown, and on how many threads it was decoded.
 * @param {import('@playwright/test').Page} page */
async function seen(page) {
    await page.keyboard.press('End');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '44');
    await page.waitForTimeout(300);
    return page.locator('#player').evaluate((element) => {
        const player = /** @type {HTMLElement} */ (element), canvas = /** @type {HTMLCanvasElement} */ (player.shadowRoot?.querySelector('#picture'));
        const copy = new OffscreenCanvas(canvas.width, canvas.height), context = copy.getContext('2d');
        context?.drawImage(canvas, 0, 0);
        return { threads: player.dataset.threads, pixels: [...(context?.getImageData(0, 0, copy.width, copy.height).data ?? [])] };
    });
}

test('with and without isolation the same file comes out, and the same pictures', async ({ page, browser }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const threaded = readFileSync(await encode(page, [video], 'moving'));
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    const row = await rowInState(page, 'moving');
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    await expect(row).toHaveAttribute('data-threads', String(Math.min(8, cores)));
    const file = `${work}/saved/moving.dfy`;
    await openDfy(page, file);
    const there = await seen(page);
    expect(there.threads).toBe(String(Math.min(8, cores)));
    const server = createSite(`${top}dist`, { isolated: false }).listen(0);
    const context = await browser.newContext({ serviceWorkers: 'block' });
    try {
        const plain = await context.newPage();
        await withoutPickers(plain);
        await plain.goto(`http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`);
        expect(await plain.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
        await dropOn(plain, [video]);
        const other = await rowInState(plain, 'moving');
        await expect(other).toHaveAttribute('data-threads', '1');
        expect(readFileSync(await save(plain, other.locator('a.download'), 'one-thread.dfy')).equals(threaded)).toBe(true);
        await plain.goto(`${new URL(plain.url()).origin}/decode/`);
        await dropOn(plain, [file]);
        await expect(plain.locator('body')).toHaveAttribute('data-opened', 'moving.dfy');
        expect(await seen(plain)).toEqual({ ...there, threads: '1' });
    } finally {
        await context.close();
        server.close();
    }
});
