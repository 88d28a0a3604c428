/** The package's <diffy-player> in a page of somebody else: what a media element has, from a server that gives parts of files. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import { createSite } from '../../web/serve.js';
import { clip, expect, h264, test, top, work } from './site.js';

const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>example</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self'">
<main><h1>example</h1><diffy-player id="player" src="video.dfy" controls></diffy-player></main><script type="module" src="player/player.js"></script></html>`;

/** The page on a server of its own, and what it asked for of the video.
 * @param {import('@playwright/test').Browser} browser
 * @param {{ ranges?: boolean, file?: string, name?: string, attributes?: string }} options
 * @param {(page: import('@playwright/test').Page, asked: string[]) => Promise<void>} use */
async function examplePage(browser, { ranges = true, file = '', name = 'video.dfy', attributes = '' }, use) {
    const server = createSite(`${top}build/npm`).listen(0), { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const context = await browser.newContext(), page = await context.newPage(), data = file ? readFileSync(file) : Buffer.alloc(0);
    /** @type {string[]} */
    const asked = [];
    /** @type {string[]} */
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.context().route('**/example.html', (route) => route.fulfill({ contentType: 'text/html', body: html.replace('video.dfy', name).replace(' controls', ` controls ${attributes}`) }));
    await page.context().route('**/poster.png', (route) => route.fulfill({ path: `${top}web/public/icon-192.png` }));
    await page.context().route('**/video.dfy', (route) => {
        const range = route.request().headers().range ?? '', [, from, to] = /bytes=(\d+)-(\d+)/.exec(range) ?? [];
        asked.push(range);
        if (!ranges) return route.fulfill({ body: data });
        const part = data.subarray(Number(from), Number(to) + 1);
        return route.fulfill({ status: 206, body: part, headers: { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${data.length}` } });
    });
    try {
        await page.goto(`http://localhost:${port}/example.html`);
        await use(page, asked);
        expect(problems).toEqual([]);
    } finally {
        await context.close();
        server.close();
    }
}

/** @param {string} name
 * @param {string[]} options */
function encoded(name, options, frames = 45) {
    const file = `${work}/${name}`;
    execFileSync(`${top}build/diffy`, ['encode', '--progress', 'never', ...options, clip(`player-${frames}.mp4`, { frames, size: '640x360', extra: h264 }), file]);
    return file;
}

test('it has the names and events of a media element', async ({ browser }) => {
    await examplePage(browser, { file: encoded('player.dfy', []) }, async (page) => {
        const player = page.locator('#player');
        await expect(player).toHaveAttribute('data-ready', '1');
        const facts = await player.evaluate(async (element) => {
            const media = /** @type {import('../../web/player/element.js').DiffyPlayer} */ (element);
            /** @type {string[]} */
            const events = [];
            for (const name of ['play', 'playing', 'pause', 'seeking', 'seeked', 'timeupdate', 'ended', 'ratechange', 'volumechange']) media.addEventListener(name, () => events.push(name));
            const once = (/** @type {string} */ name) => new Promise((resolve) => media.addEventListener(name, resolve, { once: true }));
            const start = { paused: media.paused, ended: media.ended, duration: media.duration, width: media.videoWidth, height: media.videoHeight, ready: media.readyState, end: media.seekable.end(0), error: media.error };
            media.muted = true;
            media.volume = 0.5;
            media.currentTime = 1;
            await once('seeked');
            const sought = media.currentTime;
            media.playbackRate = 2;
            const ended = once('ended');
            await media.play();
            const playing = !media.paused;
            await ended;
            return { start, sought, playing, ended: media.ended, paused: media.paused, frame: media.frame, muted: media.muted, events: [...new Set(events)] };
        });
        expect(facts.start).toEqual({ paused: true, ended: false, duration: 1.5, width: 640, height: 360, ready: 4, end: 1.5, error: null });
        expect(facts.sought).toBeCloseTo(1, 2);
        expect(facts).toMatchObject({ playing: true, ended: true, paused: true, frame: 44, muted: true });
        expect(facts.events).toEqual(['volumechange', 'seeking', 'timeupdate', 'seeked', 'ratechange', 'play', 'playing', 'pause', 'ended']);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id }) => id)).toEqual([]);
        await player.press('Home');
        await expect(player).toHaveAttribute('data-frame', '0');
        await player.press('ArrowRight');
        await expect(player).toHaveAttribute('data-frame', '1');
    });
});

test('preload, muted, poster and loop do what they do for a video', async ({ browser }) => {
    await examplePage(browser, { file: encoded('player.dfy', []), attributes: 'preload="none" muted loop poster="poster.png"' }, async (page, asked) => {
        const player = page.locator('#player'), state = () => player.evaluate((element) => {
            const { muted, defaultMuted, loop, paused, readyState, poster } = /** @type {import('../../web/player/element.js').DiffyPlayer} */ (element);
            return { muted, defaultMuted, loop, paused, readyState, poster };
        });
        await expect(page.locator('#poster')).toBeVisible();
        await expect(page.locator('#big')).toBeVisible();
        expect(asked).toEqual([]);
        expect(await state()).toEqual({ muted: true, defaultMuted: true, loop: true, paused: true, readyState: 0, poster: 'poster.png' });
        const wrapped = player.evaluate((element) => new Promise((resolve) => {
            let last = -1;
            element.addEventListener('frame', (event) => {
                const { frame } = /** @type {CustomEvent} */ (event).detail;
                if (frame < last) resolve([last, frame]);
                last = frame;
            });
        }));
        await page.locator('#big').click();
        // It comes to its end and starts again.
        expect(await wrapped).toEqual([44, 0]);
        await expect(page.locator('#poster')).toHaveCount(0);
        expect(await state()).toMatchObject({ paused: false, readyState: 4 });
        const quality = await player.evaluate((element) => /** @type {import('../../web/player/element.js').DiffyPlayer} */ (element).getVideoPlaybackQuality());
        expect(quality.totalVideoFrames).toBeGreaterThan(quality.droppedVideoFrames);
    });
});

test('the example page plays, and the types know the element', async ({ browser }) => {
    const server = createSite(`${top}build/npm`).listen(0), { port } = /** @type {import('node:net').AddressInfo} */ (server.address()), context = await browser.newContext(), page = await context.newPage();
    try {
        const body = readFileSync(encoded('player.dfy', []));
        await page.route('**/video.dfy', (route) => route.fulfill({ body }));
        await page.goto(`http://localhost:${port}/player/example.html?src=video.dfy`);
        await expect(page.locator('diffy-player')).toHaveAttribute('data-frame', '0');
        await page.locator('diffy-player').press('ArrowRight');
        await expect(page.locator('p output')).toContainText('seeked: 0.03 of 1.50 s, 640 x 360');
        await page.setInputFiles('input[type=file]', `${work}/player.dfy`);
        await expect(page.locator('diffy-player')).toHaveAttribute('data-frame', '0');
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id }) => id)).toEqual([]);
    } finally {
        await context.close();
        server.close();
    }
    const use = `${work}/types.ts`;
    writeFileSync(use, `import '${top}build/npm/player/player.js';
const player = document.createElement('diffy-player');
player.currentTime = 1 + player.duration;
player.srcObject = new Blob([]);
void player.play();
// @ts-expect-error it is no number
player.currentTime = 'one';
`);
    execFileSync('npx', ['tsc', '--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--target', 'es2023', '--lib', 'es2024,dom,dom.iterable,dom.asynciterable', '--module', 'esnext', '--moduleResolution', 'bundler', '--types', '', use], { cwd: top, encoding: 'utf8' });
});

