/** Files that older programs made, and damaged ones, on the decode page. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { clip, compare, countFrames, encode, expect, exportAs, h264, openDfy, save, test, top, work } from './site.js';

const folder = `${process.env.DIFFY_SHARED ?? `${top}../shared`}/vectors/v1`;

test('every version 1 vector opens, and gives the frames that the command line gives', async ({ page }) => {
    test.skip(!existsSync(folder), 'the shared vectors are not here');
    test.setTimeout(180_000);
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.dfy'))) {
        const file = `${folder}/${name}`;
        await openDfy(page, file);
        const result = compare(file, await exportAs(page, 'png', '-png.zip'));
        expect(result.other_frames, name).toBe(result.reference_frames);
        // Both convert RGB to luma before comparing: only roundings of that may differ.
        expect(result.psnr_y ?? 99, name).toBeGreaterThan(50);
    }
});

test('orientations are drawn and saved', async ({ page }) => {
    test.skip(!existsSync(folder), 'the shared vectors are not here');
    await openDfy(page, `${folder}/imu_q40.dfy`);
    await expect(page.locator('#imu-plot polyline')).toHaveCount(4);
    const samples = JSON.parse(readFileSync(await save(page, page.getByRole('link', { name: 'quaternions as JSON' }), 'imu.json'), 'utf8'));
    expect(samples).toHaveLength(200);
    for (const sample of samples) expect(Math.hypot(...sample)).toBeCloseTo(1, 1);
});

test('a file with a flipped byte plays what is whole and says what is lost', async ({ page }) => {
    const video = clip('long.mp4', { frames: 400, size: '640x360', extra: h264 });
    const file = await encode(page, [video], 'long');
    const data = readFileSync(file);
    data[Math.floor(data.length * 0.75)] ^= 0x60; // two bits: of one the checksum tells which
    const damaged = `${work}/damaged.dfy`;
    writeFileSync(damaged, data);
    await openDfy(page, damaged);
    const y4m = await exportAs(page, 'y4m', '.y4m');
    const frames = countFrames(y4m);
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThan(400);
    await expect(page.locator('#exports')).toContainText('lost');
});
