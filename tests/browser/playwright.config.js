/** The browser tests: real Chromium, the built site, served as any static host would. `npm test` builds what they need. */
import { defineConfig } from '@playwright/test';
import { launchOptions } from './chromium.js';

// Another run on this machine may be serving its own site: the port is this process's, and its workers inherit it.
const port = Number((process.env.DIFFY_TEST_PORT ??= String(20000 + (process.pid % 20000))));

// Two at a time, as most of a test is waiting; but what measures time, records as it happens or draws
// splats in software has the machine to itself:
// `npm test` runs the one project after the other.
const timed = /(long|record|scrub|splats?|threads)\.spec\.js$/;

export default defineConfig({
    testDir: '.',
    testMatch: '*.spec.js',
    reporter: 'list',
    workers: 2,
    timeout: 90_000,
    // A busy machine may miss a deadline once. What passes only at the second try is named, so that nobody overlooks it.
    retries: 1,
    use: { baseURL: `http://localhost:${port}/`, launchOptions, viewport: { width: 1280, height: 900 } },
    projects: [
        { name: 'together', testIgnore: timed, outputDir: '../../build/browser-tests/together' },
        { name: 'alone', testMatch: timed, workers: 1, outputDir: '../../build/browser-tests/alone' },
    ],
    webServer: { command: `node web/serve.js dist ${port}`, cwd: new URL('../..', import.meta.url).pathname, port },
});
