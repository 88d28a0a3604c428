/** The encode page: what was dropped becomes a queue of recordings, encoded one after another. */
import { startApp, takeSharedFiles } from '../shared/app.js';
import { acceptDrops, announce, find, make } from '../shared/dom.js';
import { playLink, saveAll } from '../shared/save.js';
import { claimFolder, findEncoded, forgetEncoded, placeFile, sweep } from '../shared/storage.js';
import { formatDuration } from '../shared/text.js';
import { closeLook, firstLook, longFrames } from './first-look.js';
import { fromDrop, fromInput, gather } from './gather.js';
import { Job } from './job.js';
import { probe } from './probing.js';
import { Row } from './row.js';
import { describe, signature, takeUnfinished } from './unfinished.js';
import { settingsForm } from './settings.js';
import { newSourceWorker, prepareWorkers } from './workers.js';

const list = find('#queue', HTMLUListElement);
const section = find('#queue-section', HTMLElement);
const actions = find('#queue-actions', HTMLElement);
const fileInput = find('#files', HTMLInputElement);
const folderInput = find('#folder', HTMLInputElement);
const settings = settingsForm(find('#settings', HTMLFormElement));

/** @type {Map<Job, Row>} */
const queue = new Map();
const folder = claimFolder();
void folder.then(comeBack).then(() => sweep()).then(offerKept);
let working = false;

find('#choose-files', HTMLButtonElement).onclick = () => (prepareWorkers(), fileInput.click());
find('#choose-sample', HTMLButtonElement).onclick = () => void sample();
find('#choose-folder', HTMLButtonElement).onclick = () => (prepareWorkers(), folderInput.click());
for (const input of [fileInput, folderInput]) {
    input.onchange = () => {
        void add(fromInput(input.files ?? []));
        input.value = '';
    };
}
document.documentElement.addEventListener('dragenter', ({ dataTransfer }) => {
    if (dataTransfer?.types.includes('Files')) prepareWorkers();
});
acceptDrops(find('#drop', HTMLElement), async (transfer) => add(await fromDrop(transfer)));
addEventListener('beforeunload', (event) => {
    // What is done goes with the tab as well.
    if ([...queue.keys()].some((job) => ['waiting', 'running', 'paused'].includes(job.state) || (job.state === 'done' && !job.saved && !job.restored))) event.preventDefault();
});

/** @param {import('./gather.js').Found[]} found */
async function add(found) {
    const { recordings, problems, diffyFiles } = await gather(found, listZip);
    const jobs = recordings.filter((recording) => !giveBack(recording)).map((recording) => new Job(recording));
    const place = await folder;
    for (const job of jobs) {
        enqueue(job);
        job.keep(place);
    }
    for (const problem of problems) showProblem(problem.name, problem.message);
    for (const job of jobs) {
        probe(job, settings.read());
        job.addEventListener('probed', () => {
            const row = queue.get(job);
            // Long work begins with a look at what will come of it.
            if (row && job.state === 'running' && (job.probe?.frames ?? 0) >= longFrames) void look(job, row);
        }, { once: true });
    }
    showActions();
    void work();
    for (const file of diffyFiles) await showDiffyFile(file);
    showActions();
}

/** What is encoded already can be played; the decode page finds it where it is put.
 * @param {File} file */
async function showDiffyFile(file) {
    const [link] = playLink(await placeFile(await folder, file), file.name);
    const item = make('li', { 'data-state': 'note' }, make('div', { class: 'row' }, make('div', { class: 'what' }, make('strong', {}, file.name), make('span', { class: 'note' }, 'This is already a .dfy.')),
        make('p', { class: 'actions' }, link ?? make('a', { href: './decode/', class: 'button small' }, 'open the decode page'), removeButton(file.name, () => (item.remove(), showActions())))));
    list.append(item);
    announce(`${file.name} is already a .dfy.`);
}

/** What a tab that was closed or reloaded had in its queue: it goes on where it was, or when the original is dropped again. */
async function comeBack() {
    const place = await folder;
    for (const { note, source } of await takeUnfinished(place)) {
        const { name, inputBytes } = note, none = new File([], note.title), job = new Job({ name, source: source ?? { kind: 'video', file: none }, bytes: inputBytes });
        job.comeBack(String(place), note, !!source);
        enqueue(job, note);
        if (source) probe(job, settings.read());
    }
    showActions();
    void work();
}

