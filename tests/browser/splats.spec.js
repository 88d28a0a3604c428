/** The player library of the npm package in pages of others: alone, with three.js and with PlayCanvas; files that come in parts. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { test as base } from '@playwright/test';
import { expect, top, work } from './site.js';
import { splatPly } from './splats.js';

const frames = 12, splats = 4000;
const shots = `${top}build/browser-tests/splats`;
const packages = { '/diffy/': `${top}build/npm/splats/`, '/three/': `${top}node_modules/three/build/`, '/playcanvas/': `${top}node_modules/playcanvas/build/` };
const map = { imports: { three: '/three/three.module.js', playcanvas: '/playcanvas/playcanvas.mjs' } };
const html = `<!doctype html><title>page</title><script type="importmap">${JSON.stringify(map)}</script><body style="margin: 0"><canvas id="view" width="320" height="240"></canvas>`;

/** A sequence with two key frames, made once. */
function sequence() {
    const folder = `${work}/library`, file = `${folder}.dfy`;
    if (existsSync(file)) return file;
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < frames; i++) writeFileSync(`${folder}/frame_${String(i).padStart(2, '0')}.ply`, splatPly(i, splats));
    execFileSync(`${top}build/diffy`, ['splat', 'encode', '--key-interval', '6', '--keep-order', folder, file]);
    return file;
}

/** A server with the package, and the sequence in two ways: in parts, or all in one, of which it holds back the second half until
 * it is let go. */
async function serve() {
    const data = readFileSync(sequence());
    /** @type {[number, number][]} */
    const asked = [];
    let letGo = () => {};
    const free = new Promise((/** @type {(value: void) => void} */ resolve) => letGo = resolve);
    const server = createServer(async (request, response) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname;
        if (path === '/') return void response.setHeader('content-type', 'text/html').end(html);
        if (path === '/isolated') return void response.setHeader('content-type', 'text/html').setHeader('cross-origin-opener-policy', 'same-origin').setHeader('cross-origin-embedder-policy', 'require-corp').end(html);
        if (path === '/parts.dfy') {
            const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [], end = Math.min(data.length, Number(to) + 1);
            asked.push([Number(from), end]);
            response.writeHead(206, { 'content-range': `bytes ${from}-${end - 1}/${data.length}`, etag: '"1"' });
            return void response.end(data.subarray(Number(from), end));
        }
        if (path === '/coming.dfy') {
            response.writeHead(200, { 'content-length': data.length });
            response.write(data.subarray(0, Math.floor(0.7 * data.length)));
            await free;
            return void response.end(data.subarray(Math.floor(0.7 * data.length)));
        }
        for (const [at, folder] of Object.entries(packages)) {
            if (!path.startsWith(at) || path.includes('..') || !existsSync(folder + path.slice(at.length))) continue;
            response.setHeader('content-type', path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
            response.setHeader('cross-origin-embedder-policy', 'require-corp');
            return void response.end(readFileSync(folder + path.slice(at.length)));
        }
        response.writeHead(404).end();
    });
    await new Promise((/** @type {(value: void) => void} */ done) => server.listen(0, done));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return { server, address: `http://localhost:${port}/`, asked, letGo, size: data.length };
}

const test = base.extend(/** @type {any} */ ({
    // Playwright reads the names of what a fixture needs: this one needs nothing.
    // eslint-disable-next-line no-empty-pattern
    site: async (/** @type {any} */ {}, /** @type {any} */ use) => {
        const site = await serve();
        await use(site);
        site.server.closeAllConnections();
        site.server.close();
    },
    page: async (/** @type {any} */ { page, site }, /** @type {any} */ use) => {
        /** @type {string[]} */
        const problems = [];
        page.on('pageerror', (/** @type {any} */ error) => problems.push(String(error)));
        page.on('console', (/** @type {any} */ message) => message.type() === 'error' && !/favicon|404/.test(message.text()) && problems.push(message.text()));
        await page.goto(site.address);
        await use(page);
        expect(problems).toEqual([]);
    },
}));

/** How much of the canvas is lit, and a sum that tells pictures apart.
 * @param {any} page */
