/** Files and addresses that mean harm: their text is only ever text, and what is absurd is refused with a sentence. */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { BlobWriter, Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js';
import { clip, dropOn, expect, h264, rowInState, save, test, top, withMetadata, work } from './site.js';

const markup = '<img src=x onerror="document.title=1">';
const moving = () => clip('moving.mp4', { extra: h264 });

/** Nothing of the markup has become an element, and nothing ran.
 * @param {import('@playwright/test').Page} page
 * @param {string} title */
async function isOnlyText(page, title) {
    await expect(page.locator('img, iframe, script:not([src])')).toHaveCount(0);
    expect(await page.title()).toBe(title);
}

/** @param {number} width
 * @param {number} height a PNG of one colour, a bit a pixel */
function png(width, height) {
    const part = (/** @type {string} */ type, /** @type {Buffer} */ data) => {
        const body = Buffer.concat([Buffer.from(type), data]), frame = Buffer.alloc(8);
        frame.writeUInt32BE(data.length, 0);
        frame.writeUInt32BE(crc32(body), 4);
        return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
    };
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head[8] = 1;
    const pixels = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height));
    return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), part('IHDR', head), part('IDAT', pixels), part('IEND', Buffer.alloc(0))]);
}

/** A zip whose one entry says it unpacks to so many bytes.
 * @param {string} name
 * @param {number} bytes that it unpacks to
 * @param {number} stated */
async function bomb(name, bytes, stated) {
    const zip = new ZipWriter(new BlobWriter('application/zip'), { level: 9, useWebWorkers: false });
    await zip.add('frames/frame1.png', new Uint8ArrayReader(new Uint8Array(bytes)));
    const data = Buffer.from(await (await zip.close()).arrayBuffer()), entry = data.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    expect(data.readUInt32LE(entry + 24)).toBe(bytes);
    data.writeUInt32LE(stated, entry + 24);
    writeFileSync(`${work}/${name}`, data);
    return `${work}/${name}`;
}

test('every page has the strict policy, before anything else it loads', () => {
    const pages = readdirSync(`${top}dist`, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
    expect(pages.length).toBe(5);
    for (const page of pages) {
        const html = readFileSync(`${top}dist/${page}`, 'utf8'), policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html);
        const directives = Object.fromEntries(String(policy?.[1]).split('; ').map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1).join(' ')]));
        expect(directives, page).toMatchObject({ 'default-src': "'none'", 'script-src': "'self' 'wasm-unsafe-eval'", 'style-src': "'self'", 'connect-src': page.startsWith('decode') ? "'self' https: http:" : "'self'", 'base-uri': "'none'" });
        // It may read from anywhere, which a video's address asks for; nothing is run or shown from there.
        delete directives['connect-src'];
        expect(JSON.stringify(directives)).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/);
        expect(html.search(/<(script|link|style)/), page).toBeGreaterThan(Number(policy?.index));
        expect(html, page).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
    }
});

test('names of files and folders are only text', async ({ page }) => {
    mkdirSync(work, { recursive: true });
    const video = `${work}/${markup}.mp4`, broken = `${work}/${markup} broken.mp4`;
    copyFileSync(moving(), video);
    writeFileSync(broken, 'no video');
    const zip = new ZipWriter(new BlobWriter(), { level: 0, useWebWorkers: false }), frame = png(64, 48);
    for (const folder of [`${markup}a`, `${markup}b`]) for (const n of [1, 2]) await zip.add(`${folder}/${n}.png`, new Uint8ArrayReader(frame));
    await zip.add(`${markup}c/1.png`, new Uint8ArrayReader(new Uint8Array(50)));
    writeFileSync(`${work}/${markup}.zip`, Buffer.from(await (await zip.close()).arrayBuffer()));
    await page.goto('');
    await dropOn(page, [video, broken, `${work}/${markup}.zip`]);
    await expect(page.locator('#queue > li')).toHaveCount(5);
    await expect(page.locator('#queue > li:not([data-state=done], [data-state=failed])')).toHaveCount(0, { timeout: 60_000 });
    await expect(page.locator('#queue > li[data-state=done]')).toHaveCount(3);
    const row = page.locator('#queue > li').filter({ has: page.locator('strong', { hasText: new RegExp(`^${markup}\\.mp4$`) }) });
    await row.getByRole('button', { name: 'quality' }).click();
    await expect(row.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    await isOnlyText(page, 'diffy: encode');
    const file = await save(page, row.locator('a.download'), `${markup}.dfy`);
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('#file-name')).toHaveText(`${markup}.dfy`);
    await page.selectOption('#export [name=kind]', 'frame');
    await page.click('#start-export');
    await expect(page.locator('#exports a')).toContainText(markup);
    await dropOn(page, [broken]);
    await expect(page.locator('#problem')).toContainText(markup);
    await isOnlyText(page, 'diffy: decode');
    await page.goto('splat/');
    await dropOn(page, [`${work}/${markup}.zip`]);
    await expect(page.locator('#problem')).toBeVisible();
    await isOnlyText(page, 'diffy: splat');
});

