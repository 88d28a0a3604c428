/** What of a damaged or unfinished file is lost, each thing told once. */
import { formatCount, plural } from '../shared/text.js';

/** So many stretches of lost frames are told in the sentence itself. */
const mostStretches = 3;

/**
 * The decoder tells of each stretch that is lost; a damaged file has many. They are counted, and listed on demand.
 * @param {string[]} warnings
 * @param {number} frames of the file
 */
export function lostFrames(warnings, frames) {
    /** @type {[number, number][]} */
    const told = [];
    const others = warnings.filter((text) => {
        const [, first, last] = /^Frames (\d+) to (\d+) are lost/.exec(text) ?? [];
        if (first !== undefined) told.push([Number(first), Number(last)]);
        return first === undefined;
    });
    // Whoever plays to and fro is told of some twice, or of parts of them.
    /** @type {[number, number][]} */
    const stretches = [];
    for (const [first, last] of told.sort(([a], [b]) => a - b)) {
        const before = stretches.at(-1);
        if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
        else stretches.push([first, last]);
    }
    const count = stretches.reduce((sum, [first, last]) => sum + last - first + 1, 0), list = stretches.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ');
    if (!count) return { sentence: '', list: '', others };
    const few = stretches.length <= mostStretches, which = few ? `${count > 1 ? 'Frames' : 'Frame'} ${list} of ${formatCount(frames)}` : `${formatCount(count)} of ${plural(frames, 'frame')}`;
    return { sentence: `${which} ${count > 1 ? 'are' : 'is'} lost: this file is damaged.${count < frames ? ' The rest plays.' : ''}`, list: few ? '' : list, others };
}

/**
 * What stands above the picture of a file that is damaged or was cut off.
 * @param {string[]} warnings
 * @param {Pick<import('../../wasm/decoder.js').DiffyInfo, 'frames' | 'framesStated' | 'complete'>} info
 * @param {Pick<import('../../wasm/decoder.js').DiffyChunk, 'damaged'>[]} chunks
 */
export function whatIsWrong(warnings, { frames, framesStated, complete }, chunks) {
    const lost = lostFrames(warnings, frames), lines = lost.others.filter((text) => complete || !/^The file is (cut off after|incomplete)/.test(text));
    // Where a file was cut off, its last part is damaged for that reason.
    const damaged = chunks.filter((chunk, i) => chunk.damaged && (complete || i < chunks.length - 1)).length;
    if (damaged && !warnings.some((text) => /lost/.test(text))) lines.unshift(`${formatCount(damaged)} of ${plural(chunks.length, 'part')} of this file ${damaged > 1 ? 'are' : 'is'} damaged. Playback will show which frames are lost.`);
    // Without any frame the player says why.
    if (!complete && frames) lines.unshift(framesStated > frames ? `This file is cut off: it has ${formatCount(frames)} of ${plural(framesStated, 'frame')}.` : `This file is cut off or was never finished: its ${plural(frames, 'frame')} ${frames > 1 ? 'play' : 'plays'}.`);
    return { ...lost, lines };
}
