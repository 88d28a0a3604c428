/** Encoding on the page: every kind of input becomes a .dfy whose pictures are those that went in. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
    await expect(page.locator('#facts')).toContainText('routine shown once');
    await expect(page.locator('#facts')).toContainText('shown as an earlier frame');
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

test('a zip of videos is a recording each', async ({ page }) => {
    const video = clip('moving.mp4', { extra: h264 }), zip = await zipOf('videos.zip', { 'left/take.mp4': video, 'right.mp4': video, 'notes.txt': video });
    await page.goto('');
    await dropOn(page, [zip]);
    for (const name of ['videos.zip/left/take.mp4', 'videos.zip/right.mp4']) {
        const file = await save(page, (await rowInState(page, name)).locator('a.download'), `${name}.dfy`);
        expect(compare(video, file)).toMatchObject({ other_frames: 45 });
    }
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
    const left = await rowInState(page, 'cameras.zip/day/left');
    await rowInState(page, 'cameras.zip/day/right');
    await expect(page.locator('#queue > li')).toHaveCount(2);
    await expect(left).toHaveAttribute('data-frames', '9');
    await expect(page.getByRole('button', { name: 'download all (2)' })).toBeVisible();
});

test('a .dfy is encoded already, and can be played', async ({ page }) => {
    const file = await encode(page, [clip('moving.mp4', { extra: h264 })], 'moving');
    await page.goto('');
    await dropOn(page, [file]);
    const row = page.locator('#queue > li');
    await expect(row).toContainText('This is already a .dfy.');
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
    const row = await rowInState(page, 'broken.mp4', 'failed');
    await expect(row.locator('.error')).toContainText("This file format can't be read here");
    await expect(page.locator('#queue .error', { hasText: "can't be read" })).toHaveCount(2);
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
    await expect((await rowInState(page, 'cut', 'failed')).locator('.error')).toContainText('is incomplete');
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
    await page.locator('#settings summary').click();
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
    await page.locator('#settings summary').click();
    await page.selectOption('[name=format]', '1');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    const row = await rowInState(page, 'moving');
    const info = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', await save(page, row.locator('a.download'), 'format1.dfy')], { encoding: 'utf8' }));
    expect(info).toMatchObject({ format: 1, frames: 45, quality: 25 });
});

test('sound is kept as it came; version 1 has no place for it, and the row says so', async ({ page }) => {
    const video = `${work}/loud.mp4`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip('plain.mp4', { frames: 10, size: '320x176', extra: h264 }), '-f', 'lavfi', '-i', 'sine', '-shortest', '-c:v', 'copy', '-c:a', 'aac', video]);
    const file = await encode(page, [video], 'loud');
    const { sound } = JSON.parse(execFileSync(`${top}build/diffy`, ['info', '--json', file], { encoding: 'utf8' }));
    expect(sound).toMatchObject({ codec: 'aac', sample_rate: 44100, channels: 1 });
    execFileSync(`${top}build/diffy`, ['decode', file, `${work}/loud-out.mp4`]);
    const heard = (/** @type {string} */ path) => execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:a', '-f', 's16le', '-'], { encoding: 'buffer' });
    expect(heard(`${work}/loud-out.mp4`).equals(heard(video))).toBe(true);
    await page.addInitScript(() => localStorage.setItem('diffy-encode-settings', JSON.stringify({ format: 1 })));
    await page.goto('');
    await dropOn(page, [video]);
    await expect((await rowInState(page, 'loud')).locator('.row-message')).toContainText('Sound was not kept.');
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
    await expect(page.locator('[data-fact="frame rate"]')).toHaveText('24.55 per second on average, nominally 30');
    await page.locator('#position').fill('20');
    await expect(page.locator('#time')).toHaveText(/^0:01\.00 .*, frame 20$/);
    await page.locator('#position').fill('10');
    await expect(page.locator('#time')).toHaveText(/^0:00\.33 .*, frame 10$/);
    const started = Date.now();
    await page.click('#play');
    await expect(page.locator('#picture')).toHaveAttribute('data-frame', '44', { timeout: 20_000 });
    // 1.47 seconds; frames evenly spread would have taken 1.13.
    expect(Date.now() - started).toBeGreaterThan(1400);
});

