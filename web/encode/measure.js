/** How alike two pictures are: PSNR and SSIM of 8-bit planes. */

/** Peak signal-to-noise ratio in dB; Infinity for identical planes.
 * @param {Uint8Array} a
 * @param {Uint8Array} b */
export function psnr(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
    return sum ? 10 * Math.log10((255 * 255 * a.length) / sum) : Infinity;
}

/** @param {Uint8Array} a
 * @param {Uint8Array} b */
export function meanDifference(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
    return sum / a.length;
}

/**
 * Structural similarity (Wang et al. 2004), mean over 8x8 windows, 4 apart.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @param {number} width
 */
export function ssim(a, b, width) {
    const height = a.length / width, c1 = (0.01 * 255) ** 2, c2 = (0.03 * 255) ** 2;
    let total = 0, windows = 0;
    for (let y = 0; y + 8 <= Math.max(8, height); y += 4) {
        for (let x = 0; x + 8 <= Math.max(8, width); x += 4) {
            let n = 0, sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0;
            for (let row = y; row < Math.min(y + 8, height); row++) {
                for (let i = row * width + x, end = row * width + Math.min(x + 8, width); i < end; i++) {
                    const p = a[i], q = b[i];
                    n++;
                    sumA += p;
                    sumB += q;
                    sumAA += p * p;
                    sumBB += q * q;
                    sumAB += p * q;
                }
            }
            const meanA = sumA / n, meanB = sumB / n;
            const varianceA = sumAA / n - meanA * meanA, varianceB = sumBB / n - meanB * meanB, covariance = sumAB / n - meanA * meanB;
            total += ((2 * meanA * meanB + c1) * (2 * covariance + c2)) / ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2));
            windows++;
        }
    }
    return total / windows;
}
