/** Which npm packages ship: what the site's and the package's modules import by name, and what those need in turn. */
import { readFileSync, readdirSync } from 'node:fs';

const top = new URL('../', import.meta.url);
const lock = JSON.parse(readFileSync(new URL('package-lock.json', top), 'utf8')).packages;
/** Files that run while building or serving, not in a browser. */
const tools = /(^|\/)(build|serve|measure)\.js$/;

/** What the package leaves to whoever uses it with them (`external` in wasm/rolldown.config.js). */
const external = new Set(['three', 'playcanvas']);

/** @param {string} path  @returns {string[]} */
const modules = (path) =>
    readdirSync(new URL(path, top), { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? modules(`${path}${entry.name}/`) : entry.name.endsWith('.js') && !tools.test(entry.name) && !entry.name.includes('.config.') ? [path + entry.name] : [],
    );

/** @returns {Map<string, string>} name -> version */
export function bundledPackages() {
    const names = new Set(), found = new Map();
    for (const file of [...modules('web/'), ...modules('wasm/')])
        for (const [, name] of readFileSync(new URL(file, top), 'utf8').matchAll(/(?:^|[;}]|\bfrom|\bimport\()\s*(?:import )?['"]((?:@[\w.-]+\/)?[\w-]+(?:\.js)?)(?=[/'"])/gm)) names.add(name);
    for (const name of names) {
        if (external.has(name)) continue;
        const entry = lock[`node_modules/${name}`];
        if (!entry) continue; // node: modules, and aliases of the bundler's own
        found.set(name, entry.version);
        for (const needed of Object.keys(entry.dependencies ?? {})) if (!needed.startsWith('@types/')) names.add(needed);
    }
    return new Map([...found].sort());
}
