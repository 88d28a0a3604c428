/* tree-range: the memory of a state, and the way back to what a key frame left. */
#include <stdlib.h>
#include <string.h>

#include "splat/tree/columns.h"
#include "splat/tree/tree.h"

int dfy_tree_state_alloc(DfyTreeState *state, uint32_t count, DfyMessage *message) {
    size_t n = count ? count : 1, rest = (size_t)dfy_tree_rest(&state->grid);
    state->count = state->capacity = count;
    state->splats = calloc(n, sizeof *state->splats);
    state->rest = calloc(n, (rest ? rest : 1) * sizeof *state->rest);
    if (state->splats && state->rest) return DFY_OK;
    dfy_tree_state_free(state);
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", count);
}

void dfy_tree_state_free(DfyTreeState *state) {
    free(state->splats);
    free(state->rest);
    if (state->mixer_open) dfy_mixer_close(&state->mixer);
    dfy_tree_past_free(&state->past);
    *state = (DfyTreeState){.grid = state->grid};
}

int dfy_tree_state_copy(DfyTreeState *out, const DfyTreeState *in, DfyMessage *message) {
    size_t rest = (size_t)dfy_tree_rest(&in->grid);
    out->grid = in->grid;
    int status = dfy_tree_state_alloc(out, in->count, message);
    if (status || !in->count) return status;
    memcpy(out->splats, in->splats, in->count * sizeof *in->splats);
    if (rest) memcpy(out->rest, in->rest, in->count * rest * sizeof *in->rest);
    return DFY_OK;
}

/* The attributes in which two splats differ. */
static uint8_t differences(const DfyTreeSplat *a, const DfyTreeSplat *b) {
    int bits = 0;
    if (memcmp(a->place, b->place, sizeof a->place)) bits |= DFY_TREE_PLACE;
    if (memcmp(a->turn, b->turn, sizeof a->turn)) bits |= DFY_TREE_TURN;
    if (memcmp(a->scale, b->scale, sizeof a->scale)) bits |= DFY_TREE_SCALE;
    if (a->alpha != b->alpha) bits |= DFY_TREE_ALPHA;
    if (memcmp(a->dc, b->dc, sizeof a->dc)) bits |= DFY_TREE_DC;
    return (uint8_t)bits;
}

int dfy_tree_state_return(DfyTreeState *state, const DfyTreeState *copy, DfyMessage *message) {
    size_t rest = (size_t)dfy_tree_rest(&copy->grid);
    if (state->count != copy->count || state->grid.degree != copy->grid.degree) {
        dfy_tree_state_free(state);
        int status = dfy_tree_state_copy(state, copy, message);
        for (uint32_t i = 0; !status && i < state->count; i++) state->splats[i].dirty = DFY_TREE_ALL;
        return status;
    }
    if (state->mixer_open) dfy_mixer_close(&state->mixer);
    state->mixer_open = 0;
    dfy_tree_past_free(&state->past);
    state->grid = copy->grid;
    for (size_t i = 0; i < state->count; i++) {
        DfyTreeSplat *s = &state->splats[i];
        uint8_t dirty = s->dirty | differences(s, &copy->splats[i]);
        if (rest && memcmp(state->rest + i * rest, copy->rest + i * rest, rest * sizeof *state->rest)) {
            memcpy(state->rest + i * rest, copy->rest + i * rest, rest * sizeof *state->rest);
            dirty |= DFY_TREE_SH;
        }
        *s = copy->splats[i];
        s->dirty = dirty;
    }
    return DFY_OK;
}
