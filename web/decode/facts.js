/** What the file says about itself: header, chunks, cycles with their statistics, orientation, metadata. */
import { departures } from '../player/element.js';
import { find, make } from '../shared/dom.js';
import { downloadLink } from '../shared/save.js';
import { formatBytes, formatCount, formatDuration, formatTime, plural } from '../shared/text.js';

/** What chunks are for, in words.
 * @type {Record<string, string>} */
const chunkWords = {
    METADATA: 'facts', BACKGROUND: 'background', CYCLE_CANON: 'cycles', CYCLE_DELTA: 'repeats', CYCLE_SKIP: 'repeats shown as an earlier cycle', CODEBOOK: 'block codebook',
    IMU_BLOCK: 'orientation', GRAIN: 'noise model', STREAM: 'size and frame rate', SOUND: 'sound', LAST: 'duration of the last frame', SEGMENT: 'frames', CLONE: 'repeats shown as an earlier cycle', CYCLES: 'where cycles begin', DEPARTURES: 'departures from the routine', EPISODES: 'names of episodes',
};

const chunkColours = ['#7dd3a0', '#8ab4ff', '#ffb454', '#d7a6ff', '#ff8f8f', '#7fd6e0', '#c9c9c9'];

/**
 * @param {File} file
 * @param {import('../player/element.js').Facts} facts
 */
export function showFacts(file, { info, metadata, cycles, departures: found, episodes, chunks, imu, sound }) {
    const [num, den] = info.sampleAspect;
    const raw = info.width * info.height * 1.5 * info.frames;
    /** @type {[string, string][]} */
    const rows = [
        ['format', `version ${info.format}${info.lossless ? ', lossless' : ''}`],
        ['picture', `${info.width} x ${info.height} pixels, ${info.nativeFormat === 'I420' ? 'YCbCr 4:2:0' : 'RGB'}`],
        ['colour', colourWords(info)],
        ...(num && num !== den ? [/** @type {[string, string]} */ (['pixels', `${num}:${den} (width to height), shown as ${Math.round((info.width * num) / den)} x ${info.height}`])] : []),
        ['sound', sound ? `${sound.codec}, ${formatCount(sound.sampleRate)} Hz, ${sound.channels} ${sound.channels > 1 ? 'channels' : 'channel'}` : 'none'],
        ...(info.start ? [/** @type {[string, string]} */ (['start', info.start.toISOString()])] : []),
        ['frames', `${formatCount(info.frames)}${info.framesStated !== info.frames ? ` (the header says ${formatCount(info.framesStated)})` : ''}`],
        ['frame rate', `${Number(info.frameRate.toFixed(3))} per second`],
        ...(info.frames ? [/** @type {[string, string]} */ (['length', formatDuration(info.frames / info.frameRate)])] : []),
        ['size', formatBytes(file.size) + (info.frames ? `, ${formatBytes(file.size / info.frames)} per frame` : '')],
        ...(info.frames ? [/** @type {[string, string]} */ (['uncompressed', `${formatBytes(raw)} as 4:2:0, ${formatCount(raw / file.size)} times as large`])] : []),
        ['quality', `${info.quality}, ${modeWords[info.mode]}`],
        ['cycles', info.cycles ? `${formatCount(info.cycles)}${info.cycles > info.canonicals ? `: ${formatCount(info.canonicals)} canonical, the others repeat ${info.canonicals === 1 ? 'it' : 'one of these'}` : ''}` : 'none found'],
        ...(info.cloneFrames ? [/** @type {[string, string]} */ (['repeated frames', `${plural(info.cloneFrames, 'frame')} shown as an earlier frame`])] : []),
        ...(episodes.length ? [/** @type {[string, string]} */ (['episodes', formatCount(episodes.length)])] : []),
        ['complete', completeness(info, chunks)],
    ];
    find('#facts', HTMLElement).replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', { 'data-fact': name }, value)]));
    showChunks(chunks, stateOf(chunks, false), file.size);
    showCycles(file.name, cycles);
    showDepartures(file.name, found);
    showImu(file.name, imu);
    find('#metadata-section', HTMLElement).hidden = !Object.keys(metadata).length;
    find('#metadata', HTMLElement).textContent = JSON.stringify(metadata, null, 2);
}