/** Many short clips.
 * @param {number} count */
function shortClips(count) {
    const one = clip('short.mp4', { frames: 5, size: '160x90', extra: h264 });
    return Array.from({ length: count }, (_, i) => {
        const path = `${work}/many/clip ${i + 1}.mp4`;
        mkdirSync(`${work}/many`, { recursive: true });
        copyFileSync(one, path);
        return path;
    });
}

test('thirteen files are saved as one zip with thirteen in it', async ({ page }) => {
    const files = shortClips(13);
    await page.goto('');
    await dropOn(page, files);
    await expect(page.locator('#queue > li[data-state=done]')).toHaveCount(13, { timeout: 80_000 });
    const zip = await save(page, page.getByRole('button', { name: 'download all (13)' }), 'all.zip');
    const names = execFileSync('python3', ['-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))', zip], { encoding: 'utf8' }).trim().split('\n');
    expect(names.sort()).toEqual(files.map((_, i) => `clip ${i + 1}.dfy`).sort());
    await expect(page.locator('#queue-actions .outcome')).toContainText('13 files in diffy.zip');
    // All are saved now: nothing asks whether to leave.
    let asked = false;
    page.once('dialog', (dialog) => {
        asked = true;
        void dialog.accept();
    });
    await page.goto('calc/');
    expect(asked).toBe(false);
});

test('inputs of one name stay apart, and rows tell whole names', async ({ page }) => {
    const one = clip('short.mp4', { frames: 5, size: '160x90', extra: h264 }), paths = ['same.mp4', 'same.mov', 'same.mkv'].map((name) => `${work}/${name}`);
    for (const path of paths) execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', one, '-c', 'copy', path]);
    await page.goto('');
    await dropOn(page, paths);
    await expect(page.locator('#queue > li[data-state=done]')).toHaveCount(3, { timeout: 60_000 });
    expect((await page.locator('#queue strong').allTextContents()).sort()).toEqual(['same.mkv', 'same.mov', 'same.mp4']);
    expect(new Set(await page.locator('#queue a.download').evaluateAll((links) => links.map((link) => /** @type {HTMLAnchorElement} */ (link).download))).size).toBe(3);
});

test('what cannot be read is told when it is dropped, and stands first', async ({ page }) => {
    const long = clip('long.mp4', { frames: 400, size: '640x360', extra: h264 }), broken = `${work}/z-broken.mp4`;
    writeFileSync(broken, Buffer.from('this is no video at all, whatever its name says'));
    await page.goto('');
    await dropOn(page, [long, clip('moving.mp4', { extra: h264 }), broken]);
    await expect(page.locator('#queue > li').first().locator('strong')).toHaveText('z-broken.mp4');
    await expect(page.locator('#queue > li').first()).toHaveAttribute('data-state', 'failed');
    // Long before its turn would have come.
    await rowInState(page, 'long', 'running');
    await expect((await rowInState(page, 'moving', 'waiting')).locator('.about')).toContainText('320 x 180, 1.5 s');
    await page.getByRole('button', { name: 'cancel all' }).click();
});

