/** A small sequence of splat models for the tests: a bumpy shell of coloured splats, of which a cap turns. */

const properties = ['x', 'y', 'z', 'f_dc_0', 'f_dc_1', 'f_dc_2', ...Array.from({ length: 9 }, (_, i) => `f_rest_${i}`), 'opacity',
    'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3'];

/**
 * A frame as an INRIA PLY of degree 1.
 * @param {number} index
 * @param {number} [count] splats
 */
export function splatPly(index, count = 1500) {
    const header = `ply\nformat binary_little_endian 1.0\nelement vertex ${count}\n${properties.map((name) => `property float ${name}\n`).join('')}end_header\n`;
    const values = new Float32Array(count * properties.length);
    let seed = 7;
    const random = () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return seed / 2147483648 - 1;
    };
    for (let i = 0; i < count; i++) {
        const height = random(), turn = Math.PI * random() + (height > 0.6 ? index * 0.1 : 0), wide = Math.sqrt(1 - height * height) * (1 + 0.05 * random());
        const rest = Array.from({ length: 9 }, () => 0.1 * random());
        values.set([wide * Math.cos(turn), -height, wide * Math.sin(turn), 2 * height, 1.5 * Math.cos(turn), -height, ...rest, 2 + 2 * random(),
            -3 + 0.5 * random(), -3 + 0.5 * random(), -4 + 0.5 * random(), 1.1 + random(), random(), random(), random()], i * properties.length);
    }
    return Buffer.concat([Buffer.from(header), Buffer.from(values.buffer)]);
}
