/**
 * A long 1080p recording streamed through the encode page: what the browser holds is bounded, and doesn't grow with the
 * length. DIFFY_LONG is its length in seconds of video, 600 for the ten minutes of a real shift's recording.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { chromium } from '@playwright/test';
import { launchOptions, withoutPickers } from './chromium.js';
import { dropOn, expect, save, test, top, work } from './site.js';

const seconds = Number(process.env.DIFFY_LONG ?? 15), frames = seconds * 30;
/** MB above the idle page: decoder, encoder with its look-ahead, a few frames on their way. One raw frame is 3.1 MB. */
const most = 500;

/** The project's test scene as an H.264 MP4; enlarged, because drawing it at this size takes longer than encoding it. */
function longVideo() {
    const file = `${work}/long-1080p-${seconds}.mp4`;
    mkdirSync(work, { recursive: true });
    if (existsSync(file)) return file;
    execFileSync('bash', ['-o', 'pipefail', '-c', 'nice "$0" --preset busy --size 640x360 --frames "$1" - | '
        + 'nice ffmpeg -v error -y -i - -vf scale=1920:1080 -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -f mp4 "$2"', `${top}build/scene`, String(frames), `${file}.part`], { stdio: ['ignore', 'ignore', 'ignore'] });
    renameSync(`${file}.part`, file);
    return file;
}

/** MB of memory that are the browser's own, all its processes together.
 * @param {import('@playwright/test').CDPSession} session */
async function memory(session) {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    let sum = 0;
    for (const { id } of processInfo) {
        try {
            sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
        } catch {
            // It has ended meanwhile.
        }
    }
    return sum / 1000;
}

test(`${seconds} seconds of 1080p go through in bounded memory`, async ({ baseURL }) => {
    test.skip(!existsSync('/proc/self/smaps_rollup'), 'memory is measured the way Linux tells it');
    test.setTimeout(120_000 + seconds * 15_000);
    const video = longVideo();
    const profile = mkdtempSync(`${tmpdir()}/diffy-long-`);
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions, baseURL, acceptDownloads: true });
    try {
        await withoutPickers(context);
        const page = await context.newPage();
        const browser = /** @type {import('@playwright/test').Browser} */ (context.browser());
        const session = await browser.newBrowserCDPSession();
        await page.goto('');
        await page.getByRole('button', { name: 'draft' }).click();
        const idle = await memory(session);
        await dropOn(page, [video]);
        const row = page.locator('#queue > li');
        /** @type {{ done: number, megabytes: number }[]} */
        const samples = [];
        for (let state = ''; !['done', 'failed'].includes(state); state = (await row.getAttribute('data-state')) ?? '') {
            const percent = await row.locator('.bar').getAttribute('aria-valuenow');
            samples.push({ done: (frames * Number(percent)) / 100, megabytes: (await memory(session)) - idle });
            await page.waitForTimeout(500);
        }
        await expect(row).toHaveAttribute('data-state', 'done');
        await expect(row).toHaveAttribute('data-frames', String(frames));
        const peak = (/** @type {number} */ from, /** @type {number} */ to) =>
            Math.max(...samples.filter(({ done }) => done >= frames * from && done < frames * to).map(({ megabytes }) => megabytes));
        const first = peak(0.2, 0.6), second = peak(0.6, 1);
        const took = Number(await row.getAttribute('data-seconds'));
        const told = `${frames} frames in ${took.toFixed(0)} s, ${samples.length} samples, idle ${idle.toFixed(0)} MB; above it at most ${first.toFixed(0)} MB before, ${second.toFixed(0)} MB after the middle`;
        test.info().annotations.push({ type: 'memory', description: told });
        console.log(told);
        expect(first).toBeGreaterThan(50);
        expect(Math.max(first, second)).toBeLessThan(most);
        // Twice the length must not mean more memory.
        expect(second).toBeLessThan(first * 1.15 + 30);
        const file = await save(page, row.locator('a.download'), 'long-1080p.dfy');
        const info = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8', maxBuffer: 1 << 28 }));
        expect(info).toMatchObject({ width: 1920, height: 1080, frames, complete: true });
    } finally {
        await context.close();
        rmSync(profile, { recursive: true, force: true });
    }
});
