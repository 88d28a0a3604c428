/** The file's episodes: a list of which one is chosen, to be played and exported alone. */
import { find, make } from '../shared/dom.js';
import { formatCount, formatDuration, plural } from '../shared/text.js';

/** Episodes listed at most: a longer list would only slow the page down. */
const mostListed = 2000;

/**
 * Lists the episodes; the in and out points say which of them is chosen.
 * @param {import('../player/element.js').DiffyPlayer} player
 */
export function listEpisodes(player) {
    const episodes = player.facts?.episodes ?? [];
    find('#episodes-section', HTMLElement).hidden = !episodes.length;
    find('#episodes-title', HTMLElement).textContent = plural(episodes.length, 'episode');
    find('#episodes-cut', HTMLElement).hidden = episodes.length <= mostListed;
    find('#episodes-cut', HTMLElement).textContent = `The first ${formatCount(mostListed)} are listed.`;
    find('#episodes', HTMLOListElement).replaceChildren(...episodes.slice(0, mostListed).map(({ name, firstFrame, frames, seconds }) => make('li', {},
        make('button', { type: 'button', class: 'small', 'aria-pressed': 'false', onclick: () => choose(player, firstFrame, frames) }, name),
        make('span', { class: 'note' }, `${plural(frames, 'frame')}, ${formatDuration(seconds)}`))));
    markEpisode(player);
}

/** Shows which episode the in and out points name.
 * @param {import('../player/element.js').DiffyPlayer} player */
export function markEpisode(player) {
    const episodes = player.facts?.episodes ?? [];
    find('#episodes', HTMLOListElement).querySelectorAll('button').forEach((button, i) => {
        const { firstFrame, frames } = episodes[i] ?? { firstFrame: -1, frames: 0 };
        button.setAttribute('aria-pressed', String(player.inPoint === firstFrame && player.outPoint === firstFrame + frames - 1));
    });
}

/**
 * @param {import('../player/element.js').DiffyPlayer} player
 * @param {number} first
 * @param {number} frames
 */
function choose(player, first, frames) {
    const last = first + frames - 1, chosen = player.inPoint === first && player.outPoint === last;
    player.setPart(chosen ? null : first, chosen ? null : last);
    if (!chosen) player.frame = first;
}