test('metadata is only text, and cycles in CSV are numbers', async ({ page }) => {
    const cycles = [[0, 20, 0, 0, 0], [20, 25, 0, 1.5, 1]];
    const file = withMetadata('markup.dfy', moving(), (metadata) => ({ ...metadata, writer: markup, [markup]: '=cmd|calc', mode: markup, cycles, n_cycles: '=1+1' }));
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', 'markup.dfy');
    await page.locator('#metadata-section summary').click();
    await expect(page.locator('#metadata')).toContainText('onerror');
    await isOnlyText(page, 'diffy: decode');
    const csv = readFileSync(await save(page, page.getByRole('link', { name: 'cycles as CSV' }), 'cycles.csv'), 'utf8').trim().split('\n');
    expect(csv).toHaveLength(3);
    for (const line of csv.slice(1)) for (const cell of line.split(',')) expect(cell).toMatch(/^(\d+(\.\d+)?)?$/);
});

test('addresses are only text and open nothing but files of the site', async ({ page }) => {
    for (const place of ['../../etc', 'tab-x/../secret', markup, 'tab-/..', 'x/y']) {
        await page.goto(`decode/?${new URLSearchParams({ place, name: markup })}`);
        await expect(page.locator('#problem')).toContainText('no longer kept');
        await isOnlyText(page, 'diffy: decode');
    }
    await page.goto(`calc/?${new URLSearchParams({ workers: markup, size: markup, hours: '1e9', quality: '-1', fps: 'NaN' })}`);
    await expect(page.locator('#result')).toContainText('GB');
    await isOnlyText(page, 'diffy: calc');
});

test('bombs and absurd sizes are refused with a sentence, and the page works on', async ({ page }) => {
    mkdirSync(work, { recursive: true });
    writeFileSync(`${work}/huge.png`, png(30000, 30000));
    const files = [await bomb('says-so.zip', 1e6, 4e9), await bomb('hides-it.zip', 64e6, 100), `${work}/huge.png`, moving()];
    await page.goto('');
    await dropOn(page, files);
    await expect((await rowInState(page, 'says-so', 'failed')).locator('.error')).toHaveText("frames/frame1.png can't be unpacked: it would unpack to 4.00 GB, far too much for a picture.");
    await expect((await rowInState(page, 'hides-it', 'failed')).locator('.error')).toContainText("frames/frame1.png can't be unpacked");
    await expect((await rowInState(page, 'huge', 'failed')).locator('.error')).toContainText('too large');
    await rowInState(page, 'moving');
    // A header that claims the largest picture and more frames than there are atoms.
    const file = withMetadata('absurd.dfy', moving(), (metadata) => metadata), data = readFileSync(file);
    data.writeBigUInt64BE(0xffffffffffffffffn, 4);
    data.writeUInt16BE(65535, 16);
    data.writeUInt16BE(65535, 18);
    writeFileSync(file, data);
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('#problem')).toHaveText(/^absurd\.dfy: .{10,}\.$/);
});

test('the small server gives files of its folder only, and stands what it is asked', async ({ baseURL }) => {
    const { request } = await import('node:http');
    const { hostname, port } = new URL(String(baseURL));
    const ask = (/** @type {string} */ path) => new Promise((/** @type {(status: number | undefined) => void} */ resolve, reject) => {
        request({ hostname, port, path }, (response) => {
            response.resume();
            resolve(response.statusCode);
        }).on('error', reject).end();
    });
    for (const path of ['/%', '/%00', '//', '/..%2f..%2fetc%2fpasswd', '/%2e%2e/package.json', '/../Makefile', '/nothing', '/index.html/']) expect([400, 403, 404, 301, 200], path).toContain(await ask(path));
    for (const path of ['/..%2fMakefile', '/%2e%2e%2fpackage.json', '/..%2f..%2fetc%2fpasswd']) expect([403, 404], path).toContain(await ask(path));
    // A line's end would split the header of a redirect.
    for (const path of ['/%0a%2f..', '/%0d%0a%2f..', '/decode%0a', '/%0a/decode', '/%7f']) expect([400, 403, 404], path).toContain(await ask(path));
    expect(await ask('/decode')).toBe(301);
    expect(await ask('/')).toBe(200);
});

test('the small server is this machine\'s alone', async ({ baseURL }) => {
    const { networkInterfaces } = await import('node:os'), { connect } = await import('node:net');
    const other = Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal);
    test.skip(!other, 'this machine has no other address');
    const answers = await new Promise((resolve) => {
        const socket = connect({ host: other?.address, port: Number(new URL(String(baseURL)).port) }, () => resolve(true)).on('error', () => resolve(false));
        socket.setTimeout(2000, () => resolve(false));
    });
    expect(answers).toBe(false);
});
