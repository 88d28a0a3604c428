/*
 * Two ways, whichever is shorter. Any order: each number as its rank among those not yet named, in as few bits as so
 * many ranks need, which is log2(count!) bits and a little. An order that is nearly the codec's own already: the
 * difference from the number that would follow the last one, small ones in few bits.
 */
#include "splat/order.h"

#include <stdlib.h>

#include "diffy/diffy.h"
#include "entropy/range.h"

enum { ANY = 0, NEARLY = 1, SIZES = 33 };

/* ---------------------------------------------------------------- ranks */

/* Counts of numbers not yet named, as a Fenwick tree: tree[i] of the last i & -i ones. */
typedef struct Left {
    uint32_t *tree, count;
    int bits;
} Left;

static int left_open(Left *left, uint32_t count) {
    *left = (Left){calloc((size_t)count + 1, sizeof *left->tree), count, 0};
    if (!left->tree) return 0;
    while (left->bits < 31 && count >> (left->bits + 1)) left->bits++;
    for (uint32_t i = 1; i <= count; i++) left->tree[i] = i & (0 - i);
    return 1;
}

static void left_take(Left *left, uint32_t number) {
    for (uint32_t i = number + 1; i <= left->count; i += i & (0 - i)) left->tree[i]--;
}

static uint32_t left_rank(const Left *left, uint32_t number) {
    uint32_t rank = 0;
    for (uint32_t i = number; i; i -= i & (0 - i)) rank += left->tree[i];
    return rank;
}

static uint32_t left_of_rank(const Left *left, uint32_t rank) {
    uint32_t at = 0;
    for (int bit = left->bits; bit >= 0; bit--) {
        uint32_t next = at + (1u << bit);
        if (next > left->count || left->tree[next] > rank) continue;
        rank -= left->tree[next];
        at = next;
    }
    return at;
}

/* A number below n in as few bits as there are, the first ones in one less. */
static uint32_t code_below(DfyRangeCoder *coder, uint32_t n, uint32_t value) {
    int bits = 0;
    while ((uint64_t)1 << bits < n) bits++;
    if (!bits) return 0;
    uint32_t shorter = (uint32_t)(((uint64_t)1 << bits) - n), high;
    int is_short = value < shorter;
    high = dfy_code_raw(coder, bits - 1, is_short ? value : (value + shorter) >> 1);
    if (high < shorter) return high;
    return (high << 1 | dfy_code_raw(coder, 1, (value + shorter) & 1)) - shorter;
}

static int code_any(DfyRangeCoder *coder, uint32_t *order, uint32_t count) {
    Left left;
    if (!left_open(&left, count)) return DFY_ERROR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = coder->mode ? left_rank(&left, order[i]) : 0;
        rank = code_below(coder, count - i, rank);
        if (!coder->mode) order[i] = left_of_rank(&left, rank);
        left_take(&left, order[i]);
    }
    free(left.tree);
    return DFY_OK;
}

/* ---------------------------------------------------------------- differences */

static int size_of(uint32_t value) {
    return value ? 32 - __builtin_clz(value) : 0;
}

static int code_nearly(DfyRangeCoder *coder, uint32_t *order, uint32_t count) {
    DfyBit sizes[SIZES + 1];
    for (int i = 0; i <= SIZES; i++) sizes[i] = DFY_BIT_EVEN;
    uint32_t expected = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t way = coder->mode ? (int32_t)(order[i] - expected) : 0;
        uint32_t folded = (uint32_t)way << 1 ^ (uint32_t)(way >> 31);
        int wanted = size_of(folded), size = 0;
        while (size < 32 && dfy_code_bit(coder, &sizes[size], wanted > size)) size++;
        if (size > 1) {
            uint32_t low = dfy_code_raw(coder, size - 1, folded & ((1u << (size - 1)) - 1));
            folded = 1u << (size - 1) | low;
        } else {
            folded = (uint32_t)size;
        }
        order[i] = expected + (uint32_t)((int32_t)(folded >> 1) ^ -(int32_t)(folded & 1));
        expected = order[i] + 1;
    }
    return DFY_OK;
}

/* Bits of either way, roughly. */
static int shorter_way(const uint32_t *order, uint32_t count) {
    uint64_t any = 0, nearly = 0;
    uint32_t expected = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t way = (int32_t)(order[i] - expected);
        int size = size_of((uint32_t)way << 1 ^ (uint32_t)(way >> 31));
        nearly += (uint64_t)(size ? size + 1 : 0);
        any += (uint64_t)size_of(count - i);
        expected = order[i] + 1;
    }
    return nearly < any ? NEARLY : ANY;
}

static int is_permutation(const uint32_t *order, uint32_t count) {
    uint8_t *seen = calloc((size_t)count + 1, 1);
    if (!seen) return DFY_ERROR_MEMORY;
    int status = DFY_OK;
    for (uint32_t i = 0; !status && i < count; i++) {
        if (order[i] >= count || seen[order[i]])
            status = DFY_ERROR_DAMAGED;
        else
            seen[order[i]] = 1;
    }
    free(seen);
    return status;
}

int dfy_order_write(const uint32_t *order, uint32_t count, DfyBuffer *buffer) {
    DfyRangeCoder coder;
    int way = shorter_way(order, count);
    uint32_t *own = (uint32_t *)(uintptr_t)order; /* encoding changes nothing */
    dfy_range_encode_start(&coder);
    int status = (way == ANY ? code_any : code_nearly)(&coder, own, count);
    dfy_range_encode_finish(&coder);
    dfy_put_u8(buffer, (unsigned)way);
    dfy_put_bytes(buffer, coder.data, coder.size);
    if (!status && (coder.failed || buffer->failed)) status = DFY_ERROR_MEMORY;
    dfy_range_free(&coder);
    return status;
}

int dfy_order_read(uint32_t *order, uint32_t count, const uint8_t *data, size_t size_bytes) {
    DfyRangeCoder coder;
    if (!size_bytes || data[0] > NEARLY) return DFY_ERROR_DAMAGED;
    dfy_range_decode_start(&coder, data + 1, size_bytes - 1);
    int status = (data[0] == ANY ? code_any : code_nearly)(&coder, order, count);
    return status ? status : is_permutation(order, count);
}
