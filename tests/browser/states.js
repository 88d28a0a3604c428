/** Every state that a page of the site can be in, and how it gets there: for axe, and for pictures to look at. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { clip, dropOn, expect, h264, openDfy, rowInState, top, work } from './site.js';
import { splatPly } from './splats.js';

/** @typedef {import('@playwright/test').Page} Page */

const quick = ['-c:v', 'libx264', '-preset', 'ultrafast'];

/** A video that takes a while to encode. */
const lengthy = () => clip('an-afternoon-at-the-packing-station-with-a-long-name.mp4', { frames: 900, size: '480x270', extra: quick });
const short = () => clip('moving.mp4', { extra: h264 });

function broken() {
    const file = `${work}/broken.mp4`;
    mkdirSync(work, { recursive: true });
    writeFileSync(file, 'this is no video at all, whatever its name says');
    return file;
}

/** A file that the command line makes of the test scene, once.
 * @param {string} name
 * @param {string[]} scene
 * @param {string[]} options */
function scene(name, scene, options = []) {
    const file = `${work}/${name}.dfy`, raw = `${work}/${name}.y4m`;
    mkdirSync(work, { recursive: true });
    if (existsSync(file)) return file;
    execFileSync(`${top}build/scene`, [...scene, raw]);
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', ...options, raw, file]);
    execFileSync('rm', [raw]);
    return file;
}

export const plain = () => scene('state-plain', ['--size', '320x180', '--frames', '90']);
const departures = () => scene('state-departures', ['--size', '160x90', '--jitter', '5', '--pauses', '0.4', '--planted', '0.3', '--seed', '3', '--frames', '3000'], ['-q', '15']);

/** Several recordings of one camera in a file. */
export function episodes() {
    const file = `${work}/state-episodes.dfy`, starts = `${work}/state-episodes.csv`;
    if (existsSync(file)) return file;
    const raw = `${work}/state-episodes.y4m`;
    mkdirSync(work, { recursive: true });
    writeFileSync(starts, '0,reach for the part\n1,place it\n2.5,check and go home\n');
    execFileSync(`${top}build/scene`, ['--size', '320x180', '--frames', '120', raw]);
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', '--effort', '1', '--episode-starts', starts, raw, file]);
    return file;
}

const long = () => scene('state-long', ['--size', '320x180', '--frames', '400']);

function damaged() {
    const file = `${work}/state-damaged.dfy`, data = readFileSync(long());
    for (const share of [0.4, 0.66]) data[Math.floor(data.length * share)] ^= 0x55;
    writeFileSync(file, data);
    return file;
}

/** What is left of a file that was cut off.
 * @param {string} name
 * @param {string} whole
 * @param {number} share that is left */
function cut(name, whole, share) {
    const file = `${work}/${name}.dfy`, data = readFileSync(whole);
    writeFileSync(file, data.subarray(0, Math.floor(data.length * share)));
    return file;
}

/** A file of a version that nobody knows yet. */
function fromTheFuture() {
    const file = `${work}/state-future.dfy`, data = readFileSync(plain());
    data[3] = 9;
    writeFileSync(file, data);
    return file;
}

const format1 = () => scene('state-format-1', ['--size', '320x180', '--frames', '90'], ['--format', '1']);
const noisy = () => scene('state-noisy', ['--preset', 'noisy', '--size', '320x180', '--frames', '60'], ['-q', '10']);

/** Numbered models of a moving shell in a .dfy. */
function splats() {
    const file = `${work}/state-splats.dfy`, folder = `${work}/state-splats`;
    if (existsSync(file)) return file;
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < 6; i++) writeFileSync(`${folder}/frame_${i}.ply`, splatPly(i, 6000));
    execFileSync(`${top}build/diffy`, ['splat', 'encode', '--progress', 'never', folder, file]);
    return file;
}

/** @param {Page} page
 * @param {string} path
 * @param {string} file */
async function refused(page, path, file) {
    await page.goto(path);
    await dropOn(page, [file]);
    await expect(page.locator('#problem')).toBeVisible();
}

/** @param {Page} page
 * @param {string} file */
async function openSplats(page, file) {
    await page.goto('splat/');
    await dropOn(page, [file]);
    await expect(page.locator('#view')).toHaveAttribute('data-drawn', '0', { timeout: 60_000 });
}

/** @param {Page} page
 * @param {string[]} files */
async function encodePage(page, files) {
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto('');
    if (!files.length) return;
    await page.click('[data-preset=hq]');
    await dropOn(page, files);
}

const longName = 'an-afternoon-at-the-packing-station-with-a-long-name';

