/* tree-range: a key frame's header. */
#include <math.h>
#include <stdlib.h>

#include "splat/tree/tree.h"

enum { MAX_STEP = 1 << 24, MAX_INDEX_BITS = 20 };

static void put_range(DfyBuffer *buffer, const DfyTreeRange *range) {
    dfy_put_u32be(buffer, (uint32_t)range->low);
    dfy_put_u8(buffer, (unsigned)range->bits);
}

void dfy_tree_write_grid(const DfyTreeGrid *g, DfyBuffer *buffer) {
    int rest = dfy_tree_rest(g);
    dfy_put_u32be(buffer, g->count);
    dfy_put_u8(buffer, (unsigned)g->degree);
    for (int i = 0; i < 3; i++) dfy_put_u8(buffer, (unsigned)(g->tail_bits[i] << 5 | g->place_bits[i]));
    for (int i = 0; i < 3; i++) dfy_put_f32be(buffer, g->origin[i]);
    dfy_put_f32be(buffer, g->step);
    dfy_put_u32be(buffer, (uint32_t)g->scale_step);
    dfy_put_u32be(buffer, (uint32_t)g->alpha_step);
    dfy_put_u32be(buffer, (uint32_t)g->dc_step);
    dfy_put_u32be(buffer, (uint32_t)g->sh_step);
    dfy_put_u16be(buffer, (unsigned)g->turns.rings);
    dfy_put_u16be(buffer, (unsigned)g->turns.sectors / 4);
    dfy_put_u16be(buffer, (unsigned)g->turns.twists / 4);
    for (int i = 0; i < 3; i++) put_range(buffer, &g->scale[i]);
    for (int i = 0; i < 3; i++) put_range(buffer, &g->dc[i]);
    for (int i = 0; i < 3; i++) dfy_put_u32be(buffer, (uint32_t)g->dc_mean[i]);
    for (int i = 0; i < 9; i++) dfy_put_u8(buffer, (unsigned)(g->dc_base[i / 3][i % 3] & 255));
    for (int i = 0; i < rest; i++) dfy_put_u16be(buffer, (unsigned)(g->sh_mean[i] / 16 & 65535));
}

static int read_range(DfyBytes *bytes, DfyTreeRange *range) {
    range->low = (int32_t)dfy_read_u32be(bytes);
    range->bits = dfy_read_u8(bytes);
    return range->bits <= MAX_INDEX_BITS && range->low >= -(1 << 24) && range->low <= 1 << 24;
}

static int step_ok(int32_t step) {
    return step >= 1 && step <= MAX_STEP;
}

static int turns_ok(const DfyTurnGrid *turns) {
    int most = 2 * DFY_TURN_MAX_RINGS;
    return turns->rings >= 7 && turns->rings <= DFY_TURN_MAX_RINGS && turns->sectors >= 4 && turns->sectors <= most &&
           turns->twists >= 4 && turns->twists <= most;
}

static int read_steps(DfyTreeGrid *g, DfyBytes *bytes) {
    int good = 1;
    g->scale_step = (int32_t)dfy_read_u32be(bytes);
    g->alpha_step = (int32_t)dfy_read_u32be(bytes);
    g->dc_step = (int32_t)dfy_read_u32be(bytes);
    g->sh_step = (int32_t)dfy_read_u32be(bytes);
    g->turns.rings = dfy_read_u16be(bytes);
    g->turns.sectors = dfy_read_u16be(bytes) * 4;
    g->turns.twists = dfy_read_u16be(bytes) * 4;
    for (int i = 0; i < 3; i++) good &= read_range(bytes, &g->scale[i]);
    for (int i = 0; i < 3; i++) good &= read_range(bytes, &g->dc[i]);
    good &= step_ok(g->scale_step) && step_ok(g->alpha_step) && step_ok(g->dc_step) && step_ok(g->sh_step);
    good &= turns_ok(&g->turns);
    good &= g->alpha_step <= DFY_TREE_ONE;
    if (good) dfy_tree_alpha_range(g);
    return good;
}

int dfy_tree_read_grid(DfyTreeGrid *g, DfyBytes *bytes, DfyMessage *message) {
    int good = 1;
    *g = (DfyTreeGrid){.count = dfy_read_u32be(bytes)};
    g->degree = dfy_read_u8(bytes);
    for (int i = 0; i < 3; i++) {
        int bits = dfy_read_u8(bytes);
        g->place_bits[i] = bits & 31;
        g->tail_bits[i] = bits >> 5;
        good &= g->place_bits[i] + g->tail_bits[i] <= DFY_PLACE_BITS;
    }
    for (int i = 0; i < 3; i++) {
        g->origin[i] = dfy_read_f32be(bytes);
        good &= fabsf(g->origin[i]) < 1e9f;
    }
    g->step = dfy_read_f32be(bytes);
    good &= g->step > 0 && g->step < 1e9f && g->degree <= DFY_SPLAT_MAX_DEGREE && g->count <= DFY_SPLAT_MAX_COUNT;
    good = good && read_steps(g, bytes);
    for (int i = 0; i < 3; i++) {
        g->dc_mean[i] = (int32_t)dfy_read_u32be(bytes);
        good &= g->dc_mean[i] >= -(1 << 26) && g->dc_mean[i] <= 1 << 26;
    }
    for (int i = 0; i < 9; i++) g->dc_base[i / 3][i % 3] = (int8_t)dfy_read_u8(bytes);
    int rest = good ? dfy_tree_rest(g) : 0;
    for (int i = 0; i < rest; i++) g->sh_mean[i] = (int16_t)dfy_read_u16be(bytes) * 16;
    if (good && !bytes->overrun) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_DAMAGED, "A key frame's header is broken.");
}