/** Names of H.273's code points that occur.
 * @type {Record<'matrix' | 'primaries' | 'transfer', Record<number, string>>} */
const pointNames = {
    matrix: { 1: 'BT.709', 4: 'FCC', 5: 'BT.601', 6: 'BT.601', 7: 'SMPTE 240M', 9: 'BT.2020' },
    primaries: { 1: 'BT.709', 5: 'BT.470BG', 6: 'BT.601', 9: 'BT.2020', 11: 'DCI-P3', 12: 'Display P3' },
    transfer: { 1: 'BT.709', 6: 'BT.601', 8: 'linear', 13: 'sRGB', 16: 'PQ', 18: 'HLG' },
};

/** @param {import('../../wasm/decoder.js').DiffyInfo} info */
function colourWords({ nativeFormat, matrix, range, primaries, transfer }) {
    if (nativeFormat === 'RGB') return 'sRGB';
    const { matrix: m, primaries: p, transfer: t } = pointNames;
    return `matrix ${m[matrix] ?? 'unknown'}, ${range ? 'full' : 'limited'} range, primaries ${p[primaries] ?? 'unknown'}, transfer ${t[transfer] ?? 'unknown'}`;
}

/** What a file's modes are called.
 * @type {Record<string, string>} */
const modeWords = { training: 'every frame as filmed', upload: 'routine shown once' };

/** @param {import('../../wasm/decoder.js').DiffyInfo} info
 * @param {import('../../wasm/decoder.js').DiffyChunk[]} chunks */
function completeness(info, chunks) {
    if (!info.complete) return 'no: the file was cut off or never finished';
    return chunks.some((chunk) => chunk.damaged) ? 'no: part of it is damaged' : 'yes';
}

/** The state of the chunks that are not known to be damaged.
 * @param {import('../../wasm/decoder.js').DiffyChunk[]} chunks
 * @param {boolean} checked */
function stateOf(chunks, checked) {
    if (checked) return 'whole';
    return chunks.some((chunk) => chunk.hasChecksum) ? 'not checked' : 'has no checksum';
}

/** What a look at every checksum has shown.
 * @param {File} file
 * @param {import('../player/element.js').Facts} facts
 * @param {boolean} checked */
export function showChunkState(file, { info, chunks }, checked) {
    showChunks(chunks, stateOf(chunks, checked), file.size);
    find('[data-fact=complete]', HTMLElement).textContent = completeness(info, chunks);
}

/** What the frames' own times say, where they are not those of the nominal rate.
 * @param {number} seconds
 * @param {import('../../wasm/decoder.js').DiffyInfo} info */
