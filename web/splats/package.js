/**
 * The package's player of splat sequences: SplatPlayer hands over frames as typed arrays, SplatModel adds them up and sorts,
 * View draws with WebGL 2. Adapters: three.js, playcanvas.js beside this module.
 */
import { SplatModel } from './model.js';
import { SplatPlayer } from './player.js';

SplatPlayer.newWorker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
SplatModel.newSorter = () => new Worker(new URL('./sorter.js', import.meta.url), { type: 'module' });

export { SplatModel, SplatPlayer };
export { View as SplatView } from './view.js';
