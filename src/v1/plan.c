/*
 * Which frames become which chunk. Boundaries give cycles; a few of them become the canonicals that others are
 * compared with; every other cycle is a clone of its canonical, or coded by its differences from it, or, where
 * those are larger than the differences from frame to frame, like a canonical, picture after picture.
 *
 * A repeat longer than its canonical keeps the canonical's length, and what is left becomes a canonical chunk of
 * its own behind it: so every reader plays every frame.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/repeats.h"
#include "base/picture.h"
#include "v1/writer.h"

#define LONGEST_PIECE 780   /* frames of a canonical chunk that nothing refers to */
#define SAMPLES 24          /* pictures looked at to choose a way of coding */
#define EXCESS_ALLOWED 200u /* squared error of a block's luma that would be left alone */

/* ---------------------------------------------------------------- differences */

static uint32_t block_difference(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride) {
    uint32_t sum = 0;
    for (int y = 0; y < 8; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < 8; x++) sum += (uint32_t)((a[x] - b[x]) * (a[x] - b[x]));
    return sum;
}

uint64_t dfy_v1_excess(const DfyPicture *a, const DfyPicture *b, uint32_t allowed) {
    uint64_t total = 0;
    for (int y = 0; y + 8 <= a->height; y += 8)
        for (int x = 0; x + 8 <= a->width; x += 8) {
            uint32_t sum = block_difference(a->plane[0] + y * a->stride_bytes[0] + x, a->stride_bytes[0],
                                            b->plane[0] + y * b->stride_bytes[0] + x, b->stride_bytes[0]);
            total += sum > allowed ? sum - allowed : 0;
        }
    return total;
}

/* Mean absolute luma difference, in levels, of so many frames from two places on. */
static double frame_distance(const DfyV1Writer *writer, uint64_t a, uint64_t b, uint64_t frames) {
    const DfyEncoderSettings *settings = &writer->settings;
    uint64_t total = 0;
    for (uint64_t i = 0; i < frames; i++) {
        const DfyPicture *pa = &writer->frame[a + i], *pb = &writer->frame[b + i];
        for (int y = 0; y < settings->height; y++) {
            const uint8_t *ra = pa->plane[0] + y * pa->stride_bytes[0], *rb = pb->plane[0] + y * pb->stride_bytes[0];
            uint32_t sum = 0;
            for (int x = 0; x < settings->width; x++) sum += (uint32_t)abs(ra[x] - rb[x]);
            total += sum;
        }
    }
    return (double)total / (double)frames / settings->width / settings->height;
}

static uint64_t shorter(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---------------------------------------------------------------- pieces */

/* Whether differences from the canonical are fewer than those from frame to frame. */
static int repeats_well(const DfyV1Writer *writer, const DfyRepeat *repeat, const DfyRepeat *canonical) {
    uint64_t common = shorter(repeat->frames, canonical->frames), step = common / SAMPLES + 1;
    uint64_t as_repeat = 0, temporal = 0;
    for (uint64_t i = step / 2; i < common; i += step) {
        const DfyPicture *frame = &writer->frame[repeat->first + i];
        uint64_t before = repeat->first + i ? repeat->first + i - 1 : 0;
        as_repeat += dfy_v1_excess(frame, &writer->frame[canonical->first + i], EXCESS_ALLOWED);
        temporal += dfy_v1_excess(frame, &writer->frame[before], EXCESS_ALLOWED);
    }
    return as_repeat <= temporal;
}

static void add_piece(DfyV1Plan *plan, DfyV1ChunkType type, uint64_t first, uint64_t frames, uint32_t canonical) {
    plan->piece[plan->pieces++] =
        (DfyV1Piece){.type = type, .first_frame = first, .frames = (uint32_t)frames, .canonical = canonical};
}

/* Canonical chunks over some frames; in parts when nothing refers to them, so that no chunk grows without bound. */
static void add_canonicals(DfyV1Plan *plan, uint64_t first, uint64_t frames, int whole) {
    for (uint64_t done = 0; done < frames;) {
        uint64_t part = whole ? frames : shorter(frames - done, LONGEST_PIECE);
        add_piece(plan, DFY_V1_CYCLE_CANON, first + done, part, plan->canonicals++);
        done += part;
    }
}

static DfyV1Piece *piece_of(DfyV1Plan *plan, uint64_t first_frame) {
    for (uint32_t i = 0; i < plan->pieces; i++)
        if (plan->piece[i].first_frame == first_frame) return &plan->piece[i];
    return NULL;
}

static int plan_repeat(DfyV1Writer *writer, const DfyRepeats *repeats, uint32_t i, DfyV1ChunkType *type) {
    const DfyRepeat *repeat = &repeats->at[i], *canonical = &repeats->at[repeat->follows];
    DfyV1CycleFact *fact = &writer->plan.cycle[i];
    uint64_t common = shorter(repeat->frames, canonical->frames);
    *fact = (DfyV1CycleFact){.first_frame = repeat->first, .frames = repeat->frames, .distance = 0};
    *type = DFY_V1_CYCLE_CANON;
    if (repeat->canonical) return dfy_v1_report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->frames);
    fact->kind = DFY_V1_KIND_REPEAT;
    fact->distance = frame_distance(writer, repeat->first, canonical->first, common);
    if (writer->settings.mode == DFY_MODE_UPLOAD && fact->distance <= writer->settings.clone_distance &&
        common <= UINT16_MAX) {
        fact->kind = DFY_V1_KIND_CLONE;
        *type = DFY_V1_CYCLE_SKIP;
    } else if (repeats_well(writer, repeat, canonical)) {
        *type = DFY_V1_CYCLE_DELTA;
    }
    return dfy_v1_report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->frames);
}

