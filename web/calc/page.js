/** The calc page: inputs in the address, figures from the measured table or from a clip of the user's own. */
import { startApp } from '../shared/app.js';
import { announce, barCells, find, make } from '../shared/dom.js';
import { asciiBar, formatBytes, formatCount, formatDuration } from '../shared/text.js';
import { lastEncode } from '../shared/last-encode.js';
import table from './measured.json';
import { costOf, estimate, pixels } from './model.js';

const form = find('#inputs', HTMLFormElement);
const calibrate = find('#calibrate', HTMLButtonElement), uncalibrate = find('#uncalibrate', HTMLButtonElement);
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
const names = ['workers', 'hours', 'shifts', 'size', 'fps', 'network', 'quality', 'activity'];
/** @type {import('../shared/last-encode.js').LastEncode | null} */
let own = null;

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
        if (!good) told.push(`${control.labels?.[0].firstChild?.textContent?.trim() ?? name}: ${control.step === 'any' ? 'a number' : 'a whole number'} from ${low.toLocaleString('en')} to ${high.toLocaleString('en')}; counted with ${taken.toLocaleString('en')}.`);
        return taken;
    };
    const inputs = { workers: number('workers'), hours: number('hours'), shifts: number('shifts'), size: field('size').value, fps: number('fps'), network: number('network'), quality: number('quality'), activity: number('activity') };
    if (inputs.hours * inputs.shifts > 24) told.push(`${inputs.shifts} shifts of ${inputs.hours} hours are longer than a day.`);
    const text = told.join(' '), invalid = find('#invalid', HTMLElement);
    if (invalid.textContent !== text) invalid.textContent = text;
    return inputs;
}

function show() {
    const inputs = read();
    history.replaceState(null, '', `?${new URLSearchParams(names.map((name) => [name, field(name).value]))}`);
    find('#activity-value', HTMLOutputElement).textContent = String(inputs.activity);
    const codecs = Object.keys(measured.rows[0].codecs), factor = own ? pixels(inputs.size) / (own.width * own.height) : 0;
    const costs = codecs.map((codec) => {
        if (!own) return costOf(measured, codec, inputs);
        // The others keep the ratio to diffy that the table gives them.
        const relation = costOf(measured, codec, inputs).frame / costOf(measured, 'diffy', inputs).frame;
        return { start: 0, frame: (own.bytes / own.frames) * factor * relation };
    });
    const results = costs.map((cost) => estimate(cost, inputs));
    const head = ['', 'bytes a frame', 'one worker, one shift', 'the factory, one day', 'upload of that day'];
    find('#result', HTMLTableElement).replaceChildren(
        make('thead', {}, make('tr', {}, ...head.map((text) => make(text ? 'th' : 'td', text ? { scope: 'col' } : {}, text)))),
        make('tbody', {}, ...results.map((result, i) => make('tr', {}, ...[fullNames[codecs[i]] ?? codecs[i], costs[i].frame < 10 ? costs[i].frame.toFixed(2) : formatCount(costs[i].frame), formatBytes(result.recording), formatBytes(result.day), uploadTime(result.uploadSeconds)]
            .map((text, column) => make('td', { 'data-label': head[column] }, text))))));
    const most = Math.max(...results.map((result) => result.day)), short = codecs.map((codec) => shortNames[codec] ?? codec), width = Math.max(...short.map((name) => name.length));
    const chart = find('#chart', HTMLElement);
    chart.textContent = results.map((result, i) => `${short[i].padEnd(width)} ${asciiBar(result.day / most, barCells())} ${formatBytes(result.day)}`).join('\n');
    chart.setAttribute('aria-label', `The factory in one day: ${results.map((result, i) => `${short[i]} ${formatBytes(result.day)}`).join(', ')}`);
    const frames = Math.round(inputs.hours * 3600 * inputs.fps);
    find('#formula', HTMLElement).textContent = `One recording = start + frames x bytes a frame = ${formatBytes(costs[0].start)} + ${frames.toLocaleString('en')} x ${costs[0].frame.toFixed(2)} B = ${formatBytes(results[0].recording)} for diffy, `
        + `${(results[0].bitsASecond / 1000).toFixed(1)} kbit/s. The factory = ${formatCount(inputs.workers)} ${inputs.workers === 1 ? 'worker' : 'workers'} x ${inputs.shifts} ${inputs.shifts === 1 ? 'shift' : 'shifts'}. Upload = bytes x 8 / ${inputs.network} Mbit/s. 1 MB is 1,000,000 bytes.`
        + (inputs.fps === measuredRate || own ? '' : ` A frame is taken to cost what it costs at the ${measuredRate} a second that were measured: ${inputs.fps < measuredRate ? 'with fewer a second more happens from one to the next, and each really costs more' : 'with more a second less happens from one to the next, and each really costs less'}.`);
    find('#calibration', HTMLElement).textContent = own
        ? `Diffy's bytes a frame are those of ${own.name} (${formatBytes(own.bytes / own.frames)} a frame at ${own.width} x ${own.height}, quality ${own.quality}), scaled by the number of pixels; the others keep their measured ratio to it.`
        : lastEncode() ? '' : 'Encode a clip of your own on the encode page, and this page can count with it.';
    calibrate.hidden = !!own;
    uncalibrate.hidden = !own;
}

