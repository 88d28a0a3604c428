/** The splat page: a folder of models in, a .dfy out that plays; models out again; what is wrong is said. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { dropOn, expect, filesOf, save, test, top, work, zipOf } from './site.js';
import { splatPly } from './splats.js';

const frames = 6;
const shots = `${top}build/browser-tests/splat`;

/** A folder of numbered models; made once. */
function sequence() {
    const folder = `${work}/shell`;
    if (!existsSync(folder)) {
        mkdirSync(folder, { recursive: true });
        for (let i = 0; i < frames; i++) writeFileSync(`${folder}/frame_${i}.ply`, splatPly(i, 6000));
    }
    return folder;
}

/** @param {string[]} args */
const native = (...args) => execFileSync(`${top}build/diffy`, ['splat', ...args], { encoding: 'utf8' });

/** @param {import('@playwright/test').Page} page
 * @param {string} name */
async function isOpen(page, name) {
    await expect(page.locator('body')).toHaveAttribute('data-opened', name, { timeout: 60_000 });
    await expect(page.locator('#view')).toHaveAttribute('data-drawn', '0');
}

/** Mean colour of the picture's middle and of its upper left corner, and how much of it is not black.
 * @param {import('@playwright/test').Page} page */
function picture(page) {
    return page.evaluate(() => {
        const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector('#view'));
        const copy = new OffscreenCanvas(canvas.width, canvas.height), context = /** @type {OffscreenCanvasRenderingContext2D} */ (copy.getContext('2d'));
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, copy.width, copy.height);
        const mean = (/** @type {number} */ x, /** @type {number} */ y) => {
            const part = context.getImageData(x, y, 20, 20).data, sum = [0, 0, 0];
            for (let i = 0; i < part.length; i++) if (i % 4 < 3) sum[i % 4] += part[i] / 400;
            return sum;
        };
        let lit = 0, hash = 0;
        for (let i = 0; i < data.length; i += 4) {
            lit += Number(data[i] + data[i + 1] + data[i + 2] > 30);
            hash = (Math.imul(hash, 31) + data[i] + data[i + 1] * 7 + data[i + 2] * 13) | 0;
        }
        return { middle: mean(copy.width / 2 - 10, copy.height / 2 - 10), corner: mean(0, 0), lit: lit / (copy.width * copy.height), hash };
    });
}

for (const [width, height] of [[1280, 900], [390, 800]]) {
    test(`a folder of models becomes a .dfy that plays, ${width} pixels wide`, async ({ page }) => {
        await page.setViewportSize({ width, height });
        await page.goto('splat/');
        await dropOn(page, [sequence()]);
        await isOpen(page, 'shell.dfy');
        const still = await picture(page);
        expect(Math.max(...still.corner)).toBe(0);
        expect(Math.max(...still.middle)).toBeGreaterThan(60);
        expect(still.lit).toBeGreaterThan(0.1);
        expect(still.lit).toBeLessThan(0.9);
        mkdirSync(shots, { recursive: true });
        await page.locator('#opened').scrollIntoViewIfNeeded();
        await page.screenshot({ path: `${shots}/${width}.png`, fullPage: true });
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
            await page.emulateMedia({ colorScheme });
            // Colours on their way to others are no one's fault.
            await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
            const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
            expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`)).toEqual([]);
        }
        // The picture changes with the frame, and with the place of the camera.
        await page.locator('#position').fill('4');
        await expect(page.locator('#view')).toHaveAttribute('data-drawn', '4');
        expect((await picture(page)).hash).not.toBe(still.hash);
        await page.locator('#position').fill('0');
        await expect(page.locator('#view')).toHaveAttribute('data-drawn', '0');
        await page.focus('#view');
        for (let i = 0; i < 5; i++) await page.keyboard.press('-');
        await expect.poll(async () => (await picture(page)).lit).toBeLessThan(0.8 * still.lit);
        await page.click('#play');
        await expect(page.locator('#view')).toHaveAttribute('data-drawn', '3', { timeout: 20_000 });
        await expect(page.locator('#view')).toHaveAttribute('data-drawn', '1', { timeout: 20_000 });
        await page.click('#play');
        await expect(page.locator('#play')).toHaveText('play');
        // The file is the one that the command line makes.
        const file = await save(page, page.locator('#results a'), 'shell.dfy');
        native('encode', sequence(), `${work}/native-shell.dfy`);
        expect(readFileSync(file).equals(readFileSync(`${work}/native-shell.dfy`))).toBe(true);
    });
}

test('a .dfy of splats opens; its models come out as the command line gives them', async ({ page }) => {
    const file = `${work}/given.dfy`;
    native('encode', '-q', '60', sequence(), file);
    await page.goto('splat/');
    await dropOn(page, [file]);
    await isOpen(page, 'given.dfy');
    await expect(page.locator('#facts')).toContainText('tree-range');
    await page.click('#export-all');
    const zip = await save(page, page.locator('#exports a[download$=".zip"]'), 'models.zip');
    native('decode', '--overwrite', file, `${work}/given-models`);
    const errors = JSON.parse(native('compare', '--json', `${work}/given-models`, zip));
    expect(errors.frames).toHaveLength(frames);
    expect(errors.all).toMatchObject({ position: { max: 0 }, rotation: { max: 0 }, sh: { max: 0 }, compared: 6000 * frames });
    await page.locator('#position').fill('3');
    await expect(page.locator('#view')).toHaveAttribute('data-drawn', '3');
    await page.selectOption('#export [name=kind]', 'spz');
    await page.click('#export-one');
    const one = await save(page, page.locator('#exports a[download$=".spz"]'), 'one.spz');
    native('decode', '--overwrite', '--frames', '3:4', file, `${work}/native.spz`);
    expect(readFileSync(one).equals(readFileSync(`${work}/native.spz`))).toBe(true);
    // What a format can't hold is said.
    await page.selectOption('#export [name=kind]', 'splat');
    await page.click('#export-one');
    await expect(page.locator('#exports li', { hasText: '.splat' })).toContainText('colours of degree 1');
});

test('every frame comes out in the formats of today', async ({ page }) => {
    test.setTimeout(120_000);
    const file = `${work}/today.dfy`, few = `${work}/today`;
    mkdirSync(few, { recursive: true });
    for (let i = 0; i < 2; i++) writeFileSync(`${few}/frame_${i}.ply`, splatPly(i));
    native('encode', few, file);
    await page.goto('splat/');
    await dropOn(page, [file]);
    await isOpen(page, 'today.dfy');
    for (const kind of ['sog', 'spz4']) {
        await page.selectOption('#export [name=kind]', kind);
        await page.click('#export-all');
        const zip = await save(page, page.locator(`#exports a[download$="-${kind}.zip"]`), `${kind}.zip`);
        const { all } = JSON.parse(native('compare', '--json', file, zip));
        expect(all).toMatchObject({ compared: 3000, missing: 0 });
        expect(all.position.rms, kind).toBeLessThan(2e-4);
        expect(all.dc.rms, kind).toBeLessThan(0.05);
    }
});

