/** The record page: a camera or a screen, encoded while it is recorded, and recordings that earlier visits left. */
import { startApp } from '../shared/app.js';
import { announce, find, make } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { downloadLink, playLink } from '../shared/save.js';
import { claimFolder, deleteRecording, findRecordings, freeSpace, sweep } from '../shared/storage.js';
import { formatBytes, formatCount, formatDuration, formatTime, plural } from '../shared/text.js';

const form = find('#settings', HTMLFormElement), start = find('#start', HTMLButtonElement), stop = find('#stop', HTMLButtonElement);
const choices = find('#choices', HTMLFieldSetElement), problem = find('#problem', HTMLElement), live = find('#live', HTMLElement), preview = find('#preview', HTMLVideoElement);
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
    start.disabled = choices.disabled = true;
    try {
        await record();
    } catch (error) {
        problem.textContent = sentence(error);
        problem.hidden = false;
    }
    recording = false;
    start.disabled = choices.disabled = false;
    stop.hidden = live.hidden = true;
};
void recover();
void listCameras();

/** @param {unknown} error */
function sentence(error) {
    if (!(error instanceof Error)) return String(error);
    if (error.name === 'NotAllowedError') return 'The browser was not allowed to record: allow it next to the address bar and try again.';
    if (error.name === 'NotFoundError') return 'There is no camera on this machine: connect one, or record the screen.';
    return error.message;
}

async function openStream() {
    if (!navigator.mediaDevices) throw new Error('Recording needs a page served over HTTPS or from localhost.');
    const [width, height] = field('size').value.split('x').map(Number), fps = Number(field('fps').value);
    const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps, max: fps } };
    const source = field('source').value;
    if (source === 'screen') return navigator.mediaDevices.getDisplayMedia({ video });
    const stream = await navigator.mediaDevices.getUserMedia({ video: source ? { ...video, deviceId: { exact: source } } : video });
    void listCameras();
    return stream;
}

