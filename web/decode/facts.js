/** What the file says about itself: header, chunks, cycles with their statistics, orientation, metadata. */
import { find, make } from '../shared/dom.js';
import { downloadLink } from '../shared/save.js';
import { formatBytes, formatCount, formatDuration, formatTime } from '../shared/text.js';

/** What chunks are for, in words.
 * @type {Record<string, string>} */
const chunkWords = {
    METADATA: 'facts', BACKGROUND: 'what stays', CYCLE_CANON: 'cycles', CYCLE_DELTA: 'repetitions', CYCLE_SKIP: 'repetitions shown as earlier ones', CODEBOOK: 'codes of blocks',
    IMU_BLOCK: 'orientation', STREAM: 'size and rate', SEGMENT: 'frames', CLONE: 'repetitions shown as earlier ones', CYCLES: 'where cycles begin',
};

const chunkColours = ['#7dd3a0', '#8ab4ff', '#ffb454', '#d7a6ff', '#ff8f8f', '#7fd6e0', '#c9c9c9'];

/**
 * @param {File} file
 * @param {import('./player.js').Facts} facts
 */
export function showFacts(file, { info, metadata, cycles, chunks, checked, imu }) {
    const raw = info.width * info.height * 1.5 * info.frames;
    /** @type {[string, string][]} */
    const rows = [
        ['format', `version ${info.format}${info.lossless ? ', lossless' : ''}`],
        ['picture', `${info.width} x ${info.height} pixels, ${info.nativeFormat === 'I420' ? 'YCbCr 4:2:0' : 'RGB'}`],
        ['frames', `${formatCount(info.frames)}${info.framesStated !== info.frames ? ` (the header says ${formatCount(info.framesStated)})` : ''}`],
        ['frame rate', `${Number(info.frameRate.toFixed(3))} a second`],
        ['length', formatDuration(info.frames / info.frameRate)],
        ['size', `${formatBytes(file.size)}, ${formatBytes(file.size / Math.max(1, info.frames))} a frame`],
        ['uncompressed', `${formatBytes(raw)} as 4:2:0: ${formatCount(raw / file.size)} times as much`],
        ['quality', `${info.quality}, mode ${info.mode}`],
        ['cycles', info.cycles ? `${formatCount(info.cycles)}, of them ${formatCount(info.canonicals)} canonical (the others follow one)` : 'none found'],
        ...(info.cloneFrames ? [/** @type {[string, string]} */ (['clones', `${formatCount(info.cloneFrames)} frames show earlier ones`])] : []),
        ['complete', info.complete ? (chunks.some((chunk) => chunk.damaged) ? 'no: part of it is damaged' : 'yes') : 'no: the file was cut or never finished'],
    ];
    find('#facts', HTMLElement).replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', { 'data-fact': name }, value)]));
    showChunks(chunks, checked ? 'whole' : chunks.some((chunk) => chunk.hasChecksum) ? 'not checked' : 'has no checksum', file.size);
    showCycles(file.name, cycles);
    showImu(file.name, imu);
    find('#metadata-section', HTMLElement).hidden = !Object.keys(metadata).length;
    find('#metadata', HTMLElement).textContent = JSON.stringify(metadata, null, 2);
}

/** What the frames' own times say, where they are not those of the nominal rate.
 * @param {number} seconds
 * @param {import('../../wasm/decoder.js').DiffyInfo} info */
export function showLength(seconds, { frames, frameRate }) {
    find('[data-fact=length]', HTMLElement).textContent = formatDuration(seconds);
    const mean = frames / seconds;
    if (Math.abs(mean / frameRate - 1) > 0.01) find('[data-fact="frame rate"]', HTMLElement).textContent = `${mean.toFixed(2)} a second on average, nominally ${Number(frameRate.toFixed(3))}`;
}

/**
 * @param {import('../../wasm/decoder.js').DiffyChunk[]} chunks
 * @param {string} sound the state of those not known to be damaged
 * @param {number} fileBytes
 */
