/**
 * The npm package `diffy`: long video of repetitive work made very small, and back, in JavaScript.
 *
 *     import { DiffyEncoder, DiffyDecoder } from 'diffy';
 *     const { data, stats } = await DiffyEncoder.fromVideo(file, { quality: 25 });
 *     const decoder = await DiffyDecoder.open(data);
 *     for await (const frame of decoder) draw(frame);
 */
export { Codec, DiffyError, Status } from './module.js';
export { DiffyEncoder } from './encoder.js';
export { DiffyDecoder, DiffyFrame, Origin } from './decoder.js';
export { SplatDecoder, SplatEncoder } from './splat.js';
export { colourOf, colourSpaceOf, pictureBytes, planeLayout } from './picture.js';
