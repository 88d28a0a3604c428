/** What can be set for one recording alone: its quality, the part of it, the size it should have. */
import { make } from '../shared/dom.js';
import { presets } from './options.js';

/**
 * @typedef {object} OwnSettings
 * @property {keyof typeof presets | ''} preset '': as the form above says
 * @property {number} from seconds
 * @property {number} to seconds; Infinity: to the end
 * @property {number} targetSize bytes; 0: as the quality gives it
 */

/** @type {OwnSettings} */
export const noneOwn = { preset: '', from: 0, to: Infinity, targetSize: 0 };

/** Fields of a row, which change the job's own settings.
 * @param {import('./job.js').Job} job */
export function ownSettings(job) {
    const { own } = job, number = (/** @type {string} */ value, /** @type {number} */ otherwise) => (value.trim() === '' || !(Number(value) >= 0) ? otherwise : Number(value));
    const preset = make('select', { onchange: () => (own.preset = /** @type {any} */ (preset.value)) },
        make('option', { value: '' }, 'as set below'), ...Object.keys(presets).map((name) => make('option', { value: name, selected: own.preset === name }, name)));
    const field = (/** @type {string} */ value, /** @type {(value: string) => void} */ take) => {
        const input = make('input', { type: 'number', min: '0', step: 'any', value });
        input.oninput = () => take(input.value);
        return input;
    };
    const from = field(own.from ? String(own.from) : '', (value) => (own.from = number(value, 0)));
    const to = field(Number.isFinite(own.to) ? String(own.to) : '', (value) => (own.to = number(value, Infinity)));
    const size = field(own.targetSize ? String(own.targetSize / 1e6) : '', (value) => (own.targetSize = number(value, 0) * 1e6));
    return make('div', { class: 'grid own' }, make('label', {}, 'quality of this recording', preset), make('label', {}, 'start, in seconds (in point)', from),
        make('label', {}, 'end, in seconds (out point)', to), make('label', {}, 'target size, in MB', size));
}
