/** The calc page: inputs in the address, figures from the measured table or from a clip of the user's own. */
import { startApp } from '../shared/app.js';
import { announce, barCells, find, make } from '../shared/dom.js';
import { asciiBar, formatBytes, formatCount, formatDuration, plural } from '../shared/text.js';
import { lastEncodes, validEncodes } from '../shared/last-encode.js';
import table from './measured.json';
import { costOf, costOfClips, estimate, pixels } from './model.js';

const form = find('#inputs', HTMLFormElement);
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
const names = ['workers', 'hours', 'shifts', 'size', 'fps', 'network', 'quality', 'activity', 'days', 'price'];
/** Clips of this browser's user, or of the one who made the link, and which of them count.
 * @type {{ clip: import('../shared/last-encode.js').LastEncode, box: HTMLInputElement }[]} */
let clips = [];

const measured = /** @type {import('./model.js').Table} */ (table);
/** Frames a second of the scenes that were measured. */
const measuredRate = 30;
field('quality').append(...[...new Set(measured.rows.map((row) => row.quality))].map((quality) => {
    const rows = measured.rows.filter((row) => row.quality === quality), psnr = rows.reduce((sum, row) => sum + row.psnr, 0) / rows.length;
    return make('option', { value: String(quality) }, `${quality} (about ${psnr.toFixed(0)} dB)`);
}));

/** @type {Record<string, string>} */
const fullNames = { 'x265 medium': 'H.265 (x265 medium)', 'SVT-AV1 preset 8': 'AV1 (SVT-AV1 preset 8)' };
/** @type {Record<string, string>} */
const shortNames = { 'x265 medium': 'H.265', 'SVT-AV1 preset 8': 'AV1' };

/** Money, with cents where they matter.
 * @param {number} cost */
