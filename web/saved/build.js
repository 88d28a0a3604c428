/**
 * Builds the page that plays the video inside it, without the video: build/player/page.html. It has two marks where whoever
 * saves a video puts the rest: {about} for a JSON object with its name, {video} for pieces of it in base64.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const top = new URL('../../', import.meta.url).pathname, out = `${top}build/player`;

/** What the page has but the video may take so many bytes. */
const mostBytes = 300_000;

/** A style without the room between its parts. It has no comments and no text.
 * @param {string} css */
const tight = (css) => css.replace(/\s*\n\s*/g, '').replace(/\s*([{};,>])\s*/g, '$1').replace(/: /g, ':').replaceAll(';}', '}');

/** One file of a module and all that it imports.
 * @param {string} name
 * @param {'esm' | 'iife'} format */
async function bundle(name, format) {
    const build = await rolldown({
        input: `${top}web/saved/${name}`,
        tsconfig: false,
        resolve: { alias: { '#codec': `${top}build/wasm/player/diffy.js` } },
        // A worker made of text has no address, and needs none: it is handed the decoder.
        transform: { define: { 'import.meta.url': '"https://localhost/"' } },
        plugins: [{ name: 'tight-style', transform: { filter: { id: /player\/style\.js$/ }, handler: (code) => code.replace(/`([^`]*)`/, (_, css) => `\`${tight(css)}\``) } }],
    });
    const { output } = await build.generate({ format, minify: true, codeSplitting: false });
    return output[0].code.trim();
}

/** @param {string} text */
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Letters that mean nothing in HTML, as base 85 has them: the decoder takes a quarter more room than its bytes, not a third. */
const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?()[]@%$#,~_;|';

/** Compressed, then five digits for every four bytes. The number of bytes stands in front.
 * @param {Buffer | string} data */
function packed(data) {
    const zipped = gzipSync(data, { level: 9 }), padded = Buffer.concat([zipped, Buffer.alloc((4 - (zipped.length % 4)) % 4)]);
    let text = `${zipped.length} `;
    for (let i = 0; i < padded.length; i += 4) {
        let word = padded.readUInt32BE(i), group = '';
        for (let digit = 0; digit < 5; digit++) {
            group = digits[word % 85] + group;
            word = Math.floor(word / 85);
        }
        text += group;
    }
    return text;
}

const [main, worker] = await Promise.all([bundle('main.js', 'esm'), bundle('worker.js', 'iife')]);
const css = tight(readFileSync(`${top}web/saved/page.css`, 'utf8')), script = `\n${main.replaceAll('</script', '<\\/script')}\n`;
/** @type {Record<string, string>} */
const parts = { script: hash(script), style: hash(css), css, main: script, worker: packed(worker), codec: packed(readFileSync(`${top}build/wasm/player/diffy.wasm`)) };
const page = readFileSync(`${top}web/saved/page.html`, 'utf8').replace(/\{(script|style|css|main|worker|codec)\}/g, (_, name) => parts[name]);
if (page.split('{about}').length !== 2 || page.split('{video}').length !== 2) throw new Error('The saved page has not one place for the video.');
if (page.length > mostBytes) console.error(`The saved page has ${page.length} bytes: more than the ${mostBytes} that it should have.`);
mkdirSync(out, { recursive: true });
// Whoever takes the page in at this moment has the old one or the new one.
writeFileSync(`${out}/page.html.part`, page);
renameSync(`${out}/page.html.part`, `${out}/page.html`);
console.log(`build/player/page.html: ${page.length} bytes (decoder ${parts.codec.length}, worker ${parts.worker.length}, page ${main.length})`);
