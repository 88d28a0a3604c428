/* tree-range: bytes to the state of a frame. */
#include <stdlib.h>

#include "container/v2.h"
#include "entropy/tokens.h"
#include "splat/tree/encode.h"

/* Tokens, whose length stands before them; where it is 0, there are none to be asked for. */
static int read_tokens(DfyTokens *tokens, DfyBytes *bytes, DfyMessage *message) {
    uint64_t size = dfy_read_varint(bytes);
    const uint8_t *first = size <= dfy_bytes_left(bytes) ? dfy_read_span(bytes, (size_t)size) : NULL;
    *tokens = (DfyTokens){.turn = 0};
    if (!bytes->overrun && (!size || (first && !dfy_tokens_read(tokens, first, (size_t)size)))) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_DAMAGED, "A frame's numbers are cut: its bytes are damaged.");
}

int dfy_tree_decode_key(DfyTreeState *state, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    DfyTreeGrid grid;
    int status = dfy_tree_read_grid(&grid, &bytes, message);
    if (status) return status;
    if (grid.count / DFY_TREE_SPLATS_A_BYTE > dfy_bytes_left(&bytes))
        return dfy_fail(message, DFY_ERROR_DAMAGED, "A key frame claims %u splats: its bytes are damaged.", grid.count);
    dfy_tree_state_free(state);
    state->grid = grid;
    size_t n = grid.count ? grid.count : 1;
    uint64_t *keys = calloc(n, sizeof *keys);
    DfyTreeIndex *indices = calloc(n, sizeof *indices);
    int16_t *sh = calloc(n, (size_t)(dfy_tree_rest(&grid) + 1) * sizeof *sh);
    status = keys && indices && sh
                 ? dfy_tree_state_alloc(state, grid.count, message)
                 : dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u splats.", grid.count);
    if (!status) {
        DfyRangeCoder coder;
        DfyTokens tokens;
        status = read_tokens(&tokens, &bytes, message);
        dfy_range_decode_start(&coder, data + bytes.position, dfy_bytes_left(&bytes));
        if (!status) status = dfy_tree_code_body(&coder, &tokens, state, keys, indices, sh, 1, message);
        if (!status) dfy_tree_rest_values(state, sh);
    }
    free(keys);
    free(indices);
    free(sh);
    return status;
}

int dfy_tree_decode_inter(DfyTreeState *state, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyRangeCoder coder;
    DfyTreeInter inter = {0};
    if (state->grid.scale_step < 1) /* its key frame was damaged */
        return dfy_fail(message, DFY_ERROR_DAMAGED, "There is no whole key frame before this frame.");
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    DfyTokens tokens;
    int status = read_tokens(&tokens, &bytes, message);
    if (status) return status;
    inter.tokens = &tokens;
    dfy_range_decode_start(&coder, data + bytes.position, dfy_bytes_left(&bytes));
    status = dfy_tree_code_inter(&coder, state, &inter, NULL, NULL, message);
    dfy_tree_inter_free(&inter);
    return status;
}