async function picture(page) {
    const png = await page.locator('#view').screenshot();
    return page.evaluate(async (/** @type {string} */ base64) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
        const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d'));
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        let lit = 0, hash = 0;
        for (let i = 0; i < data.length; i += 4) {
            lit += Number(data[i] + data[i + 1] + data[i + 2] > 60);
            hash = (Math.imul(hash, 31) + data[i] + data[i + 1] * 7 + data[i + 2] * 13) | 0;
        }
        return { lit: lit / (data.length / 4), hash };
    }, png.toString('base64'));
}

/** Graphics are software here, beside other tests. */
const patient = { timeout: 30_000 };

/** The picture once it is there and stays from one drawing to the next: the first order is not by the camera, and a canvas that
 * was not drawn yet is as white as the page.
 * @param {any} page */
async function settled(page) {
    let last = await picture(page);
    await expect.poll(async () => {
        const now = await picture(page), still = now.hash === last.hash && now.lit > 0.1 && now.lit < 0.9;
        last = now;
        return still;
    }, { ...patient, intervals: [1200] }).toBe(true);
    return last;
}

test('the decoder is small', () => {
    const size = ['diffy.wasm', 'diffy.js'].reduce((sum, name) => sum + gzipSync(readFileSync(`${top}build/npm/splats/${name}`), { level: 9 }).length, 0);
    expect(size).toBeLessThan(80_000);
});

test('frames come in any order, and say what changed', async (/** @type {any} */ { page }) => {
    const result = await page.evaluate(async (/** @type {{ frames: number, splats: number }} */ { frames, splats }) => {
        const address = '/diffy/splats.js';
        /** @type {typeof import('../../web/splats/package.js')} */
        const { SplatPlayer } = await import(address);
        const player = await SplatPlayer.open('/parts.dfy', { output: 'attributes' });
        /** @type {Float32Array[]} */
        const played = [];
        /** @type {(number | null)[]} */
        const changes = [];
        const xyz = new Float32Array(3 * splats);
        const take = (/** @type {import('../../web/splats/player.js').SplatFrame | null} */ frame) => {
            const { changed, attributes } = /** @type {import('../../web/splats/player.js').SplatFrame} */ (frame), from = /** @type {any} */ (attributes).xyz;
            if (changed) changed.forEach((splat, i) => xyz.set(from.subarray(3 * i, 3 * i + 3), 3 * splat));
            else xyz.set(from);
            return changed ? changed.length : null;
        };
        for (let i = 0; i < frames; i++) {
            changes.push(take(await player.show(i)));
            played.push(xyz.slice());
        }
        const differing = [];
        for (const i of [10, 9, 8, 3, 2, 11, 0, 7, 6]) {
            changes.push(take(await player.show(i)));
            if (xyz.some((value, k) => value !== played[i][k])) differing.push(i);
        }
        const { info } = player;
        player.close();
        return { info, changes, differing };
    }, { frames, splats });
    expect(result.info).toMatchObject({ frames, keyFrames: 2, complete: true, codec: 'tree-range', degree: 1 });
    expect(result.differing).toEqual([]);
    expect(result.changes[0]).toBe(null);
    // A cap of the shell turns; key frames may change all.
    for (const i of [1, 2, 3, 4, 5, 7, 8, 9, 12, 13]) expect(result.changes[i], `change ${i}`).toBeLessThan(splats / 2);
    expect(result.changes[6]).toBe(null);
});

test('of a file at an address only what is needed is fetched', async (/** @type {any} */ { page, site }) => {
    // Padded to a size at which parts are worth something: a second sequence behind the first would be one.
    const first = await page.evaluate(async () => {
        const address = '/diffy/splats.js';
        const { SplatPlayer } = await import(address);
        const player = await SplatPlayer.open('/parts.dfy');
        const frame = await player.show(6);
        player.close();
        return frame.index;
    });
    expect(first).toBe(6);
    expect(site.asked.length).toBeGreaterThan(0);
    for (const [from, to] of site.asked) expect(to - from).toBeLessThanOrEqual(1 << 22);
});

