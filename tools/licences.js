/**
 * `make licences` writes NOTICE: whose work ships with Diffy, under which licence. The npm packages are those that the modules
 * import, the libraries those whose sources wasm/sources.sha256 names, with the versions that both say; `--check` fails when NOTICE
 * says anything else, or when something ships of which no licence is known here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { bundledPackages } from './bundled.js';

const top = new URL('../', import.meta.url);
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, top), 'utf8');

/** Libraries in C: the site's and the package's WebAssembly holds them, and the native programs are linked with them. */
const libraries = {
    zlib: { licence: 'Zlib', copyright: '(C) 1995-2022 Jean-loup Gailly and Mark Adler' },
    'libjpeg-turbo': {
        licence: 'IJG and BSD-3-Clause',
        copyright: '(C) 1991-2022 Thomas G. Lane, Guido Vollbeding, D. R. Commander, Miyasaka Masaru, Pierre Ossman and others',
        note: 'This software is based in part on the work of the Independent JPEG Group.',
    },
    cjson: { licence: 'MIT', copyright: '(c) 2009-2017 Dave Gamble and cJSON contributors' },
    libzstd: { licence: 'BSD-3-Clause', copyright: '(c) 2016-present, Facebook, Inc.', note: 'In WebAssembly its decoder alone.' },
    libwebp: { licence: 'BSD-3-Clause', copyright: '(c) 2010, Google Inc.', note: 'In WebAssembly its decoder alone.' },
    ffmpeg: {
        licence: 'LGPL-2.1-or-later',
        copyright: '(c) 2000-2026 the FFmpeg developers',
        note: 'Only where `make media` built it, as a module of its own (media/media.wasm) that is loaded for videos which the browser does not read. wasm/ffmpeg.sh and wasm/wasm.mk build it anew from any changed source. The licence lies beside it.',
    },
};
/** Beside what has an archive of its own. */
const runtime = [
    { name: 'Emscripten (its JavaScript, in the WebAssembly loaders)', licence: 'MIT', copyright: '(c) 2010-2022 Emscripten authors' },
    { name: 'musl (the C library, in the WebAssembly)', licence: 'MIT', copyright: '(c) 2005-2020 Rich Felker, et al.' },
];
/** @type {Record<string, { licence: string, copyright: string, note?: string }>} */
const packages = {
    '@zip.js/zip.js': { licence: 'BSD-3-Clause', copyright: '(c) 2023, Gildas Lormeau' },
    mediabunny: { licence: 'MPL-2.0', copyright: 'Vanilagy and contributors', note: 'Unchanged; its source is https://github.com/Vanilagy/mediabunny at the version named here. The licence is at https://mozilla.org/MPL/2.0/.' },
    uplot: { licence: 'MIT', copyright: '(c) 2022 Leon Sorokin' },
};

const texts = {
    MIT: `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished
to do so, subject to the following conditions: The above copyright notice and this permission notice shall be included in all copies
or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT
SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
    'BSD-3-Clause': `Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met: 1. Redistributions of source code must retain the above copyright notice, this list of conditions and
the following disclaimer. 2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and
the following disclaimer in the documentation and/or other materials provided with the distribution. 3. Neither the name of the
copyright holder nor the names of its contributors may be used to endorse or promote products derived from this software without
specific prior written permission. THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR
IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY,
OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR
BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING
NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.`,
    Zlib: `This software is provided 'as-is', without any express or implied warranty. In no event will the authors be held liable for
any damages arising from the use of this software. Permission is granted to anyone to use this software for any purpose, including
commercial applications, and to alter it and redistribute it freely, subject to the following restrictions: 1. The origin of this
software must not be misrepresented; you must not claim that you wrote the original software. If you use this software in a product,
an acknowledgment in the product documentation would be appreciated but is not required. 2. Altered source versions must be plainly
marked as such, and must not be misrepresented as being the original software. 3. This notice may not be removed or altered from any
source distribution.`,
};

/** @param {string} name  @param {{ licence: string, copyright: string, note?: string }} facts */
const paragraph = (name, facts) => [name, `    ${facts.licence}. Copyright ${facts.copyright}`, ...(facts.note ? [`    ${facts.note}`] : []), ''].join('\n');

const unknown = [];
const libraryPart = [...read('wasm/sources.sha256').matchAll(/ {2}([\w-]+)_([^_]+)\.orig\.tar/g)].map(([, name, version]) => {
    const facts = /** @type {any} */ (libraries)[name];
    if (!facts) unknown.push(name);
    return facts ? paragraph(`${name} ${version}`, facts) : '';
});
const packagePart = [...bundledPackages()].map(([name, version]) => {
    if (!packages[name]) unknown.push(name);
    return packages[name] ? paragraph(`${name} ${version}`, packages[name]) : '';
});
if (unknown.length) {
    console.error(`What licence has ${unknown.join(', ')}? Say it in tools/licences.js.`);
    process.exit(1);
}

const notice = `Diffy
Copyright (c) the Diffy authors
Licensed under the Apache License, Version 2.0 (see LICENSE).

What follows is the work of others. It ships inside the site, the npm package and the page that plays itself; the native programs
are linked with the libraries, and use FFmpeg's, libpng, libzip and libwebp as the system has them. Written by \`make licences\`.

== Libraries ==

${libraryPart.join('\n')}
${runtime.map((facts) => paragraph(facts.name, facts)).join('\n')}
== JavaScript ==

${packagePart.join('\n')}
== Licences ==

${Object.entries(texts).map(([name, text]) => `${name}\n\n${text}\n`).join('\n')}`;

const path = new URL('NOTICE', top);
if (process.argv.includes('--check')) {
    let there = '';
    try {
        there = readFileSync(path, 'utf8');
    } catch {
        // as if it said nothing
    }
    if (there !== notice) {
        console.error('NOTICE does not say what ships today: make licences');
        process.exit(1);
    }
} else {
    writeFileSync(path, notice);
}
