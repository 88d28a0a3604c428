/** Encoding on the page: every kind of input becomes a .dfy whose pictures are those that went in. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { withoutPickers } from './chromium.js';
import { clip, compare, countFrames, dropOn, encode, expect, exportAs, filesOf, h264, openDfy, pngFolder, rowInState, save, test, top, work, zipOf } from './site.js';

test('an H.264 MP4 comes out as a .dfy with its pictures', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const file = await encode(page, [video], 'moving');
    const result = compare(video, file);
    expect(result.other_frames).toBe(45);
    expect(result.reference_frames).toBe(45);
    expect(result.psnr_y).toBeGreaterThan(28);
    await openDfy(page, file);
    const y4m = await exportAs(page, 'y4m', '.y4m');
    expect(countFrames(y4m)).toBe(45);
    // What the browser decodes is what the command line decodes.
    const same = compare(file, y4m);
    expect(same.psnr_y ?? 99).toBeGreaterThan(55);
});

test('mode upload shows repetitions as what they repeat', async ({ page }) => {
    const video = clip('rounds.mp4', { frames: 180, extra: h264 });
    await page.goto('');
    await page.check('input[name=mode][value=upload]');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'rounds');
    const file = await save(page, row.locator('a.download'), 'rounds.dfy');
    const result = compare(video, file);
    expect(result.other_frames).toBe(180);
    expect(result.psnr_y).toBeGreaterThan(24);
    await openDfy(page, file);
    await expect(page.locator('#facts')).toContainText('mode upload');
    await expect(page.locator('#facts')).toContainText('frames show earlier ones');
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(180);
});

test('presets set quality and effort, and are remembered', async ({ page }) => {
    const pressed = () => page.locator('[data-preset][aria-pressed=true]').allTextContents();
    const values = () => page.evaluate(() => ['quality', 'effort'].map((name) => /** @type {HTMLInputElement} */ (document.querySelector(`#settings [name=${name}]`)).value));
    await page.goto('');
    expect(await pressed()).toEqual(['balanced']);
    expect(await values()).toEqual(['25', '5']);
    await page.click('[data-preset=hq]');
    expect(await values()).toEqual(['60', '7']);
    await page.reload();
    expect(await pressed()).toEqual(['hq']);
    await expect(page.locator('#quality-value')).toHaveText('60');
    await page.fill('[name=quality]', '61');
    expect(await pressed()).toEqual([]);
    await page.reload();
    expect(await values()).toEqual(['61', '7']);
    const video = clip('moving.mp4', { extra: h264 });
    const sizes = [];
    for (const preset of ['draft', 'balanced', 'hq']) {
        await page.goto('');
        await page.click(`[data-preset=${preset}]`);
        const file = await encode(page, [video], 'moving');
        sizes.push(statSync(file).size);
    }
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test('a zip of PNGs is one recording, in natural order', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const folder = pngFolder('moving-frames', video);
    const zip = await zipOf('frames.zip', filesOf(folder, 'frames/'));
    const file = await encode(page, [zip], 'frames');
    const result = compare(folder, file);
    expect(result.other_frames).toBe(45);
    expect(result.psnr_y).toBeGreaterThan(28);
});

test('a folder of PNGs is one recording', async ({ page }) => {
    const folder = pngFolder('moving-frames', clip('moving.mp4', { extra: h264 }));
    const file = await encode(page, [folder], 'moving-frames');
    const result = compare(folder, file);
    expect(result.other_frames).toBe(45);
    expect(result.psnr_y).toBeGreaterThan(28);
});

test('the folder button takes a folder as well', async ({ page }) => {
    const folder = pngFolder('moving-frames', clip('moving.mp4', { extra: h264 }));
    await page.goto('');
    await page.setInputFiles('#folder', folder);
    const row = await rowInState(page, 'moving-frames');
    await expect(row).toHaveAttribute('data-frames', '45');
});

