/**
 * The record page's encoding worker: frames that the capturing worker holds ready, into a growing .dfy. Effort is the lowest:
 * on live pictures more of it saves some hundredths of the bytes, and the time is needed for keeping up.
 */
import { DiffyEncoder } from '../../wasm/index.js';
import { loadCodec } from '../shared/codec.js';
import { receiveFrames } from '../shared/frames.js';
import { serve } from '../shared/rpc.js';
import { openOutput } from '../shared/storage.js';

serve({ record });

/**
 * Encodes until the capturing worker has no more. What was written stays a playable file whatever goes wrong: then `problem`
 * tells what it was.
 * @param {{ port: MessagePort, quality: number, fps: number, folder: string | null, name: string }} job
 * @param {(event: any) => void} emit
 */
async function record({ port, quality, fps, folder, name }, emit) {
    const output = await openOutput(folder, name);
    let bytes = 0, problem = '';
    const encoder = await DiffyEncoder.create({
        codec: await loadCodec(), format: 2, quality, effort: 1, frameRate: fps, timeBase: [1, 1000],
        segmentSeconds: 2, // what a crash may lose, besides the frames looked ahead
        write(data) {
            output.write(data);
            output.release();
            bytes += data.length;
        },
    });
    let flushed = performance.now(), reported = 0;
    try {
        for await (const { picture, timestamp } of receiveFrames(port)) {
            await encoder.push(picture, { timestamp });
            const now = performance.now();
            if (now - flushed > 1000) {
                output.flush();
                flushed = now;
            }
            if (now - reported > 200) {
                reported = now;
                emit({ encoded: encoder.framesPushed, bytes });
            }
        }
        encoder.finish();
    } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
    } finally {
        encoder.close();
    }
    const frames = encoder.framesPushed;
    if (bytes) return { file: await output.finish(), place: output.place, frames, problem };
    await output.discard();
    throw new Error(problem || 'No frame came before the recording was stopped.');
}
