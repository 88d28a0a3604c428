/*
 * Pictures of cycles. Decoded pictures live in slots, the least recently used of which is taken for the next
 * one: playing needs two or three, stepping back and seeking finds more. A predicted picture starts from the
 * nearest picture before it that is an I picture or still in a slot.
 */
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/reader.h"

#define FEWEST_SLOTS 3 /* a repeat's picture, its canonical's, and the one that is predicted from */

int dfy_v1_pictures_open(DfyV1Reader *reader) {
    const DfyV1Header *header = &reader->chunks.header;
    uint64_t bytes = dfy_picture_bytes(DFY_PIXELS_RGB, header->width, header->height);
    uint64_t fixed = bytes * (reader->unwarp ? 2 : 1), budget = reader->memory_limit_bytes / 2;
    uint64_t slots = (budget > fixed ? budget - fixed : 0) / bytes;
    if (slots < FEWEST_SLOTS && bytes * FEWEST_SLOTS + fixed <= reader->memory_limit_bytes) slots = FEWEST_SLOTS;
    if (slots < FEWEST_SLOTS)
        return dfy_fail(reader->message, DFY_ERROR_MEMORY,
                        "Pictures of %d x %d pixels need %llu MiB, more than allowed: raise the memory limit.",
                        header->width, header->height, (unsigned long long)((bytes * FEWEST_SLOTS + fixed) >> 20) + 1);
    reader->slots = slots > DFY_V1_MOST_SLOTS ? DFY_V1_MOST_SLOTS : (int)slots;
    return DFY_OK;
}

static void free_loaded(DfyV1Loaded *loaded) {
    dfy_buffer_free(&loaded->payload);
    free(loaded->record);
    *loaded = (DfyV1Loaded){0};
}

void dfy_v1_pictures_close(DfyV1Reader *reader) {
    for (int i = 0; i < DFY_V1_MOST_SLOTS; i++) dfy_picture_free(&reader->slot[i].picture);
    for (int i = 0; i < DFY_V1_LOADED; i++) free_loaded(&reader->loaded[i]);
    dfy_picture_free(&reader->unwarped);
    dfy_v1_residual_decoder_free(&reader->residual);
}

/* ---------------------------------------------------------------- slots and payloads */

static DfyV1Slot *find_slot(DfyV1Reader *reader, uint32_t cycle, uint32_t frame) {
    for (int i = 0; i < reader->slots; i++) {
        DfyV1Slot *slot = &reader->slot[i];
        if (slot->used && slot->cycle == cycle && slot->frame == frame) {
            slot->used = ++reader->clock;
            return slot;
        }
    }
    return NULL;
}

/* A slot to fill, never `kept`. Empty until mark_slot. */
static int take_slot(DfyV1Reader *reader, const DfyV1Slot *kept, DfyV1Slot **taken) {
    DfyV1Slot *oldest = NULL;
    for (int i = 0; i < reader->slots; i++) {
        DfyV1Slot *slot = &reader->slot[i];
        if (slot != kept && (!oldest || slot->used < oldest->used)) oldest = slot;
    }
    oldest->used = 0;
    *taken = oldest;
    if (oldest->picture.plane[0]) return DFY_OK;
    int status =
        dfy_picture_alloc(&oldest->picture, DFY_PIXELS_RGB, reader->chunks.header.width, reader->chunks.header.height);
    return status ? dfy_fail(reader->message, status, "There is no memory for a decoded picture.") : DFY_OK;
}

static void mark_slot(DfyV1Reader *reader, DfyV1Slot *slot, uint32_t cycle, uint32_t frame) {
    slot->cycle = cycle;
    slot->frame = frame;
    slot->used = ++reader->clock;
}

