/** The npm package in a page, imported from a static server as it is. */
import { readFileSync } from 'node:fs';
import { createSite } from '../../web/serve.js';
import { clip, expect, h264, test, top } from './site.js';

test('a page imports the package, encodes a video and decodes it', async ({ browser }) => {
    const server = createSite(`${top}build/npm`).listen(0);
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const page = await browser.newPage();
    try {
        await page.route('**/page.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>page</title>' }));
        await page.goto(`http://localhost:${port}/page.html`);
        const video = readFileSync(clip('moving.mp4', { extra: h264 })).toString('base64');
        const result = await page.evaluate(async (base64) => {
            const address = '/diffy.js';
            /** @type {typeof import('../../wasm/index.js')} */
            const { DiffyDecoder, DiffyEncoder } = await import(address);
            const blob = await (await fetch(`data:video/mp4;base64,${base64}`)).blob();
            const { data, stats } = await DiffyEncoder.fromVideo(blob, { quality: 50 });
            const decoder = await DiffyDecoder.open(data);
            let frames = 0;
            for await (const frame of decoder) frames += frame.width === 320 ? 1 : 0;
            decoder.seek(10);
            const videoFrame = decoder.next('I420')?.toVideoFrame();
            const imageData = decoder.next('RGBA')?.toImageData();
            const again = await DiffyEncoder.create();
            if (videoFrame) await again.push(videoFrame, { timestamp: 0 });
            if (imageData) await again.push(imageData);
            const small = await again.encode();
            return { stats, frames, size: data.size, format: videoFrame?.format, pixels: imageData?.data.length, again: again.stats?.frames, small: small.length };
        }, video);
        expect(result).toMatchObject({ frames: 45, stats: { frames: 45, bytes: result.size }, format: 'I420', pixels: 320 * 180 * 4, again: 2 });
        expect(result.small).toBeGreaterThan(20);
    } finally {
        await page.close();
        server.close();
    }
});