static void number_canonicals(DfyV1Plan *plan, const DfyRepeats *repeats) {
    for (uint32_t i = 0; i < repeats->count; i++) {
        uint32_t number = 0;
        for (uint32_t k = 0; k < repeats->at[i].follows; k++) number += repeats->at[k].canonical != 0;
        plan->cycle[i].canonical = number;
        plan->followed += repeats->at[i].canonical != 0;
    }
}

/* Canonicals are numbered as they come in the film, so that their pieces are laid first, then those of repeats. */
static void lay_pieces(DfyV1Plan *plan, const DfyRepeats *repeats, const DfyV1ChunkType *type) {
    for (uint32_t i = 0; i < repeats->count; i++) {
        const DfyRepeat *repeat = &repeats->at[i];
        if (type[i] == DFY_V1_CYCLE_CANON) {
            int whole = 0;
            for (uint32_t k = 0; repeat->canonical && k < repeats->count; k++)
                whole |= type[k] != DFY_V1_CYCLE_CANON && repeats->at[k].follows == i;
            add_canonicals(plan, repeat->first, repeat->frames, whole);
            if (whole) plan->piece[plan->pieces - 1].repeated = 1;
        } else {
            uint64_t common = shorter(repeat->frames, repeats->at[repeat->follows].frames);
            add_piece(plan, type[i], repeat->first, common, repeat->follows);
            add_canonicals(plan, repeat->first + common, repeat->frames - common, 0);
        }
    }
    for (uint32_t i = 0; i < plan->pieces; i++)
        if (plan->piece[i].type != DFY_V1_CYCLE_CANON)
            plan->piece[i].canonical = piece_of(plan, repeats->at[plan->piece[i].canonical].first)->canonical;
}

static int make_pieces(DfyV1Writer *writer, const DfyRepeats *repeats) {
    DfyV1Plan *plan = &writer->plan;
    size_t most = 3 * (size_t)repeats->count + (size_t)(writer->frames / LONGEST_PIECE) + 1;
    DfyV1ChunkType *type = calloc(repeats->count, sizeof *type);
    plan->piece = calloc(most, sizeof *plan->piece);
    plan->cycle = calloc(repeats->count, sizeof *plan->cycle);
    plan->cycles = repeats->count;
    int status = type && plan->piece && plan->cycle ? DFY_OK : DFY_ERROR_MEMORY;
    for (uint32_t i = 0; i < repeats->count && !status; i++) status = plan_repeat(writer, repeats, i, &type[i]);
    if (!status) {
        number_canonicals(plan, repeats);
        lay_pieces(plan, repeats, type);
    }
    free(type);
    return status;
}

int dfy_v1_plan_make(DfyV1Writer *writer) {
    DfyRepeats repeats;
    int status = dfy_find_repeats(&writer->finder, &repeats);
    if (!status) status = make_pieces(writer, &repeats);
    dfy_repeats_free(&repeats);
    if (status == DFY_ERROR_MEMORY) dfy_fail(writer->message, status, "There is no memory to plan the cycles.");
    return status;
}

void dfy_v1_plan_free(DfyV1Plan *plan) {
    free(plan->piece);
    free(plan->cycle);
    *plan = (DfyV1Plan){0};
}