/** Whether a recording is what a job of an earlier tab waits for.
 * @param {import('./gather.js').Gathered} recording */
function giveBack({ source }) {
    const wanted = signature(describe(source)), job = [...queue.keys()].find(({ state, missing }) => state === 'interrupted' && missing === wanted);
    if (!job) return false;
    job.giveSource(source);
    probe(job, settings.read());
    return true;
}

/** What a tab that was closed or reloaded had encoded, and nobody saved. */
async function offerKept() {
    for (const { file, fileName, place } of await findEncoded()) {
        const job = new Job({ name: fileName.replace(/\.dfy$/i, ''), source: { kind: 'video', file: new File([], fileName) }, bytes: 0 });
        job.restore(file, fileName, place);
        enqueue(job);
        showActions();
    }
}

/** @param {string} name
 * @param {() => void} onclick */
function removeButton(name, onclick) {
    return make('button', { type: 'button', class: 'small', onclick, 'aria-label': `remove, ${name}` }, 'remove');
}

/** A clip for a first try. */
async function sample() {
    prepareWorkers();
    const name = 'sample.mp4';
    try {
        const answer = await fetch(`./${name}`);
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        await add(fromInput([new File([await answer.blob()], name, { type: 'video/mp4' })]));
    } catch (error) {
        showProblem(name, `The sample could not be loaded (${error instanceof Error ? error.message : error}): check the connection, or drop your own video.`);
        showActions();
    }
}

/** @param {File} file */
async function listZip(file) {
    const remote = newSourceWorker();
    try {
        return await remote.call('list', { file });
    } finally {
        remote.close();
    }
}

/** @param {Job} job
 * @param {import('./unfinished.js').Note} [note] it comes from an earlier tab */
function enqueue(job, note) {
    if (note) job.missing = signature(note.source);
    job.fileName = freeName(job);
    const row = new Row(job, {
        retry: () => (job.wait(), void work()),
        remove: () => remove(job),
        inspect: () => void inspect(job, row),
        firstLook: () => void look(job, row),
    });
    queue.set(job, row);
    list.append(row.element);
    job.addEventListener('change', showActions);
    job.addEventListener('change', showTitle);
    job.addEventListener('probed', showTitle);
    // What can't be read is seen first.
    job.addEventListener('unreadable', () => list.prepend(row.element));
}

/** A name that no other recording here is saved under: two of a name are told apart by their endings, then by numbers.
 * @param {Job} job */
function freeName(job) {
    const taken = new Set([...queue.keys()].map(({ fileName }) => fileName.toLowerCase()));
    const names = [job.fileName, `${job.title.replaceAll('/', '_')}.dfy`];
    for (let i = 2; ; i++) {
        const free = names.find((name) => !taken.has(name.toLowerCase()));
        if (free) return free;
        names.push(job.fileName.replace(/\.dfy$/i, ` (${i}).dfy`));
    }
}

/** @param {Job} job
 * @param {Row} row */
async function look(job, row) {
    await firstLook(job, row.element, settings.read(), (preset) => {
        job.own.preset = preset;
        closeLook(job);
        if (job.state === 'waiting') return void look(job, row);
        job.again = job.state === 'running' || job.state === 'paused';
        if (job.again) job.cancel();
    });
}

/** @param {Job} job */
function remove(job) {
    closeLook(job);
    if (job.result) void forgetEncoded(job.result.place);
    if (job.state === 'interrupted') job.cancel();
    queue.get(job)?.remove();
    queue.delete(job);
    showActions();
    showTitle();
}

/** @param {string} name
 * @param {string} message
 * @param {...Node} more */
function showProblem(name, message, ...more) {
    const item = make('li', { 'data-state': 'failed' }, make('div', { class: 'row' }, make('strong', {}, name), make('p', { class: 'actions' }, removeButton(name, () => (item.remove(), showActions())))),
        make('p', { class: 'error' }, message, ...more.flatMap((node) => [' ', node])));
    list.prepend(item);
    announce(`${name}: ${message}`);
}