/** Where there are several cameras, they are named; browsers tell the names once one may be used. */
async function listCameras() {
    const cameras = ((await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? []).filter(({ kind, deviceId, label }) => kind === 'videoinput' && deviceId && label);
    const select = field('source'), chosen = select.value;
    if (cameras.length < 2) return;
    for (const option of select.querySelectorAll('[data-camera]')) option.remove();
    const screen = select.querySelector('[value=screen]');
    for (const { deviceId, label } of cameras) screen?.before(make('option', { value: deviceId, 'data-camera': '' }, label));
    /** @type {HTMLOptionElement} */ (select.querySelector('[value=""]')).textContent = 'default camera';
    select.value = chosen;
}

/** Keeps the machine's screen on, as far as it lets a page: a sleeping one records nothing. */
async function keepAwake() {
    const lock = await navigator.wakeLock?.request('screen').catch(() => null);
    return () => void lock?.release();
}

async function record() {
    if (typeof VideoFrame === 'undefined') throw new Error("This browser lacks WebCodecs, which recording needs: use a current Chrome, Edge, Firefox or Safari.");
    const stream = await openStream(), sleep = await keepAwake();
    const encoding = new Remote(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
    const capturing = new Remote(new Worker(new URL('./capture.js', import.meta.url), { type: 'module' }));
    try {
        recording = true;
        preview.srcObject = stream;
        void preview.play();
        await recordTrack(stream.getVideoTracks()[0], capturing, encoding);
    } finally {
        sleep();
        capturing.close();
        encoding.close();
        for (const track of stream.getTracks()) track.stop();
        preview.srcObject = null;
    }
}

/** How many frames the track has given from now on; where the browser doesn't count them, none.
 * @param {MediaStreamTrack} track
 * @returns {() => number} */
function counter(track) {
    const count = () => {
        const { totalFrames = 0, discardedFrames = 0 } = /** @type {any} */ (track).stats ?? {};
        return totalFrames - discardedFrames;
    };
    const before = count();
    return () => count() - before;
}

/** Until the user or the track ends it; then the file is in the list, and what went wrong is thrown.
 * @param {MediaStreamTrack} track
 * @param {Remote} capturing
 * @param {Remote} encoding */
async function recordTrack(track, capturing, encoding) {
    const delivered = counter(track);
    /** @type {number[]} */
    const missing = [];
    const state = { seen: 0, arrived: 0, lost: 0, waiting: 0, dropped: 0, step: 1, seconds: 0, bytes: 0, stopped: false, room: await freeSpace() };
    const show = (/** @type {Partial<typeof state>} */ news) => {
        Object.assign(state, news);
        if (news.seen && !state.stopped) {
            // Some are on their way to the worker, and its news on their way here: the least difference of the last second has fewest of these.
            missing.push(delivered() - news.seen);
            if (missing.length > 5) state.lost = Math.max(0, Math.min(...missing.splice(0, missing.length - 5), ...missing) - 1);
        }
        showState(state);
    };
    const stopping = new AbortController(), ended = () => stopping.abort();
    show({});
    stop.hidden = live.hidden = stop.disabled = false;
    stop.onclick = track.onended = ended;
    stop.focus();
    const name = `recording-${new Date().toISOString().replace(/[:.]/g, '-')}.dfy`, fps = Number(field('fps').value);
    const { port1, port2 } = new MessageChannel();
    const captured = capture(track, fps, port1, capturing, stopping.signal, show).then((last) => {
        track.stop();
        stop.disabled = true;
        show({ ...last, stopped: true });
        return '';
    }).catch(sentence);
    // A camera may be slower than asked for.
    const job = { port: port2, quality: Number(field('quality').value), fps: Math.min(fps, track.getSettings().frameRate || fps), folder: await folder, name };
    // When encoding ends first, it has failed: nothing more need be captured.
    const { file, place, frames, problem } = await encoding.call('record', job, { transfer: [port2], onEvent: show }).finally(ended);
    const trouble = (await captured) || problem;
    const facts = `${formatCount(frames)} frames, ${formatTime(state.seconds)}, ${formatCount(state.dropped + state.lost)} dropped`;
    add(find('#recordings', HTMLElement), file, name, facts, place, async () => deleteRecording(await folder, name));
    announce(`${name} is ready.`);
    if (trouble) throw new Error(`The recording ended early: ${trouble} The part recorded so far is below.`);
}

/**
 * @param {MediaStreamTrack} track
 * @param {number} fps at most
 * @param {MessagePort} port to the encoding worker
 * @param {Remote} capturing
 * @param {AbortSignal} signal ends it
 * @param {(news: any) => void} onEvent
 */
function capture(track, fps, port, capturing, signal, onEvent) {
    const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor;
    const readable = Processor ? new Processor({ track, maxBufferSize: 4 }).readable : null;
    if (!readable) postFrames(capturing, signal);
    return capturing.call('capture', { readable, fps, port }, { transfer: readable ? [readable, port] : [port], signal, onEvent });
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

/** @param {{ arrived: number, lost: number, waiting: number, dropped: number, step: number, seconds: number, bytes: number, stopped: boolean, room: number }} state room: bytes that there was room for at the start */
function showState({ arrived, lost, waiting, dropped, step, seconds, bytes, stopped, room }) {
    const rate = seconds > 2 ? (arrived - 1) / seconds : 0, wanted = Number(field('fps').value);
    const slow = rate && rate < 0.85 * wanted && field('source').value !== 'screen' ? '; the camera delivers no more' : '';
    find('#elapsed', HTMLElement).textContent = formatTime(seconds);
    find('#frames', HTMLElement).textContent = formatCount(arrived - dropped) + (rate ? ` (${rate.toFixed(1)} per second${slow})` : '');
    find('#dropped', HTMLElement).textContent = formatCount(dropped + lost) + dropReason(dropped, lost, step);
    find('#size', HTMLElement).textContent = `${formatBytes(bytes)}${seconds > 10 && bytes ? `, ${formatBytes((bytes / seconds) * 3600)} per hour; room for ${formatDuration(((room - bytes) * seconds) / bytes)}` : ''}`;
    find('.player', HTMLElement).hidden = stopped;
    find('#waiting', HTMLElement).textContent = stopped ? `finishing: ${plural(waiting, 'frame')} left to encode` : `${plural(waiting, 'frame')} to encode`;
}

/** @param {number} dropped
 * @param {number} lost before they came to the page
 * @param {number} step every how manieth frame is taken */
function dropReason(dropped, lost, step) {
    if (!dropped) return lost ? ': this machine is too busy; close other programs.' : '';
    const now = step > 1 ? `, so it now takes only every ${['', '', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'][step]} one` : '';
    return `: this machine is too slow to encode every frame${now}. Choose a smaller picture or fewer frames per second to keep them all.`;
}

/**
 * @param {HTMLElement} list
 * @param {Blob} file
 * @param {string} name
 * @param {string} facts
 * @param {string | null} place
 * @param {() => Promise<void>} remove
 */
function add(list, file, name, facts, place, remove) {
    const item = make('li', {}, make('div', { class: 'row-head' }, make('strong', {}, name), `${formatBytes(file.size)}${facts ? `, ${facts}` : ''}`));
    const link = downloadLink(file, name, 'download');
    link.setAttribute('aria-label', `download ${name}`);
    link.classList.add('primary');
    item.append(make('p', { class: 'actions' }, link, ...playLink(place, name, '../'), make('button', { type: 'button', class: 'small', 'aria-label': `delete ${name}`, onclick: async () => {
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
    for (const { file, name, folderName } of found) add(find('#recovered', HTMLElement), file, name, 'from an earlier visit', `${folderName}/${name}`, () => deleteRecording(folderName, name));
}

startApp('../');
