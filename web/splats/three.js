/**
 * A sequence of splats in a scene of three.js.
 *
 *     import { SplatMesh, SplatPlayer } from 'diffy/splats/three.js';
 *     const player = await SplatPlayer.open('scene.dfy');
 *     const mesh = new SplatMesh(player);
 *     mesh.rotation.x = Math.PI; // models of most trainers have y down
 *     scene.add(mesh);
 *     player.play();
 *
 * Frames go as they come into textures, of which only rows that changed are sent; a worker sorts by the camera that draws.
 */
import {
    BufferAttribute, CustomBlending, DataTexture, GLSL3, HalfFloatType, InstancedBufferAttribute, InstancedBufferGeometry, IntType, Matrix4, Mesh,
    NearestFilter, OneFactor, OneMinusSrcAlphaFactor, RGBAFormat, RGBAIntegerFormat, ShaderMaterial, UnsignedIntType, Vector2, Vector3,
} from 'three';
import { SplatModel } from './model.js';
import { fragmentMain, rowSplats, splatShader } from './shaders.js';

const names = ['transforms', 'scales', 'colours', 'harmonics0', 'harmonics1', 'harmonics2', 'harmonics3'];

const vertexShader = `
precision highp usampler2D;
uniform usampler2D transforms, harmonics0, harmonics1, harmonics2, harmonics3;
uniform highp sampler2D scales, colours;
uniform vec3 eye;
uniform vec2 size;
uniform int degree;
in uint number;
out vec4 colour;
out vec2 at;
${splatShader}
void main() {
    ivec2 place = texelOf(int(number));
    uvec4 transform = texelFetch(transforms, place, 0);
    vec3 middle = uintBitsToFloat(transform.xyz);
    vec4 seen = modelViewMatrix * vec4(middle, 1), clip = projectionMatrix * seen;
    gl_Position = vec4(0, 0, 2, 1);
    /* The shader's camera has y down and z forward. */
    mat3 flip = mat3(1, 0, 0, 0, -1, 0, 0, 0, -1);
    vec3 p = flip * seen.xyz;
    if (p.z <= 0.0 || any(greaterThan(abs(clip.xy), vec2(1.3 * clip.w)))) return;
    colour = texelFetch(colours, place, 0);
    if (colour.a < 0.002) return;
    vec4 scale = texelFetch(scales, place, 0);
    vec2 focal = 0.5 * size * vec2(projectionMatrix[0][0], projectionMatrix[1][1]), major, minor;
    if (!ellipseOf(flip * mat3(modelViewMatrix), p, focal, vec3(unpackHalf2x16(transform.w), scale.w), scale.xyz, major, minor)) return;
    at = position.xy * 2.8284271;
    colour.rgb = max(colour.rgb + seenFrom(place, normalize(middle - eye), degree), vec3(0));
    gl_Position = clip + vec4((at.x * major + at.y * minor) * vec2(2, -2) / size * clip.w, 0, 0);
}`;

const fragmentShader = `
precision mediump float;
in vec4 colour;
in vec2 at;
out vec4 result;
${fragmentMain}`;

/**
 * @param {Uint32Array | Uint16Array} data
 * @param {number} width
 * @param {number} height
 */
function texture(data, width, height) {
    const half = data instanceof Uint16Array;
    const made = new DataTexture(data, width, height, half ? RGBAFormat : RGBAIntegerFormat, half ? HalfFloatType : UnsignedIntType);
    made.internalFormat = half ? 'RGBA16F' : 'RGBA32UI';
    made.minFilter = made.magFilter = NearestFilter;
    made.unpackAlignment = 4;
    made.needsUpdate = true;
    return made;
}

export class SplatMesh extends Mesh {
    isSplatMesh = true;
    /** The model that the player's frames add up to. */
    model;
    #player;
    #material;
    #geometry;
    /** @type {InstanceType<typeof DataTexture>[]} */
    #textures = [];
    #forward = new Vector3();
    #sortedAt = -1;

