/**
 * The sorter's worker: keeps the splats' places and gives the order to draw them in, far to near. Where the page is isolated
 * the places lie in shared memory, and nothing of them is sent.
 */

/** Steps of depth. Splats behind each other by less than one keep their order. */
const steps = 1 << 16;

let count = 0;
let centres = new Float32Array(0), depths = new Uint16Array(0);
const starts = new Uint32Array(steps + 1);

/** A counting sort.
 * @param {number[]} forward */
function sort([x, y, z]) {
    let low = Infinity, high = -Infinity;
    const distances = new Float32Array(count);
    for (let i = 0, at = 0; i < count; i++, at += 3) {
        const depth = centres[at] * x + centres[at + 1] * y + centres[at + 2] * z;
        distances[i] = depth;
        if (depth < low) low = depth;
        if (depth > high) high = depth;
    }
    const scale = high > low ? (steps - 1) / (high - low) : 0, order = new Uint32Array(count);
    if (depths.length < count) depths = new Uint16Array(count);
    starts.fill(0);
    for (let i = 0; i < count; i++) {
        const step = ((high - distances[i]) * scale) | 0;
        depths[i] = step;
        starts[step + 1]++;
    }
    for (let i = 0; i < steps; i++) starts[i + 1] += starts[i];
    for (let i = 0; i < count; i++) order[starts[depths[i]]++] = i;
    return order;
}

const own = /** @type {any} */ (self);
own.addEventListener('message', (/** @type {MessageEvent} */ { data }) => {
    if ('count' in data) count = data.count;
    if (data.shared) centres = new Float32Array(data.shared);
    if (data.centres) {
        if (!data.changed) centres = data.centres;
        else for (let i = 0; i < data.changed.length; i++) for (let k = 0; k < 3; k++) centres[3 * data.changed[i] + k] = data.centres[3 * i + k];
    }
    if (!data.forward) return;
    const order = sort(data.forward);
    own.postMessage({ order }, [order.buffer]);
});
