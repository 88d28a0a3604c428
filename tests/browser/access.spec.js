/** Accessibility: axe finds nothing on any page in any state, in both colour schemes and on a narrow screen. */
import { AxeBuilder } from '@axe-core/playwright';
import { mkdirSync, writeFileSync } from 'node:fs';
import { clip, dropOn, encode, expect, h264, openDfy, rowInState, test, top, work } from './site.js';
import { states } from './states.js';

/** @param {import('@playwright/test').Page} page */
async function findNothing(page) {
    // Colours on their way to others are no one's fault.
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`)).toEqual([]);
}

for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
    for (const [width, height] of [[1280, 900], [360, 740]]) {
        test(`${colorScheme}, ${width} pixels wide`, async ({ page }) => {
            await page.emulateMedia({ colorScheme });
            await page.setViewportSize({ width, height });
            for (const path of ['', 'decode/', 'calc/', 'record/', 'splat/']) {
                await page.goto(path);
                await findNothing(page);
                // Nothing sticks out sideways.
                expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
            }
            mkdirSync(work, { recursive: true });
            writeFileSync(`${work}/broken.mp4`, 'this is no video at all, whatever its name says');
            await page.goto('');
            await page.locator('#settings summary').click();
            await dropOn(page, [clip('pausing.mp4', { frames: 150, extra: h264 }), `${work}/broken.mp4`]);
            await rowInState(page, 'pausing', 'running');
            await findNothing(page);
            await rowInState(page, 'broken', 'failed');
            const row = await rowInState(page, 'pausing');
            await row.getByRole('button', { name: 'quality' }).click();
            await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
            await findNothing(page);
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
            await openDfy(page, await encode(page, [clip('moving.mp4', { extra: h264 })], 'moving'));
            await page.click('#origins');
            await expect(page.locator('#origin-legend')).toBeVisible();
            await findNothing(page);
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        });
    }
}

/** Where pictures of all states go, to be looked at; '': none are made. */
const shots = process.env.DIFFY_SHOTS ? `${top}build/browser-tests/states` : '';

for (const [name, reach] of Object.entries(states)) {
    test(`axe finds nothing: ${name}`, async ({ page }) => {
        test.setTimeout(240_000);
        await page.setViewportSize({ width: 1280, height: 900 });
        await reach(page);
        for (const [width, height, colorScheme] of /** @type {const} */ ([[1280, 900, 'light'], [390, 844, 'dark']])) {
            await page.setViewportSize({ width, height });
            await page.emulateMedia({ colorScheme });
            await findNothing(page);
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
            if (shots) await page.screenshot({ path: `${shots}/${name}, ${width}.png`.replaceAll(/[ ,]+/g, '-'), fullPage: true });
        }
    });
}

test('axe finds nothing while recording, nor in what was recorded, nor in errors', async ({ page, context }) => {
    await context.grantPermissions(['camera']);
    await page.goto('record/');
    await page.selectOption('[name=size]', '640x360');
    await page.click('#start');
    await expect(page.locator('#elapsed')).toHaveText(/^0:0[2-9]/, { timeout: 30_000 });
    await findNothing(page);
    await page.click('#stop');
    await expect(page.locator('#recordings li')).toHaveCount(1, { timeout: 30_000 });
    await findNothing(page);
    await page.goto('decode/?place=tab-0/gone&name=gone.dfy');
    await expect(page.locator('#problem')).toBeVisible();
    await findNothing(page);
});

test('everything can be reached and used by keyboard', async ({ page }) => {
    await page.goto('');
    await page.keyboard.press('Tab');
    await expect(page.locator('.skip')).toBeFocused();
    /** @type {Set<string>} */
    const reached = new Set();
    for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab');
        const [name, outline] = await page.evaluate(() => {
            const element = /** @type {HTMLElement} */ (document.activeElement);
            if (element === document.body) return ['', ''];
            return [element.id || element.getAttribute('name') || element.dataset.preset || element.textContent || '', getComputedStyle(element).outlineStyle];
        });
        reached.add(name);
        if (name) expect(outline, name).not.toBe('none');
    }
    for (const name of ['choose-files', 'choose-folder', 'draft', 'quality', 'mode', 'decode']) expect([...reached]).toContain(name);
});