export function showLength(seconds, { frames, frameRate }) {
    find('[data-fact=length]', HTMLElement).textContent = formatDuration(seconds);
    const mean = frames / seconds;
    if (Math.abs(mean / frameRate - 1) > 0.01) find('[data-fact="frame rate"]', HTMLElement).textContent = `${mean.toFixed(2)} per second on average, nominally ${Number(frameRate.toFixed(3))}`;
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

/** @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles */
function cycleStatistics(cycles) {
    const lengths = cycles.map((cycle) => cycle.seconds);
    const mean = lengths.reduce((sum, value) => sum + value, 0) / lengths.length;
    const deviation = Math.sqrt(lengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / lengths.length), departs = departures(cycles);
    return { mean, deviation, isOutlier: (/** @type {number} */ seconds) => departs({ seconds }) };
}

/** Rows that the table of cycles has at most; the files that can be saved have all. */
const mostRows = 1000;

/** @param {string} fileName
 * @param {import('../../wasm/decoder.js').DiffyCycle[]} cycles */
function showCycles(fileName, cycles) {
    find('#cycles-section', HTMLElement).hidden = !cycles.length;
    find('#cycle-legend', HTMLElement).hidden = cycles.length < 2;
    if (!cycles.length) return;
    const { mean, deviation, isOutlier } = cycleStatistics(cycles);
    const outliers = cycles.filter((cycle) => isOutlier(cycle.seconds)).length;
    find('#cycle-facts', HTMLElement).textContent = cycles.length === 1 ? `1 cycle, ${mean.toFixed(2)} s` : `${formatCount(cycles.length)} cycles, ${mean.toFixed(2)} s on average, standard deviation ${deviation.toFixed(2)} s, `
        + plural(outliers, 'outlier') + (cycles.length > mostRows ? `; the table shows the first ${formatCount(mostRows)}, the downloads have all of them` : '');
    // A canonical cycle's number counts canonical cycles only; here everything is told by its row.
    const canonicalRows = new Map(cycles.flatMap((cycle, i) => (cycle.isCanonical ? [[cycle.canonical, i]] : [])));
    const rows = cycles.slice(0, mostRows).map((cycle, i) => [String(i), formatTime(cycle.start), cycle.seconds.toFixed(2), formatCount(cycle.frames),
        cycle.isCanonical ? 'canonical' : `${cycle.isClone ? 'shown as' : 'repeats'} cycle ${canonicalRows.get(cycle.canonical) ?? '?'}`, cycle.distance === null ? '' : cycle.distance.toFixed(2)]);
    const table = find('#cycles', HTMLTableElement);
    fillTable(table, ['cycle', 'start', 'seconds', 'frames', 'kind', 'difference'], rows);
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

/** Shows a frame in the page's player.
 * @param {number} frame */
function goTo(frame) {
    const player = /** @type {import('../player/element.js').DiffyPlayer} */ (find('diffy-player', HTMLElement));
    player.pause();
    player.frame = frame;
}

/** @param {string} fileName
 * @param {import('../../wasm/decoder.js').DiffyDeparture[]} found */
function showDepartures(fileName, found) {
    find('#departures-section', HTMLElement).hidden = !found.length;
    if (!found.length) return;
    const slow = found.filter(({ isSlow }) => isSlow).length;
    find('#departure-facts', HTMLElement).textContent = `${formatCount(found.length)}, including ${plural(slow, 'slow cycle')}`
        + (found.length > mostRows ? `; the table shows the first ${formatCount(mostRows)}, the downloads have all of them` : '');
    const rows = found.slice(0, mostRows).map(({ start, seconds, isSlow, size, box: [left, top, right, bottom] }) => [
        formatTime(start), seconds.toFixed(2), isSlow ? 'slow cycle' : 'unusual picture', isSlow ? `${size.toFixed(1)} times as long` : `${size.toFixed(1)} levels`,
        isSlow ? '' : `${right - left} x ${bottom - top} at ${left}, ${top}`]);
    const table = find('#departures', HTMLTableElement);
    fillTable(table, ['start', 'seconds', 'kind', 'difference', 'where'], rows);
    table.querySelectorAll('tbody tr').forEach((row, i) => {
        const show = make('button', { type: 'button' }, rows[i][0]);
        show.addEventListener('click', () => goTo(found[i].firstFrame));
        row.firstElementChild?.replaceChildren(show);
    });
    const name = fileName.replace(/\.dfy$/i, '');
    // The same as `diffy info --departures` writes.
    const csv = ['departure,first_frame,frames,start_seconds,seconds,kind,size,left,top,right,bottom', ...found.map((departure, i) =>
        [i, departure.firstFrame, departure.frames, departure.start.toFixed(6), departure.seconds.toFixed(6), departure.isSlow ? 'slow' : 'seen',
            departure.size.toFixed(2), ...departure.box].join(','))].join('\n');
    find('#departure-downloads', HTMLElement).replaceChildren(
        downloadLink(new Blob([`${csv}\n`], { type: 'text/csv' }), `${name}-departures.csv`, 'departures as CSV'),
        downloadLink(new Blob([JSON.stringify(found, null, 2)], { type: 'application/json' }), `${name}-departures.json`, 'departures as JSON'));
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
    const legend = make('p', { class: 'note legend' }, ...['x', 'y', 'z', 'w'].flatMap((name, i) => [swatch(chunkColours[i]), name]), ' of the unit quaternion, from -1 to 1, by frame');
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
