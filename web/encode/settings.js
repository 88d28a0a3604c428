/** The settings form: presets, slider and the rest, remembered between visits. */
import { defaultSettings, presets, validSettings } from './options.js';

const storageKey = 'diffy-encode-settings';

/**
 * @param {HTMLFormElement} form
 * @returns {{ read: () => import('./options.js').EncodeSettings }}
 */
export function settingsForm(form) {
    const quality = /** @type {HTMLInputElement} */ (form.elements.namedItem('quality'));
    const effort = /** @type {HTMLInputElement} */ (form.elements.namedItem('effort'));
    const shown = /** @type {HTMLOutputElement} */ (form.querySelector('#quality-value'));
    const about = /** @type {HTMLElement} */ (form.querySelector('#about-quality'));
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll('[data-preset]'));

    const read = () => {
        const values = Object.fromEntries(new FormData(form));
        return validSettings({ ...values, format: Number(values.format) });
    };
    const show = () => {
        shown.textContent = quality.value;
        about.textContent = aboutQuality(Number(quality.value));
        for (const button of buttons) {
            const preset = presetOf(button);
            button.setAttribute('aria-pressed', String(preset.quality === Number(quality.value) && preset.effort === Number(effort.value)));
        }
    };
    const fill = (/** @type {any} */ settings) => {
        for (const [name, value] of Object.entries(settings)) {
            const control = form.elements.namedItem(name);
            if (control instanceof RadioNodeList || control instanceof HTMLInputElement || control instanceof HTMLSelectElement) control.value = String(value);
        }
        show();
    };
    const changed = () => {
        show();
        try {
            localStorage.setItem(storageKey, JSON.stringify(read()));
        } catch {
            // Storage can be switched off; settings then last as long as the page.
        }
    };

    for (const button of buttons) {
        button.onclick = () => {
            quality.value = String(presetOf(button).quality);
            effort.value = String(presetOf(button).effort);
            changed();
        };
    }
    form.addEventListener('input', changed);
    form.addEventListener('submit', (event) => event.preventDefault());
    /** @type {HTMLButtonElement} */ (form.querySelector('#reset')).onclick = () => {
        fill(defaultSettings);
        changed();
    };
    fill(stored());
    return { read };
}

/** What to expect of a quality. The higher figures are those of the test scenes that the calc page measures, which are clean;
 * the lower ones are of grainy recordings.
 * @param {number} quality */
function aboutQuality(quality) {
    if (quality === 100) return 'lossless: every pixel comes back exactly, in a file many times larger';
    if (quality < 15) return 'shows who moved where; small objects and lettering blur';
    if (quality < 40) return 'looks like the original at a glance; PSNR is 33 dB on grainy video, 41 dB on clean video';
    if (quality < 70) return 'hard to tell from the original side by side; PSNR is 38 dB on grainy video, 44 dB on clean video';
    return 'no visible difference, good enough to measure in; PSNR is 44 dB or more';
}

/** @param {HTMLButtonElement} button */
function presetOf(button) {
    return presets[/** @type {keyof typeof presets} */ (button.dataset.preset)];
}

function stored() {
    try {
        return validSettings(JSON.parse(localStorage.getItem(storageKey) ?? '{}'));
    } catch {
        return defaultSettings;
    }
}
