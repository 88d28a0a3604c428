/** Saving where the user says, in browsers that can ask: pickers stand in for the user, and files of the origin for theirs. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { clip, compare, dropOn, expect, h264, rowInState, test, top, work } from './site.js';

/** What the pickers of a test answer: a file or folder of the origin's own file system, a user's "cancel", a full disk.
 * @param {import('@playwright/test').Page} page
 * @param {'save' | 'cancel' | 'full' | 'refuse'} answer */
async function withPickers(page, answer) {
    await page.addInitScript((how) => {
        const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true });
        const refuse = () => {
            if (how === 'cancel') throw new DOMException('The user aborted a request.', 'AbortError');
            if (how === 'refuse') throw new DOMException('Not here.', 'SecurityError');
        };
        Object.assign(window, {
            async showSaveFilePicker({ suggestedName = '' }) {
                refuse();
                const handle = await (await folder()).getFileHandle(suggestedName, { create: true });
                if (how !== 'full') return handle;
                let room = 1000;
                return { name: suggestedName, createWritable: async () => new WritableStream({
                    write(piece) {
                        if ((room -= piece.length) < 0) throw new DOMException('full', 'QuotaExceededError');
                    },
                }) };
            },
            async showDirectoryPicker() {
                refuse();
                return folder();
            },
        });
    }, answer);
}

/** Names and bytes of what was saved.
 * @param {import('@playwright/test').Page} page
 * @returns {Promise<Record<string, Buffer>>} */
async function picked(page) {
    const files = await page.evaluate(async () => {
        const found = [], root = await navigator.storage.getDirectory(), folder = await root.getDirectoryHandle('picked', { create: true });
        for await (const [name, handle] of /** @type {any} */ (folder).entries()) found.push([name, [...new Uint8Array(await (await handle.getFile()).arrayBuffer())]]);
        return found;
    });
    return Object.fromEntries(files.map(([name, bytes]) => [name, Buffer.from(bytes)]));
}

const video = () => clip('moving.mp4', { extra: h264 });

test('a file is copied to where the user says', async ({ page }) => {
    await withPickers(page, 'save');
    page.on('download', () => expect('a download').toBe('a copy'));
    await page.goto('');
    await dropOn(page, [video()]);
    const row = await rowInState(page, 'moving');
    await row.locator('a.download').click();
    await expect(row.locator('.outcome')).toHaveText('saved as moving.dfy');
    const files = await picked(page), file = `${work}/picked.dfy`;
    expect(Object.keys(files)).toEqual(['moving.dfy']);
    expect(files['moving.dfy'].length).toBe(Number(await row.getAttribute('data-bytes')));
    writeFileSync(file, files['moving.dfy']);
    execFileSync(`${top}build/diffy`, ['verify', file], { stdio: 'ignore' });
    expect(compare(video(), file).other_frames).toBe(45);
});

test('whoever cancels gets nothing, and may ask again', async ({ page }) => {
    await withPickers(page, 'cancel');
    let downloads = 0;
    page.on('download', () => downloads++);
    await page.goto('');
    await dropOn(page, [video()]);
    const row = await rowInState(page, 'moving');
    await row.locator('a.download').click();
    await page.waitForTimeout(300);
    await expect(row.locator('.outcome')).toHaveCount(0);
    await expect(row.locator('a.download')).not.toHaveAttribute('aria-disabled');
    expect(await picked(page)).toEqual({});
    expect(downloads).toBe(0);
});

test('a full disk is said so', async ({ page }) => {
    await withPickers(page, 'full');
    await page.goto('');
    await dropOn(page, [video()]);
    const row = await rowInState(page, 'moving');
    await row.locator('a.download').click();
    await expect(row.locator('.outcome.error')).toContainText('not saved: There is not enough room');
});

test('where the picker is refused the file is downloaded', async ({ page }) => {
    await withPickers(page, 'refuse');
    await page.goto('');
    await dropOn(page, [video()]);
    const row = await rowInState(page, 'moving');
    const [download] = await Promise.all([page.waitForEvent('download'), row.locator('a.download').click()]);
    expect(download.suggestedFilename()).toBe('moving.dfy');
});

test('all files go into one folder, and overwrite nothing', async ({ page }) => {
    await withPickers(page, 'save');
    await page.goto('');
    await page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true });
        const writable = await (await folder.getFileHandle('moving.dfy', { create: true })).createWritable();
        await writable.write('mine');
        await writable.close();
    });
    await dropOn(page, [video(), clip('plain.mp4', { frames: 10, size: '320x176', extra: h264 })]);
    await rowInState(page, 'moving');
    await rowInState(page, 'plain');
    await page.getByRole('button', { name: 'download all (2)' }).click();
    await expect(page.locator('#queue-actions .outcome')).toContainText('2 files saved in picked');
    const files = await picked(page);
    expect(Object.keys(files).sort()).toEqual(['moving (2).dfy', 'moving.dfy', 'plain.dfy']);
    expect(files['moving.dfy'].toString()).toBe('mine');
    expect(files['plain.dfy'].subarray(0, 3).toString()).toBe('DFY');
});
