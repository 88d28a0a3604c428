/** The adapter for three.js, with what it is used with. */
export { SplatModel, SplatPlayer } from './package.js';
export { SplatMesh } from './three.js';
