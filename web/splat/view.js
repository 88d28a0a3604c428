/**
 * Draws splats with WebGL 2: every splat is a rectangle around its ellipse on the screen (M. Zwicker et al., "EWA volume
 * splatting", 2001), drawn from far to near. Shapes and colours lie in textures, so that a new order costs four bytes
 * a splat and a new frame no more than its own numbers.
 *
 * Why not one of npm's renderers: they start their sorters from blobs of code, which this site's policy forbids, and
 * they are made for one still model.
 */

const rowSplats = 1024;
const fieldOfView = 0.8; // radians, of the shorter side

const vertexSource = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D shapes;
uniform sampler2D colours;
uniform mat3 turn;
uniform vec3 eye;
uniform vec2 size;
uniform float focal, near;
layout(location = 0) in uint number;
out vec4 colour;
out vec2 at;
void main() {
    int i = int(number);
    ivec2 place = ivec2(i & ${rowSplats - 1}, i >> 10);
    uvec4 first = texelFetch(shapes, ivec2(place.x * 2, place.y), 0), second = texelFetch(shapes, ivec2(place.x * 2 + 1, place.y), 0);
    gl_Position = vec4(0, 0, 2, 1);
    vec3 p = turn * (uintBitsToFloat(first.xyz) - eye);
    if (p.z < near) return;
    vec2 middle = p.xy / p.z * focal;
    if (any(greaterThan(abs(middle), 0.65 * size))) return;
    vec2 a = unpackHalf2x16(second.x), b = unpackHalf2x16(second.y), c = unpackHalf2x16(second.z);
    mat3 covariance = uintBitsToFloat(first.w) * mat3(a.x, a.y, b.x, a.y, b.y, c.x, b.x, c.x, c.y);
    float scale = focal / p.z;
    mat3 projection = mat3(scale, 0, 0, 0, scale, 0, -scale * p.x / p.z, -scale * p.y / p.z, 0) * turn;
    mat3 v = projection * covariance * transpose(projection);
    // A splat covers a pixel at least, about.
    float x = v[0][0] + 0.3, y = v[1][1] + 0.3, xy = v[0][1];
    float mean = 0.5 * (x + y), apart = length(vec2(0.5 * (x - y), xy));
    float large = mean + apart, small = max(mean - apart, 0.1);
    vec2 axis = abs(xy) < 1e-6 ? (x >= y ? vec2(1, 0) : vec2(0, 1)) : normalize(vec2(xy, large - x));
    at = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    at *= 2.8284271;
    vec2 corner = middle + at.x * min(sqrt(large), 1024.0) * axis + at.y * min(sqrt(small), 1024.0) * vec2(-axis.y, axis.x);
    colour = texelFetch(colours, place, 0);
    gl_Position = vec4(corner * vec2(2, -2) / size, 0, 1);
}`;

const fragmentSource = `#version 300 es
precision mediump float;
in vec4 colour;
in vec2 at;
out vec4 result;
void main() {
    float distance = dot(at, at);
    if (distance > 8.0) discard;
    float alpha = colour.a * exp(-0.5 * distance);
    result = vec4(colour.rgb * alpha, alpha);
}`;

export class View {
    #gl;
    #canvas;
    #program;
    /** @type {Map<string, WebGLUniformLocation | null>} */
    #uniforms = new Map();
    #shapes;
    #colours;
    #order;
    #rows = 0;
    #count = 0;

    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
        const gl = canvas.getContext('webgl2', { antialias: false, alpha: false, depth: false, preserveDrawingBuffer: true });
        if (!gl) throw new Error('This browser has no WebGL 2, which drawing needs: models can still be made and exported.');
        this.#gl = gl;
        this.#canvas = canvas;
        this.#program = this.#link();
        for (const name of ['shapes', 'colours', 'turn', 'eye', 'size', 'focal', 'near']) this.#uniforms.set(name, gl.getUniformLocation(this.#program, name));
        this.#shapes = gl.createTexture();
        this.#colours = gl.createTexture();
        this.#order = gl.createBuffer();
        gl.bindBuffer(gl.ARRAY_BUFFER, this.#order);
        gl.enableVertexAttribArray(0);
        gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
        gl.vertexAttribDivisor(0, 1);
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        gl.useProgram(this.#program);
        gl.uniform1i(this.#at('shapes'), 0);
        gl.uniform1i(this.#at('colours'), 1);
    }

    /**
     * Takes what changed: everything of a new frame, or colours and order for another place of the camera.
     * @param {{ shapes?: Uint32Array, colours: Uint8Array, order: Uint32Array }} data
     */
    update({ shapes, colours, order }) {
        const gl = this.#gl;
        this.#count = order.length;
        this.#makeRoom(Math.max(1, Math.ceil(order.length / rowSplats)));
        if (shapes) this.#fill(0, this.#shapes, shapes, 8, gl.RGBA_INTEGER, gl.UNSIGNED_INT);
        this.#fill(1, this.#colours, colours, 4, gl.RGBA, gl.UNSIGNED_BYTE);
        gl.bufferData(gl.ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    }

    /** @param {import('./camera.js').Camera} camera */
    draw(camera) {
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
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.#count);
    }

    /** @param {string} uniform */
    #at(uniform) {
        return this.#uniforms.get(uniform) ?? null;
    }

    /** @param {number} rows */
    #makeRoom(rows) {
        if (rows <= this.#rows) return;
        const gl = this.#gl;
        if (rows > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error(`This machine's graphics can't hold so many splats: it takes ${gl.getParameter(gl.MAX_TEXTURE_SIZE) * rowSplats}.`);
        this.#rows = rows;
        gl.deleteTexture(this.#shapes);
        gl.deleteTexture(this.#colours);
        this.#shapes = this.#texture(0, gl.RGBA32UI, 2 * rowSplats, rows);
        this.#colours = this.#texture(1, gl.RGBA8, rowSplats, rows);
    }

    /**
     * @param {number} unit
     * @param {GLenum} format
     * @param {number} width
     * @param {number} height
     */
    #texture(unit, format, width, height) {
        const gl = this.#gl, texture = gl.createTexture();
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
        for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, which, gl.NEAREST);
        return texture;
    }

    /**
     * Whole rows at once, then what is left.
     * @param {number} unit
     * @param {WebGLTexture | null} texture
     * @param {Uint32Array | Uint8Array} data
     * @param {number} perSplat numbers
     * @param {GLenum} format
     * @param {GLenum} type
     */
    #fill(unit, texture, data, perSplat, format, type) {
        const gl = this.#gl, texels = perSplat / 4, rows = Math.floor(this.#count / rowSplats), rest = this.#count % rowSplats;
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        if (rows) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, rowSplats * texels, rows, format, type, data, 0);
        if (rest) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, rows, rest * texels, 1, format, type, data, rows * rowSplats * perSplat);
    }

    #link() {
        const gl = this.#gl, program = gl.createProgram();
        for (const [type, source] of /** @type {const} */ ([[gl.VERTEX_SHADER, vertexSource], [gl.FRAGMENT_SHADER, fragmentSource]])) {
            const shader = gl.createShader(type);
            if (!shader) throw new Error('The graphics stopped: reload the page.');
            gl.shaderSource(shader, source);
            gl.compileShader(shader);
            gl.attachShader(program, shader);
        }
        gl.linkProgram(program);
        if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`This machine's graphics refuse to draw splats: ${gl.getProgramInfoLog(program)}`);
        return program;
    }
}