test('a zip with folders is several recordings', async ({ page }) => {
    const folder = pngFolder('moving-frames', clip('moving.mp4', { extra: h264 }));
    const some = Object.fromEntries(Object.entries(filesOf(folder, '')).filter(([name]) => /frame\d\.png/.test(name)));
    const both = Object.fromEntries(Object.entries(some).flatMap(([name, path]) => [[`day/left/${name}`, path], [`day/right/${name}`, path], [`__MACOSX/day/left/._${name}`, path]]));
    const zip = await zipOf('cameras.zip', both);
    await page.goto('');
    await dropOn(page, [zip]);
    const left = await rowInState(page, 'day_left');
    await rowInState(page, 'day_right');
    await expect(page.locator('#queue > li')).toHaveCount(2);
    await expect(left).toHaveAttribute('data-frames', '9');
    await expect(page.getByRole('button', { name: 'download all (2)' })).toBeVisible();
});

test('a .dfy is encoded already, and can be played', async ({ page }) => {
    const file = await encode(page, [clip('moving.mp4', { extra: h264 })], 'moving');
    await page.goto('');
    await dropOn(page, [file]);
    const row = page.locator('#queue > li');
    await expect(row).toContainText('This is encoded already.');
    const [tab] = await Promise.all([page.waitForEvent('popup'), row.getByRole('link', { name: 'play moving.dfy' }).click()]);
    await expect(tab.locator('body')).toHaveAttribute('data-opened', 'moving.dfy', { timeout: 20_000 });
});

test('a broken file among good ones says why and holds nothing up', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const broken = `${work}/broken.mp4`, wrong = `${work}/broken.zip`;
    writeFileSync(broken, Buffer.from('this is no video at all, whatever its name says'));
    writeFileSync(wrong, Buffer.from('PK but not a zip'));
    writeFileSync(`${work}/nothing.mp4`, '');
    await page.goto('');
    await dropOn(page, [broken, wrong, `${work}/nothing.mp4`, video]);
    await expect((await rowInState(page, 'nothing', 'failed')).locator('.error')).toHaveText('This file is empty: there is nothing to read.');
    const row = await rowInState(page, 'broken', 'failed');
    await expect(row.locator('.error')).toContainText("isn't one that can be read");
    await expect(page.locator('#queue .error', { hasText: "can't be read" })).toHaveCount(1);
    await rowInState(page, 'moving');
    await row.getByRole('button', { name: 'remove' }).click();
    await expect(row).toHaveCount(0);
});

test('a cut video keeps what can be read or says why', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 });
    const cut = `${work}/cut.mp4`;
    const data = readFileSync(video);
    writeFileSync(cut, data.subarray(0, data.length / 2));
    await page.goto('');
    await dropOn(page, [cut]);
    // Its index is at its end, which is gone.
    await expect((await rowInState(page, 'cut', 'failed')).locator('.error')).toContainText('it was cut');
    // With the index at the beginning, the frames that are there are encoded, and how many seconds are missing is said.
    const early = clip('early.mp4', { frames: 120, extra: [...h264, '-bf', '0', '-movflags', '+faststart'] }), part = `${work}/part.mp4`, all = readFileSync(early);
    writeFileSync(part, all.subarray(0, all.length / 2));
    await dropOn(page, [part, early]);
    const row = await rowInState(page, 'part');
    await expect(row.locator('.warn')).toContainText(/The video ends early, after [\d.]+ s of 4\.0 s/);
    expect(Number(await row.getAttribute('data-frames'))).toBeGreaterThan(20);
    await expect((await rowInState(page, 'early')).locator('.warn')).toHaveCount(0);
});

test('cancel stops at once, and retry starts again', async ({ page }) => {
    const video = clip('long.mp4', { frames: 400, size: '640x360', extra: h264 });
    await page.goto('');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'long', 'running');
    await expect(row.getByRole('progressbar')).toBeVisible();
    await row.getByRole('button', { name: 'cancel' }).click();
    await rowInState(page, 'long', 'cancelled');
    await row.getByRole('button', { name: 'retry' }).click();
    await rowInState(page, 'long', 'running');
    await row.getByRole('button', { name: 'cancel' }).click();
    await rowInState(page, 'long', 'cancelled');
    // Frames decoded ahead go with their worker.
    await expect.poll(() => page.workers().length).toBe(0);
});

