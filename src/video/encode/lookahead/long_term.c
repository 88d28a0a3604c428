#include "video/encode/lookahead/long_term.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "container/v2.h"
#include "video/decode/player.h"
#include "video/encode/lookahead/pyramid.h"

#define MOST_FRAMES 2048
#define MOST_BYTES ((size_t)32 << 20) /* of code */
#define NEAREST 6                     /* frames by coarse looks that are compared closely */
#define FOLLOWING 3                   /* and those that come after the one found last */

/* Looks of frames: bytes side by side. */
typedef struct Looks {
    int width, height;
    size_t bytes; /* of one */
    uint8_t *data;
} Looks;

struct DfyLongTermSet {
    const DfyStream *stream;
    DfyMessage *message;
    DfyBuffer plate, code; /* code: a file of its own of the run's chunks */
    unsigned plates;
    DfyV2Writer writer;
    DfyV2Reader reader; /* of code, with the writer's rows */
    DfyPlayer *player;
    uint64_t first;
    int frames, capacity, closed, too_large;
    Looks fine, coarse; /* of a pyramid: eighths, thirty-seconds */
    int32_t last;       /* found */
};

static int64_t read_code(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    const DfyBuffer *code = opaque;
    if (offset > code->size) return -1;
    if (size > code->size - offset) size = code->size - (size_t)offset;
    memcpy(data, code->data + offset, size);
    return (int64_t)size;
}

static int write_code(void *opaque, const uint8_t *data, size_t size) {
    DfyBuffer *code = opaque;
    dfy_put_bytes(code, data, size);
    return code->failed;
}

DfyLongTermSet *dfy_long_term_new(const DfyStream *stream, DfyMessage *message) {
    DfyLongTermSet *set = calloc(1, sizeof *set);
    if (!set) return NULL;
    set->stream = stream;
    set->message = message;
    set->fine.width = dfy_coded_size(stream->width) / 8;
    set->fine.height = dfy_coded_size(stream->height) / 8;
    set->coarse.width = (set->fine.width + 3) / 4;
    set->coarse.height = (set->fine.height + 3) / 4;
    set->fine.bytes = (size_t)set->fine.width * (size_t)set->fine.height;
    set->coarse.bytes = (size_t)set->coarse.width * (size_t)set->coarse.height;
    set->too_large = 1; /* until a run begins */
    return set;
}

static void forget_code(DfyLongTermSet *set) {
    dfy_player_free(set->player);
    set->player = NULL;
    dfy_v2_writer_close(&set->writer);
    set->writer = (DfyV2Writer){0};
    set->code.size = 0;
}

void dfy_long_term_free(DfyLongTermSet *set) {
    if (!set) return;
    forget_code(set);
    dfy_buffer_free(&set->plate);
    dfy_buffer_free(&set->code);
    free(set->fine.data);
    free(set->coarse.data);
    free(set);
}

/* ---------------------------------------------------------------- noting */

int dfy_long_term_note_plate(DfyLongTermSet *set, const uint8_t *data, size_t size, unsigned plates) {
    set->plate.size = 0;
    set->plates = plates;
    dfy_put_bytes(&set->plate, data, size);
    return set->plate.failed ? DFY_ERROR_MEMORY : DFY_OK;
}

int dfy_long_term_begin(DfyLongTermSet *set, uint64_t first_frame) {
    forget_code(set);
    set->first = first_frame;
    set->frames = set->closed = set->too_large = set->last = 0;
    DfyOutput output = {write_code, &set->code};
    DfyBuffer stream = {0};
    dfy_put_stream(&stream, set->stream);
    int status = stream.failed ? DFY_ERROR_MEMORY : dfy_v2_writer_open(&set->writer, &output);
    if (!status) status = dfy_v2_write_chunk(&set->writer, DFY_CHUNK_STREAM, 0, stream.data, stream.size, 0, 0);
    dfy_buffer_free(&stream);
    /* Segments say how many plates came before them; only the last is needed. */
    for (unsigned i = 1; !status && i <= set->plates; i++)
        status = dfy_v2_write_chunk(&set->writer, DFY_CHUNK_BACKGROUND, 0, set->plate.data,
                                    i < set->plates ? 0 : set->plate.size, 0, 0);
    return status ? DFY_ERROR_MEMORY : DFY_OK;
}

/* Room for one more. */
static int grow(DfyLongTermSet *set) {
    if (set->frames < set->capacity) return DFY_OK;
    size_t capacity = set->capacity ? 2 * (size_t)set->capacity : 256;
    uint8_t *fine = realloc(set->fine.data, capacity * set->fine.bytes);
    if (fine) set->fine.data = fine;
    uint8_t *coarse = fine ? realloc(set->coarse.data, capacity * set->coarse.bytes) : NULL;
    if (!coarse) return DFY_ERROR_MEMORY;
    set->coarse.data = coarse;
    set->capacity = (int)capacity;
    return DFY_OK;
}

