/**
 * A page that plays the video inside it, from disk and offline. The decoder and the worker's text lie in it too, compressed;
 * the video comes last, in pieces.
 */
import { define } from '../player/element.js';
import { find, make } from '../shared/dom.js';
import { Remote } from '../shared/rpc.js';
import { formatBytes, formatCount, formatDuration } from '../shared/text.js';

/** @param {string} base64 */
function decoded(base64) {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
}

/** The digits of web/saved/build.js. */
const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?()[]@%$#,~_;|';

/** @param {string} id of the element that holds it: the number of bytes, then five digits for every four of them */
function unpacked(id) {
    const [length, text] = (find(`#${id}`, HTMLElement).textContent ?? '').split(' '), view = new DataView(new ArrayBuffer((text.length / 5) * 4));
    for (let i = 0; i < text.length; i += 5) {
        let word = 0;
        for (let digit = i; digit < i + 5; digit++) word = word * 85 + digits.indexOf(text[digit]);
        view.setUint32((i / 5) * 4, word);
    }
    return new Response(new Blob([new Uint8Array(view.buffer, 0, Number(length))]).stream().pipeThrough(new DecompressionStream('gzip')));
}

/** A function that uses a vector instruction: browsers without those can't run the decoder. */
const simdTest = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

const { name } = JSON.parse(find('#about', HTMLElement).textContent ?? '{}');
const file = new File([...document.querySelectorAll('script.video')].map((piece) => {
    const bytes = decoded(piece.textContent ?? '');
    piece.remove();
    return bytes;
}), name, { type: 'application/x-dfy' });

/** @param {Blob} blob
 * @param {string} as */
function save(blob, as) {
    const link = make('a', { href: URL.createObjectURL(blob), download: as });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {string} text */
function say(text) {
    find('#status', HTMLElement).textContent = text;
}

async function start() {
    document.title = name;
    find('h1', HTMLElement).textContent = name;
    find('#save', HTMLButtonElement).onclick = () => save(file, name);
    if (!WebAssembly.validate(simdTest) || !('DecompressionStream' in globalThis) || !('transferControlToOffscreen' in HTMLCanvasElement.prototype))
        throw new Error('This browser is too old to play the video here: use a newer one, or save the .dfy and play it with Diffy.');
    const address = URL.createObjectURL(await unpacked('worker').blob()), wasm = await unpacked('codec').arrayBuffer();
    const newWorker = () => {
        const worker = new Worker(address);
        worker.postMessage({ wasm });
        return worker;
    };
    define(newWorker);
    const player = /** @type {import('../player/element.js').DiffyPlayer} */ (find('diffy-player', HTMLElement));
    player.addEventListener('loadeddata', () => {
        const { info, warnings } = /** @type {import('../player/element.js').Facts} */ (player.facts);
        const cycles = info.cycles > 1 ? `, ${formatCount(info.cycles)} cycles` : '';
        find('#facts', HTMLElement).textContent = `${info.width} x ${info.height}, ${formatCount(info.frames)} ${info.frames === 1 ? 'frame' : 'frames'}, ${formatDuration(info.frames / info.frameRate)}, ${formatBytes(file.size)}${cycles}`;
        find('#legend', HTMLElement).hidden = info.cycles < 2;
        say(warnings.join(' '));
        player.focus({ preventScroll: true });
    });
    player.srcObject = file;
    const button = find('#save-mp4', HTMLButtonElement);
    button.onclick = async () => {
        button.disabled = true;
        const remote = new Remote(newWorker());
        try {
            const blob = await remote.call('mp4', { file }, { onEvent: (share) => say(`making the MP4, ${Math.round(100 * share)} %`) });
            save(blob, name.replace(/\.dfy$/i, '') + '.mp4');
            say(`The MP4 has ${formatBytes(blob.size)}.`);
        } catch (error) {
            say(error instanceof Error ? error.message : String(error));
        }
        remote.close();
        button.disabled = false;
    };
}

start().catch((error) => say(error instanceof Error ? error.message : String(error)));