function formatCost(cost) {
    const digits = cost < 100 ? 2 : 0;
    return cost.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {number} seconds */
function uploadTime(seconds) {
    return formatDuration(seconds) + (seconds > 86400 ? ', more than a day' : '');
}

/** Takes what is valid of the address.
 * @param {URLSearchParams} parameters */
function fillFrom(parameters) {
    for (const name of names) {
        const value = parameters.get(name), control = field(name);
        if (value === null) continue;
        const before = control.value;
        control.value = value;
        if (!control.value || !control.checkValidity()) control.value = before;
    }
}

/** What can't be counted with is told, and the nearest that can be is taken.
 * @returns {import('./model.js').Inputs} */
function read() {
    /** @type {string[]} */
    const told = [];
    const number = (/** @type {string} */ name) => {
        const control = field(name), [low, high] = ['min', 'max'].map((limit) => Number(control.getAttribute(limit) ?? NaN));
        if (control instanceof HTMLSelectElement) return Number(control.value);
        const value = Math.min(high, Math.max(low, Number(control.value) || 0)), good = control.value !== '' && control.checkValidity();
        const taken = control.step === 'any' ? value : Math.round(value);
        control.setAttribute('aria-invalid', String(!good));
        if (!good) told.push(`${control.labels?.[0].firstChild?.textContent?.trim() ?? name}: ${control.step === 'any' ? 'a number' : 'a whole number'} from ${low.toLocaleString('en')} to ${high.toLocaleString('en')}; using ${taken.toLocaleString('en')}.`);
        return taken;
    };
    const inputs = { workers: number('workers'), hours: number('hours'), shifts: number('shifts'), size: field('size').value, fps: number('fps'), network: number('network'), quality: number('quality'), activity: number('activity'), days: number('days'), price: number('price') };
    if (inputs.hours * inputs.shifts > 24) told.push(`${inputs.shifts} shifts of ${inputs.hours} hours do not fit into a day.`);
    const text = told.join(' '), invalid = find('#invalid', HTMLElement);
    if (invalid.textContent !== text) invalid.textContent = text;
    return inputs;
}

function show() {
    const inputs = read(), chosen = clips.filter(({ box }) => box.checked).map(({ clip }) => clip);
    const parameters = new URLSearchParams(names.map((name) => [name, field(name).value]));
    if (chosen.length) parameters.set('clips', JSON.stringify(chosen));
    history.replaceState(null, '', `?${parameters}`);
    find('#activity-value', HTMLOutputElement).textContent = String(inputs.activity);
    const codecs = Object.keys(measured.rows[0].codecs), table = (/** @type {string} */ codec) => costOf(measured, codec, inputs), own = chosen.length ? costOfClips(measured, chosen, inputs) : null;
    // The other codecs keep the ratio to diffy that the table gives them.
    const costs = codecs.map((codec) => (own ? { start: (own.start * table(codec).start) / table('diffy').start, frame: (own.frame * table(codec).frame) / table('diffy').frame } : table(codec)));
    const results = costs.map((cost) => estimate(cost, inputs));
    const head = ['', 'bytes per frame', 'one shift', 'everyone, one day', 'upload time per day', `kept, ${plural(inputs.days, 'day')}`, 'cost per month'];
    find('#result', HTMLTableElement).replaceChildren(
        make('thead', {}, make('tr', {}, ...head.map((text) => make(text ? 'th' : 'td', text ? { scope: 'col' } : {}, text)))),
        make('tbody', {}, ...results.map((result, i) => make('tr', {}, ...[fullNames[codecs[i]] ?? codecs[i], costs[i].frame < 10 ? costs[i].frame.toFixed(2) : formatCount(costs[i].frame), formatBytes(result.recording), formatBytes(result.day), uploadTime(result.uploadSeconds), formatBytes(result.kept), formatCost(result.costAMonth)]
            .map((text, column) => make('td', { 'data-label': head[column] }, text))))));
    const most = Math.max(...results.map((result) => result.day)), short = codecs.map((codec) => shortNames[codec] ?? codec), width = Math.max(...short.map((name) => name.length));
    const chart = find('#chart', HTMLElement);
    chart.textContent = results.map((result, i) => `${short[i].padEnd(width)} ${asciiBar(result.day / most, barCells())} ${formatBytes(result.day)}`).join('\n');
    chart.setAttribute('aria-label', `All recordings from one day: ${results.map((result, i) => `${short[i]} ${formatBytes(result.day)}`).join(', ')}`);
    const frames = Math.round(inputs.hours * 3600 * inputs.fps);
    find('#formula', HTMLElement).textContent = `One recording = start-up + frames x bytes per frame = ${formatBytes(costs[0].start)} + ${frames.toLocaleString('en')} x ${costs[0].frame.toFixed(2)} B = ${formatBytes(results[0].recording)} with diffy, `
        + `${(results[0].bitsASecond / 1000).toFixed(1)} kbit/s. Everyone = ${plural(inputs.workers, 'worker')} x ${plural(inputs.shifts, 'shift')}. Upload = bytes x 8 / ${inputs.network} Mbit/s. Cost = GB kept x price. 1 MB is 1,000,000 bytes.`;
    find('#calibration', HTMLElement).textContent = chosen.length ? `Calculated with ${chosen.map(({ name, frame, width, height, quality }) => `${name} (${formatBytes(frame)} per frame at ${width} x ${height}, quality ${quality})`).join(', ')}.` : '';
    find('#assumed', HTMLElement).replaceChildren(...assumptions(inputs, chosen).map((text) => make('li', {}, `Assumed: ${text}`)));
}

/** What the estimate rests on that nobody measured.
 * @param {import('./model.js').Inputs} inputs
 * @param {import('../shared/last-encode.js').LastEncode[]} chosen */
function assumptions({ size, fps, quality }, chosen) {
    const sizes = measured.rows.map((row) => pixels(row.size)), told = [];
    if (pixels(size) > Math.max(...sizes)) told.push(`${size.replace('x', ' x ')} was not measured; its cost is extrapolated from ${measured.rows[0].size.replace('x', ' x ')} to ${String(measured.rows.at(-1)?.size).replace('x', ' x ')}.`);
    if (chosen.some((clip) => clip.width * clip.height !== pixels(size) || clip.quality !== quality)) told.push("your clips' cost at this size and quality is scaled by the trend in the table.");
    if (chosen.length) told.push('the ratio between diffy and the other codecs is the one in the table.');
    if (chosen.some(({ start }) => !start)) told.push('one of your clips is too short to separate start-up from frames; its whole size counts as frames.');
    if (fps !== measuredRate && !chosen.length) told.push(`a frame costs as much as at the measured ${measuredRate} per second. ${fps < measuredRate ? 'In fact more happens between frames at a lower rate, so each costs more.' : 'In fact less happens between frames at a higher rate, so each costs less.'}`);
    return told;
}

/** Clips that were encoded here, or that came with the link.
 * @param {URLSearchParams} parameters */
function offerClips(parameters) {
    /** @type {import('../shared/last-encode.js').LastEncode[]} */
    let linked = [];
    try {
        linked = validEncodes(JSON.parse(parameters.get('clips') ?? '[]'));
    } catch {
        // A link that was cut: the rest of it still holds.
    }
    const own = lastEncodes().filter(({ name }) => !linked.some((clip) => clip.name === name));
    clips = [...linked, ...own].map((clip, i) => ({ clip, box: make('input', { type: 'checkbox', checked: i < linked.length }) }));
    find('#clips', HTMLElement).hidden = !clips.length;
    find('#clip-list', HTMLElement).replaceChildren(...clips.map(({ clip, box }) => make('label', {}, box, `${clip.name} (${clip.width} x ${clip.height}, quality ${clip.quality}, ${formatBytes(clip.frame)} per frame)`)));
}

function showMeasured() {
    const codecs = Object.keys(measured.rows[0].codecs), largest = measured.rows.reduce((size, row) => (pixels(row.size) > pixels(size) ? row.size : size), '1x1');
    find('#measured-facts', HTMLElement).textContent = `Measured on ${measured.measured} by "make calc-table" on the project's test scenes (${measured.scenes}), ${measured.frames} frames each, on a machine with ${measured.machine}, `
        + `ffmpeg ${measured.ffmpeg}. Diffy at its quality, the others at the same luma PSNR. Each cell: bytes per frame after start-up, and the start-up cost in brackets. A star marks a PSNR outside the measured points. Sizes above ${largest.replace('x', ' x ')} are extrapolated. Your recordings may be quieter or busier.`;
    const cell = (/** @type {import('./model.js').Cost} */ { frame, start, extrapolated }) => `${frame.toFixed(1)} (${formatBytes(start)})${extrapolated ? ' *' : ''}`;
    find('#measured-facts', HTMLElement).append(' ', make('a', { href: URL.createObjectURL(new Blob([JSON.stringify(measured, null, 2)], { type: 'application/json' })), download: 'diffy-measured.json' }, 'table as JSON'));
    const head = ['scene', 'PSNR Y, dB', ...codecs];
    find('#measured', HTMLTableElement).replaceChildren(
        make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col' }, text)))),
        make('tbody', {}, ...measured.rows.map((row) => make('tr', {}, ...[`${row.size.replace('x', ' x ')}, ${row.activity}, quality ${row.quality}`, row.psnr.toFixed(2), ...codecs.map((codec) => cell(row.codecs[codec]))]
            .map((text, i) => make('td', { 'data-label': head[i] }, text))))));
}

const copy = find('#copy', HTMLButtonElement);
copy.onclick = async () => {
    const done = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    copy.textContent = done ? 'copied' : 'copy it from the address bar';
    announce(done ? 'The link is copied.' : 'Copying is not allowed here: copy the address of this page.');
    setTimeout(() => (copy.textContent = 'copy the link to this estimate'), 2000);
};
form.addEventListener('input', show);
addEventListener('resize', show);
form.addEventListener('submit', (event) => event.preventDefault());
fillFrom(new URLSearchParams(location.search));
offerClips(new URLSearchParams(location.search));
showMeasured();
show();

startApp('../');