/** One recording at a time: the codec keeps the processors busy, and memory is for one. */
async function work() {
    if (working) return;
    working = true;
    for (;;) {
        const job = [...queue.keys()].find((waiting) => waiting.state === 'waiting');
        if (!job) break;
        const row = queue.get(job), running = job.run(settings.read(), await folder);
        row?.element.scrollIntoView({ block: 'nearest' });
        await running;
        closeLook(job);
        noteSpeed(job);
        if (job.again) job.wait();
        job.again = false;
    }
    working = false;
    showActions();
}

/** Pixels encoded and the seconds that they took, for what is left to do. */
const pace = { pixels: 0, seconds: 0 };

/** @param {Job} job */
function noteSpeed({ result }) {
    if (!result) return;
    pace.pixels += result.stats.frames * result.width * result.height;
    pace.seconds += result.seconds;
}

/** Seconds until all is done; NaN when that can't be told. */
function timeLeft() {
    const jobs = [...queue.keys()].filter(({ state }) => ['waiting', 'running', 'paused'].includes(state)), running = jobs.find(({ framesASecond, probe: known }) => framesASecond && known);
    const speed = pace.seconds ? pace.pixels / pace.seconds : running?.probe ? running.framesASecond * running.probe.width * running.probe.height : 0;
    return jobs.reduce((sum, job) => sum + job.timeLeft(speed), 0);
}

/** @param {Job} job
 * @param {Row} row */
async function inspect(job, row) {
    const { showQuality } = await import('./quality.js');
    await showQuality(job, row.element);
}

// Rows that wait or are paused have no other reason to draw their bars anew.
addEventListener('resize', () => queue.forEach((row) => row.show()));

const title = document.title, heading = find('#queue-title', HTMLElement);

/** How far it is can be seen in the tab, too. */
function showTitle() {
    const job = [...queue.keys()].find(({ state }) => state === 'running' || state === 'paused');
    const text = job ? `${Math.floor((100 * job.done) / Math.max(1, job.total))}% of ${job.name} - ${title}` : title;
    if (document.title !== text) document.title = text;
    const all = [...queue.keys()], left = job ? timeLeft() : NaN;
    const summary = all.length > 1 && job ? `: ${all.filter(({ state }) => state === 'done').length} of ${all.length} done${left > 0 ? `, about ${formatDuration(left)} left` : ''}` : '';
    if (heading.textContent !== `recordings${summary}`) heading.textContent = `recordings${summary}`;
}

let shownActions = '';
function showActions() {
    document.body.classList.toggle('queued', list.childElementCount > 0);
    section.hidden = !list.childElementCount;
    const jobs = [...queue.keys()];
    const done = jobs.filter((job) => job.result), pending = jobs.filter((job) => ['waiting', 'running', 'paused'].includes(job.state));
    const key = `${done.map((job) => job.id)}/${pending.length > 1}`;
    if (key === shownActions) return;
    shownActions = key;
    actions.replaceChildren();
    if (done.length > 1) actions.append(make('button', { type: 'button', onclick: (/** @type {MouseEvent} */ event) => downloadAll(/** @type {HTMLElement} */ (event.currentTarget), done) }, `download all (${done.length})`));
    if (pending.length > 1) actions.append(make('button', { type: 'button', onclick: () => pending.forEach((job) => job.cancel()) }, 'cancel all'));
}

/** @param {HTMLElement} button
 * @param {Job[]} jobs */
async function downloadAll(button, jobs) {
    const saved = await saveAll(button, jobs.flatMap((job) => (job.result ? [{ blob: job.result.file, name: job.fileName }] : [])), pack);
    if (saved) for (const job of jobs) job.saved = true;
    if (saved) for (const { result } of jobs) void forgetEncoded(result?.place ?? null);
}

/** @type {import('../shared/save.js').Pack} */
async function pack(files, onProgress) {
    const remote = newSourceWorker();
    try {
        return await remote.call('pack', { files }, { onEvent: onProgress });
    } finally {
        remote.close();
    }
}

startApp();
void takeSharedFiles().then((files) => {
    if (files.length) void add(fromInput(files));
});
