/**
 * The package's <diffy-player>: importing it makes the element known to the page.
 *
 *     <script type="module" src="node_modules/diffy/build/npm/player/player.js"></script>
 *     <diffy-player src="work.dfy" controls></diffy-player>
 */
import { DiffyPlayer, define } from './element.js';

define(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));

export { DiffyPlayer };