int dfy_long_term_note_frames(DfyLongTermSet *set, DfyFrame *const *sources, int frames) {
    if (set->frames + frames > MOST_FRAMES) set->too_large = 1;
    for (int i = 0; i < frames && !set->too_large; i++, set->frames++) {
        const DfyPyramid *pyramid = sources[i]->pyramid;
        if (grow(set)) return DFY_ERROR_MEMORY;
        memcpy(set->fine.data + (size_t)set->frames * set->fine.bytes, pyramid->eighths, set->fine.bytes);
        memcpy(set->coarse.data + (size_t)set->frames * set->coarse.bytes, pyramid->thirty_seconds, set->coarse.bytes);
    }
    return DFY_OK;
}

int dfy_long_term_note_segment(DfyLongTermSet *set, const DfyBuffer *payload, unsigned flags,
                               const DfySegment *segment) {
    if (set->code.size + payload->size > MOST_BYTES) set->too_large = 1;
    if (set->too_large) return DFY_OK;
    int status = dfy_v2_write_chunk(&set->writer, DFY_CHUNK_SEGMENT, flags, payload->data, payload->size,
                                    segment->first_frame, segment->frames);
    return status ? DFY_ERROR_MEMORY : DFY_OK;
}

void dfy_long_term_note_gap(DfyLongTermSet *set) {
    if (!set->closed) set->too_large = 1;
}

void dfy_long_term_close(DfyLongTermSet *set) {
    set->closed = 1;
}

int dfy_long_term_is_closed(const DfyLongTermSet *set) {
    return set->closed;
}

uint64_t dfy_long_term_first(const DfyLongTermSet *set) {
    return set->first;
}

int dfy_long_term_frames(const DfyLongTermSet *set) {
    return set->too_large ? 0 : set->frames;
}

/* ---------------------------------------------------------------- finding */

/* Squared differences but for that of the means: light changes more slowly than what is seen in it. */
static uint64_t unlike(const uint8_t *a, const uint8_t *b, size_t count) {
    int64_t sum;
    uint64_t squares = dfy_squared_differences(a, b, count, &sum);
    return squares - (uint64_t)(sum * sum) / count;
}

static uint64_t unlike_noted(const DfyLongTermSet *set, const DfyFrame *source, int32_t index) {
    return unlike(source->pyramid->eighths, set->fine.data + (size_t)index * set->fine.bytes, set->fine.bytes);
}

/* The frames most alike by coarse looks. */
static int find_coarsely(const DfyLongTermSet *set, const DfyFrame *source, int32_t nearest[NEAREST]) {
    uint64_t distance[NEAREST + 1];
    int32_t index[NEAREST + 1];
    int count = 0;
    for (int32_t i = 0; i < set->frames; i++) {
        uint64_t d = unlike(source->pyramid->thirty_seconds, set->coarse.data + (size_t)i * set->coarse.bytes,
                            set->coarse.bytes);
        int at = count;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            index[at] = index[at - 1];
        }
        distance[at] = d;
        index[at] = i;
        count = dfy_min(count + 1, NEAREST);
    }
    memcpy(nearest, index, (size_t)count * sizeof *nearest);
    return count;
}

static uint64_t unlike_around(const DfyLongTermSet *set, const DfyFrame *source, const DfyFrame *past,
                              const DfyFrame *future) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        const DfyFrame *other = i ? future : past;
        uint64_t d = other ? unlike(source->pyramid->eighths, other->pyramid->eighths, set->fine.bytes) : UINT64_MAX;
        if (d < least) least = d;
    }
    return least;
}

DfyLongTermMatch dfy_long_term_find(DfyLongTermSet *set, const DfyFrame *source, const DfyFrame *past,
                                    const DfyFrame *future) {
    int32_t tried[NEAREST + FOLLOWING];
    int count = dfy_long_term_frames(set) ? find_coarsely(set, source, tried) : 0;
    for (int32_t i = set->last + 1; i <= set->last + FOLLOWING && i < set->frames; i++) tried[count++] = i;
    uint64_t least = UINT64_MAX, around = unlike_around(set, source, past, future);
    int32_t found = -1;
    for (int i = 0; i < count; i++) {
        uint64_t d = unlike_noted(set, source, tried[i]);
        if (d >= least) continue;
        least = d;
        found = tried[i];
    }
    DfyLongTermMatch match = {.index = -1, .before = past || future ? around : 0};
    /* A fifth nearer, and more than noise is. */
    if (found < 0 || least >= around / 5 * 4 || around - least < set->fine.bytes / 32) return match;
    set->last = match.index = found;
    match.gain = past || future ? around - least : 0;
    return match;
}

/* ---------------------------------------------------------------- decoding */

int dfy_long_term_fetch(DfyLongTermSet *set, int32_t index, const DfyFrame **found) {
    if (!set->player) {
        set->reader = (DfyV2Reader){
            .input = {read_code, set->code.size, &set->code}, .rows = set->writer.rows, .count = set->writer.count};
        set->player = dfy_player_new(&set->reader, set->stream, set->message);
        if (!set->player) return DFY_ERROR_MEMORY;
    }
    int status = dfy_player_go(set->player, set->first + (uint64_t)index);
    if (!status) *found = dfy_player_frame(set->player);
    return status;
}
