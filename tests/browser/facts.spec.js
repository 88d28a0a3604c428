/** What a file carries besides its pictures comes back out of the decode page's exports, and is told there. */
import { execFileSync } from 'node:child_process';
import { expect, exportAs, openDfy, test, top, work } from './site.js';

/** @param {string} file
 * @param {string} entries */
function probe(file, entries) {
    return JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', file], { encoding: 'utf8' }));
}

test('sound, shape of pixels, colour and the last frame come back', async ({ page }) => {
    const source = `${work}/facts.mp4`, file = `${work}/facts.dfy`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=s=160x96:r=25:d=2', '-f', 'lavfi', '-i', 'sine=sample_rate=48000:d=2', '-vf', 'setsar=16/11',
        '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-c:a', 'aac', source]);
    execFileSync(`${top}build/diffy`, ['encode', '--effort', '1', source, file]);
    await openDfy(page, file);
    const facts = page.locator('#facts');
    await expect(facts.locator('[data-fact=sound]')).toHaveText('aac, 48,000 Hz, 1 channel');
    await expect(facts.locator('[data-fact=pixels]')).toContainText('16:11');
    await expect(facts.locator('[data-fact=colour]')).toHaveText('matrix BT.709, limited range, primaries BT.709, transfer BT.709');
    const mp4 = await exportAs(page, 'mp4', '.mp4'), { streams } = probe(mp4, 'stream=codec_type,codec_name,sample_aspect_ratio,color_space,duration');
    expect(streams.find((/** @type {any} */ s) => s.codec_type === 'audio')).toMatchObject({ codec_name: 'aac' });
    const video = streams.find((/** @type {any} */ s) => s.codec_type === 'video');
    expect(video.color_space).toBe('bt709');
    const [num, den] = video.sample_aspect_ratio.split(':').map(Number);
    expect(num / den).toBeCloseTo(16 / 11, 1);
    const y4m = await exportAs(page, 'y4m', '.y4m'), own = `${work}/facts.y4m`;
    execFileSync(`${top}build/diffy`, ['decode', file, own]);
    const head = (/** @type {string} */ path) => execFileSync('head', ['-n', '1', path], { encoding: 'utf8' });
    expect(head(y4m)).toBe(head(own));
    expect(head(y4m)).toContain('A16:11');
});
