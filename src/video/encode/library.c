#include "video/encode/library.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "container/v2.h"
#include "video/player.h"

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

struct DfyLibrary {
    const DfyStream *stream;
    DfyMessage *message;
    DfyBuffer plate, code; /* code: a file of its own of the run's chunks */
    unsigned plates;
    DfyV2Writer writer;
    DfyV2Reader reader; /* of code, with the writer's entries */
    DfyPlayer *player;
    uint64_t first;
    int frames, capacity, closed, too_large;
    Looks fine, coarse; /* thumbnails, and means of 4 x 4 of their squares */
    uint8_t *look;      /* coarse, of the frame in question */
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

DfyLibrary *dfy_library_new(const DfyStream *stream, DfyMessage *message) {
    DfyLibrary *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->stream = stream;
    l->message = message;
    l->fine.width = dfy_coded_size(stream->width) / 8;
    l->fine.height = dfy_coded_size(stream->height) / 8;
    l->coarse.width = (l->fine.width + 3) / 4;
    l->coarse.height = (l->fine.height + 3) / 4;
    l->fine.bytes = (size_t)l->fine.width * (size_t)l->fine.height;
    l->coarse.bytes = (size_t)l->coarse.width * (size_t)l->coarse.height;
    l->look = malloc(l->coarse.bytes);
    l->too_large = 1; /* until a run begins */
    if (l->look) return l;
    dfy_library_free(l);
    return NULL;
}

static void forget_code(DfyLibrary *l) {
    dfy_player_free(l->player);
    l->player = NULL;
    dfy_v2_writer_close(&l->writer);
    l->writer = (DfyV2Writer){0};
    l->code.size = 0;
}

void dfy_library_free(DfyLibrary *l) {
    if (!l) return;
    forget_code(l);
    dfy_buffer_free(&l->plate);
    dfy_buffer_free(&l->code);
    free(l->fine.data);
    free(l->coarse.data);
    free(l->look);
    free(l);
}

/* ---------------------------------------------------------------- noting */

int dfy_library_note_plate(DfyLibrary *l, const uint8_t *data, size_t size, unsigned plates) {
    l->plate.size = 0;
    l->plates = plates;
    dfy_put_bytes(&l->plate, data, size);
    return l->plate.failed ? DFY_ERROR_MEMORY : DFY_OK;
}

int dfy_library_begin(DfyLibrary *l, uint64_t first_frame) {
    forget_code(l);
    l->first = first_frame;
    l->frames = l->closed = l->too_large = l->last = 0;
    DfyOutput output = {write_code, &l->code};
    DfyBuffer stream = {0};
    dfy_put_stream(&stream, l->stream);
    int status = stream.failed ? DFY_ERROR_MEMORY : dfy_v2_writer_open(&l->writer, &output);
    if (!status) status = dfy_v2_write_chunk(&l->writer, DFY_CHUNK_STREAM, 0, stream.data, stream.size, 0, 0);
    dfy_buffer_free(&stream);
    /* Segments say how many plates came before them; only the last is needed. */
    for (unsigned i = 1; !status && i <= l->plates; i++)
        status = dfy_v2_write_chunk(&l->writer, DFY_CHUNK_BACKGROUND, 0, l->plate.data,
                                    i < l->plates ? 0 : l->plate.size, 0, 0);
    return status ? DFY_ERROR_MEMORY : DFY_OK;
}

static void look_coarsely(const DfyLibrary *l, const uint8_t *thumbnail, uint8_t *out) {
    for (int y = 0; y < l->fine.height; y += 4)
        for (int x = 0; x < l->fine.width; x += 4) {
            int sum = 0, bottom = dfy_at_most(y + 4, l->fine.height), right = dfy_at_most(x + 4, l->fine.width);
            for (int j = y; j < bottom; j++)
                for (int i = x; i < right; i++) sum += thumbnail[j * l->fine.width + i];
            *out++ = (uint8_t)(sum / ((bottom - y) * (right - x)));
        }
}

/* Room for one more. */
static int grow(DfyLibrary *l) {
    if (l->frames < l->capacity) return DFY_OK;
    size_t capacity = l->capacity ? 2 * (size_t)l->capacity : 256;
    uint8_t *fine = realloc(l->fine.data, capacity * l->fine.bytes);
    if (fine) l->fine.data = fine;
    uint8_t *coarse = fine ? realloc(l->coarse.data, capacity * l->coarse.bytes) : NULL;
    if (!coarse) return DFY_ERROR_MEMORY;
    l->coarse.data = coarse;
    l->capacity = (int)capacity;
    return DFY_OK;
}

int dfy_library_note_frames(DfyLibrary *l, DfyFrame *const *sources, int frames) {
    if (l->frames + frames > MOST_FRAMES) l->too_large = 1;
    for (int i = 0; i < frames && !l->too_large; i++, l->frames++) {
        if (grow(l)) return DFY_ERROR_MEMORY;
        memcpy(l->fine.data + (size_t)l->frames * l->fine.bytes, sources[i]->thumbnail, l->fine.bytes);
        look_coarsely(l, sources[i]->thumbnail, l->coarse.data + (size_t)l->frames * l->coarse.bytes);
    }
    return DFY_OK;
}

int dfy_library_note_segment(DfyLibrary *l, const DfyBuffer *payload, unsigned flags, const DfySegment *segment) {
    if (l->code.size + payload->size > MOST_BYTES) l->too_large = 1;
    if (l->too_large) return DFY_OK;
    int status = dfy_v2_write_chunk(&l->writer, DFY_CHUNK_SEGMENT, flags, payload->data, payload->size,
                                    segment->first_frame, segment->frames);
    return status ? DFY_ERROR_MEMORY : DFY_OK;
}

void dfy_library_close(DfyLibrary *l) {
    l->closed = 1;
}

int dfy_library_is_closed(const DfyLibrary *l) {
    return l->closed;
}

uint64_t dfy_library_first(const DfyLibrary *l) {
    return l->first;
}

int dfy_library_frames(const DfyLibrary *l) {
    return l->too_large ? 0 : l->frames;
}

/* ---------------------------------------------------------------- finding */

/* Squared differences but for that of the means: light changes more slowly than what is seen in it. */
static uint64_t unlike(const uint8_t *a, const uint8_t *b, size_t count) {
    uint64_t squares = 0;
    int64_t sum = 0;
    for (size_t from = 0; from < count; from += 4096) {
        uint32_t part = 0;
        int32_t differences = 0;
        size_t end = from + 4096 < count ? from + 4096 : count;
        for (size_t i = from; i < end; i++) {
            int32_t d = a[i] - b[i];
            differences += d;
            part += (uint32_t)(d * d);
        }
        squares += part;
        sum += differences;
    }
    return squares - (uint64_t)(sum * sum) / count;
}

static uint64_t unlike_noted(const DfyLibrary *l, const DfyFrame *source, int32_t index) {
    return unlike(source->thumbnail, l->fine.data + (size_t)index * l->fine.bytes, l->fine.bytes);
}

/* The frames most alike by coarse looks. */
static int find_coarsely(const DfyLibrary *l, const DfyFrame *source, int32_t nearest[NEAREST]) {
    uint64_t distance[NEAREST + 1];
    int32_t index[NEAREST + 1];
    int count = 0;
    look_coarsely(l, source->thumbnail, l->look);
    for (int32_t i = 0; i < l->frames; i++) {
        uint64_t d = unlike(l->look, l->coarse.data + (size_t)i * l->coarse.bytes, l->coarse.bytes);
        int at = count;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            index[at] = index[at - 1];
        }
        distance[at] = d;
        index[at] = i;
        count = dfy_at_most(count + 1, NEAREST);
    }
    memcpy(nearest, index, (size_t)count * sizeof *nearest);
    return count;
}

