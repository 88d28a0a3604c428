/** `make audit`: asks the registry for known vulnerabilities, and fails for those of packages that ship; tools that only build are named. */
import { spawnSync } from 'node:child_process';
import { bundledPackages } from './bundled.js';

const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 });
const answer = JSON.parse(stdout || '{}');
if (!answer.vulnerabilities) {
    console.error(`The registry did not answer: ${answer.message ?? stdout}`);
    process.exit(2);
}
const bundled = bundledPackages();
let bad = 0;
for (const [name, { severity }] of Object.entries(answer.vulnerabilities)) {
    const ships = bundled.has(name);
    bad += Number(ships);
    console.log(`${severity.padEnd(9)} ${name}${ships ? ', WHICH SHIPS' : ' (builds or tests only)'}`);
}
console.log(`${bundled.size} packages ship (${[...bundled.keys()].join(', ')}): ${bad} with known vulnerabilities`);
process.exit(bad ? 1 : 0);
