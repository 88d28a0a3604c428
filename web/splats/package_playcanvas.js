/** The adapter for PlayCanvas, with what it is used with. */
export { SplatPlayer } from './package.js';
export { SplatSequence } from './playcanvas.js';
