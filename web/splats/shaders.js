/** What WebGL shaders that draw these textures share, in GLSL 3: a splat's numbers, its ellipse on the screen, its colour. */

/** Splats in a row of the textures. */
export const rowSplats = 1024;

/** Reads splat i; expects the samplers transforms, scales, colours and harmonics0 to harmonics3. */
export const splatShader = `
ivec2 texelOf(int i) { return ivec2(i & ${rowSplats - 1}, i >> ${Math.log2(rowSplats)}); }

mat3 turnOf(vec3 q) {
    float w = sqrt(max(0.0, 1.0 - dot(q, q)));
    return mat3(1.0 - 2.0 * (q.y * q.y + q.z * q.z), 2.0 * (q.x * q.y + w * q.z), 2.0 * (q.x * q.z - w * q.y),
                2.0 * (q.x * q.y - w * q.z), 1.0 - 2.0 * (q.x * q.x + q.z * q.z), 2.0 * (q.y * q.z + w * q.x),
                2.0 * (q.x * q.z + w * q.y), 2.0 * (q.y * q.z - w * q.x), 1.0 - 2.0 * (q.x * q.x + q.y * q.y));
}

/* Half-axes of the ellipse that a Gaussian is in the picture, in pixels: M. Zwicker et al., "EWA volume splatting", 2001. turn: world to camera,
   z forward; p: the middle, as the camera sees it; false: there is nothing to draw. */
bool ellipseOf(mat3 turn, vec3 p, vec2 focal, vec3 q, vec3 size, out vec2 major, out vec2 minor) {
    mat3 axes = turn * turnOf(q) * mat3(size.x, 0, 0, 0, size.y, 0, 0, 0, size.z);
    mat3 covariance = axes * transpose(axes);
    vec3 across = vec3(focal.x / p.z, 0, -focal.x * p.x / (p.z * p.z)), down = vec3(0, focal.y / p.z, -focal.y * p.y / (p.z * p.z));
    vec3 c = covariance * across;
    /* A splat covers a pixel at least, about. */
    float x = dot(across, c) + 0.3, y = dot(down, covariance * down) + 0.3, xy = dot(down, c);
    float mean = 0.5 * (x + y), apart = length(vec2(0.5 * (x - y), xy)), large = mean + apart, small = max(mean - apart, 0.1);
    vec2 axis = abs(xy) < 1e-6 ? (x >= y ? vec2(1, 0) : vec2(0, 1)) : normalize(vec2(xy, large - x));
    major = min(sqrt(large), 1024.0) * axis;
    minor = min(sqrt(small), 1024.0) * vec2(-axis.y, axis.x);
    return large < 1e12;
}

vec3 coefficient(uint word) {
    return vec3(word >> 21, (word >> 11) & 1023u, word & 2047u) / vec3(2047, 1023, 2047) * 2.0 - 1.0;
}

/* What the direction adds to a splat's colour; INRIA's order and signs. */
vec3 seenFrom(ivec2 at, vec3 d, int degree) {
    if (degree == 0) return vec3(0);
    uvec4 a = texelFetch(harmonics0, at, 0);
    float most = uintBitsToFloat(a.x);
    vec3 sum = 0.4886025 * (-d.y * coefficient(a.y) + d.z * coefficient(a.z) - d.x * coefficient(a.w));
    if (degree > 1) {
        uvec4 b = texelFetch(harmonics1, at, 0), c = texelFetch(harmonics2, at, 0);
        vec3 s = d * d;
        sum += 1.0925484 * (d.x * d.y * coefficient(b.x) - d.y * d.z * coefficient(b.y) - d.x * d.z * coefficient(b.w))
            + 0.3153916 * (2.0 * s.z - s.x - s.y) * coefficient(b.z) + 0.5462742 * (s.x - s.y) * coefficient(c.x);
        if (degree > 2) {
            uvec4 e = texelFetch(harmonics3, at, 0);
            sum += -0.5900436 * d.y * (3.0 * s.x - s.y) * coefficient(c.y) + 2.8906114 * d.x * d.y * d.z * coefficient(c.z)
                - 0.4570458 * d.y * (4.0 * s.z - s.x - s.y) * coefficient(c.w) + 0.3731763 * d.z * (2.0 * s.z - 3.0 * s.x - 3.0 * s.y) * coefficient(e.x)
                - 0.4570458 * d.x * (4.0 * s.z - s.x - s.y) * coefficient(e.y) + 1.4453057 * d.z * (s.x - s.y) * coefficient(e.z)
                - 0.5900436 * d.x * (s.x - 3.0 * s.y) * coefficient(e.w);
        }
    }
    return most * sum;
}`;

/** The picture of one splat; expects the varyings colour and at. Colours are weighted by their opacity. */
export const fragmentMain = `
void main() {
    float distance = dot(at, at);
    if (distance > 8.0) discard;
    float alpha = colour.a * exp(-0.5 * distance);
    result = vec4(colour.rgb * alpha, alpha);
}`;
