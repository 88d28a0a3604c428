/** Numbers as people read them, and the ASCII bar. */

/** Decimal units, as drives and networks count: 1 MB is 1,000,000 bytes.
 * @param {number} bytes */
export function formatBytes(bytes) {
    if (bytes < 1000) return `${Math.round(bytes)} B`;
    const units = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
    let value = bytes, unit = -1;
    do {
        value /= 1000;
        unit++;
    } while (value >= 999.5 && unit < units.length - 1);
    return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} seconds */
export function formatDuration(seconds) {
    if (!Number.isFinite(seconds)) return '--';
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    const whole = Math.round(seconds);
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    if (hours >= 24 * 730) return `${formatCount(hours / 24 / 365.25)} years`;
    if (hours >= 240) return `${formatCount(hours / 24)} days`;
    if (hours >= 48) return `${Math.floor(hours / 24)} days ${hours % 24} h`;
    return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** A position in a recording: 1:02:03.40
 * @param {number} seconds */
export function formatTime(seconds) {
    const hundredths = Math.round(Math.max(0, seconds) * 100);
    const hours = Math.floor(hundredths / 360000), minutes = Math.floor(hundredths / 6000) % 60, rest = (hundredths % 6000) / 100;
    const tail = `${String(minutes).padStart(hours ? 2 : 1, '0')}:${rest.toFixed(2).padStart(5, '0')}`;
    return hours ? `${hours}:${tail}` : tail;
}

/** @param {number} value */
export function formatCount(value) {
    return Math.round(value).toLocaleString('en');
}

/** "1 frame", "2 frames".
 * @param {number} count
 * @param {string} noun */
export function plural(count, noun) {
    return `${formatCount(count)} ${noun}${Math.round(count) === 1 ? '' : 's'}`;
}

/** @param {number} ratio */
export function formatRatio(ratio) {
    return ratio >= 100 ? `${formatCount(ratio)} : 1` : `${ratio.toFixed(1)} : 1`;
}

/**
 * [##########----------]
 * @param {number} fraction 0..1
 * @param {number} [cells]
 */
export function asciiBar(fraction, cells = 30) {
    const filled = Math.round(Math.min(1, Math.max(0, fraction)) * cells);
    return `[${'#'.repeat(filled)}${'-'.repeat(cells - filled)}]`;
}

/** "a10" after "a9".
 * @param {string} a
 * @param {string} b */
export function naturalOrder(a, b) {
    return a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' }) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The file's name without folder and extension.
 * @param {string} path */
export function baseName(path) {
    const name = path.split('/').filter(Boolean).at(-1) ?? '';
    return name.replace(/\.[^.]+$/, '') || name || 'recording';
}
