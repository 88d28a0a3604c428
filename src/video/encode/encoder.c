#include "video/encode/encoder.h"
#include "video/encode/draft.h"
#include "video/encode/lighting.h"
#include "video/encode/propagate.h"
#include "video/encode/schedule.h"
#include "video/encode/temporal.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"

#define MAX_THREADS 16
/* Pictures decided at once and waiting to be written. Large ones are fewer; each takes about three bytes a pixel. */
#define MAX_DRAFTS 8
#define DRAFT_BYTES ((size_t)20 << 20)
#define MAX_AT_ONCE 4 /* pictures of a group that are decided at the same time, if there are threads for it */
#define MAX_LIT 2     /* references of one picture under another light */

struct DfyVideoEncoder {
    int width, height;
    DfyEffort effort;
    DfyPool *pool;
    DfyDecider *deciders[MAX_THREADS];
    DfyContexts contexts;
    DfyContexts models[DFY_MAX_GROUP]; /* contexts as they were before each picture of the group was written */
    DfyStore store;
    DfyLibraryMap map;                                  /* of the next group */
    DfyDraft drafts[MAX_DRAFTS];                        /* [0] is open always */
    int draft_count;                                    /* of them that may be opened */
    DfyFrame *spare[DFY_MAX_KEPT + DFY_MAX_GROUP + 80]; /* frames not in use */
    int spare_count;
    DfyContexts plate_contexts; /* what coding the plate has taught: entries begin with it */
    int last_qp;                /* of the group before */
    int frame_number;           /* of the last anchor, since the entry */
    DfyPropagation *propagation;
    uint8_t *thumbnails[DFY_MAX_KEPT]; /* of the kept anchors' sources */
    int thumbnail_bytes;
    DfyFrame *filtered;      /* the anchor's source without its noise */
    DfyFrame *anchor_source; /* the last anchor as it came, NULL at an entry */
};

static const DfyEffort efforts[10] = {
    {0},
    {2, 0, 1, 0, 0, 2, 0, 3},
    {3, 0, 1, 0, 0, 3, 0, 3},
    {4, 0, 1, 0, 1, 3, 1, 3},
    {6, 0, 2, 0, 1, 3, 1, 2},
    {10, 0, 3, 1, 1, 4, 2, 2},
    {14, 0, 5, 1, 1, 4, 3, 2},
    {12, 1, 3, 1, 1, 4, 2, 1},
    {16, 1, 4, 1, 1, 4, 2, 1},
    {24, 1, 5, 1, 1, 4, 3, 0},
};

DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep) {
    DfyVideoEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->width = width;
    e->height = height;
    e->effort = efforts[effort];
    e->store.keep = keep;
    e->thumbnail_bytes = (dfy_coded_size(width) / 8) * (dfy_coded_size(height) / 8);
    int status = dfy_draft_open(&e->drafts[0], width, height), rows = e->drafts[0].picture.rows;
    e->draft_count = dfy_clamp((int)(DRAFT_BYTES / dfy_draft_bytes(width, height)), 1, MAX_DRAFTS);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > MAX_AT_ONCE * rows) threads = rows < 1 ? 1 : MAX_AT_ONCE * rows;
    e->pool = dfy_pool_new(threads);
    e->propagation = dfy_propagation_new(width, height);
    int ok = !status && e->pool && e->propagation;
    for (int i = 0; ok && i < keep; i++) ok = (e->thumbnails[i] = malloc((size_t)e->thumbnail_bytes)) != NULL;
    for (int i = 0; ok && i < dfy_pool_threads(e->pool); i++) ok = (e->deciders[i] = dfy_decider_new()) != NULL;
    if (!ok) {
        dfy_video_encoder_free(e);
        return NULL;
    }
    dfy_contexts_reset(&e->contexts);
    dfy_contexts_reset(&e->plate_contexts);
    return e;
}

DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *e) {
    dfy_pool_lock(e->pool);
    DfyFrame *frame = e->spare_count ? e->spare[--e->spare_count] : dfy_frame_new(e->width, e->height);
    dfy_pool_unlock(e->pool);
    return frame;
}