test('a file that comes is played before all of it is there', async (/** @type {any} */ { page, site }) => {
    await page.evaluate(async () => {
        const address = '/diffy/splats.js';
        const { SplatPlayer } = await import(address);
        /** @type {any} */
        const own = window;
        own.shown = [];
        own.player = await SplatPlayer.open('/coming.dfy');
        own.player.onFrame = (/** @type {any} */ frame) => own.shown.push(frame.index);
        own.player.play();
    });
    await expect.poll(() => page.evaluate(() => /** @type {any} */ (window).shown.length)).toBeGreaterThan(2);
    const before = await page.evaluate(() => ({ ...(/** @type {any} */ (window).player.info) }));
    expect(before.complete).toBe(false);
    expect(before.frames).toBeLessThan(frames);
    site.letGo();
    await expect.poll(() => page.evaluate(() => /** @type {any} */ (window).shown.at(-1))).toBe(frames - 1);
    expect(await page.evaluate(() => /** @type {any} */ (window).player.info.complete)).toBe(true);
});

for (const isolated of [false, true]) {
    test(`three.js draws a sequence, ${isolated ? 'isolated' : 'not isolated'}`, async (/** @type {any} */ { page, site }) => {
        test.slow(); // seconds for a picture, on a busy machine
        if (isolated) await page.goto(`${site.address}isolated`);
        await page.evaluate(async () => {
            const [address, three] = ['/diffy/three.js', '/three/three.module.js'];
            const { SplatMesh, SplatPlayer } = await import(address), { PerspectiveCamera, Scene, WebGLRenderer } = await import(three);
            const renderer = new WebGLRenderer({ canvas: document.querySelector('#view') }), scene = new Scene(), camera = new PerspectiveCamera(50, 4 / 3, 0.1, 100);
            camera.position.set(0.5, 0.8, 4);
            camera.lookAt(0, 0, 0);
            const player = await SplatPlayer.open('/parts.dfy'), mesh = new SplatMesh(player);
            scene.add(mesh);
            // A picture takes software 150 ms and more: drawn all the time, nothing else would come to its turn.
            setInterval(() => renderer.render(scene, camera), 500);
            Object.assign(window, { player, camera, mesh });
            await player.show(0);
        });
        expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
        const first = await settled(page);
        expect(first.lit).toBeLessThan(0.9);
        await page.evaluate(() => /** @type {any} */ (window).player.show(5));
        await expect.poll(async () => (await picture(page)).hash, patient).not.toBe(first.hash);
        await page.evaluate(() => /** @type {any} */ (window).player.show(0));
        await expect.poll(async () => (await picture(page)).hash, patient).toBe(first.hash);
        await page.evaluate(() => /** @type {any} */ (window).camera.position.set(0, 0, 12));
        await expect.poll(async () => (await picture(page)).lit, patient).toBeLessThan(0.5 * first.lit);
        mkdirSync(shots, { recursive: true });
        await page.locator('#view').screenshot({ path: `${shots}/three.png` });
        await page.evaluate(() => /** @type {any} */ (window).mesh.dispose());
    });
}

test('PlayCanvas draws a sequence', async (/** @type {any} */ { page }) => {
    await page.evaluate(async () => {
        const [address, engine] = ['/diffy/playcanvas.js', '/playcanvas/playcanvas.mjs'];
        const { SplatPlayer, SplatSequence } = await import(address);
        /** @type {typeof import('playcanvas')} */
        const pc = await import(engine);
        const app = new pc.Application(/** @type {HTMLCanvasElement} */ (document.querySelector('#view')), { graphicsDeviceOptions: { antialias: false, preserveDrawingBuffer: true } });
        app.start();
        const camera = new pc.Entity(), entity = new pc.Entity();
        camera.addComponent('camera', { clearColor: new pc.Color(0, 0, 0), fov: 50 });
        camera.setPosition(0.5, 0.8, 4);
        camera.lookAt(0, 0, 0);
        app.root.addChild(camera);
        app.root.addChild(entity);
        const player = await SplatPlayer.open('/parts.dfy'), sequence = new SplatSequence(app, entity, player);
        Object.assign(window, { player, sequence, camera });
        await player.show(0);
    });
    const first = await settled(page);
    await page.evaluate(() => /** @type {any} */ (window).player.show(5));
    await expect.poll(async () => (await picture(page)).hash, patient).not.toBe(first.hash);
    mkdirSync(shots, { recursive: true });
    await page.locator('#view').screenshot({ path: `${shots}/playcanvas.png` });
});