/** @type {Record<string, (page: Page) => Promise<void>>} */
export const states = {
    'encode, empty': (page) => encodePage(page, []),
    'encode, running, with others waiting and one that cannot be read': async (page) => {
        await encodePage(page, [lengthy(), short(), broken()]);
        await rowInState(page, 'broken', 'failed');
        await rowInState(page, longName, 'running');
        // Not before it has something to say.
        await expect(page.locator('[data-state=running] .bar')).toContainText(/left/, { timeout: 60_000 });
    },
    'encode, paused, details open': async (page) => {
        await encodePage(page, [lengthy()]);
        const row = await rowInState(page, longName, 'running');
        await row.getByRole('button', { name: 'pause' }).click();
        await rowInState(page, longName, 'paused');
        await row.locator('summary').first().click();
    },
    'encode, own settings of one that waits: part and target size': async (page) => {
        await encodePage(page, [lengthy(), short()]);
        const row = await rowInState(page, 'moving', 'waiting');
        await row.locator('summary').first().click();
        await row.getByLabel('start, in seconds').fill('0.5');
        await row.getByLabel('end, in seconds').fill('1');
        await row.getByLabel('target size').fill('0.2');
    },
    'encode, first look': async (page) => {
        await encodePage(page, [clip('hour.mp4', { frames: 1800, size: '320x180', extra: quick })]);
        await expect((await rowInState(page, 'hour', 'running')).locator('.look')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    },
    'encode, interrupted': async (page) => {
        await page.addInitScript(() => Object.assign(StorageManager.prototype, { estimate: async () => ({ quota: 0, usage: 0 }) }));
        await encodePage(page, [lengthy()]);
        await rowInState(page, longName, 'running');
        await page.waitForTimeout(1500);
        await page.reload();
        await rowInState(page, longName, 'interrupted');
    },
    'encode, cancelled': async (page) => {
        await encodePage(page, [lengthy()]);
        const row = await rowInState(page, longName, 'running');
        await row.getByRole('button', { name: 'cancel' }).click();
        await rowInState(page, longName, 'cancelled');
    },
    'encode, done, details open, and a .dfy that was dropped': async (page) => {
        await encodePage(page, [short(), plain()]);
        const row = await rowInState(page, 'moving');
        await row.locator('summary').first().click();
    },
    'encode, quality of one that is done': async (page) => {
        await encodePage(page, [short()]);
        const row = await rowInState(page, 'moving');
        await row.getByRole('button', { name: 'quality' }).click();
        await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    },
    'decode, empty': async (page) => void (await page.goto('decode/')),
    'decode, open': (page) => openDfy(page, plain()),
    'decode, block origins': async (page) => {
        await openDfy(page, plain());
        await page.click('#origins');
        await expect(page.locator('#origin-legend')).toBeVisible();
    },
    'decode, departures and cycles': (page) => openDfy(page, departures()),
    'decode, episodes, one chosen': async (page) => {
        await openDfy(page, episodes());
        await page.locator('#episodes button').nth(1).click();
    },
    'decode, damaged': async (page) => {
        await openDfy(page, damaged());
        await expect(page.locator('#warnings')).toBeVisible();
    },
    'decode, several files': async (page) => {
        await page.goto('decode/');
        await dropOn(page, [plain(), departures(), short()]);
        await expect(page.locator('body')).toHaveAttribute('data-opened', /.+/);
    },
    'decode, format 1': (page) => openDfy(page, format1()),
    'decode, noise shown': async (page) => {
        await openDfy(page, noisy());
        await page.click('#grain');
    },
    'decode, cut off': async (page) => {
        await openDfy(page, cut('state-cut', long(), 0.9));
        await expect(page.locator('#warnings li')).toHaveText([/^This file is cut off or was never finished: its \d+ frames play\.$/]);
    },
    'decode, format 1, cut off': async (page) => {
        await openDfy(page, cut('state-cut-1', format1(), 0.6));
        await expect(page.locator('#warnings li')).toHaveText([/^This file is cut off: it has \d+ of 90 frames\.$/]);
    },
    'decode, cut off before the first picture': (page) => refused(page, 'decode/', cut('state-cut-early', plain(), 0.01)),
    'decode, of a later version': (page) => refused(page, 'decode/', fromTheFuture()),
    'decode, a .dfy of splats': (page) => refused(page, 'decode/', splats()),
    'decode, not a .dfy': (page) => refused(page, 'decode/', short()),
    'calc, as it begins': async (page) => void (await page.goto('calc/')),
    'calc, an input out of range, extrapolated': async (page) => {
        await page.goto('calc/?size=3840x2160&fps=15');
        await page.fill('[name=shifts]', '5');
        await expect(page.locator('#invalid')).not.toBeEmpty();
    },
    'calc, with own clips': async (page) => {
        await encodePage(page, [short()]);
        await rowInState(page, 'moving');
        await page.goto('calc/');
        await page.locator('#clip-list input').first().check();
    },
    'record, as it begins': async (page) => void (await page.goto('record/')),
    'record, recording': async (page) => {
        await page.context().grantPermissions(['camera']);
        await page.goto('record/');
        await page.selectOption('[name=size]', '640x360');
        await page.click('#start');
        await expect(page.locator('#elapsed')).toHaveText(/^0:0[1-9]/, { timeout: 30_000 });
    },
    'record, recorded': async (page) => {
        await states['record, recording'](page);
        await page.click('#stop');
        await expect(page.locator('#recordings li')).toHaveCount(1, { timeout: 30_000 });
    },
    'record, no camera': async (page) => {
        await page.addInitScript(() => Object.assign(MediaDevices.prototype, { getUserMedia: () => Promise.reject(new DOMException('', 'NotFoundError')) }));
        await page.goto('record/');
        await page.click('#start');
        await expect(page.locator('#problem')).toBeVisible();
    },
    'splat, empty': async (page) => void (await page.goto('splat/')),
    'splat, open': (page) => openSplats(page, splats()),
    'splat, cut off': async (page) => {
        await openSplats(page, cut('state-splats-cut', splats(), 0.96));
        await expect(page.locator('#warnings')).toHaveText('This file is cut off or was never finished: its 3 frames play.');
    },
    'splat, cut off before the first frame': async (page) => {
        await refused(page, 'splat/', cut('state-splats-cut-early', splats(), 0.5));
        await expect(page.locator('#opened')).toBeHidden();
    },
    'splat, a .dfy of video': (page) => refused(page, 'splat/', plain()),
    'splat, not a model': (page) => refused(page, 'splat/', short()),
};