test('loose files are named by what they have in common, and finished files play again', async ({ page }) => {
    await page.goto('splat/');
    const files = [0, 1, 2].map((i) => `${sequence()}/frame_${i}.ply`);
    await dropOn(page, files);
    await isOpen(page, 'frame.dfy');
    await dropOn(page, files.slice(1));
    await isOpen(page, 'frame-2.dfy');
    await expect(page.locator('#results strong')).toHaveText(['frame-2.dfy', 'frame.dfy']);
    await expect(page.locator('#facts')).toContainText('2 at 30 per second');
    await page.locator('#results li', { hasText: '3 frames' }).getByRole('button', { name: 'play' }).click();
    await isOpen(page, 'frame.dfy');
    await expect(page.locator('#facts')).toContainText('3 at 30 per second');
});

test('a .zip of models, and what is none', async ({ page }) => {
    await page.goto('splat/');
    await dropOn(page, [await zipOf('shell.zip', filesOf(sequence(), 'models/'))]);
    await isOpen(page, 'shell.dfy');
    mkdirSync(work, { recursive: true });
    for (const [name, content, sentence] of [['broken.ply', 'ply\nnothing more', /broken\.ply: /], ['notes.txt', 'hello', /notes\.txt: this is a text file, not a splat model/], ['empty.dfy', 'DFX', /not a \.dfy file/]]) {
        writeFileSync(`${work}/${name}`, /** @type {string} */ (content));
        await dropOn(page, [`${work}/${name}`]);
        await expect(page.locator('#problem')).toHaveText(sentence);
    }
});

test('models that once went wrong: read, drawn, and told about', async ({ page }) => {
    const cases = `${top}tests/cases/splats/`;
    await page.goto('splat/');
    for (const name of ['floater300.ply', 'nan.ply', 'v4.spz', 'v4_mod32.spz', 'd2.sog', 'd2.glb', 'nerfstudio_rgb.ply']) {
        await dropOn(page, [cases + name]);
        // A second d2 takes nothing of the first one's.
        await isOpen(page, name === 'd2.glb' ? 'd2-2.dfy' : name.replace(/\.\w+$/, '.dfy'));
        expect((await picture(page)).lit, name).toBeGreaterThan(0.001);
    }
    await expect(page.locator('#results li', { hasText: 'nan.dfy' })).toContainText('kept exactly');
    await dropOn(page, [`${cases}extra.ply`]);
    await isOpen(page, 'extra.dfy');
    await expect(page.locator('#results li', { hasText: 'extra.dfy' })).toContainText('motion_0');
    await dropOn(page, [`${cases}html.splat`]);
    await expect(page.locator('#problem')).toHaveText(/html\.splat: .*HTML/);
});