static uint64_t unlike_around(const DfyLibrary *l, const DfyFrame *source, const DfyFrame *past,
                              const DfyFrame *future) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        const DfyFrame *other = i ? future : past;
        uint64_t d = other ? unlike(source->thumbnail, other->thumbnail, l->fine.bytes) : UINT64_MAX;
        if (d < least) least = d;
    }
    return least;
}

DfyLibraryMatch dfy_library_find(DfyLibrary *l, const DfyFrame *source, const DfyFrame *past, const DfyFrame *future) {
    int32_t tried[NEAREST + FOLLOWING];
    int count = dfy_library_frames(l) ? find_coarsely(l, source, tried) : 0;
    for (int32_t i = l->last + 1; i <= l->last + FOLLOWING && i < l->frames; i++) tried[count++] = i;
    uint64_t least = UINT64_MAX, around = unlike_around(l, source, past, future);
    int32_t found = -1;
    for (int i = 0; i < count; i++) {
        uint64_t d = unlike_noted(l, source, tried[i]);
        if (d >= least) continue;
        least = d;
        found = tried[i];
    }
    DfyLibraryMatch match = {.index = -1, .before = past || future ? around : 0};
    /* A fifth nearer, and more than noise is. */
    if (found < 0 || least >= around / 5 * 4 || around - least < l->fine.bytes / 32) return match;
    l->last = match.index = found;
    match.gain = past || future ? around - least : 0;
    return match;
}

/* ---------------------------------------------------------------- decoding */

int dfy_library_fetch(DfyLibrary *l, int32_t index, const DfyFrame **found) {
    if (!l->player) {
        l->reader = (DfyV2Reader){
            .input = {read_code, l->code.size, &l->code}, .entries = l->writer.entries, .count = l->writer.count};
        l->player = dfy_player_new(&l->reader, l->stream, l->message);
        if (!l->player) return DFY_ERROR_MEMORY;
    }
    int status = dfy_player_go(l->player, l->first + (uint64_t)index);
    if (!status) *found = dfy_player_frame(l->player);
    return status;
}
