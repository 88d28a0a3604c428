/** What the encode page and its worker both know: settings, their limits, presets, and what recordings are made of. */

/**
 * @typedef {object} EncodeSettings
 * @property {number} quality 1..100
 * @property {'training' | 'upload'} mode
 * @property {0 | 1 | 2} format 0: the newest
 * @property {number} effort 1..9
 * @property {number} maxWidth pixels; 0: as the recording is
 * @property {number} frameRate of images; video has its own
 * @property {number} warmupFrames
 * @property {number} cloneDistance levels
 * @property {number} [targetSize] bytes; of one recording
 */

/** @type {EncodeSettings} */
export const defaultSettings = { quality: 25, mode: 'training', format: 0, effort: 5, maxWidth: 0, frameRate: 30, warmupFrames: 300, cloneDistance: 2 };

/** What the three buttons set, the same as `diffy encode --preset`. Below effort 7 more effort hardly tells at hq's quality; the
 * page's sentences on bytes and time are from `diffy encode` on recordings of a robot and of people in a corridor. */
export const presets = /** @type {const} */ ({
    draft: { quality: 10, effort: 2 },
    balanced: { quality: 25, effort: 5 },
    hq: { quality: 60, effort: 7 },
});

/** @type {Record<string, [number, number]>} */
const limits = { quality: [1, 100], effort: [1, 9], maxWidth: [0, 8192], frameRate: [0.01, 1000], warmupFrames: [1, 100000], cloneDistance: [0, 255] };

/**
 * Settings that were stored or typed, made valid.
 * @param {any} stored
 * @returns {EncodeSettings}
 */
export function validSettings(stored) {
    /** @type {any} */
    const settings = { ...defaultSettings };
    for (const [name, [low, high]] of Object.entries(limits)) {
        const value = Number(stored?.[name]);
        if (stored?.[name] !== undefined && Number.isFinite(value)) settings[name] = Math.min(high, Math.max(low, value));
    }
    if (stored?.mode === 'upload') settings.mode = 'upload';
    if (stored?.format === 1 || stored?.format === 2) settings.format = stored.format;
    return settings;
}

/**
 * Where a recording's frames come from.
 * @typedef {{ kind: 'video', file: File }
 *     | { kind: 'images', files: File[] }
 *     | { kind: 'zip', file: File, folder: string, video?: boolean }} Source a zip's video has its own path as folder
 */

export const imagePattern = /\.(png|jpe?g|webp|bmp|gif|avif|hei[cf]|tiff?)$/i;
export const videoPattern = /\.(mp4|m4v|mov|mkv|webm|avi|m?ts|m2ts|mpe?g|flv|wmv|y4m|h264|264|hevc|ogv)$/i;
export const zipPattern = /\.zip$/i;

/** Names that systems leave in folders and zips and that are no frames.
 * @param {string} path */
export function isClutter(path) {
    return /(^|\/)(__MACOSX\/|\.(?!\.?\/))/.test(path) || /(^|\/)(Thumbs\.db|desktop\.ini)$/i.test(path);
}
