#include "video/syntax/mini_group_record.h"

#include "base/status.h"
#include "container/v2.h"

enum { STILL = 32, NAMES_PAST = 64, RESERVED = 128 };
#define MOST_RICE 24 /* bits below the unary part */

/* ---------------------------------------------------------------- lengths, as Rice codes */

typedef struct BitWriter {
    DfyBuffer *buffer;
    unsigned held, count;
} BitWriter;

static void put_bit(BitWriter *w, unsigned bit) {
    w->held = w->held << 1 | bit;
    if (++w->count < 8) return;
    dfy_put_u8(w->buffer, w->held);
    w->held = w->count = 0;
}

static void put_rice(BitWriter *w, uint32_t value, int k) {
    for (uint32_t q = value >> k; q; q--) put_bit(w, 1);
    put_bit(w, 0);
    while (k--) put_bit(w, value >> k & 1);
}

static uint64_t rice_bits(const DfyMiniGroupRecord *r, int k) {
    uint64_t bits = 0;
    for (int i = 1; i < r->frames; i++) bits += (r->bytes[i] >> k) + 1 + (uint64_t)k;
    return bits;
}

static void put_lengths(DfyBuffer *buffer, const DfyMiniGroupRecord *r) {
    dfy_put_varint(buffer, r->bytes[0]);
    if (r->frames == 1) return;
    int best = 0;
    for (int k = 1; k <= MOST_RICE; k++)
        if (rice_bits(r, k) < rice_bits(r, best)) best = k;
    dfy_put_u8(buffer, (unsigned)best);
    BitWriter w = {buffer, 0, 0};
    for (int i = 1; i < r->frames; i++) put_rice(&w, r->bytes[i], best);
    while (w.count) put_bit(&w, 0);
}

typedef struct BitReader {
    DfyBytes *bytes;
    unsigned held, count;
} BitReader;

static unsigned read_bit(BitReader *r) {
    if (!r->count) {
        r->held = dfy_read_u8(r->bytes);
        r->count = 8;
    }
    return r->held >> --r->count & 1;
}

/* Ends at the end of the bytes, which read as zeros. */
static uint32_t read_rice(BitReader *r, int k) {
    uint32_t value = 0;
    while (read_bit(r) && value < DFY_V2_MAX_PAYLOAD >> k) value++;
    for (int i = 0; i < k; i++) value = value << 1 | read_bit(r);
    return value;
}

static int read_lengths(DfyBytes *bytes, DfyMiniGroupRecord *r) {
    uint64_t anchor = dfy_read_varint(bytes);
    if (!anchor || anchor > DFY_V2_MAX_PAYLOAD) return DFY_ERROR_DAMAGED;
    r->bytes[0] = (uint32_t)anchor;
    if (r->frames == 1) return DFY_OK;
    int k = (int)dfy_read_u8(bytes);
    if (k > MOST_RICE) return DFY_ERROR_DAMAGED;
    BitReader bits = {bytes, 0, 0};
    for (int i = 1; i < r->frames; i++) r->bytes[i] = read_rice(&bits, k);
    return DFY_OK;
}

/* ---------------------------------------------------------------- checks */

/* The pictures i.. that share a check with picture i; the anchor has its own. Returns the first of the next run. */
static int end_of_run(const DfyMiniGroupRecord *r, int i) {
    uint32_t sum = 0;
    if (!i) return 1;
    while (i < r->frames && sum < DFY_CHECK_RUN) sum += r->bytes[i++];
    return i;
}

static int count_runs(const DfyMiniGroupRecord *r) {
    int runs = 0;
    for (int i = 0; i < r->frames; i = end_of_run(r, i)) runs++;
    return runs;
}

/* ---------------------------------------------------------------- the record */

void dfy_put_mini_group_record(DfyBuffer *buffer, const DfyMiniGroupRecord *r, const uint8_t *const *pieces) {
    size_t begin = buffer->size;
    dfy_put_u8(buffer, (unsigned)(r->frames - 1) | (r->still ? STILL : 0) | (r->names_past ? NAMES_PAST : 0));
    if (r->names_past) dfy_put_varint(buffer, r->past);
    if (r->still) return;
    put_lengths(buffer, r);
    if (buffer->failed) return;
    uint16_t head = dfy_crc16(0, buffer->data + begin, buffer->size - begin);
    for (int i = 0; i < r->frames;) {
        uint16_t crc = i ? 0 : head;
        int end = end_of_run(r, i);
        for (; i < end; i++) crc = dfy_crc16(crc, pieces[i], r->bytes[i]);
        dfy_put_u16be(buffer, crc);
    }
    for (int i = 0; i < r->frames; i++) dfy_put_bytes(buffer, pieces[i], r->bytes[i]);
}

int dfy_read_mini_group_record(DfyBytes *bytes, uint64_t frames_left, DfyMiniGroupRecord *r) {
    *r = (DfyMiniGroupRecord){.first_byte = bytes->position};
    unsigned head = dfy_read_u8(bytes);
    r->frames = 1 + (int)(head & 31);
    r->still = !!(head & STILL);
    r->names_past = !!(head & NAMES_PAST);
    if (head & RESERVED || (uint64_t)r->frames > frames_left || (r->still && r->names_past)) return DFY_ERROR_DAMAGED;
    r->past = 1;
    if (r->names_past) {
        uint64_t past = dfy_read_varint(bytes);
        if (past > DFY_MAX_ANCHORS) return DFY_ERROR_DAMAGED;
        r->past = (uint32_t)past;
    }
    if (r->still || bytes->overrun) return bytes->overrun ? DFY_ERROR_DAMAGED : DFY_OK;
    if (read_lengths(bytes, r)) return DFY_ERROR_DAMAGED;
    r->checks = bytes->position;
    if (!dfy_read_span(bytes, 2 * (size_t)count_runs(r))) return DFY_ERROR_DAMAGED;
    for (int i = 0; i < r->frames; i++) {
        r->offset[i] = bytes->position;
        if (!dfy_read_span(bytes, r->bytes[i])) return DFY_ERROR_DAMAGED;
        if (!i) r->first_piece_end = bytes->position;
    }
    return bytes->overrun ? DFY_ERROR_DAMAGED : DFY_OK;
}

uint32_t dfy_find_damage(const uint8_t *payload, const DfyMiniGroupRecord *r) {
    if (r->still) return 0; /* it has no checks, and no pieces that could be wrong */
    uint32_t damaged = 0;
    uint16_t head = dfy_crc16(0, payload + r->first_byte, r->checks - r->first_byte);
    const uint8_t *check = payload + r->checks;
    for (int i = 0; i < r->frames; check += 2) {
        int first = i, end = end_of_run(r, i);
        uint16_t crc = i ? 0 : head;
        for (; i < end; i++) crc = dfy_crc16(crc, payload + r->offset[i], r->bytes[i]);
        if ((check[0] << 8 | check[1]) != crc)
            for (int j = first; j < end; j++) damaged |= (uint32_t)1 << j;
    }
    return damaged;
}
