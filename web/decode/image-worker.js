/** One of the export's workers for images: pixels in, a PNG or JPEG out. */
import { serve } from '../shared/rpc.js';

// Read back after every frame, and opaque: a canvas that is neither told so takes three times as long to give a JPEG.
const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });

serve({
    /** @param {{ width: number, height: number, pixels: ArrayBuffer, type: string, quality: number }} args
     * @returns {Promise<Uint8Array<ArrayBuffer>>} */
    async encode({ width, height, pixels, type, quality }) {
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        context?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
        return new Uint8Array(await (await canvas.convertToBlob({ type, quality })).arrayBuffer());
    },
});
