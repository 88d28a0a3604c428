/** Scaling in the worker, for recordings that are to be no wider than asked. */

/**
 * Makes frames no wider (as they are shown, after turning) than asked; even sizes suit every video encoder later.
 * @param {number} maxWidth
 * @returns {(frame: VideoFrame | ImageData, rotation: number) => VideoFrame | ImageData}
 */
export function scaler(maxWidth) {
    /** @type {OffscreenCanvas | undefined} */
    let canvas;
    return (frame, rotation) => {
        const [width, height] = 'displayWidth' in frame ? [frame.displayWidth, frame.displayHeight] : [frame.width, frame.height];
        const shown = rotation % 180 ? height : width;
        if (!maxWidth || shown <= maxWidth) return frame;
        const even = (/** @type {number} */ size) => Math.max(2, Math.round((size * maxWidth) / shown / 2) * 2);
        canvas ??= new OffscreenCanvas(even(width), even(height));
        const context = canvas.getContext('2d', { willReadFrequently: true });
        if (!context) throw new Error('This browser gives no canvas to scale with: choose the full resolution.');
        context.imageSmoothingQuality = 'high';
        if ('displayWidth' in frame) {
            context.drawImage(frame, 0, 0, canvas.width, canvas.height);
        } else {
            const whole = new OffscreenCanvas(width, height);
            whole.getContext('2d')?.putImageData(frame, 0, 0);
            context.drawImage(whole, 0, 0, canvas.width, canvas.height);
        }
        return context.getImageData(0, 0, canvas.width, canvas.height);
    };
}