static int load(DfyV1Reader *reader, uint32_t cycle, DfyV1Loaded **found) {
    DfyV1Loaded *oldest = &reader->loaded[0];
    for (int i = 0; i < DFY_V1_LOADED; i++) {
        DfyV1Loaded *loaded = &reader->loaded[i];
        if (loaded->used && loaded->cycle == cycle) {
            loaded->used = ++reader->clock;
            *found = loaded;
            return DFY_OK;
        }
        if (loaded->used < oldest->used) oldest = loaded;
    }
    oldest->used = 0;
    int status = dfy_v1_load_records(reader, oldest, &reader->chunks.chunk[reader->cycle[cycle].chunk]);
    if (status == DFY_ERROR_DAMAGED && oldest->records >= reader->cycle[cycle].frames) status = DFY_OK;
    if (status) return status;
    oldest->cycle = cycle;
    oldest->used = ++reader->clock;
    *found = oldest;
    return DFY_OK;
}

/* ---------------------------------------------------------------- decoding */

static int damaged(DfyV1Reader *reader, uint32_t cycle, uint32_t frame, int status) {
    DfyV1Chunk *chunk = &reader->chunks.chunk[reader->cycle[cycle].chunk];
    if (status == DFY_ERROR_MEMORY) return dfy_fail(reader->message, status, "There is no memory to decode a picture.");
    chunk->damaged = 1;
    reader->damaged = 1;
    return dfy_fail(reader->message, DFY_ERROR_DAMAGED, "Picture %u of the %s chunk at byte %llu is damaged.", frame,
                    dfy_v1_chunk_name(chunk->type), (unsigned long long)chunk->offset);
}

static DfyV1Space space_of(const DfyV1Reader *reader, const DfyV1Cycle *cycle) {
    if (!reader->metadata.from_library) return DFY_V1_SPACE_YCC_ROUND;
    int as_it_is = cycle->type == DFY_V1_CYCLE_DELTA || (cycle->flags & (DFY_V1_TEMPORAL | DFY_V1_VQ));
    return as_it_is ? DFY_V1_SPACE_RGB : DFY_V1_SPACE_YCC_BGR;
}

/* Adds record `frame` of a loaded cycle to picture. */
static int add_record(DfyV1Reader *reader, const DfyV1Loaded *loaded, uint32_t frame, DfyPicture *picture) {
    const DfyV1Cycle *cycle = &reader->cycle[loaded->cycle];
    const DfyV1Record *record = &loaded->record[frame];
    const uint8_t *payload = loaded->payload.data + record->offset;
    const int width = picture->width, height = picture->height;
    DfyV1Boxed boxed = DFY_V1_EITHER;
    if (cycle->type == DFY_V1_CYCLE_CANON && reader->metadata.from_library)
        boxed = cycle->flags & DFY_V1_FLAG_BOXED ? DFY_V1_BOXED : DFY_V1_PLAIN;
    DfyV1Residual residual;
    int status = cycle->type == DFY_V1_CYCLE_CANON && (cycle->flags & DFY_V1_VQ)
                     ? dfy_v1_residual_parse_vq(&residual, payload, record->size, width, height, boxed)
                     : dfy_v1_residual_parse(&residual, payload, record->size, width, height, boxed);
    if (status) return status;
    return dfy_v1_residual_add(&reader->residual, picture, &residual, space_of(reader, cycle), &reader->codebook);
}

/* Decodes picture `frame` of a canonical from `reference` (NULL: the background) into a slot. */
static int decode_canonical(DfyV1Reader *reader, const DfyV1Loaded *loaded, uint32_t frame, DfyV1Slot **reference) {
    DfyV1Slot *slot;
    int status = take_slot(reader, *reference, &slot);
    if (status) return status;
    int predicted = loaded->record[frame].predicted;
    dfy_picture_copy(&slot->picture, predicted ? &(*reference)->picture : &reader->background);
    status = add_record(reader, loaded, frame, &slot->picture);
    if (status) return damaged(reader, loaded->cycle, frame, status);
    mark_slot(reader, slot, loaded->cycle, frame);
    *reference = slot;
    return DFY_OK;
}

