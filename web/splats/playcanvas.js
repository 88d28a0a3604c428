/**
 * A sequence of splats in a scene of PlayCanvas.
 *
 *     import { SplatSequence, SplatPlayer } from 'diffy/splats/playcanvas.js';
 *     const player = await SplatPlayer.open('scene.dfy');
 *     const entity = new Entity('scene');
 *     entity.setLocalEulerAngles(0, 0, 180); // models of most trainers have y down
 *     app.root.addChild(entity);
 *     new SplatSequence(app, entity, player);
 *     player.play();
 *
 * Frames come in the engine's own layout of textures and go into them as they are; the engine sorts and draws.
 */
import { GSplatData, GSplatResource } from 'playcanvas';

const planes = ['splatSH_1to3', 'splatSH_4to7', 'splatSH_8to11', 'splatSH_12to15'];
const coefficients = [0, 9, 24, 45];

/**
 * A model of zeros for the engine to make its textures for.
 * @param {number} count
 * @param {number} degree
 */
function emptyData(count, degree) {
    const names = ['x', 'y', 'z', 'f_dc_0', 'f_dc_1', 'f_dc_2', 'opacity', 'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3',
        ...Array.from({ length: coefficients[degree] }, (_, i) => `f_rest_${i}`)];
    const zeros = new Float32Array(count);
    return new GSplatData([{ name: 'vertex', count, properties: names.map((name) => ({ name, type: 'float', byteSize: 4, storage: zeros })) }]);
}

export class SplatSequence {
    /** The component's resource: a new one when the number of splats or their degree changes. */
    resource = /** @type {GSplatResource | null} */ (null);
    #app;
    #entity;
    #player;
    #degree = -1;

    /**
     * @param {import('playcanvas').AppBase} app
     * @param {import('playcanvas').Entity} entity gets a gsplat component where it has none
     * @param {import('./player.js').SplatPlayer} player whose frames are shown; its onFrame is taken
     */
    constructor(app, entity, player) {
        this.#app = app;
        this.#entity = entity;
        this.#player = player;
        player.onFrame = (frame) => this.take(frame);
    }

    /** Takes a frame in; the player's come by themselves.
     * @param {import('./decoder.js').SplatFrame} frame */
    take({ count, degree, changed, textures }) {
        if (!textures) throw new TypeError('Frames with textures are wanted.');
        const last = this.resource, shown = Math.min(3, degree);
        const renewed = !changed && (last?.numSplats !== count || this.#degree !== shown);
        if (renewed) this.resource = new GSplatResource(this.#app.graphicsDevice, emptyData(count, shown));
        this.#degree = shown;
        const resource = /** @type {GSplatResource} */ (this.resource);
        this.#write(resource, 'transformA', textures.transforms, changed);
        this.#write(resource, 'transformB', textures.scales, changed);
        this.#write(resource, 'splatColor', textures.colours, changed);
        textures.harmonics.forEach((plane, i) => this.#write(resource, planes[i], plane, changed));
        this.#move(resource, textures.transforms, changed);
        if (renewed) this.#use(resource);
        if (renewed) last?.destroy();
    }

    /**
     * @param {GSplatResource} resource
     * @param {string} name of a texture
     * @param {Uint32Array | Uint16Array} from
     * @param {Uint32Array | null} changed
     */
    #write(resource, name, from, changed) {
        const texture = resource.getTexture(name), to = /** @type {Uint32Array | Uint16Array | undefined} */ (/** @type {unknown} */ (texture?.lock()));
        if (!texture || !to) return;
        // The third plane of degree 2 has one number per splat.
        const size = name === 'splatSH_8to11' && this.#degree === 2 ? 1 : 4, count = from.length / 4;
        if (!changed && size === 4) to.set(from);
        else
            for (let i = 0; i < count; i++)
                for (let k = 0; k < size; k++) to[size * (changed ? changed[i] : i) + k] = from[4 * i + k];
        texture.unlock();
    }

    /** The engine sorts by places of its own.
     * @param {GSplatResource} resource
     * @param {Uint32Array} transforms
     * @param {Uint32Array | null} changed */
    #move(resource, transforms, changed) {
        const floats = new Float32Array(transforms.buffer, transforms.byteOffset, transforms.length), centres = /** @type {Float32Array} */ (resource.centers);
        const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
        for (let i = 0; i < floats.length / 4; i++)
            for (let k = 0; k < 3; k++) {
                const value = (centres[3 * (changed ? changed[i] : i) + k] = floats[4 * i + k]);
                low[k] = Math.min(low[k], value);
                high[k] = Math.max(high[k], value);
            }
        resource.centersVersion++;
        if (changed || !floats.length) return;
        const { center, halfExtents } = resource.aabb;
        center.set(...(/** @type {[number, number, number]} */ (low.map((value, k) => (value + high[k]) / 2))));
        halfExtents.set(...(/** @type {[number, number, number]} */ (low.map((value, k) => (high[k] - value) / 2))));
    }

    /** @param {GSplatResource} resource */
    #use(resource) {
        const component = this.#entity.gsplat ?? this.#entity.addComponent('gsplat');
        /** @type {any} */ (component).resource = resource;
    }

    /** Frees the graphics' memory; the player and the entity stay. */
    destroy() {
        this.#player.onFrame = () => {};
        if (this.#entity.gsplat) /** @type {any} */ (this.#entity.gsplat).resource = null;
        this.resource?.destroy();
        this.resource = null;
    }
}