function showChunks(chunks, sound, fileBytes) {
    /** @type {Map<string, { count: number, bytes: number, damaged: number }>} */
    const types = new Map();
    for (const chunk of chunks) {
        const sum = types.get(chunk.name) ?? { count: 0, bytes: 0, damaged: 0 };
        types.set(chunk.name, { count: sum.count + 1, bytes: sum.bytes + chunk.size, damaged: sum.damaged + (chunk.damaged ? 1 : 0) });
    }
    const bar = find('#chunk-bar', SVGSVGElement);
    bar.setAttribute('viewBox', `0 0 ${Math.max(1, fileBytes)} 10`);
    let x = 0;
    const swatches = [...types.values()].map(({ bytes }, i) => {
        const part = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
        Object.entries({ x, y: 0, width: bytes, height: 10, fill: chunkColours[i % chunkColours.length] }).forEach(([name, value]) => part.setAttribute(name, String(value)));
        x += bytes;
        return part;
    });
    bar.replaceChildren(...swatches);
    fillTable(find('#chunks', HTMLTableElement), ['chunk', 'count', 'bytes', 'share', 'state'], [...types].map(([name, { count, bytes, damaged }]) => [
        name, formatCount(count), formatCount(bytes), `${((100 * bytes) / fileBytes).toFixed(1)} %`, damaged ? `${damaged} damaged` : sound,
    ]));
    for (const cell of find('#chunks', HTMLTableElement).querySelectorAll('tbody td:first-child')) {
        const words = chunkWords[cell.textContent ?? ''];
        if (words) cell.append(make('span', { class: 'note' }, ` ${words}`));
    }
    // The table is the bar's legend.
    find('#chunks', HTMLTableElement).querySelectorAll('tbody td:first-child').forEach((cell, i) => cell.prepend(swatch(chunkColours[i % chunkColours.length])));
}

/** A small square of a colour, for legends.
 * @param {string} colour */
function swatch(colour) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), square = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    Object.entries({ viewBox: '0 0 1 1', class: 'swatch', 'aria-hidden': 'true' }).forEach(([name, value]) => svg.setAttribute(name, value));
    Object.entries({ width: '1', height: '1', fill: colour }).forEach(([name, value]) => square.setAttribute(name, value));
    svg.append(square);
    return svg;
}

