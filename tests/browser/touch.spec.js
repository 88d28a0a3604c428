/** On a phone: everything that is to be touched is as large as a finger, is there in full, and lies under nothing else. */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { createSite } from '../../web/serve.js';
import { clip, expect, h264, test, top, work } from './site.js';
import { plain, states } from './states.js';

/** Pixels of the page, that is of about 0.16 mm. */
const least = 40;
/** Where pictures go, to be looked at; '': none are made. */
const shots = process.env.DIFFY_SHOTS ? `${top}build/browser-tests/phone` : '';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

/** What is wrong with the controls of a page, those inside a player included.
 * @param {import('@playwright/test').Page} page
 * @param {string} name of the picture */
async function findNothing(page, name) {
    if (shots) {
        // A picture of the full page would be one of a screen that nobody touches.
        await page.setViewportSize({ width: 390, height: await page.evaluate(() => document.documentElement.scrollHeight) });
        await page.screenshot({ path: `${shots}/${name}.png`.replaceAll(/[ ,:]+/g, '-') });
        await page.setViewportSize({ width: 390, height: 844 });
    }
    const wrong = await page.evaluate((least) => {
        /** @type {Element[]} */
        const controls = [];
        const walk = (/** @type {Document | ShadowRoot} */ root) => {
            for (const element of root.querySelectorAll('*')) {
                if (element.shadowRoot) walk(element.shadowRoot);
                if (element.matches('button, .button, select, input, summary, nav a') && element.checkVisibility({ visibilityProperty: true })) controls.push(element);
            }
        };
        walk(document);
        const boxes = controls.map((element) => {
            // A box to tick is as large as its label.
            const target = (element instanceof HTMLInputElement && /checkbox|radio/.test(element.type) && element.labels?.[0]) || element;
            return { element, name: `${element.tagName.toLowerCase()} "${(element.id || element.getAttribute('name') || element.textContent || '').trim().slice(0, 40)}"`, box: target.getBoundingClientRect() };
        });
        /** @type {string[]} */
        const told = [];
        for (const { element, name, box } of boxes) {
            if (box.height < least || box.width < 24) told.push(`${name} is ${Math.round(box.width)} x ${Math.round(box.height)}`);
            if (box.left < -1 || (box.right > innerWidth + 1 && !element.closest('.scroll'))) told.push(`${name} sticks out`);
            if (element instanceof HTMLButtonElement && element.scrollWidth > element.clientWidth + 1) told.push(`${name} cuts its text`);
        }
        boxes.forEach((a, i) => {
            for (const b of boxes.slice(i + 1)) {
                const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left), high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
                if (wide > 1 && high > 1 && !a.element.closest('label')?.contains(b.element)) told.push(`${a.name} and ${b.name} overlap`);
            }
        });
        if (document.documentElement.scrollWidth > innerWidth) told.push('the page is wider than the screen');
        return told;
    }, least);
    expect(wrong).toEqual([]);
}

for (const name of ['encode, empty', 'encode, paused, details open', 'encode, own settings of one that waits: part and target size', 'encode, done, details open, and a .dfy that was dropped',
    'decode, empty', 'decode, open', 'decode, block origins', 'decode, departures and cycles', 'decode, episodes, one chosen', 'decode, several files', 'decode, format 1', 'decode, noise shown',
    'calc, as it begins', 'calc, with own clips', 'record, as it begins', 'record, recorded', 'splat, empty', 'splat, open']) {
    test(name, async ({ page }) => {
        test.setTimeout(240_000);
        await states[name](page);
        await findNothing(page, name);
    });
}

for (const [name, made] of /** @type {const} */ ([['the page that plays itself', () => plain()], ['the page that plays itself, of a file without cycles', () => short()]])) {
    test(name, async ({ browser }) => {
        const html = `${work}/touch.html`, page = await browser.newPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
        execFileSync(`${top}build/diffy`, ['decode', made(), html]);
        await page.goto(pathToFileURL(html).href);
        await expect(page.locator('diffy-player')).toHaveAttribute('data-ready', '1');
        await findNothing(page, name);
        await page.close();
    });
}

function short() {
    const file = `${work}/touch-short.dfy`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', clip('moving.mp4', { extra: h264 }), file]);
    return file;
}

test("the example of the package's player", async ({ browser }) => {
    const server = createSite(`${top}build/npm`).listen(0), { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.route('**/video.dfy', (route) => route.fulfill({ path: plain() }));
    try {
        for (const query of ['', '?src=video.dfy']) {
            await page.goto(`http://localhost:${port}/player/example.html${query}`);
            if (query) await expect(page.locator('diffy-player')).toHaveAttribute('data-ready', '1');
            await findNothing(page, `example${query ? ' playing' : ''}`);
        }
    } finally {
        await page.close();
        server.close();
    }
});
