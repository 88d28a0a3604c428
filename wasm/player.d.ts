/** <diffy-player>: importing this makes the element known to the page. */
import { DiffyPlayer } from '../types/web/player/package.js';

export { DiffyPlayer };

declare global {
    interface HTMLElementTagNameMap {
        'diffy-player': DiffyPlayer;
    }
}
