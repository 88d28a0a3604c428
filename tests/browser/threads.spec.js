/** The build with threads where the page is isolated, the other where it isn't; both make the same file. */
import { readFileSync } from 'node:fs';
import { createSite } from '../../web/serve.js';
import { withoutPickers } from './chromium.js';
import { clip, dropOn, encode, expect, h264, rowInState, save, test, top } from './site.js';

test('with and without isolation the same file comes out', async ({ page, browser }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const threaded = readFileSync(await encode(page, [video], 'moving'));
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    const row = await rowInState(page, 'moving');
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    await expect(row).toHaveAttribute('data-threads', String(Math.min(8, cores)));
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
    } finally {
        await context.close();
        server.close();
    }
});