    /**
     * @param {import('./player.js').SplatPlayer} player whose frames are shown; the mesh takes its onFrame
     * @param {{ newSorter?: () => Worker }} [options]
     */
    constructor(player, { newSorter } = {}) {
        const geometry = new InstancedBufferGeometry();
        geometry.setAttribute('position', new BufferAttribute(new Float32Array([-1, -1, 0, 1, -1, 0, -1, 1, 0, 1, 1, 0]), 3));
        geometry.setIndex([0, 1, 2, 2, 1, 3]);
        geometry.instanceCount = 0;
        const material = new ShaderMaterial({
            glslVersion: GLSL3, vertexShader, fragmentShader, transparent: true, depthWrite: false, side: 2,
            blending: CustomBlending, blendSrc: OneFactor, blendDst: OneMinusSrcAlphaFactor,
            uniforms: { eye: { value: new Vector3() }, size: { value: new Vector2() }, degree: { value: 0 }, ...Object.fromEntries(names.map((name) => [name, { value: null }])) },
        });
        super(geometry, material);
        this.frustumCulled = false;
        this.#player = player;
        this.#material = material;
        this.#geometry = geometry;
        this.model = new SplatModel(newSorter);
        this.model.onOrder = () => this.#takeOrder();
        player.onFrame = (frame) => this.take(frame);
    }

    /** Takes a frame in; the player's come by themselves.
     * @param {import('./decoder.js').SplatFrame} frame */
    take(frame) {
        const { model } = this, renewed = model.take(frame), { uniforms } = this.#material;
        if (renewed) this.#makeTextures();
        else this.#sendRows();
        uniforms.degree.value = Math.min(3, frame.degree);
        if (this.#sortedAt < 0) model.sort([0, 0, 1]);
    }

    #makeTextures() {
        const { model } = this, { uniforms } = this.#material, rows = model.capacity / rowSplats;
        for (const old of this.#textures) old.dispose();
        const arrays = [model.transforms, model.scales, model.colours, ...model.harmonics];
        this.#textures = names.map((name, i) => (uniforms[name].value = arrays[i] ? texture(arrays[i], rowSplats, rows) : texture(new Uint32Array(4), 1, 1)));
        const order = new InstancedBufferAttribute(new Uint32Array(model.capacity), 1);
        order.gpuType = IntType;
        this.#geometry.setAttribute('number', order);
        this.#geometry.instanceCount = 0;
    }

    #sendRows() {
        const { model } = this, rows = model.rows(), count = rows.reduce((sum, [first, end]) => sum + end - first, 0);
        if (!count) return;
        for (const sent of this.#textures.slice(0, 3 + model.harmonics.length)) {
            // A call for each row: many of them cost more than all at once.
            if (2 * count < model.capacity / rowSplats)
                for (const [first, end] of rows) for (let row = first; row < end; row++) sent.addUpdateRange(4 * rowSplats * row, 4 * rowSplats);
            else sent.clearUpdateRanges();
            sent.needsUpdate = true;
        }
    }

    #takeOrder() {
        const { order, count } = this.model, attribute = this.#geometry.getAttribute('number');
        if (order.length !== count || !attribute) return;
        attribute.array.set(order);
        attribute.clearUpdateRanges();
        attribute.addUpdateRange(0, count);
        attribute.needsUpdate = true;
        this.#geometry.instanceCount = count;
    }

    /** three.js calls it before it draws: the order follows the camera.
     * @param {any} renderer
     * @param {any} _scene
     * @param {any} camera */
    onBeforeRender(renderer, _scene, camera) {
        const { uniforms } = this.#material, inside = new Matrix4().copy(this.matrixWorld).invert();
        renderer.getDrawingBufferSize(uniforms.size.value);
        camera.getWorldPosition(uniforms.eye.value).applyMatrix4(inside);
        const forward = camera.getWorldDirection(new Vector3()).transformDirection(inside);
        if (forward.dot(this.#forward) > 0.9999 && this.#sortedAt === this.model.frame) return;
        this.#forward.copy(forward);
        this.#sortedAt = this.model.frame;
        this.model.sort(forward.toArray());
    }

    /** Frees the graphics' memory and the sorter; the player stays. */
    dispose() {
        this.#player.onFrame = () => {};
        for (const old of this.#textures) old.dispose();
        this.#geometry.dispose();
        this.#material.dispose();
        this.model.close();
    }
}
