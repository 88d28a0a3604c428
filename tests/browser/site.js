/**
 * What the tests share: a page that fails the test when it reports an error, breaks its security policy or asks anybody
 * else for anything; clips made with ffmpeg; and comparing pictures with build/diffy.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test as base, expect } from '@playwright/test';
import { BlobWriter, Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js';
import { dropOn, withoutPickers } from './chromium.js';

export { dropOn, expect };

export const top = new URL('../../', import.meta.url).pathname;
/** Where a test's files are made: each of Playwright's workers has its own folder, so that none reads a file half made. */
export const work = `${top}build/browser-clips/${process.env.TEST_PARALLEL_INDEX ?? 0}`;

export const test = base.extend({
    page: async ({ page, baseURL }, use) => {
        /** @type {string[]} */
        const problems = [];
        page.on('pageerror', (error) => problems.push(`the page threw ${error}`));
        page.on('console', (message) => {
            if (message.type() === 'error') problems.push(`the console says ${message.text()}`);
        });
        page.context().on('request', (request) => {
            const url = request.url();
            if (!url.startsWith(String(baseURL)) && !/^(blob|data):/.test(url)) problems.push(`a request to ${url}`);
        });
        await withoutPickers(page);
        await use(page);
        expect(problems).toEqual([]);
    },
});

/** @param {string} command
 * @param {string[]} args */
function run(command, args) {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
}

/**
 * A clip of a still, textured background on which something moves, in cycles; made once.
 * @param {string} name with the ending that says the container
 * @param {{ frames?: number, size?: string, rate?: string, extra?: string[], filter?: string }} [options]
 */
export function clip(name, { frames = 45, size = '320x180', rate = '30', extra = [], filter = '' } = {}) {
    mkdirSync(work, { recursive: true });
    const file = `${work}/${name}`;
    if (existsSync(file)) return file;
    const scene = `testsrc=size=${size}:rate=${rate},trim=end_frame=1,loop=-1:1,setpts=N/(${rate})/TB,noise=alls=6:allf=t:all_seed=7`;
    const box = `color=0xd05030:size=40x30:rate=${rate}`;
    const graph = `${scene}[bg];${box}[box];[bg][box]overlay=x='(W-w)/2*(1+sin(t*6.283))':y='H/2-h/2+H/5*cos(t*6.283)':shortest=0${filter ? `,${filter}` : ''}`;
    run('ffmpeg', ['-v', 'error', '-y', '-filter_complex', graph, '-frames:v', String(frames), '-pix_fmt', 'yuv420p', ...extra, file]);
    return file;
}

export const h264 = ['-c:v', 'libx264', '-crf', '12', '-preset', 'veryfast'];

/** The clip's frames as PNG files in a folder.
 * @param {string} name
 * @param {string} video */
export function pngFolder(name, video) {
    const folder = `${work}/${name}`;
    if (!existsSync(folder)) {
        mkdirSync(folder, { recursive: true });
        run('ffmpeg', ['-v', 'error', '-y', '-i', video, `${folder}/frame%d.png`]);
    }
    return folder;
}

/**
 * A zip of files: path in the zip -> file on disk.
 * @param {string} name
 * @param {Record<string, string>} files
 */
export async function zipOf(name, files) {
    const file = `${work}/${name}`;
    if (existsSync(file)) return file;
    const zip = new ZipWriter(new BlobWriter('application/zip'), { level: 0, useWebWorkers: false });
    for (const [path, from] of Object.entries(files)) await zip.add(path, new Uint8ArrayReader(readFileSync(from)));
    writeFileSync(file, Buffer.from(await (await zip.close()).arrayBuffer()));
    return file;
}

/** @param {string} folder
 * @param {string} prefix path in the zip */
export function filesOf(folder, prefix) {
    return Object.fromEntries(readdirSync(folder).map((name) => [`${prefix}${name}`, `${folder}/${name}`]));
}

/**
 * PSNR and frame counts of two videos, folders, zips or .dfy files.
 * @param {string} reference
 * @param {string} other
 * @returns {{ reference_frames: number, other_frames: number, psnr_y: number | null, psnr_u: number | null, psnr_v: number | null }}
 */
export function compare(reference, other) {
    return JSON.parse(run(`${top}build/diffy`, ['compare', '--json', reference, other]));
}

/** @param {string} video */
export function countFrames(video) {
    return Number(run('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', video]).trim().replace(/,$/, ''));
}

/**
 * Waits until a row of the queue has come to an end.
 * The name may be given without its ending.
 * @param {import('@playwright/test').Page} page
 * @param {string} name
 * @param {string} [state]
 * @param {number} [timeout] ms
 */
export async function rowInState(page, name, state = 'done', timeout = 60_000) {
    const row = page.locator('#queue > li').filter({ has: page.locator('strong', { hasText: new RegExp(`^${name.replaceAll('.', '\\.')}(\\.\\w+)?$`) }) });
    await expect(row).toHaveAttribute('data-state', state, { timeout });
    return row;
}

/**
 * Saves what a link offers.
 * @param {import('@playwright/test').Page} page
 * @param {import('@playwright/test').Locator} link
 * @param {string} name
 */
export async function save(page, link, name) {
    mkdirSync(`${work}/saved`, { recursive: true });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const file = `${work}/saved/${name}`;
    await download.saveAs(file);
    return file;
}

/**
 * Encodes on the encode page, with settings of the form if given, and saves the file.
 * @param {import('@playwright/test').Page} page
 * @param {string[]} paths
 * @param {string} name
 */
export async function encode(page, paths, name) {
    await page.goto('');
    await dropOn(page, paths);
    const row = await rowInState(page, name);
    return save(page, row.locator('a.download'), `${name}.dfy`);
}

/**
 * Opens a file on the decode page.
 * @param {import('@playwright/test').Page} page
 * @param {string} file
 */
export async function openDfy(page, file) {
    await page.goto('decode/');
    await dropOn(page, [file]);
    await expect(page.locator('body')).toHaveAttribute('data-opened', /.+/);
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {string} kind
 * @param {string} ending
 */
export async function exportAs(page, kind, ending) {
    await page.selectOption('#export [name=kind]', kind);
    await page.click('#start-export');
    const link = page.locator(`#exports a[download$="${ending}"]`).first();
    await expect(link).toBeVisible({ timeout: 60_000 });
    return save(page, link, (await link.getAttribute('download')) ?? 'export');
}

/** A file of version 1, with other metadata. Its chunks have no checksums.
 * @param {string} name
 * @param {string} video
 * @param {(metadata: any) => any} change */
export function withMetadata(name, video, change) {
    const file = `${work}/${name}`;
    run(`${top}build/diffy`, ['encode', '--format', '1', '--progress', 'never', video, file]);
    const data = readFileSync(file), size = data.readUInt32BE(23);
    expect([data[21], data[22]]).toEqual([6, 0]);
    const json = Buffer.from(JSON.stringify(change(JSON.parse(data.subarray(27, 27 + size).toString())))), head = Buffer.from(data.subarray(0, 27));
    head.writeUInt32BE(json.length, 23);
    writeFileSync(file, Buffer.concat([head, json, data.subarray(27 + size)]));
    return file;
}