test('a part of a recording is encoded, and is what it is compared with', async ({ page }) => {
    const video = clip('rounds.mp4', { frames: 180, extra: h264 });
    await page.goto('');
    await dropOn(page, [clip('long.mp4', { frames: 400, size: '640x360', extra: h264 }), video]);
    const row = await rowInState(page, 'rounds', 'waiting');
    await row.locator('summary').click();
    await row.getByLabel('start, in seconds').fill('2');
    await row.getByLabel('end, in seconds').fill('4');
    await (await rowInState(page, 'long', 'running')).getByRole('button', { name: 'cancel' }).click();
    const done = await rowInState(page, 'rounds');
    await expect(done).toHaveAttribute('data-frames', '60');
    const file = await save(page, done.locator('a.download'), 'part.dfy'), part = `${work}/rounds-part.mp4`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', video, '-vf', 'trim=start_frame=60:end_frame=120,setpts=PTS-STARTPTS', ...h264, part]);
    expect(compare(part, file).psnr_y ?? 99).toBeGreaterThan(26);
    await done.getByRole('button', { name: 'quality' }).click();
    await expect(done.locator('.quality')).toHaveAttribute('data-ready', '1', { timeout: 60_000 });
    expect(Number(/PSNR ([\d.]+) dB/.exec(await done.locator('.quality [role=status]').innerText())?.[1])).toBeGreaterThan(28);
});

test('what was encoded and not saved is there after the tab was reloaded', async ({ page }) => {
    await page.goto('');
    await dropOn(page, [clip('moving.mp4', { extra: h264 })]);
    const bytes = await (await rowInState(page, 'moving')).getAttribute('data-bytes');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.reload();
    const row = await rowInState(page, 'moving.dfy');
    await expect(row).toContainText('Encoded on an earlier visit');
    const file = await save(page, row.locator('a.download'), 'kept.dfy');
    expect(statSync(file).size).toBe(Number(bytes));
    await row.getByRole('button', { name: 'remove' }).click();
    await page.reload();
    await page.waitForTimeout(500);
    await expect(page.locator('#queue > li')).toHaveCount(0);
});

/** Waits until some of what is encoded is in the file that a later tab will find, and the note beside it says so.
 * @param {import('@playwright/test').Page} page */
async function untilOnDisk(page) {
    await expect.poll(() => page.evaluate(async () => {
        let bytes = 0, done = 0;
        const root = await navigator.storage.getDirectory();
        for await (const folder of /** @type {any} */ (root).values())
            for await (const [name, handle] of folder.entries()) {
                try {
                    if (name.startsWith('part-')) bytes += (await handle.getFile()).size;
                    if (name.startsWith('work-')) done += JSON.parse((await (await handle.getFile()).text()) || '{}').done ?? 0;
                } catch {
                    // One that is being written anew can't be read for a moment.
                }
            }
        return done && bytes;
    }), { timeout: 60_000 }).toBeGreaterThan(20_000);
}

test('an encode that is under way goes on after a reload, and so does what waits', async ({ page }) => {
    test.slow(); // 900 frames at high quality take their time, so that the reload comes in their midst
    const video = `${work}/going-on.mp4`, sound = ['-f', 'lavfi', '-i', 'sine=duration=30'];
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip('going.mp4', { frames: 900, size: '480x270', extra: ['-c:v', 'libx264', '-preset', 'ultrafast'] }), ...sound, '-c:v', 'copy', '-c:a', 'aac', video]);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto('');
    await page.click('[data-preset=hq]');
    await dropOn(page, [video, clip('moving.mp4', { extra: h264 })]);
    const row = await rowInState(page, 'going-on', 'running');
    await untilOnDisk(page);
    await rowInState(page, 'going-on', 'running');
    await page.reload();
    await rowInState(page, 'going-on', 'running');
    await row.locator('summary').click();
    await expect(row.locator('.more')).toContainText(/resumed at frame \d+/);
    const done = await rowInState(page, 'going-on', 'done', 180_000), file = await save(page, done.locator('a.download'), 'going-on.dfy');
    expect(compare(video, file)).toMatchObject({ other_frames: 900 });
    expect(compare(video, file).psnr_y ?? 99).toBeGreaterThan(26);
    execFileSync(`${top}build/diffy`, ['verify', file]);
    execFileSync(`${top}build/diffy`, ['decode', file, `${work}/going-on-out.mp4`]);
    const heard = (/** @type {string} */ path) => execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:a', '-f', 's16le', '-'], { encoding: 'buffer', maxBuffer: 1 << 28 });
    expect(heard(`${work}/going-on-out.mp4`).equals(heard(video))).toBe(true);
    expect(compare(clip('moving.mp4', { extra: h264 }), await save(page, (await rowInState(page, 'moving')).locator('a.download'), 'moving-on.dfy')).other_frames).toBe(45);
});