static int canonical_picture(DfyV1Reader *reader, uint32_t cycle, uint32_t frame, DfyV1Slot **found) {
    *found = find_slot(reader, cycle, frame);
    if (*found) return DFY_OK;
    DfyV1Loaded *loaded;
    int status = load(reader, cycle, &loaded);
    if (status) return status == DFY_ERROR_DAMAGED ? damaged(reader, cycle, frame, status) : status;
    uint32_t from = frame; /* the first picture to decode */
    DfyV1Slot *reference = NULL;
    while (loaded->record[from].predicted && !reference) {
        if (!from) return damaged(reader, cycle, 0, DFY_ERROR_DAMAGED); /* nothing before it to predict from */
        reference = find_slot(reader, cycle, from - 1);
        from -= !reference;
    }
    for (; !status && from <= frame; from++) status = decode_canonical(reader, loaded, from, &reference);
    *found = reference;
    return status;
}

/* What a repeat's picture starts from when it is longer than its canonical is the producer's habit. */
static int repeat_reference(DfyV1Reader *reader, const DfyV1Cycle *cycle, uint32_t frame, DfyV1Slot **reference) {
    uint32_t canonical = reader->canonical[cycle->canonical], frames = reader->cycle[canonical].frames;
    *reference = NULL;
    if (frame >= frames && cycle->type == DFY_V1_CYCLE_DELTA && reader->metadata.from_library) return DFY_OK;
    return canonical_picture(reader, canonical, frame < frames ? frame : frames - 1, reference);
}

static void clear_picture(DfyPicture *picture) {
    for (int y = 0; y < picture->height; y++)
        memset(dfy_picture_pixels(picture, 0) + y * picture->stride_bytes[0], 0, (size_t)picture->width * 3);
}

static int repeat_picture(DfyV1Reader *reader, uint32_t index, uint32_t frame, DfyV1Slot **found) {
    const DfyV1Cycle *cycle = &reader->cycle[index];
    if (cycle->type == DFY_V1_CYCLE_SKIP) return repeat_reference(reader, cycle, frame, found);
    *found = find_slot(reader, index, frame);
    if (*found) return DFY_OK;
    DfyV1Slot *reference, *slot;
    DfyV1Loaded *loaded;
    int status = repeat_reference(reader, cycle, frame, &reference);
    if (!status) status = load(reader, index, &loaded);
    if (!status) status = take_slot(reader, reference, &slot);
    if (status) return status == DFY_ERROR_DAMAGED ? damaged(reader, index, frame, status) : status;
    if (reference)
        dfy_picture_copy(&slot->picture, &reference->picture);
    else
        clear_picture(&slot->picture);
    status = add_record(reader, loaded, frame, &slot->picture);
    if (status) return damaged(reader, index, frame, status);
    mark_slot(reader, slot, index, frame);
    *found = slot;
    return DFY_OK;
}

int dfy_v1_picture(DfyV1Reader *reader, uint32_t cycle, uint32_t frame, const DfyPicture **picture) {
    DfyV1Slot *slot = NULL;
    int status = reader->cycle[cycle].type == DFY_V1_CYCLE_CANON ? canonical_picture(reader, cycle, frame, &slot)
                                                                 : repeat_picture(reader, cycle, frame, &slot);
    if (!status) *picture = &slot->picture;
    return status;
}

uint32_t dfy_v1_next_entry(DfyV1Reader *reader, uint32_t cycle, uint32_t frame) {
    const DfyV1Cycle *played = &reader->cycle[cycle];
    uint32_t source = played->type == DFY_V1_CYCLE_CANON ? cycle : reader->canonical[played->canonical];
    DfyV1Loaded *loaded;
    if (frame + 1 >= played->frames) return played->frames;
    if (load(reader, source, &loaded)) return played->frames;
    if (source != cycle && find_slot(reader, source, frame)) return frame + 1; /* only the repeat's was damaged */
    for (uint32_t next = frame + 1; next < played->frames; next++)
        if (next >= loaded->records || !loaded->record[next].predicted) return next;
    return played->frames;
}
