/* Intra prediction: planar, DC and 33 directions from the pixels left and above (Rec. H.265 8.4.4.2). */
#include <stdlib.h>
#include <string.h>

#include "video/syntax/picture.h"

/* Displacement per row in 1/32 pixel of the directional modes 2..34, and 8192 over it for the negative ones. */
static const int8_t angles[35] = {0,   0,   32,  26,  21,  17, 13, 9,  5, 2, 0, -2, -5, -9, -13, -17, -21, -26,
                                  -32, -26, -21, -17, -13, -9, -5, -2, 0, 2, 5, 9,  13, 17, 21,  26,  32};

/*
 * Collects the border in runs of `unit` pixels; what isn't coded yet is filled from its neighbour along the row. half:
 * the square goes on beyond a half; what is left of it above row left_end is known.
 */
static void gather(const DfyPictureCoding *picture, int plane, int x, int y, int side, uint8_t *border, int half,
                   int left_end) {
    const DfyPlane *p = &picture->frame->plane[plane];
    const uint8_t *pixels = p->pixels + y * p->stride + x;
    /* Blocks are 8x8 or more of luma; only the blocks of a split one are smaller. */
    int shift = plane > 0, unit = half || side < 8 ? 4 : 8 >> shift, count = 2 * side / unit;
    uint8_t *corner = border + 2 * side;
    int first = -1;
    uint8_t have[2 * 32 + 2 * 32 + 1];
    int n = 0;
    /* Units in border order: below-left upward, corner, above rightward. */
    for (int i = count - 1; i >= 0; i--) {
        int by = y + i * unit;
        int ok = dfy_available(picture, x << shift, y << shift, (x - 1) * (1 << shift), by << shift) || by < left_end;
        have[n++] = (uint8_t)ok;
        if (!ok) continue;
        for (int j = 0; j < unit; j++) corner[-1 - (i * unit + j)] = pixels[(i * unit + j) * p->stride - 1];
    }
    int ok = dfy_available(picture, x << shift, y << shift, (x - 1) * (1 << shift), (y - 1) * (1 << shift));
    have[n++] = (uint8_t)ok;
    if (ok) corner[0] = pixels[-p->stride - 1];
    for (int i = 0; i < count; i++) {
        ok = dfy_available(picture, x << shift, y << shift, (x + i * unit) << shift, (y - 1) * (1 << shift));
        have[n++] = (uint8_t)ok;
        if (ok) memcpy(corner + 1 + i * unit, pixels - p->stride + i * unit, (size_t)unit);
    }
    for (int i = 0; i < n && first < 0; i++)
        if (have[i]) first = i;
    if (first < 0) {
        memset(border, 128, (size_t)(4 * side + 1));
        return;
    }
#define UNIT_START(i) ((i) < count ? (i)*unit : (i) == count ? 2 * side : 2 * side + 1 + ((i)-count - 1) * unit)
#define UNIT_LENGTH(i) ((i) == count ? 1 : unit)
    memset(border, border[UNIT_START(first)], (size_t)UNIT_START(first));
    for (int i = first + 1; i < n; i++)
        if (!have[i]) memset(border + UNIT_START(i), border[UNIT_START(i) - 1], (size_t)UNIT_LENGTH(i));
#undef UNIT_START
#undef UNIT_LENGTH
}

/* Smooths the border for modes that look far from the axes, strongly when it is nearly straight. */
static void smooth(uint8_t *border, int side, int plane) {
    int count = 4 * side + 1, corner = 2 * side;
    int bottom = border[0], middle = border[corner], end = border[count - 1];
    if (plane == 0 && side == 32 && abs(bottom + middle - 2 * border[side]) < 8 &&
        abs(middle + end - 2 * border[corner + side]) < 8) {
        for (int i = 1; i < 2 * side; i++) {
            border[i] = (uint8_t)(((2 * side - i) * bottom + i * middle + 32) >> 6);
            border[corner + i] = (uint8_t)(((2 * side - i) * middle + i * end + 32) >> 6);
        }
        return;
    }
    int before = border[0];
    for (int i = 1; i < count - 1; i++) {
        int here = border[i];
        border[i] = (uint8_t)((before + 2 * here + border[i + 1] + 2) >> 2);
        before = here;
    }
}

/* In 16 bits, which hold every sum, and with a side known where it is compiled: so that compilers take many at once. */
static inline void planar_block(uint8_t *dst, ptrdiff_t stride, const uint8_t *corner, int side, int log2) {
    const uint8_t *above = corner + 1;
    uint16_t right = above[side], below = corner[-1 - side], sum[32], change[32], weight[32];
    for (int x = 0; x < side; x++) {
        sum[x] = (uint16_t)((x + 1) * right + (side - 1) * above[x] + below + side);
        change[x] = (uint16_t)(below - above[x]);
        weight[x] = (uint16_t)(side - 1 - x);
    }
    for (int y = 0; y < side; y++, dst += stride) {
        uint16_t left = corner[-1 - y];
        for (int x = 0; x < side; x++) {
            uint16_t all = (uint16_t)(sum[x] + weight[x] * left);
            dst[x] = (uint8_t)(all >> (log2 + 1));
            sum[x] = (uint16_t)(sum[x] + change[x]);
        }
    }
}

static void planar(uint8_t *dst, ptrdiff_t stride, const uint8_t *corner, int log2) {
    switch (log2) {
    case 2: planar_block(dst, stride, corner, 4, 2); break;
    case 3: planar_block(dst, stride, corner, 8, 3); break;
    case 4: planar_block(dst, stride, corner, 16, 4); break;
    default: planar_block(dst, stride, corner, 32, 5); break;
    }
}