void dfy_video_encoder_give_back(DfyVideoEncoder *e, DfyFrame *frame) {
    if (!frame) return;
    dfy_pool_lock(e->pool);
    if (e->spare_count < (int)(sizeof e->spare / sizeof *e->spare))
        e->spare[e->spare_count++] = frame;
    else
        dfy_frame_free(frame);
    dfy_pool_unlock(e->pool);
}

void dfy_video_encoder_free(DfyVideoEncoder *e) {
    if (!e) return;
    dfy_propagation_free(e->propagation);
    dfy_frame_free(e->anchor_source);
    dfy_frame_free(e->filtered);
    dfy_frame_free(e->store.plate);
    while (e->store.kept_count) dfy_frame_free(e->store.kept[--e->store.kept_count]);
    for (int i = 1; i <= DFY_MAX_GROUP; i++) dfy_frame_free(e->store.library[i]);
    for (int i = 1; i <= DFY_MAX_GROUP; i++) dfy_frame_free(e->store.group[i]); /* left where coding them failed */
    for (int i = 0; i < DFY_MAX_KEPT; i++) free(e->thumbnails[i]);
    while (e->spare_count) dfy_frame_free(e->spare[--e->spare_count]);
    for (int i = 0; i < MAX_THREADS; i++) dfy_decider_free(e->deciders[i]);
    dfy_pool_free(e->pool);
    for (int i = 0; i < MAX_DRAFTS; i++) dfy_draft_close(&e->drafts[i]);
    free(e);
}

void dfy_video_encoder_enter(DfyVideoEncoder *e) {
    while (e->store.kept_count) dfy_video_encoder_give_back(e, e->store.kept[--e->store.kept_count]);
    e->store.group[0] = NULL;
    dfy_video_encoder_give_back(e, e->anchor_source);
    e->anchor_source = NULL;
    e->contexts = e->plate_contexts;
    e->last_qp = 32;
    e->map.last = 0;
    e->frame_number = 0;
}

void dfy_video_encoder_set_library(DfyVideoEncoder *e, int frames) {
    e->map.frames = frames;
    e->map.last = 0;
}

int dfy_video_encoder_lend(DfyVideoEncoder *e, int number, int32_t index, const DfyFrame *decoded) {
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    dfy_library_picture(frame, decoded);
    e->store.library[number] = frame;
    e->map.index[number] = index;
    return DFY_OK;
}

/* ---------------------------------------------------------------- the plate */

