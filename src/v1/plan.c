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

#include "base/picture.h"
#include "v1/writer.h"

#define MOST_CANONICALS 5
#define ALIGN_REACH 20    /* frames that a boundary may move */
#define FAR_LEVELS 1.5    /* descriptors farther apart than this, and than twice the usual, are another kind of work */
#define USUAL_ENOUGH 1.04 /* times the least sum of distances */
#define LONGEST_PIECE 780 /* frames of a canonical chunk that nothing refers to */
#define SAMPLES 24        /* pictures looked at to choose a way of coding */
#define EXCESS_ALLOWED 200u /* squared error of a block's luma that would be left alone */

typedef struct Segment {
    uint64_t first, frames;
    uint32_t follows; /* segment */
    double apart;     /* descriptor distance to it */
    int canonical;
} Segment;

typedef struct Segments {
    Segment *at;
    uint32_t count;
} Segments;

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

static double apart(const DfyV1Writer *writer, const Segment *a, const Segment *b) {
    return dfy_cycle_distance(&writer->finder, a->first, b->first, shorter(a->frames, b->frames));
}

/* ---------------------------------------------------------------- segments */

static int cut_segments(const DfyV1Writer *writer, Segments *segments) {
    DfyBoundaries boundaries;
    int status = dfy_cycle_finder_find(&writer->finder, DFY_CYCLES_SELF_SIMILARITY, &boundaries);
    if (status) return status;
    segments->at = calloc(boundaries.count + 1u, sizeof *segments->at);
    for (uint32_t i = 0; segments->at && i <= boundaries.count; i++) {
        uint64_t from = i ? boundaries.frame[i - 1] : 0;
        uint64_t to = i < boundaries.count ? boundaries.frame[i] : writer->frames;
        if (to > from) segments->at[segments->count++] = (Segment){.first = from, .frames = to - from};
    }
    dfy_boundaries_free(&boundaries);
    return segments->at ? DFY_OK : DFY_ERROR_MEMORY;
}

/* Whole cycles: neither the first, which the recording may have begun in the middle of, nor the last. */
static int is_whole(const Segments *segments, uint32_t i) {
    return segments->count < 3 || (i > 0 && i + 1 < segments->count);
}

/* How far a cycle is from some others in all. */
static double distance_to_others(const DfyV1Writer *writer, const Segments *segments, uint32_t i) {
    uint32_t stride = 1 + segments->count / 32;
    double sum = 0;
    for (uint32_t k = stride / 2; k < segments->count; k += stride)
        if (is_whole(segments, k)) sum += apart(writer, &segments->at[i], &segments->at[k]);
    return sum;
}

/*
 * Of the cycles that are nearly least far from the others the longest: what a repeat has beyond its canonical's
 * length must be coded anew, and begins with an I picture.
 */
static uint32_t most_usual(const DfyV1Writer *writer, Segments *segments) {
    double least = -1;
    for (uint32_t i = 0; i < segments->count; i++) {
        if (!is_whole(segments, i)) continue;
        double sum = segments->at[i].apart = distance_to_others(writer, segments, i);
        if (least < 0 || sum < least) least = sum;
    }
    uint32_t best = 0;
    uint64_t longest = 0;
    for (uint32_t i = 0; i < segments->count; i++) {
        const Segment *segment = &segments->at[i];
        if (!is_whole(segments, i) || segment->apart > USUAL_ENOUGH * least || segment->frames <= longest) continue;
        longest = segment->frames;
        best = i;
    }
    return best;
}

static void follow(const DfyV1Writer *writer, Segments *segments, uint32_t canonical) {
    Segment *chosen = &segments->at[canonical];
    chosen->canonical = 1;
    for (uint32_t i = 0; i < segments->count; i++) {
        Segment *segment = &segments->at[i];
        double distance = apart(writer, segment, chosen);
        if (segment->apart >= 0 && distance >= segment->apart) continue;
        segment->apart = distance;
        segment->follows = canonical;
    }
}

static double usual_distance(const Segments *segments) {
    double *distances = malloc(segments->count * sizeof *distances), usual = 0;
    size_t count = 0;
    for (uint32_t i = 0; distances && i < segments->count; i++)
        if (!segments->at[i].canonical) distances[count++] = segments->at[i].apart;
    if (distances) usual = dfy_median(distances, count);
    free(distances);
    return usual;
}

/* First the most usual cycle, then, while there is one that is far from all chosen, the farthest. */
static void choose_canonicals(const DfyV1Writer *writer, Segments *segments) {
    uint32_t first = most_usual(writer, segments);
    for (uint32_t i = 0; i < segments->count; i++) segments->at[i].apart = -1;
    follow(writer, segments, first);
    for (int chosen = 1; chosen < MOST_CANONICALS; chosen++) {
        uint32_t farthest = 0;
        double most = 0, usual = usual_distance(segments);
        for (uint32_t i = 0; i < segments->count; i++)
            if (is_whole(segments, i) && !segments->at[i].canonical && segments->at[i].apart > most) {
                most = segments->at[i].apart;
                farthest = i;
            }
        if (most < FAR_LEVELS || most < 2 * usual) break;
        follow(writer, segments, farthest);
    }
}

/* Moves the start of a repeat to where it agrees best with its canonical; the cycle before it gives or takes. */
static void align(const DfyV1Writer *writer, Segments *segments, uint32_t i) {
    Segment *segment = &segments->at[i], *before = &segments->at[i - 1];
    const Segment *canonical = &segments->at[segment->follows];
    uint64_t end = segment->first + segment->frames, best = segment->first;
    double least = -1;
    for (int shift = -ALIGN_REACH; shift <= ALIGN_REACH; shift++) {
        int64_t first = (int64_t)segment->first + shift;
        if (first <= (int64_t)before->first || first >= (int64_t)end) continue;
        uint64_t common = shorter(end - (uint64_t)first, canonical->frames);
        double distance = dfy_cycle_distance(&writer->finder, (uint64_t)first, canonical->first, common);
        if (least >= 0 && distance >= least) continue;
        least = distance;
        best = (uint64_t)first;
    }
    before->frames = best - before->first;
    segment->first = best;
    segment->frames = end - best;
}