test('what could not be copied goes on when it is dropped again', async ({ page }) => {
    test.slow();
    const video = clip('going.mp4', { frames: 900, size: '480x270', extra: ['-c:v', 'libx264', '-preset', 'ultrafast'] });
    await page.addInitScript(() => Object.assign(StorageManager.prototype, { estimate: async () => ({ quota: 0, usage: 0 }) }));
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto('');
    await page.click('[data-preset=hq]');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'going', 'running');
    await untilOnDisk(page);
    await page.reload();
    await expect(await rowInState(page, 'going', 'interrupted')).toContainText(/Stopped at \d+ % when its tab was closed/);
    await dropOn(page, [video]);
    await rowInState(page, 'going', 'running');
    await expect(page.locator('#queue > li')).toHaveCount(1);
    await row.locator('summary').click();
    await expect(row.locator('.more')).toContainText(/resumed at frame \d+/);
    expect(compare(video, await save(page, (await rowInState(page, 'going', 'done', 180_000)).locator('a.download'), 'again.dfy'))).toMatchObject({ other_frames: 900 });
});

test('a long recording begins with a first look, and what each preset will give', async ({ page }) => {
    const video = clip('hour.mp4', { frames: 7200, size: '320x180', extra: ['-c:v', 'libx264', '-preset', 'ultrafast'] });
    await page.goto('');
    await dropOn(page, [video]);
    const row = await rowInState(page, 'hour', 'running'), look = row.locator('.look');
    await expect(look).toHaveAttribute('data-ready', '1', { timeout: 20_000 });
    await expect(look.locator('tbody tr')).toHaveCount(3);
    await expect(look.locator('tbody')).toContainText(/balancedabout [\d.]+ [kM]B/);
    // All three are measured, and in order. Paused, the whole doesn't come to its end before.
    await row.getByRole('button', { name: 'pause' }).click();
    await expect(look).toHaveAttribute('data-measured', '1', { timeout: 40_000 });
    const sizes = await look.locator('tbody td[data-label=size]').allTextContents(), bytes = sizes.map((text) => Number.parseFloat(text.replace('about ', '')) * (text.includes('MB') ? 1000 : 1));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    await expect(look.locator('canvas')).toBeVisible();
    await look.getByRole('button', { name: 'use draft' }).click();
    // It starts again.
    await expect(look).toHaveCount(0);
    await rowInState(page, 'hour', 'running');
    await row.getByRole('button', { name: 'cancel' }).click();
});

test('the sample of a first try is encoded, and plays', async ({ page, context }) => {
    await page.goto('');
    await page.click('#choose-sample');
    const row = await rowInState(page, 'sample');
    await expect(row).toContainText(/ -> [\d.]+ kB \([\d.]+ : 1\)/);
    const [tab] = await Promise.all([context.waitForEvent('page'), row.getByRole('link', { name: 'play' }).click()]);
    await expect(tab.locator('body')).toHaveAttribute('data-opened', 'sample.dfy');
});

test('the recording at work is in view, on a phone too', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto('');
    await page.click('[data-preset=draft]');
    const short = clip('moving.mp4', { extra: h264 }), names = Array.from({ length: 9 }, (_, i) => `in-view-${i}.mp4`);
    for (const name of names) copyFileSync(short, `${work}/${name}`);
    const long = clip('in-view-long.mp4', { frames: 900, size: '480x270', extra: ['-c:v', 'libx264', '-preset', 'ultrafast'] });
    await dropOn(page, [...names.map((name) => `${work}/${name}`), long]);
    const row = await rowInState(page, 'in-view-long', 'running', 85_000);
    await expect(row.locator('.bar')).toBeInViewport();
});
