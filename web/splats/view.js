/**
 * Draws a model with WebGL 2: every splat is a rectangle around its ellipse on the screen, drawn from far to near. Its numbers
 * lie in textures, of which only the rows that changed are sent anew; an order costs four bytes per splat.
 *
 * Why not one of npm's renderers: they start their sorters from blobs of code, which strict policies forbid, and they are made
 * for one still model. For scenes of three.js and PlayCanvas see three.js and playcanvas.js here.
 */
import { fragmentMain, rowSplats, splatShader } from './shaders.js';

const fieldOfView = 0.8; // radians, of the shorter side

const samplers = ['transforms', 'scales', 'colours', 'harmonics0', 'harmonics1', 'harmonics2', 'harmonics3'];

const vertexSource = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D transforms, harmonics0, harmonics1, harmonics2, harmonics3;
uniform highp sampler2D scales, colours;
uniform mat3 turn;
uniform vec3 eye;
uniform vec2 size;
uniform float focal, near;
uniform int degree;
layout(location = 0) in uint number;
out vec4 colour;
out vec2 at;
${splatShader}
void main() {
    ivec2 place = texelOf(int(number));
    uvec4 transform = texelFetch(transforms, place, 0);
    vec3 middle = uintBitsToFloat(transform.xyz) - eye, p = turn * middle;
    gl_Position = vec4(0, 0, 2, 1);
    if (p.z < near) return;
    vec2 centre = p.xy / p.z * focal;
    if (any(greaterThan(abs(centre), 0.65 * size))) return;
    colour = texelFetch(colours, place, 0);
    if (colour.a < 0.002) return;
    vec4 scale = texelFetch(scales, place, 0);
    vec2 major, minor;
    if (!ellipseOf(turn, p, vec2(focal), vec3(unpackHalf2x16(transform.w), scale.w), scale.xyz, major, minor)) return;
    at = (vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0) * 2.8284271;
    colour.rgb = max(colour.rgb + seenFrom(place, normalize(middle), degree), vec3(0));
    gl_Position = vec4((centre + at.x * major + at.y * minor) * vec2(2, -2) / size, 0, 1);
}`;

const fragmentSource = `#version 300 es
precision mediump float;
in vec4 colour;
in vec2 at;
out vec4 result;
${fragmentMain}`;

export class View {
    #gl;
    #canvas;
    #program;
    /** @type {Map<string, WebGLUniformLocation | null>} */
    #uniforms = new Map();
    /** @type {(WebGLTexture | null)[]} */
    #textures = [];
    #degree = 0;
    #ordered = 0;

    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
        const gl = canvas.getContext('webgl2', { antialias: false, alpha: false, depth: false, preserveDrawingBuffer: true });
        if (!gl) throw new Error("This browser has no WebGL 2, so it can't draw splats: you can still make and export files.");
        this.#gl = gl;
        this.#canvas = canvas;
        this.#program = this.#link();
        for (const name of [...samplers, 'turn', 'eye', 'size', 'focal', 'near', 'degree']) this.#uniforms.set(name, gl.getUniformLocation(this.#program, name));
        gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
        gl.enableVertexAttribArray(0);
        gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
        gl.vertexAttribDivisor(0, 1);
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        gl.useProgram(this.#program);
        samplers.forEach((name, unit) => gl.uniform1i(this.#at(name), unit));
    }

    /**
     * Takes in what changed of a model.
     * @param {import('./model.js').SplatModel} model
     * @param {boolean} renewed as SplatModel.take said
     */
    update(model, renewed) {
        const gl = this.#gl;
        if (renewed || !this.#textures.length) this.#makeTextures(model);
        this.#degree = Math.min(model.degree, 3);
        [model.transforms, model.scales, model.colours, ...model.harmonics].forEach((array, unit) => {
            const half = unit === 1 || unit === 2;
            gl.activeTexture(gl.TEXTURE0 + unit);
            for (const [first, end] of model.rows())
                gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, first, rowSplats, end - first, half ? gl.RGBA : gl.RGBA_INTEGER, half ? gl.HALF_FLOAT : gl.UNSIGNED_INT, array, 4 * first * rowSplats);
        });
    }

    /** @param {Uint32Array} order */
    setOrder(order) {
        this.#ordered = order.length;
        this.#gl.bufferData(this.#gl.ARRAY_BUFFER, order, this.#gl.DYNAMIC_DRAW);
    }

    /** @param {{ pose: { rows: number[][], eye: number[] }, distance: number }} camera
     * @param {number} count splats of the model drawn; an older order may name others */
    draw(camera, count) {
        const gl = this.#gl, { width, height } = this.#canvas, { rows, eye } = camera.pose;
        gl.viewport(0, 0, width, height);
        gl.clearColor(0, 0, 0, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
        // Columns of the matrix are what WebGL wants.
        gl.uniformMatrix3fv(this.#at('turn'), false, [0, 1, 2].flatMap((column) => rows.map((row) => row[column])));
        gl.uniform3fv(this.#at('eye'), eye);
        gl.uniform2f(this.#at('size'), width, height);
        gl.uniform1f(this.#at('focal'), (0.5 * Math.min(width, height)) / Math.tan(0.5 * fieldOfView));
        gl.uniform1f(this.#at('near'), 0.02 * camera.distance);
        gl.uniform1i(this.#at('degree'), this.#degree);
        if (this.#ordered === count) gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    }

    /** @param {string} uniform */
    #at(uniform) {
        return this.#uniforms.get(uniform) ?? null;
    }

    /** @param {import('./model.js').SplatModel} model */
    #makeTextures(model) {
        const gl = this.#gl, rows = Math.max(1, Math.ceil(model.capacity / rowSplats)), most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
        if (rows > most) throw new Error(`This machine's graphics can't hold so many splats: the limit is ${most * rowSplats}.`);
        for (const texture of this.#textures) gl.deleteTexture(texture);
        this.#textures = samplers.map((_, unit) => {
            const texture = gl.createTexture(), used = unit < 3 + model.harmonics.length;
            gl.activeTexture(gl.TEXTURE0 + unit);
            gl.bindTexture(gl.TEXTURE_2D, texture);
            gl.texStorage2D(gl.TEXTURE_2D, 1, unit === 1 || unit === 2 ? gl.RGBA16F : gl.RGBA32UI, used ? rowSplats : 1, used ? rows : 1);
            for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, which, gl.NEAREST);
            return texture;
        });
    }

    #link() {
        const gl = this.#gl, program = gl.createProgram();
        for (const [type, source] of /** @type {const} */ ([[gl.VERTEX_SHADER, vertexSource], [gl.FRAGMENT_SHADER, fragmentSource]])) {
            const shader = gl.createShader(type);
            if (!shader) throw new Error('The graphics driver stopped: reload the page.');
            gl.shaderSource(shader, source);
            gl.compileShader(shader);
            gl.attachShader(program, shader);
        }
        gl.linkProgram(program);
        if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`This machine's graphics can't draw splats: ${gl.getProgramInfoLog(program)}`);
        return program;
    }
}
