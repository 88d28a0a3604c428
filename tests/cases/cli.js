/**
 * Runs the table through the command line named by $DIFFY, and the C API by $CASES_API, in the folder given; a line a case: good or bad, name, what was
 * wrong.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from './compare.js';
import { infoOf, pictureOf } from './dfy.js';
import { cases, prepare } from './table.js';

const api = process.env.CASES_API; // build/cases_api
const folder = process.argv[2], diffy = process.env.DIFFY ?? 'build/diffy';
const wanted = process.argv[3] ? new RegExp(process.argv[3]) : null;
prepare(folder);
for (const one of cases) {
    const name = [one.input.slice(0, 60), ...(one.options ?? [])].join(' ');
    if (wanted && !wanted.test(name)) continue;
    const wrong = check(one);
    console.log([wrong.length ? 'bad' : 'good', JSON.stringify(name), wrong.join('\\n').replaceAll('\n', '\\n')].join('\t'));
}
console.log('finished');

/** @param {import('./table.js').Case} one */
function check(one) {
    const output = join(folder, 'out.dfy');
    rmSync(output, { force: true });
    const run = spawnSync(diffy, ['encode', '--effort', '1', '-q', '95', ...(one.options ?? []), join(folder, one.input), output], { encoding: 'utf8' });
    const wrong = [];
    const status = one.status ?? (one.refused ? 1 : 0);
    if (run.status !== status) wrong.push(`exit status ${run.status}, not ${status}: ${run.stderr}`);
    const says = one.refused ?? one.says;
    if (says ? !says.test(run.stderr) : run.stderr) wrong.push(`it says: ${run.stderr}`);
    if (one.refused || wrong.length) return wrong;
    wrong.push(...differences(one, infoOf(diffy, output), (frame) => pictureOf(diffy, output, frame)));
    return api && !wrong.length ? throughApi(one, output) : wrong;
}

/** The same file, decoded and encoded once more by a program that knows the C API alone.
 * @param {import('./table.js').Case} one
 * @param {string} output */
function throughApi(one, output) {
    const again = join(folder, 'again.dfy'), run = spawnSync(String(api), [output, again], { encoding: 'utf8' });
    if (run.status) return [`through the C API: ${run.stderr}`];
    const twice = { ...one, near: (one.near ?? 4) + 2 };
    return differences(twice, infoOf(diffy, again), (frame) => pictureOf(diffy, again, frame)).map((text) => `through the C API: ${text}`);
}
