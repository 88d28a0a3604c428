/** info.js [COMMAND]: holds the JSON on stdin against docs/INFO.md: the same keys in the same order, of the types it says. */
import { readFileSync } from 'node:fs';

const command = process.argv[2] ?? 'info';
const table = readFileSync(new URL('../../docs/INFO.md', import.meta.url), 'utf8').split(/^# /m)
    .find((section) => section.startsWith(`What \`diffy ${command} --json\` says`)) ?? '';
const rows = [...table.matchAll(/^\| (\w+) \| (number|boolean|string|object|array)( or null)? \|/gm)];
const info = JSON.parse(readFileSync(0, 'utf8'));
const keys = Object.keys(info), wrong = [];
if (keys.join() !== rows.map(([, key]) => key).join()) wrong.push(`keys are ${keys}, documented are ${rows.map(([, key]) => key)}`);
for (const [, key, type, orNull] of rows) {
    const value = info[key], is = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    if (is !== type && !(orNull && is === 'null')) wrong.push(`${key} is of type ${is}, documented is ${type}`);
}
console.log(wrong.join('\n') || 'as documented');
process.exitCode = wrong.length ? 1 : 0;
