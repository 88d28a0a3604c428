/** Where Chromium is and how it is started, for the tests and the demo. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export const launchOptions = {
    executablePath: process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path)),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
        '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--auto-accept-this-tab-capture'],
};

/** Nobody is there to answer a picker: the pages download as they do in browsers that have none.
 * @param {import('@playwright/test').Page | import('@playwright/test').BrowserContext} pages */
export async function withoutPickers(pages) {
    await pages.addInitScript(() => Object.assign(window, { showSaveFilePicker: undefined, showDirectoryPicker: undefined }));
}

/**
 * Drops files or folders of this machine on the page, as the desktop does: the page gets real entries.
 * @param {import('@playwright/test').Page} page
 * @param {string[]} paths
 * @param {string} [target] selector
 */
export async function dropOn(page, paths, target = '#drop') {
    await page.locator(target).scrollIntoViewIfNeeded();
    const box = await page.locator(target).boundingBox();
    if (!box) throw new Error(`There is no ${target} to drop on.`);
    const session = await page.context().newCDPSession(page);
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2, data: { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 } };
    const send = (/** @type {'dragEnter' | 'dragOver' | 'drop'} */ type) => session.send('Input.dispatchDragEvent', { type, ...at });
    // Chromium takes a drop only where the page has said of a drag over it, in its own time, that it would.
    for (let tries = 0; tries < 20; tries++) {
        await send('dragEnter');
        await send('dragOver');
        if (await page.locator('.over').count()) break;
        await page.waitForTimeout(50);
    }
    await send('dragOver');
    await send('drop');
    await session.detach();
}