/** @param {number[]} values */
function median(values) {
    const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * As `diffy info` has them (tools/diffy/cycles.c tells why): an outlier's length is further from the median than 3.5
 * deviations, estimated from the median distance, and than a twentieth of the median.
 * @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles
 */
function cycleStatistics(cycles) {
    const lengths = cycles.map((cycle) => cycle.seconds);
    const mean = lengths.reduce((sum, value) => sum + value, 0) / lengths.length;
    const deviation = Math.sqrt(lengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / lengths.length);
    const middle = median(lengths), limit = Math.max(3.5 * 1.4826 * median(lengths.map((value) => Math.abs(value - middle))), middle / 20);
    return { mean, deviation, isOutlier: (/** @type {number} */ seconds) => lengths.length > 2 && Math.abs(seconds - middle) > limit };
}

/** Rows that the table of cycles has at most; the files that can be saved have all. */
const mostRows = 1000;

/** @param {string} fileName
 * @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles */
function showCycles(fileName, cycles) {
    find('#cycles-section', HTMLElement).hidden = !cycles.length;
    if (!cycles.length) return;
    const { mean, deviation, isOutlier } = cycleStatistics(cycles);
    const outliers = cycles.filter((cycle) => isOutlier(cycle.seconds)).length;
    find('#cycle-facts', HTMLElement).textContent = `${cycles.length === 1 ? '1 cycle' : `${formatCount(cycles.length)} cycles`}, ${mean.toFixed(2)} s on average, deviation ${deviation.toFixed(2)} s, `
        + (outliers === 1 ? '1 outlier' : `${formatCount(outliers)} outliers`) + (cycles.length > mostRows ? `; the table has the first ${formatCount(mostRows)}, the files to save have all` : '');
    const rows = cycles.slice(0, mostRows).map((cycle, i) => [String(i), formatTime(cycle.start), cycle.seconds.toFixed(2), formatCount(cycle.frames),
        cycle.isCanonical ? 'canonical' : cycle.isClone ? 'clone' : 'repeat', String(cycle.canonical), cycle.distance === null ? '' : cycle.distance.toFixed(2)]);
    const table = find('#cycles', HTMLTableElement);
    fillTable(table, ['cycle, from 0', 'start', 'seconds', 'frames', 'kind', 'follows', 'distance'], rows);
    table.querySelectorAll('tbody tr').forEach((row, i) => row.classList.toggle('outlier', isOutlier(cycles[i].seconds)));
    const name = fileName.replace(/\.dfy$/i, '');
    // The same as `diffy info --cycles` writes.
    const csv = ['cycle,first_frame,frames,start_seconds,seconds,canonical,is_canonical,is_clone,distance,is_outlier', ...cycles.map((cycle, i) =>
        [i, cycle.firstFrame, cycle.frames, cycle.start.toFixed(6), cycle.seconds.toFixed(6), cycle.canonical, Number(cycle.isCanonical), Number(cycle.isClone),
            cycle.distance?.toFixed(4) ?? '', Number(isOutlier(cycle.seconds))].join(','))].join('\n');
    find('#cycle-downloads', HTMLElement).replaceChildren(
        downloadLink(new Blob([`${csv}\n`], { type: 'text/csv' }), `${name}-cycles.csv`, 'cycles as CSV'),
        downloadLink(new Blob([JSON.stringify(cycles, null, 2)], { type: 'application/json' }), `${name}-cycles.json`, 'cycles as JSON'));
}

/** @param {string} fileName
 * @param {[number, number, number, number][]} imu */
function showImu(fileName, imu) {
    find('#imu-section', HTMLElement).hidden = !imu.length;
    if (!imu.length) return;
    find('#imu-downloads', HTMLElement).replaceChildren(
        downloadLink(new Blob([JSON.stringify(imu)], { type: 'application/json' }), `${fileName.replace(/\.dfy$/i, '')}-imu.json`, 'quaternions as JSON'));
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 -105 1000 210');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', 'the quaternion components x, y, z and w over time');
    for (let component = 0; component < 4; component++) {
        const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
        line.setAttribute('points', imu.map((sample, i) => `${((1000 * i) / Math.max(1, imu.length - 1)).toFixed(1)},${(-100 * sample[component]).toFixed(1)}`).join(' '));
        line.setAttribute('fill', 'none');
        line.setAttribute('stroke', chunkColours[component]);
        line.setAttribute('stroke-width', '2');
        svg.append(line);
    }
    for (const level of [-100, 0, 100]) {
        const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        Object.entries({ d: `M0 ${level}H1000`, stroke: '#888', 'stroke-width': '0.5', 'stroke-dasharray': '4 4' }).forEach(([name, value]) => line.setAttribute(name, value));
        svg.prepend(line);
    }
    const legend = make('p', { class: 'note legend' }, ...['x', 'y', 'z', 'w'].flatMap((name, i) => [swatch(chunkColours[i]), name]), ' of the unit quaternion, from -1 to 1, over the frames');
    find('#imu-plot', HTMLElement).replaceChildren(svg, legend);
}

/**
 * @param {HTMLTableElement} table
 * @param {string[]} head
 * @param {string[][]} rows
 */
function fillTable(table, head, rows) {
    const cells = (/** @type {string[]} */ row) => row.map((text, i) => make('td', { 'data-label': head[i] }, text));
    table.replaceChildren(
        make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col' }, text)))),
        make('tbody', {}, ...rows.map((row) => make('tr', {}, ...cells(row)))));
}