test('a worker that does not start fails its recording, not the page', async ({ context, baseURL }) => {
    // The page of the other tests takes what the console then says for an error.
    const page = await context.newPage();
    await withoutPickers(page);
    let broken = 'source-worker-';
    await context.route('**/assets/*worker-*.js', (route) => (broken && route.request().url().includes(`/${broken}`) ? route.abort() : route.fallback()));
    await page.goto(String(baseURL));
    for (broken of ['source-worker-', 'worker-']) {
        await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
        const row = await rowInState(page, 'moving', 'failed');
        await expect(row.locator('.error')).toHaveText('The worker could not be started: reload the page.');
        await expect.poll(() => page.workers().length).toBe(0);
        await row.getByRole('button', { name: 'remove' }).click();
    }
    broken = '';
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    await rowInState(page, 'moving');
    await expect.poll(() => page.workers().length).toBe(0);
});

test('pause holds and resume goes on', async ({ page }) => {
    const video = clip('pausing.mp4', { frames: 150, extra: h264 });
    await page.goto('');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'pausing', 'running');
    await row.getByRole('button', { name: 'pause' }).click();
    await rowInState(page, 'pausing', 'paused');
    await expect(row.locator('.bar')).toContainText('paused');
    await row.getByRole('button', { name: 'resume' }).click();
    const done = await rowInState(page, 'pausing');
    await expect(done).toHaveAttribute('data-frames', '150');
});

test('settings are remembered, and the largest width is kept to', async ({ page }) => {
    const video = clip('wide.mp4', { frames: 8, size: '1280x720', extra: h264 });
    await page.goto('');
    await page.getByRole('button', { name: 'draft' }).click();
    await expect(page.locator('#quality-value')).toHaveText('10');
    await page.locator('summary').click();
    await page.selectOption('[name=maxWidth]', '640');
    await page.reload();
    await expect(page.locator('#quality-value')).toHaveText('10');
    await expect(page.locator('[name=maxWidth]')).toHaveValue('640');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'wide');
    const file = await save(page, row.locator('a.download'), 'wide.dfy');
    await openDfy(page, file);
    await expect(page.locator('#facts')).toContainText('640 x 360 pixels');
});

test('a rotated video comes out upright', async ({ page }) => {
    const plain = clip('plain.mp4', { frames: 10, size: '320x176', extra: h264 });
    const rotated = `${work}/rotated.mp4`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', plain, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', rotated]);
    const file = await encode(page, [rotated], 'rotated');
    // The command line carries the rotation out too, from the same metadata.
    const result = compare(rotated, file);
    expect(result.other_frames).toBe(10);
    expect(result.psnr_y).toBeGreaterThan(26);
});

test('format 1 opens in every reader', async ({ page }) => {
    await page.goto('');
    await page.locator('summary').click();
    await page.selectOption('[name=format]', '1');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    const row = await rowInState(page, 'moving');
    const info = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', await save(page, row.locator('a.download'), 'format1.dfy')], { encoding: 'utf8' }));
    expect(info).toMatchObject({ format: 1, frames: 45, quality: 25 });
});

test('sound is left out, and the row says so', async ({ page }) => {
    const loud = `${work}/loud.mp4`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip('plain.mp4', { frames: 10, size: '320x176', extra: h264 }), '-f', 'lavfi', '-i', 'sine', '-shortest', '-c:v', 'copy', '-c:a', 'aac', loud]);
    await page.goto('');
    await dropOn(page, [loud]);
    await expect((await rowInState(page, 'loud')).locator('.row-message')).toContainText('The sound was left out.');
});

test('where files cannot be kept on the disk, memory does', async ({ page }) => {
    await page.addInitScript(() => Object.assign(StorageManager.prototype, { getDirectory: undefined }));
    const video = clip('moving.mp4', { extra: h264 });
    await page.goto('');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'moving');
    // Another tab could not reach it.
    await expect(row.getByRole('link', { name: 'play' })).toHaveCount(0);
    expect(compare(video, await save(page, row.locator('a.download'), 'memory.dfy')).other_frames).toBe(45);
});

