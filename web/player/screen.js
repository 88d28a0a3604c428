/**
 * Draws decoded pictures on a canvas. With WebGL 2 the planes go to the GPU as they are, as textures, and become RGB there;
 * without it the decoder converts them. Chroma is not interpolated, as in the codec's own conversion, so both show the same.
 */
import { colourSpaceOf } from '../../wasm/picture.js';
import { changedParts } from './tiles.js';

/** @typedef {Pick<import('../../wasm/decoder.js').DiffyFrame, 'format' | 'width' | 'height' | 'data' | 'colour'>} Picture */

const vertexShader = `#version 300 es
out vec2 at;
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    at = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

/** Texels are fetched by number: coordinates between 0 and 1 would miss the middle of chroma texels in odd sizes. */
const fragmentShader = `#version 300 es
precision highp float;
precision highp int;
in vec2 at;
out vec4 colour;
uniform highp sampler2D plane0, plane1, plane2;
uniform ivec2 size;
uniform mat3 turn;
uniform bool planar;
uniform mat3 matrix;
uniform vec3 offset;
void main() {
    ivec2 pixel = clamp(ivec2((turn * vec3(at, 1.0)).xy * vec2(size)), ivec2(0), size - 1);
    vec4 first = texelFetch(plane0, pixel, 0);
    if (planar) first.rgb = matrix * (vec3(first.r, texelFetch(plane1, pixel / 2, 0).r, texelFetch(plane2, pixel / 2, 0).r) - offset);
    colour = vec4(first.rgb, 1.0);
}`;

/**
 * How a picture is turned for each EXIF orientation: from its pixels (w wide, h high) to those shown, as canvases have it, and
 * the other way from shown places to its own, 0..1 each, column by column.
 * @type {Record<number, { shown: (w: number, h: number) => [number, number, number, number, number, number], own: number[] }>}
 */
const turns = {
    1: { shown: () => [1, 0, 0, 1, 0, 0], own: [1, 0, 0, 0, 1, 0, 0, 0, 1] },
    2: { shown: (w) => [-1, 0, 0, 1, w, 0], own: [-1, 0, 0, 0, 1, 0, 1, 0, 1] },
    3: { shown: (w, h) => [-1, 0, 0, -1, w, h], own: [-1, 0, 0, 0, -1, 0, 1, 1, 1] },
    4: { shown: (_, h) => [1, 0, 0, -1, 0, h], own: [1, 0, 0, 0, -1, 0, 0, 1, 1] },
    5: { shown: () => [0, 1, 1, 0, 0, 0], own: [0, 1, 0, 1, 0, 0, 0, 0, 1] },
    6: { shown: (_, h) => [0, 1, -1, 0, h, 0], own: [0, -1, 0, 1, 0, 0, 0, 1, 1] },
    7: { shown: (w, h) => [0, -1, -1, 0, h, w], own: [0, -1, 0, -1, 0, 0, 1, 1, 1] },
    8: { shown: (w) => [0, -1, 1, 0, 0, w], own: [0, 1, 0, -1, 0, 0, 1, 0, 1] },
};

/** @typedef {{ orientation: number, sampleAspect: [number, number] }} Shape as a file's info has it */

/**
 * The size in which a picture is shown: upright, and with square pixels; it only ever grows.
 * @param {number} width
 * @param {number} height
 * @param {Shape} shape
 * @returns {[number, number]}
 */
export function shownSize(width, height, { orientation, sampleAspect: [num, den] }) {
    const aspect = num > 0 && den > 0 ? num / den : 1;
    const [w, h] = aspect > 1 ? [Math.round(width * aspect), height] : [width, Math.round(height / aspect)];
    return orientation > 4 ? [h, w] : [w, h];
}

/** The share of red and blue in luma, by matrix. */
const lumaShares = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114], 'bt2020-ncl': [0.2627, 0.0593] };

/**
 * From YCbCr (0..1 each) to RGB: rgb = matrix * (ycbcr - offset). The matrix is column by column, as WebGL wants it.
 * @param {import('../../wasm/picture.js').Colour} colour
 * @param {number} height
 */
export function conversionOf(colour, height) {
    const { matrix: name, fullRange } = colourSpaceOf(colour, height);
    const [kr, kb] = lumaShares[/** @type {keyof typeof lumaShares} */ (name)] ?? lumaShares.bt709, kg = 1 - kr - kb;
    const luma = fullRange ? 1 : 255 / 219, chroma = fullRange ? 1 : 255 / 224;
    const matrix = [
        luma, luma, luma,
        0, (-2 * (1 - kb) * kb * chroma) / kg, 2 * (1 - kb) * chroma,
        2 * (1 - kr) * chroma, (-2 * (1 - kr) * kr * chroma) / kg, 0,
    ];
    return { matrix, offset: [fullRange ? 0 : 16 / 255, 128 / 255, 128 / 255] };
}

/** What textures are made for.
 * @param {Picture} picture */
function textureKey({ format, width, height }) {
    return `${format} ${width} ${height}`;
}

/**
 * @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null} context
 * @param {ImageData} image
 * @param {import('./tiles.js').Part[]} parts
 */
function putParts(context, image, parts) {
    for (const { x, y, width, height } of parts) context?.putImageData(image, 0, 0, x, y, width, height);
}

/** @param {Shape} shape */
function turnOf({ orientation }) {
    return turns[orientation] ?? turns[1];
}

/** Names of drivers by which the processor plays the GPU. */
const software = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether a GPU draws. Chromium gives SwiftShader even where failIfMajorPerformanceCaveat refuses it; that takes some 100 ms for a
 * picture of 1920x1080, and keeps the worker from its next message meanwhile. */
function hasGpu() {
    const gl = new OffscreenCanvas(1, 1).getContext('webgl2', { failIfMajorPerformanceCaveat: true });
    const told = gl?.getExtension('WEBGL_debug_renderer_info'), name = gl?.getParameter(told?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return !!gl && !software.test(name);
}

export class Screen {
    #canvas;
    /** @type {WebGL2RenderingContext | null} */
    #gl = null;
    /** @type {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null} */
    #context = null;
    /** @type {Record<string, WebGLUniformLocation | null>} */
    #uniforms = {};
    /** What the textures were made for. */
    #made = '';
    /** @type {OffscreenCanvas | null} */
    #unturned = null;
    /** The tiles that are drawn; null: nothing is known of them.
     * @type {import('../../wasm/decoder.js').DiffyTiles | null} */
    #tiles = null;
    /** Pixels that were put onto the canvas or uploaded, of all that were shown. */
    drawn = { pixels: 0, of: 0 };
    /** How the file's pictures are to be shown.
     * @type {Shape} */
    shape = { orientation: 1, sampleAspect: [1, 1] };

    /** @param {OffscreenCanvas | HTMLCanvasElement} canvas
     * @param {{ renderer?: string }} [options] 'webgl' or 'canvas'; else WebGL where a GPU does it: a processor that plays the GPU
     *     takes longer for it than for all of the conversion */
    constructor(canvas, { renderer } = {}) {
        this.#canvas = canvas;
        const settings = { alpha: false, antialias: false, depth: false, stencil: false };
        this.#gl = renderer === 'webgl' || (!renderer && hasGpu()) ? /** @type {any} */ (canvas.getContext('webgl2', settings)) : null;
        if (this.#gl) {
            this.#prepare(this.#gl);
            canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
            canvas.addEventListener('webglcontextrestored', () => this.#gl && this.#prepare(this.#gl));
        } else {
            this.#context = /** @type {any} */ (canvas.getContext('2d', { alpha: false }));
        }
    }

    /** The format to ask the decoder for.
     * @returns {'native' | 'RGBA'} */
    get wants() {
        return this.#gl ? 'native' : 'RGBA';
    }

    /** Another file begins: the next picture is drawn whole. */
    forget() {
        this.#tiles = null;
    }

    /**
     * Draws a picture; of one whose tiles are told, those that are others than the last one's.
     * @param {Picture} picture in the format that is wanted
     * @param {import('../../wasm/decoder.js').DiffyTiles | null} [tiles]
     */
    draw(picture, tiles = null) {
        const { width, height, data } = picture, canvas = this.#canvas, [w, h] = shownSize(width, height, this.shape);
        if (canvas.width !== w || canvas.height !== h) {
            Object.assign(canvas, { width: w, height: h });
            this.#tiles = null;
        }
        if (this.#gl && this.#made !== textureKey(picture)) this.#tiles = null;
        const parts = changedParts(this.#tiles, tiles, width, height);
        this.#tiles = tiles;
        this.drawn.of += width * height;
        for (const part of parts) this.drawn.pixels += part.width * part.height;
        if (this.#gl) return this.#drawPlanes(this.#gl, picture, parts);
        const image = new ImageData(new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height);
        if (this.shape.orientation === 1 && w === width && h === height) putParts(this.#context, image, parts);
        else this.#drawTurned(image, parts, w, h);
    }

    /** @param {ImageData} image
     * @param {import('./tiles.js').Part[]} parts
     * @param {number} shownWidth
     * @param {number} shownHeight */
    #drawTurned(image, parts, shownWidth, shownHeight) {
        const { width, height } = image, turned = this.shape.orientation > 4, own = (this.#unturned ??= new OffscreenCanvas(width, height));
        if (own.width !== width || own.height !== height) Object.assign(own, { width, height });
        putParts(own.getContext('2d', { alpha: false }), image, parts);
        this.#context?.setTransform(shownWidth / (turned ? height : width), 0, 0, shownHeight / (turned ? width : height), 0, 0);
        this.#context?.transform(...turnOf(this.shape).shown(width, height));
        this.#context?.drawImage(own, 0, 0);
    }

    /** @param {WebGL2RenderingContext} gl */
    #prepare(gl) {
        const program = gl.createProgram();
        for (const [type, text] of /** @type {const} */ ([[gl.VERTEX_SHADER, vertexShader], [gl.FRAGMENT_SHADER, fragmentShader]])) {
            const shader = /** @type {WebGLShader} */ (gl.createShader(type));
            gl.shaderSource(shader, text);
            gl.compileShader(shader);
            gl.attachShader(program, shader);
        }
        gl.linkProgram(program);
        gl.useProgram(program);
        for (const name of ['plane0', 'plane1', 'plane2', 'size', 'turn', 'planar', 'matrix', 'offset']) this.#uniforms[name] = gl.getUniformLocation(program, name);
        for (const i of [0, 1, 2]) gl.uniform1i(this.#uniforms[`plane${i}`], i);
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
        this.#made = '';
    }

    /** @param {WebGL2RenderingContext} gl
     * @param {Picture} picture
     * @param {import('./tiles.js').Part[]} parts */
    #drawPlanes(gl, picture, parts) {
        const { format, width, height, data, colour } = picture;
        const planar = format === 'I420', chroma = [Math.ceil(width / 2), Math.ceil(height / 2)];
        const sizes = planar ? [[width, height], chroma, chroma] : [[width, height]];
        const [inner, outer] = planar ? [gl.R8, gl.RED] : format === 'RGB' ? [gl.RGB8, gl.RGB] : [gl.RGBA8, gl.RGBA];
        const key = textureKey(picture);
        if (this.#made !== key) this.#makeTextures(gl, sizes, inner);
        this.#made = key;
        const conversion = conversionOf(colour, height);
        let at = 0;
        sizes.forEach(([w, h], i) => {
            const half = i ? 2 : 1;
            gl.activeTexture(gl.TEXTURE0 + i);
            gl.pixelStorei(gl.UNPACK_ROW_LENGTH, w);
            for (const part of parts) {
                // Parts begin at even places: chroma's are half as far.
                const x = part.x / half, y = part.y / half, wide = Math.ceil(part.width / half), high = Math.ceil(part.height / half);
                gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, x);
                gl.pixelStorei(gl.UNPACK_SKIP_ROWS, y);
                gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y, wide, high, outer, gl.UNSIGNED_BYTE, data, at);
            }
            at += w * h;
        });
        gl.viewport(0, 0, this.#canvas.width, this.#canvas.height);
        gl.uniformMatrix3fv(this.#uniforms.turn, false, turnOf(this.shape).own);
        gl.uniform2i(this.#uniforms.size, width, height);
        gl.uniform1i(this.#uniforms.planar, planar ? 1 : 0);
        gl.uniformMatrix3fv(this.#uniforms.matrix, false, conversion.matrix);
        gl.uniform3fv(this.#uniforms.offset, conversion.offset);
        gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }

    /** @param {WebGL2RenderingContext} gl
     * @param {number[][]} sizes
     * @param {number} format */
    #makeTextures(gl, sizes, format) {
        for (let i = 0; i < 3; i++) {
            gl.activeTexture(gl.TEXTURE0 + i);
            gl.deleteTexture(gl.getParameter(gl.TEXTURE_BINDING_2D));
            gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
            const [width, height] = sizes[i] ?? [1, 1];
            gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
        }
    }
}
