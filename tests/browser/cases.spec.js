/**
 * Inputs of many kinds, dropped on the encode page: what comes of them is held against the table that the command line is
 * held against (tests/cases/table.js).
 */
import { existsSync } from 'node:fs';
import { differences } from '../cases/compare.js';
import { infoOf, pictureOf } from '../cases/dfy.js';
import { cases, prepare } from '../cases/table.js';
import { dropOn, expect, save, test, top, work } from './site.js';

const folder = `${work}/cases`, diffy = `${top}build/diffy`;
/** Whether the site has its own decoders: `make media` builds them. */
const media = existsSync(`${top}dist/media/media.wasm`);

test.beforeAll(() => {
    if (!existsSync(`${folder}/sub/inner/g3.png`)) prepare(folder);
});

for (const [i, one] of cases.entries()) {
    const options = one.options ?? [];
    test(`${i + 1}: ${JSON.stringify(one.input.slice(0, 60))} ${options.join(' ')}`, async ({ page }) => {
        test.skip(!!one.site, one.site);
        test.skip(!!one.media && !media, 'make media has not built the decoders that it needs');
        test.setTimeout(120_000);
        const maxWidth = options[options.indexOf('--max-width') + 1];
        await page.addInitScript((settings) => localStorage.setItem('diffy-encode-settings', JSON.stringify(settings)),
            { quality: 95, effort: 1, maxWidth: options.includes('--max-width') ? Number(maxWidth) : 0 });
        await page.goto('');
        await dropOn(page, [`${folder}/${one.input}`]);
        const row = page.locator('#queue > li').first();
        const refused = one.refused ?? one.siteRefused;
        await expect(row).toHaveAttribute('data-state', refused ? 'failed' : /^(done|failed)$/, { timeout: 100_000 });
        const text = await row.innerText();
        if (refused) return expect(text).toMatch(refused);
        expect(await row.getAttribute('data-state'), text).toBe('done');
        if (one.says) expect(text).toMatch(one.says);
        const file = await save(page, row.locator('a.download'), `case-${i}.dfy`);
        expect(differences(one, infoOf(diffy, file), (frame) => pictureOf(diffy, file, frame))).toEqual([]);
    });
}
