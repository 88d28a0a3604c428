/** The record page: a camera or a screen, encoded while it is recorded, and recordings that earlier visits left. */
import { startApp } from '../shared/app.js';
import { announce, find, make } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { downloadLink } from '../shared/save.js';
import { claimFolder, deleteRecording, findRecordings, sweep } from '../shared/storage.js';
import { formatBytes, formatCount, formatTime } from '../shared/text.js';

const form = find('#settings', HTMLFormElement), start = find('#start', HTMLButtonElement), stop = find('#stop', HTMLButtonElement);
const problem = find('#problem', HTMLElement), live = find('#live', HTMLElement), preview = find('#preview', HTMLVideoElement);
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
const folder = claimFolder();
let recording = false;

field('quality').addEventListener('input', () => {
    find('#quality-value', HTMLOutputElement).textContent = field('quality').value;
});
addEventListener('beforeunload', (event) => {
    if (recording) event.preventDefault();
});
form.onsubmit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    start.disabled = true;
    try {
        await record();
    } catch (error) {
        problem.textContent = sentence(error);
        problem.hidden = false;
    }
    recording = false;
    start.disabled = false;
    stop.hidden = live.hidden = true;
};
void recover();

/** @param {unknown} error */
function sentence(error) {
    if (!(error instanceof Error)) return String(error);
    if (error.name === 'NotAllowedError') return 'The browser was not allowed to record: allow it beside the address and try again.';
    if (error.name === 'NotFoundError') return 'There is no camera on this machine: connect one, or record the screen.';
    return error.message;
}

async function openStream() {
    if (!navigator.mediaDevices) throw new Error('This browser can only record on pages served by HTTPS or from localhost.');
    const [width, height] = field('size').value.split('x').map(Number), fps = Number(field('fps').value);
    const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps, max: fps } };
    return field('source').value === 'screen' ? navigator.mediaDevices.getDisplayMedia({ video }) : navigator.mediaDevices.getUserMedia({ video });
}

async function record() {
    if (typeof VideoFrame === 'undefined') throw new Error("This browser lacks WebCodecs, which recording needs: use a current Chrome, Edge, Firefox or Safari.");
    const stream = await openStream(), track = stream.getVideoTracks()[0];
    const remote = new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
    const stopping = new AbortController(), ended = () => stopping.abort();
    try {
        recording = true;
        preview.srcObject = stream;
        void preview.play();
        show({ frames: 0, dropped: 0, bytes: 0, seconds: 0 });
        stop.hidden = live.hidden = false;
        stop.onclick = ended;
        track.onended = ended;
        stop.focus();
        const name = `recording-${new Date().toISOString().replace(/[:.]/g, '-')}.dfy`;
        const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor;
        const readable = Processor ? new Processor({ track, maxBufferSize: 4 }).readable : null;
        if (!readable) postFrames(remote, stopping.signal);
        const fps = Number(field('fps').value);
        // A camera may be slower than asked for. A screen gives frames when it changes: what it doesn't give isn't dropped.
        const steadyFps = field('source').value === 'camera' ? Math.min(fps, track.getSettings().frameRate || fps) : 0;
        const job = { readable, quality: Number(field('quality').value), fps, steadyFps, folder: await folder, name };
        const result = await remote.call('record', job, { transfer: readable ? [readable] : [], signal: stopping.signal, onEvent: show });
        add(find('#recordings', HTMLElement), result.file, name, `${formatCount(result.stats.frames)} frames, ${formatTime(result.seconds)}, ${formatCount(result.dropped)} dropped`, async () => deleteRecording(await folder, name));
        announce(`${name} is ready.`);
    } finally {
        remote.close();
        track.stop();
        preview.srcObject = null;
    }
}

/** Where no stream of frames is to be had: one after another from the preview.
 * @param {Remote} remote
 * @param {AbortSignal} signal */
function postFrames(remote, signal) {
    const next = () => {
        if (signal.aborted) return;
        const frame = new VideoFrame(preview, { timestamp: performance.now() * 1000 });
        void remote.call('frame', { frame }, { transfer: [frame] }).catch(() => {});
        preview.requestVideoFrameCallback(next);
    };
    preview.requestVideoFrameCallback(next);
}

/** @param {{ frames: number, dropped: number, bytes: number, seconds: number }} state */
function show({ frames, dropped, bytes, seconds }) {
    find('#elapsed', HTMLElement).textContent = formatTime(seconds);
    find('#frames', HTMLElement).textContent = formatCount(frames);
    find('#dropped', HTMLElement).textContent = formatCount(dropped) + (seconds > 3 && dropped > frames / 4 ? ': camera or machine are too slow for this; choose a smaller picture or fewer frames a second' : '');
    find('#size', HTMLElement).textContent = `${formatBytes(bytes)}${seconds > 1 ? `, ${formatBytes((bytes / seconds) * 3600)} an hour` : ''}`;
}

/**
 * @param {HTMLElement} list
 * @param {Blob} file
 * @param {string} name
 * @param {string} facts
 * @param {() => Promise<void>} remove
 */
function add(list, file, name, facts, remove) {
    const item = make('li', {}, make('div', { class: 'row-head' }, make('strong', {}, name), `${formatBytes(file.size)}${facts ? `, ${facts}` : ''}`));
    const link = downloadLink(file, name);
    link.classList.add('primary');
    item.append(make('p', { class: 'actions' }, link, make('button', { type: 'button', 'aria-label': `delete ${name}`, onclick: async () => {
        await remove();
        item.remove();
    } }, 'delete')));
    list.append(item);
}

/** Files of tabs that are gone, finished or not: they stay until the user deletes them. */
async function recover() {
    await folder;
    await sweep();
    const found = await findRecordings();
    find('#recovery', HTMLElement).hidden = !found.length;
    for (const { file, name, folderName } of found) add(find('#recovered', HTMLElement), file, name, 'from an earlier visit', () => deleteRecording(folderName, name));
}

startApp('../');