test('goes on in a tab behind another, tells how far in its title, and warns before what is not saved is left', async ({ page, context }) => {
    await page.goto('');
    await page.click('[data-preset=draft]');
    await dropOn(page, [clip('pausing.mp4', { frames: 150, extra: h264 })]);
    await rowInState(page, 'pausing', 'running');
    await expect(page).toHaveTitle(/^\d+% of pausing/);
    const other = await context.newPage();
    await other.goto('calc/');
    await other.bringToFront();
    const row = await rowInState(page, 'pausing');
    await expect(page).toHaveTitle('diffy: encode');
    await other.close();
    const asks = async () => {
        let asked = false;
        page.once('dialog', (dialog) => {
            asked = dialog.type() === 'beforeunload';
            void dialog.dismiss();
        });
        await page.goto('calc/', { timeout: 5000 }).catch(() => {});
        return asked;
    };
    expect(await asks()).toBe(true);
    await save(page, row.locator('a.download'), 'left.dfy');
    expect(await asks()).toBe(false);
    await expect(page.locator('#result')).toBeVisible();
});

test('without WebCodecs a video is stepped through, and nothing is lost', async ({ page, context }) => {
    const video = clip('moving.mp4', { extra: h264 });
    await context.route('**/assets/*worker-*.js', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: `delete self.VideoDecoder; ${await response.text()}` });
    });
    const file = await encode(page, [video], 'moving');
    const result = compare(video, file);
    expect(result.other_frames).toBe(45);
    expect(result.psnr_y).toBeGreaterThan(22);
    const images = await encode(page, [pngFolder('moving-frames', video)], 'moving-frames');
    expect(compare(video, images).other_frames).toBe(45);
    await page.addInitScript(() => Object.assign(globalThis, { VideoDecoder: undefined, VideoEncoder: undefined, VideoFrame: undefined }));
    await openDfy(page, images);
    await page.locator('#position').fill('30');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '30');
    expect(countFrames(await exportAs(page, 'y4m', '.y4m'))).toBe(45);
});

test('variable frame rate is kept', async ({ page }) => {
    // Frames 10 to 19 are shown twice as long as the others.
    const even = clip('moving.mp4', { extra: h264 }), uneven = `${work}/uneven.mp4`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', even, '-vf', "settb=1/600,setpts='if(lt(N,10),N*20,if(lt(N,20),200+(N-10)*40,600+(N-20)*20))'", '-fps_mode', 'passthrough', '-enc_time_base', '1/600', ...h264, uneven]);
    const file = await encode(page, [uneven], 'uneven');
    const address = `${top}build/npm/diffy.js`;
    /** @type {typeof import('../../wasm/index.js')} */
    const { DiffyDecoder } = await import(address);
    const decoder = await DiffyDecoder.open(new Uint8Array(readFileSync(file)), { wasmBinary: new Uint8Array(readFileSync(`${top}build/npm/diffy.wasm`)) });
    const times = [];
    for await (const frame of decoder) times.push(Math.round(frame.timestamp * 600));
    expect(times).toEqual(Array.from({ length: 45 }, (_, n) => (n < 10 ? n * 20 : n < 20 ? 200 + (n - 10) * 40 : 600 + (n - 20) * 20)));
    // The player keeps to these times, too.
    await openDfy(page, file);
    await expect(page.locator('[data-fact=length]')).toHaveText('1.8 s');
    await expect(page.locator('[data-fact="frame rate"]')).toHaveText('24.545 a second');
    await page.locator('#position').fill('20');
    await expect(page.locator('#time')).toHaveText('frame 20 (0 to 44), 0:01.00');
    await page.locator('#position').fill('10');
    await expect(page.locator('#time')).toHaveText('frame 10 (0 to 44), 0:00.33');
    const started = Date.now();
    await page.click('#play');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '44', { timeout: 20_000 });
    // 1.47 seconds; frames evenly spread would have taken 1.13.
    expect(Date.now() - started).toBeGreaterThan(1400);
});