static void dc(uint8_t *dst, ptrdiff_t stride, const uint8_t *corner, int side, int log2, int soften) {
    const uint8_t *above = corner + 1;
    int sum = side;
    for (int i = 0; i < side; i++) sum += above[i] + corner[-1 - i];
    int value = sum >> (log2 + 1);
    for (int y = 0; y < side; y++) memset(dst + y * stride, value, (size_t)side);
    if (!soften) return;
    dst[0] = (uint8_t)((corner[-1] + 2 * value + above[0] + 2) >> 2);
    for (int i = 1; i < side; i++) {
        dst[i] = (uint8_t)((above[i] + 3 * value + 2) >> 2);
        dst[i * stride] = (uint8_t)((corner[-1 - i] + 3 * value + 2) >> 2);
    }
}

/*
 * A direction: each row is the reference row shifted by a multiple of the angle. Horizontal modes are the vertical ones
 * mirrored, so they are made into a block and transposed.
 */
static void directional(const DfyKernels *k, uint8_t *dst, ptrdiff_t stride, const uint8_t *corner, int side, int mode,
                        int soften) {
    int vertical = mode >= 18, angle = angles[mode], step = vertical ? 1 : -1;
    uint8_t line[3 * 32 + 9], transposed[32 * 32];
    uint8_t *reference = line + 32; /* reference[0] is the corner */
    if (vertical)
        memcpy(reference, corner, (size_t)(2 * side + 1));
    else
        for (int i = 0; i <= 2 * side; i++) reference[i] = corner[-i];
    memset(reference + 2 * side + 1, 0, 8); /* kernels read, but don't use, that far */
    if (angle < 0) {
        int inverse = (8192 + (-angle) / 2) / angle; /* negative */
        for (int i = -1; i > (side * angle) >> 5; i--) reference[i] = corner[-step * ((i * inverse + 128) >> 8)];
    }
    uint8_t *out = vertical ? dst : transposed;
    ptrdiff_t out_stride = vertical ? stride : side;
    k->intra_angular(out, out_stride, reference + 1, side, angle);
    if (angle == 0 && soften)
        for (int y = 0; y < side; y++)
            out[y * out_stride] = dfy_clamp_pixel(out[y * out_stride] + ((corner[-step * (y + 1)] - corner[0]) >> 1));
    if (!vertical) k->transpose(dst, stride, transposed, side);
}

static void make_border(const DfyPictureCoding *picture, int plane, int x, int y, int log2, DfyIntraBorder *border,
                        int half, int left_end) {
    int side = 1 << log2;
    gather(picture, plane, x, y, side, border->plain, half, left_end);
    if (plane || log2 < 3) return;
    memcpy(border->smooth, border->plain, (size_t)(4 * side + 1));
    smooth(border->smooth, side, plane);
}

void dfy_intra_border(const DfyPictureCoding *picture, int plane, int x, int y, int log2, DfyIntraBorder *border) {
    make_border(picture, plane, x, y, log2, border, 0, 0);
}

void dfy_predict_mode(const DfyKernels *kernels, const DfyIntraBorder *border, int plane, int log2, int mode,
                      uint8_t *dst, ptrdiff_t stride) {
    static const uint8_t farthest[6] = {0, 0, 10, 7, 1, 0}; /* smoothing starts this far from the axes, by log2 */
    int side = 1 << log2, smoothed = 0;
    if (plane == 0 && mode != DFY_DC && log2 > 2) {
        int from_axis = abs(mode - DFY_VERTICAL), other = abs(mode - DFY_HORIZONTAL);
        if (other < from_axis) from_axis = other;
        smoothed = mode == DFY_PLANAR || from_axis > farthest[log2];
    }
    const uint8_t *corner = (smoothed ? border->smooth : border->plain) + 2 * side;
    int soften = plane == 0 && log2 < 5;
    if (mode == DFY_PLANAR)
        planar(dst, stride, corner, log2);
    else if (mode == DFY_DC)
        dc(dst, stride, corner, side, log2, soften);
    else
        directional(kernels, dst, stride, corner, side, mode, soften);
}

void dfy_predict_intra(const DfyPictureCoding *picture, int plane, int x, int y, int log2, int mode, uint8_t *dst,
                       ptrdiff_t stride) {
    DfyIntraBorder border;
    dfy_intra_border(picture, plane, x, y, log2, &border);
    dfy_predict_mode(picture->kernels, &border, plane, log2, mode, dst, stride);
}

void dfy_predict_half(const DfyPictureCoding *picture, const DfyBlock *block, int i, int mode, uint8_t *dst,
                      ptrdiff_t stride) {
    DfyIntraBorder border;
    int x, y, side = 1 << block->log2;
    uint8_t square[32 * 32];
    DfyPart shape = dfy_transform_shape(block, 0);
    dfy_transform_place(block, i, &x, &y);
    make_border(picture, 0, x, y, block->log2, &border, 1, i && shape == DFY_PART_COLUMNS ? y + side : 0);
    dfy_predict_mode(picture->kernels, &border, 0, block->log2, mode, square, side);
    for (int j = 0; j < dfy_shape_height(block->log2, shape); j++)
        memcpy(dst + j * stride, square + j * side, (size_t)dfy_shape_width(block->log2, shape));
}