function showMeasured() {
    const codecs = Object.keys(measured.rows[0].codecs), largest = measured.rows.reduce((size, row) => (pixels(row.size) > pixels(size) ? row.size : size), '1x1');
    find('#measured-facts', HTMLElement).textContent = `Measured on ${measured.measured} by "make calc-table" on the project's test scenes (${measured.scenes}), ${measured.frames} frames each, on a machine with ${measured.machine}, `
        + `ffmpeg ${measured.ffmpeg}. Diffy at its quality, the others at the same luma PSNR. Bytes of each frame after the start; in brackets what the start costs; with a star where the PSNR lies beyond the measured points. Beyond ${largest.replace('x', ' x ')} the trend between the measured sizes is continued; your own recordings may be quieter or busier.`;
    const cell = (/** @type {import('./model.js').Cost} */ { frame, start, extrapolated }) => `${frame.toFixed(1)} (${formatBytes(start)})${extrapolated ? ' *' : ''}`;
    find('#measured-facts', HTMLElement).append(' ', make('a', { href: URL.createObjectURL(new Blob([JSON.stringify(measured, null, 2)], { type: 'application/json' })), download: 'diffy-measured.json' }, 'the table as JSON'));
    find('#measured', HTMLTableElement).replaceChildren(
        make('thead', {}, make('tr', {}, ...['size', 'activity', 'quality', 'PSNR Y, dB', ...codecs].map((text) => make('th', { scope: 'col' }, text)))),
        make('tbody', {}, ...measured.rows.map((row) => make('tr', {}, ...[row.size, row.activity, String(row.quality), row.psnr.toFixed(2), ...codecs.map((codec) => cell(row.codecs[codec]))].map((text) => make('td', {}, text))))));
}

calibrate.onclick = () => {
    own = lastEncode();
    show();
};
uncalibrate.onclick = () => {
    own = null;
    show();
};
const copy = find('#copy', HTMLButtonElement);
copy.onclick = async () => {
    const done = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    copy.textContent = done ? 'copied' : 'copy it from the address bar';
    announce(done ? 'The link is copied.' : 'Copying is not allowed here: copy the address of this page.');
    setTimeout(() => (copy.textContent = 'copy the link to this estimate'), 2000);
};
calibrate.disabled = !lastEncode();
form.addEventListener('input', show);
addEventListener('resize', show);
form.addEventListener('submit', (event) => event.preventDefault());
fillFrom(new URLSearchParams(location.search));
showMeasured();
show();

startApp('../');
