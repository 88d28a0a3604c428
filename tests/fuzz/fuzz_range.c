/* The entropy coder there and back: the input says which numbers go through which calls; they must come out again. */
#include <stdlib.h>

#include "entropy/range.h"

typedef struct Models {
    DfyBit bits[16], tree[64], unary[40], golomb[4][64];
} Models;

static void reset(Models *models) {
    DfyBit *bits = (DfyBit *)models;
    for (size_t i = 0; i < sizeof *models / sizeof *bits; i++) bits[i] = DFY_BIT_EVEN;
}

/* One step: the first byte chooses the call, the next four are the value. */
static uint32_t step(DfyRangeCoder *coder, Models *models, const uint8_t *data, uint32_t value) {
    switch (data[0] & 7) {
    case 0: return (uint32_t)dfy_code_bit(coder, &models->bits[data[0] >> 4], value & 1);
    case 1: return dfy_code_even(coder, data[0] >> 5, value);
    case 2: return dfy_code_raw(coder, 1 + (data[0] >> 3), value);
    case 3: return dfy_code_tree(coder, models->tree, 6, value & 63);
    case 4: return (uint32_t)dfy_code_unary(coder, models->unary, 40, (int)(value % 41));
    case 5: return (uint32_t)dfy_code_with(coder, 1 + (data[0] >> 3) * 2000u, value & 1);
    default: return dfy_code_golomb(coder, models->golomb[data[0] >> 6], data[0] >> 3 & 7, value & 0x3fffffff);
    }
}

static uint32_t value_of(const uint8_t *data) {
    uint32_t value = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
    switch (data[0] & 7) {
    case 0:
    case 5: return value & 1;
    case 1: return value & ((1u << (data[0] >> 5)) - 1);
    case 2: return value & (0xffffffffu >> (31 - (data[0] >> 3)));
    case 3: return value & 63;
    case 4: return value % 41;
    default: {
        /* Every number of bits as likely as another. The longest prefix holds 30 - k bits and the suffix k. */
        uint32_t most = ((1u << 30) - 1) >> (data[1] & 31);
        return value & most;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Models models;
    DfyRangeCoder coder;
    reset(&models);
    dfy_range_encode_start(&coder);
    for (size_t i = 0; i + 5 <= size; i += 5) step(&coder, &models, data + i, value_of(data + i));
    dfy_range_encode_finish(&coder);
    if (coder.failed) abort();
    DfyRangeCoder decoder;
    reset(&models);
    dfy_range_decode_start(&decoder, coder.data, coder.size);
    for (size_t i = 0; i + 5 <= size; i += 5)
        if (step(&decoder, &models, data + i, 0) != value_of(data + i)) abort();
    dfy_range_free(&coder);
    /* And the input itself as code: whatever comes out, it ends. */
    reset(&models);
    dfy_range_decode_start(&decoder, data, size);
    for (size_t i = 0; i + 5 <= size; i++) step(&decoder, &models, data + i, 0);
    return 0;
}
