/** The saved page's worker: plays, and makes an MP4. The page hands it the decoder, for it can fetch nothing. */
import { DiffyDecoder } from '../../wasm/decoder.js';
import { Codec } from '../../wasm/module.js';
import { Playback } from '../player/playback.js';
import { serve } from '../shared/rpc.js';
import { mp4Of } from './mp4.js';

/** @type {(codec: Codec) => void} */
let loaded;
/** @type {Promise<Codec>} */
const codec = new Promise((resolve) => (loaded = resolve));
addEventListener('message', async ({ data }) => {
    if (data.wasm) loaded(await Codec.load({ wasmBinary: data.wasm }));
});
const playback = new Playback({ load: () => codec });

serve({ ...playback.handlers, mp4 });

/** @param {{ file: Blob }} args
 * @param {(event: any) => void} emit */
async function mp4({ file }, emit) {
    const decoder = await DiffyDecoder.open(file, { codec: await codec }), { frames } = decoder.info;
    try {
        return await mp4Of(all(decoder), decoder.info, (done) => done % 10 || emit(done / frames));
    } finally {
        decoder.close();
    }
}

/** @param {DiffyDecoder} decoder */
function* all(decoder) {
    for (let frame = decoder.next('I420'); frame; frame = decoder.next('I420')) yield frame;
}