int dfy_video_encode_plate(DfyVideoEncoder *e, DfyRangeCoder *coder, const DfyFrame *source, int qp) {
    DfyFrame *frame = dfy_video_encoder_take(e), *scratch = dfy_video_encoder_take(e);
    if (!frame || !scratch) {
        dfy_video_encoder_give_back(e, frame);
        dfy_video_encoder_give_back(e, scratch);
        return DFY_ERROR_MEMORY;
    }
    dfy_contexts_reset(&e->plate_contexts);
    DfyDraft *d = &e->drafts[0];
    d->header = (DfyPictureHeader){0};
    d->picture.reference_count = 0;
    d->picture.picture_class = 0;
    d->picture.variable_qp = 0;
    d->source = source;
    dfy_draft_set_qp(d, qp);
    dfy_draft_begin(d, frame, &e->plate_contexts);
    dfy_draft_decide(d, scratch, e->pool, e->deciders, &e->effort);
    dfy_code_picture(coder, &e->plate_contexts, 0, &d->header, 32);
    dfy_code_alf(coder, &e->plate_contexts, &d->picture, &d->header.alf);
    dfy_draft_write(d, coder, &e->plate_contexts);
    dfy_video_encoder_give_back(e, scratch);
    dfy_video_encoder_give_back(e, e->store.plate);
    e->store.plate = frame;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

const DfyFrame *dfy_video_encoder_plate(const DfyVideoEncoder *e) {
    return e->store.plate;
}

/* Sets the quantiser of every 32x32 square of a picture; returns whether they differ. */
static int set_quantisers(const DfyVideoEncoder *e, DfyDraft *d, int number, int qp) {
    const DfyPictureCoding *p = &d->picture;
    int differ = 0;
    for (int row = 0; row < p->rows; row++)
        for (int column = 0; column < p->columns; column++)
            for (int i = 0; i < 4; i++) {
                int x = column * 64 + (i & 1) * 32, y = row * 64 + (i >> 1) * 32;
                int inside = x < p->width && y < p->height;
                int offset = inside ? dfy_propagated_offset(e->propagation, number, x, y) : 0;
                d->qps[(row * p->columns + column) * 4 + i] = (uint8_t)dfy_clamp(qp + offset, 0, DFY_MAX_QP);
                differ |= offset;
            }
    return differ != 0;
}

/* ---------------------------------------------------------------- pictures that came before */

/* Unlikeness: squared differences, so that a few squares far apart weigh more than a shade over all. */
static uint64_t unlike(const DfyVideoEncoder *e, const uint8_t *a, const uint8_t *b) {
    uint64_t sum = 0;
    for (int i = 0; i < e->thumbnail_bytes; i++) sum += (uint64_t)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

static void keep_anchor(DfyVideoEncoder *e, DfyFrame *anchor, const DfyFrame *source) {
    DfyFrame *dropped = dfy_store_keep(&e->store, anchor);
    int last = e->store.kept_count - 1;
    if (dropped) { /* the thumbnails move with their anchors */
        uint8_t *free_one = e->thumbnails[0];
        memmove(e->thumbnails, e->thumbnails + 1, (size_t)last * sizeof *e->thumbnails);
        e->thumbnails[last] = free_one;
        dfy_video_encoder_give_back(e, dropped);
    }
    memcpy(e->thumbnails[last], source->thumbnail, (size_t)e->thumbnail_bytes);
}

/* The kept anchor before the last two that is most like `source`: how many before the end, and how unlike. */
static int most_alike(const DfyVideoEncoder *e, const DfyFrame *source, uint64_t *least) {
    int found = 0;
    *least = UINT64_MAX;
    for (int i = 0; i < e->store.kept_count - 1; i++) {
        uint64_t distance = unlike(e, source->thumbnail, e->thumbnails[i]);
        if (distance >= *least) continue;
        *least = distance;
        found = e->store.kept_count - i;
    }
    return found;
}

/* The kept anchor worth having as a reference: one nearer than the picture's neighbours in time are. */
static int find_stored(const DfyVideoEncoder *e, const DfyGroupPicture *place, DfyFrame *const *sources) {
    uint64_t least, nearest = UINT64_MAX;
    const DfyFrame *own = sources[place->number - 1];
    int found = most_alike(e, own, &least);
    for (int d = 0; found && d < 2; d++) {
        int number = d ? place->future : place->past;
        if (number < 0 || (number == 0 && !e->anchor_source)) continue;
        const DfyFrame *other = number ? sources[number - 1] : e->anchor_source;
        uint64_t distance = unlike(e, own->thumbnail, other->thumbnail);
        if (distance < nearest) nearest = distance;
    }
    return least < nearest / 5 * 4 ? found : 0;
}

int dfy_video_encoder_group_length(DfyVideoEncoder *e, DfyFrame *const *sources, int count, int usual) {
    int best = usual < count ? usual : count;
    if (e->store.kept_count < 3 || count <= usual) return best;
    uint64_t least, here;
    most_alike(e, sources[usual - 1], &least);
    least = least / 5 * 3; /* a group of another length must gain something */
    for (int n = usual * 5 / 8; n <= usual * 11 / 8 && n <= count && n <= DFY_MAX_GROUP; n++) {
        most_alike(e, sources[n - 1], &here);
        if (here >= least) continue;
        least = here;
        best = n;
    }
    return best;
}

/* What a group's pictures are coded from. */
typedef struct Group {
    DfyGroupPicture pictures[DFY_MAX_GROUP]; /* in coding order */
    DfyFrame *const *sources;
    int frames, count; /* count: sources there are, with those only looked at */
    int qp;
    DfyVideoEncoder *encoder;
    DfyRangeCoder *coder;
    DfySchedule schedule;
    DfyDraft *drafts[DFY_MAX_GROUP]; /* of pictures begun and not written */
    int jobs_counted;                /* as many have ended, for those that wait for the next to end */
    int status;
} Group;

static int picture_qp(const Group *group, const DfyGroupPicture *place) {
    return dfy_clamp(group->qp + dfy_propagated_step(group->encoder->propagation, place->number), 0, DFY_MAX_QP);
}

/* What a picture is coded after: its own frame, but the anchor without its noise. */
static const DfyFrame *find_source(DfyVideoEncoder *e, const Group *group, const DfyGroupPicture *place) {
    return place->level == 0 && e->filtered ? e->filtered : group->sources[place->number - 1];
}

/* Sets a draft's header, references and source. */
static void prepare(DfyVideoEncoder *e, DfyDraft *d, const Group *group, const DfyGroupPicture *place) {
    const DfyFrame *own = group->sources[place->number - 1];
    d->header = (DfyPictureHeader){.plate = e->store.plate != NULL};
    dfy_draft_set_qp(d, picture_qp(group, place));
    d->picture.picture_class = dfy_picture_class(place);
    if (place->referred) d->header.variable_qp = set_quantisers(e, d, place->number, d->header.qp);
    d->picture.variable_qp = d->header.variable_qp;
    d->header.stored = e->store.library[place->number] ? 0 : find_stored(e, place, group->sources);
    dfy_picture_references(&d->picture, &e->store, place, &d->header);
    d->source = find_source(e, group, place);
    d->header.copy = place->past > 0 && dfy_frame_same(own, group->sources[place->past - 1]);
}

/*
 * Bits that another light of a reference must save. Between two pictures, their mean hides half of what each differs
 * by, and a plate or stored picture is seldom needed at all. Of 1, 1 to 8, 4 times as much these were best on six
 * clips.
 */
static uint32_t worth_lighting(const DfyPictureCoding *picture, int reference) {
    if (!picture->picture_class) return 48;
    return picture->timeless[reference] ? 8 * 48 : 4 * 48;
}

/* Lends a draft its references under the light of its source, where that helps. */
static int light_references(DfyVideoEncoder *e, DfyDraft *d) {
    DfyPictureCoding *p = &d->picture;
    uint32_t lambda = dfy_lambda(d->header.qp, p->picture_class);
    for (int i = 0, count = 0; i < p->reference_count && count < MAX_LIT; i++) {
        DfyLight *light = &d->header.light[i];
        *light = dfy_find_light(d->source, p->references[i], lambda, worth_lighting(p, i));
        if (!dfy_light_changes(light)) continue;
        DfyFrame *lit = dfy_video_encoder_take(e);
        if (!lit) return DFY_ERROR_MEMORY;
        dfy_lend_lit(p, &d->lit, i, lit, light);
        count++;
    }
    return DFY_OK;
}

/* Puts the references back as they are: after the decisions, nobody looks at their pixels. */
static void give_back_lit(DfyVideoEncoder *e, DfyDraft *d) {
    for (int i = 0; i < DFY_MAX_REFERENCES; i++)
        dfy_video_encoder_give_back(e, dfy_return_lit(&d->picture, &d->lit, i));
}

/* A draft that no picture has, NULL when there is no memory; the schedule sees to it that not all are taken. */
static DfyDraft *take_draft(DfyVideoEncoder *e) {
    DfyDraft *found = NULL;
    dfy_pool_lock(e->pool);
    for (int i = 0; i < e->draft_count && !found; i++) {
        DfyDraft *d = &e->drafts[i];
        if (d->taken) continue;
        if (!d->plans && dfy_draft_open(d, e->width, e->height)) break;
        d->taken = 1;
        found = d;
    }
    dfy_pool_unlock(e->pool);
    return found;
}

static void give_back_draft(DfyVideoEncoder *e, DfyDraft *d) {
    dfy_pool_lock(e->pool);
    d->taken = 0;
    dfy_pool_unlock(e->pool);
}

/* Begins picture i; *copied: it repeats another, and nothing is to be decided. */
static int begin_picture(Group *group, int i, int *copied) {
    DfyVideoEncoder *e = group->encoder;
    const DfyGroupPicture *place = &group->pictures[i];
    DfyDraft *d = group->drafts[i] = take_draft(e);
    DfyFrame *frame = d ? dfy_video_encoder_take(e) : NULL;
    if (!frame) return DFY_ERROR_MEMORY;
    frame->order = e->frame_number + place->number;
    e->store.group[place->number] = frame; /* for those that wait until it is decided */
    prepare(e, d, group, place);
    *copied = d->header.copy;
    if (d->header.copy)
        dfy_picture_repeat(&d->picture, frame);
    else if (light_references(e, d))
        return DFY_ERROR_MEMORY;
    else
        dfy_draft_begin(d, frame, &e->models[group->schedule.pictures[i].models]);
    return DFY_OK;
}

/* Filters a decided picture and makes it a copy of its first reference, where it came out as one. */
static int filter_picture(Group *group, int i) {
    DfyVideoEncoder *e = group->encoder;
    DfyDraft *d = group->drafts[i];
    DfyFrame *scratch = dfy_video_encoder_take(e);
    if (!scratch) return DFY_ERROR_MEMORY;
    give_back_lit(e, d);
    dfy_draft_filter(d, scratch);
    dfy_video_encoder_give_back(e, scratch);
    int has_past = group->pictures[i].past > 0 || e->store.group[0] != NULL;
    d->header.copy = has_past && !dfy_light_changes(&d->header.light[0]) && dfy_draft_is_copy(d);
    if (d->header.copy) dfy_picture_repeat(&d->picture, d->picture.frame);
    return DFY_OK;
}

static int write_picture(Group *group, int i) {
    DfyVideoEncoder *e = group->encoder;
    const DfyGroupPicture *place = &group->pictures[i];
    DfyDraft *d = group->drafts[i];
    const DfyPictureCoding *p = &d->picture;
    dfy_code_picture(group->coder, &e->contexts, p->picture_class, &d->header, dfy_level_qp(group->qp, place));
    dfy_code_lights(group->coder, &e->contexts, p->picture_class, p->reference_count, &d->header);
    if (!d->header.copy) {
        dfy_code_alf(group->coder, &e->contexts, p, &d->header.alf);
        dfy_draft_write(d, group->coder, &e->contexts);
    }
    if (i + 1 < group->frames) e->models[i + 1] = e->contexts;
    give_back_draft(e, d);
    if (!place->referred) { /* nothing needs it any more */
        dfy_video_encoder_give_back(e, e->store.group[place->number]);
        e->store.group[place->number] = NULL;
    }
    return group->coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

static int do_job(Group *group, const DfyJob *job, int thread, int *copied) {
    DfyVideoEncoder *e = group->encoder;
    switch (job->kind) {
    case DFY_JOB_BEGIN: return begin_picture(group, job->picture, copied);
    case DFY_JOB_ROW:
        dfy_draft_decide_row(group->drafts[job->picture], job->row, e->pool, e->deciders[thread], &e->effort);
        return DFY_OK;
    case DFY_JOB_FILTER: return filter_picture(group, job->picture);
    default: return write_picture(group, job->picture);
    }
}

/* What one thread does until the group is written, or something failed. */
static void do_jobs(void *context, int number, int thread) {
    Group *group = context;
    DfyPool *pool = group->encoder->pool;
    DfyJob job;
    (void)number;
    for (;;) {
        dfy_pool_lock(pool);
        int ended = group->schedule.ended, taken = group->status ? -1 : dfy_schedule_take(&group->schedule, &job);
        dfy_pool_unlock(pool);
        if (taken < 0) return;
        if (!taken) {
            dfy_pool_wait(pool, &group->jobs_counted, ended + 1);
            continue;
        }
        int copied = 0, status = do_job(group, &job, thread, &copied);
        dfy_pool_lock(pool);
        dfy_schedule_end(&group->schedule, &job, copied);
        if (status) group->status = status;
        dfy_pool_unlock(pool);
        dfy_pool_count(pool, &group->jobs_counted);
    }
}

/* The anchor's source without its noise in e->filtered, which is NULL where there is nothing to filter with. */
static int filter_anchor(DfyVideoEncoder *e, const Group *group) {
    if (!e->filtered && !(e->filtered = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
    if (dfy_temporal_filter(e->pool, e->filtered, group->sources, group->frames - 1, group->count, group->qp))
        return DFY_OK;
    dfy_video_encoder_give_back(e, e->filtered);
    e->filtered = NULL;
    return DFY_OK;
}

/* The pictures of a group, which stay in store.group[1..frames]. */
static int code_group(DfyVideoEncoder *e, DfyRangeCoder *coder, DfyFrame *const *sources, int frames, int ahead,
                      int qp) {
    Group group = {
        .sources = sources, .frames = frames, .count = frames + ahead, .qp = qp, .encoder = e, .coder = coder};
    DfyGroupHeader header = {.frames = frames, .qp = qp};
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    e->last_qp = header.qp;
    for (int i = 1; i <= frames; i++)
        if (!e->store.library[i]) e->map.index[i] = -1;
    if (dfy_code_library_map(coder, &e->contexts, &e->map, frames)) return DFY_ERROR_ARGUMENT;
    dfy_group_order_pictures(group.pictures, frames);
    dfy_propagate(e->propagation, e->pool, e->anchor_source, sources, frames, ahead);
    if (filter_anchor(e, &group)) return DFY_ERROR_MEMORY;
    e->models[0] = e->contexts;
    dfy_schedule_start(&group.schedule, group.pictures, frames, e->drafts[0].picture.rows, e->draft_count);
    dfy_pool_run(e->pool, dfy_pool_threads(e->pool), do_jobs, &group);
    return group.status;
}

int dfy_video_encoder_measure(DfyVideoEncoder *e, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes) {
    DfyContexts contexts = e->contexts;
    DfyRangeCoder coder;
    int last_qp = e->last_qp;
    int32_t library_last = e->map.last;
    dfy_range_encode_start(&coder);
    int status = code_group(e, &coder, sources, frames, ahead, qp);
    *bytes = coder.size + coder.pending;
    dfy_range_free(&coder);
    for (int i = 1; i <= frames; i++) {
        dfy_video_encoder_give_back(e, e->store.group[i]);
        e->store.group[i] = NULL;
    }
    e->contexts = contexts;
    e->last_qp = last_qp;
    e->map.last = library_last;
    return status;
}

int dfy_video_encode_group(DfyVideoEncoder *e, DfyRangeCoder *coder, DfyFrame *const *sources, int frames, int ahead,
                           int qp) {
    int status = code_group(e, coder, sources, frames, ahead, qp);
    if (status) return status;
    keep_anchor(e, e->store.group[frames], sources[frames - 1]);
    for (int i = 1; i < frames; i++) dfy_video_encoder_give_back(e, e->store.group[i]);
    for (int i = 1; i <= frames; i++) {
        dfy_video_encoder_give_back(e, e->store.library[i]);
        e->store.group[i] = e->store.library[i] = NULL;
    }
    e->frame_number += frames;
    if (!e->anchor_source && !(e->anchor_source = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
    dfy_frame_copy(e->anchor_source, sources[frames - 1]);
    return dfy_frame_make_thumbnail(e->anchor_source);
}

int dfy_video_encode_still(DfyVideoEncoder *e, DfyRangeCoder *coder, int frames) {
    DfyGroupHeader header = {.frames = frames, .still = 1, .qp = e->last_qp};
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    e->store.group[0]->order += frames; /* the anchor stays the anchor */
    e->frame_number += frames;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}