test('of a long file only the parts are fetched that are needed', async ({ browser }) => {
    const file = encoded('player-long.dfy', ['--effort', '1', '-q', '97'], 120), size = readFileSync(file).length;
    expect(size).toBeGreaterThan(6e5);
    await examplePage(browser, { file }, async (page, asked) => {
        await expect(page.locator('#player')).toHaveAttribute('data-frame', '0');
        const bytes = asked.map((range) => /bytes=(\d+)-(\d+)/.exec(range)?.slice(1).map(Number) ?? [0, Infinity]).reduce((sum, [from, to]) => sum + to - from + 1, 0);
        expect(bytes).toBeLessThan(size);
        await page.locator('#position').fill('119');
        await expect(page.locator('#player')).toHaveAttribute('data-frame', '119');
    });
});

test('a server without ranges will do, and what is not there is told', async ({ browser }) => {
    await examplePage(browser, { file: encoded('player.dfy', []), ranges: false }, async (page) => {
        await expect(page.locator('#player')).toHaveAttribute('data-frame', '0');
    });
    await examplePage(browser, { name: 'missing.dfy' }, async (page) => {
        await expect(page.locator('#told')).toContainText('missing.dfy can\'t be fetched: the server answers 404.');
        expect(await page.locator('#player').evaluate((element) => /** @type {any} */ (element).error.code)).toBe(4);
    });
});

test('it takes less than 60 kB of JavaScript, compressed', () => {
    const bytes = readdirSync(`${top}build/npm/player`).filter((name) => name.endsWith('.js')).reduce((sum, name) => sum + gzipSync(readFileSync(`${top}build/npm/player/${name}`)).length, 0);
    console.log(`the player: ${(bytes / 1000).toFixed(1)} kB of JavaScript, compressed`);
    expect(bytes).toBeLessThan(60_000);
});
