/** The encode page: what was dropped becomes a queue of recordings, encoded one after another. */
import { startApp, takeSharedFiles } from '../shared/app.js';
import { acceptDrops, announce, find, make } from '../shared/dom.js';
import { playLink, saveAll } from '../shared/save.js';
import { claimFolder, placeFile, sweep } from '../shared/storage.js';
import { fromDrop, fromInput, gather } from './gather.js';
import { Job } from './job.js';
import { Row } from './row.js';
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
void folder.then(() => sweep());
let working = false;

find('#choose-files', HTMLButtonElement).onclick = () => (prepareWorkers(), fileInput.click());
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
    if ([...queue.keys()].some((job) => ['waiting', 'running', 'paused'].includes(job.state) || (job.state === 'done' && !job.saved))) event.preventDefault();
});

/** @param {import('./gather.js').Found[]} found */
async function add(found) {
    const { recordings, problems, diffyFiles } = await gather(found, listZip);
    section.hidden = false;
    for (const recording of recordings) enqueue(new Job(recording));
    for (const problem of problems) showProblem(problem.name, problem.message);
    void work();
    for (const file of diffyFiles) await showDiffyFile(file);
}

/** What is encoded already can be played; the decode page finds it where it is put.
 * @param {File} file */
async function showDiffyFile(file) {
    const [link] = playLink(await placeFile(await folder, file), file.name);
    showProblem(file.name, 'This is encoded already.', link ?? make('a', { href: './decode/' }, 'to the decode page'));
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

/** @param {Job} job */
function enqueue(job) {
    const row = new Row(job, {
        retry: () => (job.wait(), void work()),
        remove: () => remove(job),
        inspect: () => void inspect(job, row),
    });
    queue.set(job, row);
    list.append(row.element);
    job.addEventListener('change', showActions);
    job.addEventListener('change', showTitle);
}

/** @param {Job} job */
function remove(job) {
    queue.get(job)?.remove();
    queue.delete(job);
    showActions();
    showTitle();
}

/** @param {string} name
 * @param {string} message
 * @param {...Node} more */
function showProblem(name, message, ...more) {
    const item = make('li', { 'data-state': 'failed' }, make('strong', {}, name), make('p', { class: 'error' }, message, ...more.flatMap((node) => [' ', node])));
    item.append(make('p', { class: 'actions' }, make('button', { type: 'button', class: 'small', onclick: () => item.remove(), 'aria-label': `remove ${name}` }, 'remove')));
    list.append(item);
    announce(`${name}: ${message}`);
}

/** One recording at a time: the codec keeps the processors busy, and memory is for one. */
async function work() {
    if (working) return;
    working = true;
    for (;;) {
        const job = [...queue.keys()].find((waiting) => waiting.state === 'waiting');
        if (!job) break;
        await job.run(settings.read(), await folder);
    }
    working = false;
    showActions();
}

/** @param {Job} job
 * @param {Row} row */
async function inspect(job, row) {
    const { showQuality } = await import('./quality.js');
    await showQuality(job, row.element);
}

// Rows that wait or are paused have no other reason to draw their bars anew.
addEventListener('resize', () => queue.forEach((row) => row.show()));

const title = document.title;

/** How far it is can be seen in the tab, too. */
function showTitle() {
    const job = [...queue.keys()].find(({ state }) => state === 'running' || state === 'paused');
    const text = job ? `${Math.floor((100 * job.done) / Math.max(1, job.total))}% of ${job.name} - ${title}` : title;
    if (document.title !== text) document.title = text;
}

let shownActions = '';
function showActions() {
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
    const saved = await saveAll(button, jobs.flatMap((job) => (job.result ? [{ blob: job.result.file, name: job.fileName }] : [])));
    if (saved) for (const job of jobs) job.saved = true;
}

startApp();
void takeSharedFiles().then((files) => {
    if (files.length) void add(fromInput(files));
});