/* ---------------------------------------------------------------- pieces */

/* Whether differences from the canonical are fewer than those from frame to frame. */
static int repeats_well(const DfyV1Writer *writer, const Segment *segment, const Segment *canonical) {
    uint64_t common = shorter(segment->frames, canonical->frames), step = common / SAMPLES + 1;
    uint64_t repeat = 0, temporal = 0;
    for (uint64_t i = step / 2; i < common; i += step) {
        const DfyPicture *frame = &writer->frame[segment->first + i];
        uint64_t before = segment->first + i ? segment->first + i - 1 : 0;
        repeat += dfy_v1_excess(frame, &writer->frame[canonical->first + i], EXCESS_ALLOWED);
        temporal += dfy_v1_excess(frame, &writer->frame[before], EXCESS_ALLOWED);
    }
    return repeat <= temporal;
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

static int plan_segment(DfyV1Writer *writer, const Segments *segments, uint32_t i, DfyV1ChunkType *type) {
    const Segment *segment = &segments->at[i], *canonical = &segments->at[segment->follows];
    DfyV1CycleFact *fact = &writer->plan.cycle[i];
    uint64_t common = shorter(segment->frames, canonical->frames);
    *fact = (DfyV1CycleFact){.first_frame = segment->first, .frames = segment->frames, .distance = 0};
    *type = DFY_V1_CYCLE_CANON;
    if (segment->canonical) return dfy_v1_report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->frames);
    fact->kind = DFY_V1_KIND_REPEAT;
    fact->distance = frame_distance(writer, segment->first, canonical->first, common);
    if (writer->settings.mode == DFY_MODE_UPLOAD && fact->distance <= writer->settings.clone_distance &&
        common <= UINT16_MAX) {
        fact->kind = DFY_V1_KIND_CLONE;
        *type = DFY_V1_CYCLE_SKIP;
    } else if (repeats_well(writer, segment, canonical)) {
        *type = DFY_V1_CYCLE_DELTA;
    }
    return dfy_v1_report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->frames);
}

static void number_canonicals(DfyV1Plan *plan, const Segments *segments) {
    for (uint32_t i = 0; i < segments->count; i++) {
        uint32_t number = 0;
        for (uint32_t k = 0; k < segments->at[i].follows; k++) number += segments->at[k].canonical != 0;
        plan->cycle[i].canonical = number;
        plan->followed += segments->at[i].canonical != 0;
    }
}

/* Canonicals are numbered as they come in the film, so that their pieces are laid first, then those of repeats. */
static void lay_pieces(DfyV1Plan *plan, const Segments *segments, const DfyV1ChunkType *type) {
    for (uint32_t i = 0; i < segments->count; i++) {
        const Segment *segment = &segments->at[i];
        if (type[i] == DFY_V1_CYCLE_CANON) {
            int whole = 0;
            for (uint32_t k = 0; segment->canonical && k < segments->count; k++)
                whole |= type[k] != DFY_V1_CYCLE_CANON && segments->at[k].follows == i;
            add_canonicals(plan, segment->first, segment->frames, whole);
            if (whole) plan->piece[plan->pieces - 1].repeated = 1;
        } else {
            uint64_t common = shorter(segment->frames, segments->at[segment->follows].frames);
            add_piece(plan, type[i], segment->first, common, segment->follows);
            add_canonicals(plan, segment->first + common, segment->frames - common, 0);
        }
    }
    for (uint32_t i = 0; i < plan->pieces; i++)
        if (plan->piece[i].type != DFY_V1_CYCLE_CANON)
            plan->piece[i].canonical = piece_of(plan, segments->at[plan->piece[i].canonical].first)->canonical;
}

static int make_pieces(DfyV1Writer *writer, const Segments *segments) {
    DfyV1Plan *plan = &writer->plan;
    size_t most = 3 * (size_t)segments->count + (size_t)(writer->frames / LONGEST_PIECE) + 1;
    DfyV1ChunkType *type = calloc(segments->count, sizeof *type);
    plan->piece = calloc(most, sizeof *plan->piece);
    plan->cycle = calloc(segments->count, sizeof *plan->cycle);
    plan->cycles = segments->count;
    int status = type && plan->piece && plan->cycle ? DFY_OK : DFY_ERROR_MEMORY;
    for (uint32_t i = 0; i < segments->count && !status; i++) status = plan_segment(writer, segments, i, &type[i]);
    if (!status) {
        number_canonicals(plan, segments);
        lay_pieces(plan, segments, type);
    }
    free(type);
    return status;
}

int dfy_v1_plan_make(DfyV1Writer *writer) {
    Segments segments = {0};
    int status = cut_segments(writer, &segments);
    if (!status) {
        choose_canonicals(writer, &segments);
        for (uint32_t i = 1; i < segments.count; i++)
            if (!segments.at[i].canonical) align(writer, &segments, i);
        status = make_pieces(writer, &segments);
    }
    free(segments.at);
    if (status == DFY_ERROR_MEMORY) dfy_fail(writer->message, status, "There is no memory to plan the cycles.");
    return status;
}

void dfy_v1_plan_free(DfyV1Plan *plan) {
    free(plan->piece);
    free(plan->cycle);
    *plan = (DfyV1Plan){0};
}
