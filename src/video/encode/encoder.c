#include "video/encode/encoder.h"
#include "video/encode/decide/weight_search.h"
#include "video/encode/frame_task.h"
#include "video/encode/lookahead/global_motion_search.h"
#include "video/encode/lookahead/mctf.h"
#include "video/encode/lookahead/propagation.h"
#include "video/encode/schedule.h"
#include "video/syntax/mini_group_record.h"
#include "video/syntax/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"

#define MAX_THREADS 16
/*
 * Quantiser steps that an anchor without a past is coarser by than its mini-groups seem to deserve. On 97 frames of
 * three clips 2 to 4 took 3 % fewer bytes than none, 6 no fewer.
 */
#define LONE_ANCHOR 3
/* Pictures decided at once and waiting to be written. Large ones are fewer; each takes about three bytes a pixel. */
#define MAX_TASKS 8
#define TASK_BYTES ((size_t)20 << 20)
/* How new an anchor is, at the usual distance, where groups begin to be short and where they go on so. */
#define ALL_BUT_NEW 0.75f
#define STILL_NEW 0.65f
#define SHORT 8               /* frames of such a group */
#define HELPS 0.9f            /* how much newer its anchor may be than after the usual time */
#define MAX_AT_ONCE 4         /* pictures of a group that are decided at the same time, if there are threads for it */
#define MAX_WEIGHTED 2        /* weighted references of one picture */
#define TURNS 4096            /* frames whose turn is known: more than the kept anchors reach back over */
#define MEASURED 3            /* pictures of a group whose noise is measured */
#define BRIGHTNESS_CHANGES 12 /* 1/64 levels by which sources differ where the light has changed */

/* Decoded pictures that the next one may refer to. */
typedef struct DfyStore {
    DfyFrame *plate; /* NULL: none */
    DfyFrame
        *anchors[DFY_MAX_ANCHORS]; /* anchors since the access point, the last anchor_count of them, oldest first */
    int32_t anchor_order[DFY_MAX_ANCHORS];       /* their places in time */
    int anchor_count, keep;                      /* keep: how many at the most */
    DfyFrame *group[DFY_MAX_MINI_GROUP + 1];     /* by number; [0] is the last anchor, NULL at an access point */
    DfyFrame *long_term[DFY_MAX_MINI_GROUP + 1]; /* by number: of the long-term set, while a picture refers to it */
} DfyStore;

struct DfyVideoEncoder {
    int width, height;
    DfyEffort effort;
    DfyPool *pool;
    DfyDecider *deciders[MAX_THREADS];
    DfyStore store;
    int32_t long_term_index[DFY_MAX_MINI_GROUP + 1]; /* of what is lent to the next group, by number; -1: nothing */
    int long_term_frames;                            /* of the long-term set, 0: there is none */
    DfyLongTermSource long_term;
    int fetches, fetched;                                       /* begun, and ended: one at a time */
    DfyFrameTask tasks[MAX_TASKS];                              /* [0] is open always */
    int task_count;                                             /* of them that may be opened */
    DfyFrame *spare[DFY_MAX_ANCHORS + DFY_MAX_MINI_GROUP + 80]; /* frames not in use */
    int spare_count;
    int layers;       /* of mini-groups besides the anchor's, at the most; 0: not limited, and anchors have a past */
    int frame_number; /* place in time of the last anchor, in frames since the random access point */
    int moves_fast;   /* the last group was short, since the view moves fast */
    DfyPropagation *propagation;
    uint8_t *thumbnails[DFY_MAX_ANCHORS]; /* of the kept anchors' sources */
    int thumbnail_bytes;
    DfyFrame *filtered;      /* the anchor's source without its noise */
    DfyFrame *anchor_source; /* the last anchor as it came, NULL at an access point */
    DfyOrientation *turns;   /* of frames by their place in time, the last TURNS of them; NULL: nothing is known */
    double camera[9];
    DfyNoiseMeter *noise;               /* borrowed, NULL: not measured */
    DfyNoiseSums measured[MEASURED][3]; /* of the group being coded */
};

static void forget_lent(DfyVideoEncoder *e) {
    for (int i = 0; i <= DFY_MAX_MINI_GROUP; i++) e->long_term_index[i] = -1;
}

DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep) {
    DfyVideoEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->width = width;
    e->height = height;
    e->effort = *dfy_effort(effort);
    e->store.keep = keep;
    forget_lent(e);
    e->thumbnail_bytes = (dfy_coded_size(width) / 8) * (dfy_coded_size(height) / 8);
    int status = dfy_frame_task_open(&e->tasks[0], width, height), rows = e->tasks[0].picture.rows;
    e->task_count = dfy_clamp((int)(TASK_BYTES / dfy_frame_task_bytes(width, height)), 1, MAX_TASKS);
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
    return e;
}

void dfy_video_encoder_set_effort(DfyVideoEncoder *e, int effort) {
    e->effort = *dfy_effort(effort);
}

/* A frame for a picture that is much like another (NULL: none): one that shows as many of its tiles as there is. */
static DfyFrame *take_like(DfyVideoEncoder *e, const DfyFrame *like) {
    dfy_pool_lock(e->pool);
    int best = dfy_most_alike(e->spare, e->spare_count, like);
    DfyFrame *frame = best < 0 ? dfy_coded_frame_new(e->width, e->height) : e->spare[best];
    if (best >= 0) e->spare[best] = e->spare[--e->spare_count];
    dfy_pool_unlock(e->pool);
    return frame;
}

DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *e) {
    dfy_pool_lock(e->pool);
    int least = e->spare_count - 1; /* one that never was a decoded picture, if there is */
    for (int i = e->spare_count - 1; i >= 0; i--)
        if (!e->spare[i]->tiles[0]) least = i;
    DfyFrame *frame = least < 0 ? dfy_coded_frame_new(e->width, e->height) : e->spare[least];
    if (least >= 0) e->spare[least] = e->spare[--e->spare_count];
    dfy_pool_unlock(e->pool);
    if (frame) dfy_forget_tiles(frame); /* its pixels will be what nobody keeps account of */
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
    free(e->turns);
    dfy_propagation_free(e->propagation);
    dfy_frame_free(e->anchor_source);
    dfy_frame_free(e->filtered);
    dfy_frame_free(e->store.plate);
    while (e->store.anchor_count) dfy_frame_free(e->store.anchors[--e->store.anchor_count]);
    for (int i = 1; i <= DFY_MAX_MINI_GROUP; i++) dfy_frame_free(e->store.long_term[i]);
    for (int i = 1; i <= DFY_MAX_MINI_GROUP; i++) dfy_frame_free(e->store.group[i]); /* left where coding them failed */
    for (int i = 0; i < DFY_MAX_ANCHORS; i++) free(e->thumbnails[i]);
    while (e->spare_count) dfy_frame_free(e->spare[--e->spare_count]);
    for (int i = 0; i < MAX_THREADS; i++) dfy_decider_free(e->deciders[i]);
    dfy_pool_free(e->pool);
    for (int i = 0; i < MAX_TASKS; i++) dfy_frame_task_close(&e->tasks[i]);
    free(e);
}

void dfy_video_encoder_begin_run(DfyVideoEncoder *e) {
    while (e->store.anchor_count) dfy_video_encoder_give_back(e, e->store.anchors[--e->store.anchor_count]);
    e->store.group[0] = NULL;
    dfy_video_encoder_give_back(e, e->anchor_source);
    e->anchor_source = NULL;
    e->frame_number = 0;
}

void dfy_video_encoder_set_layers(DfyVideoEncoder *e, int layers) {
    e->layers = layers;
}

/* What the next anchor refers to first: the one before. */
static DfyReference anchor_past(const DfyVideoEncoder *e) {
    int last = e->store.anchor_count - 1;
    if (e->layers || last < 0) return (DfyReference){NULL, 0};
    return (DfyReference){e->store.anchors[last], e->store.anchor_order[last]};
}

void dfy_video_encoder_set_long_term(DfyVideoEncoder *e, int frames, DfyLongTermSource source) {
    e->long_term_frames = frames;
    e->long_term = source;
}

void dfy_video_encoder_lend(DfyVideoEncoder *e, int number, int32_t index) {
    e->long_term_index[number] = index;
}

/* A frame that another decoder made, as far as pictures refer to its pixels. */
static void copy_decoded(DfyFrame *frame, const DfyFrame *decoded) {
    dfy_frame_copy(frame, decoded);
    memcpy(frame->alf, decoded->alf, sizeof frame->alf);
}

/* Fetches what a picture may refer to, when it is begun: all of a group's at once would be too much memory. */
static int fetch_lent(DfyVideoEncoder *e, int number) {
    const DfyFrame *found;
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    dfy_pool_lock(e->pool);
    int turn = e->fetches++;
    dfy_pool_unlock(e->pool);
    dfy_pool_wait(e->pool, &e->fetched, turn);
    int status = e->long_term.fetch(e->long_term.context, e->long_term_index[number], &found);
    if (!status) copy_decoded(frame, found);
    dfy_pool_count(e->pool, &e->fetched);
    e->store.long_term[number] = frame;
    return status;
}

static void give_back_lent(DfyVideoEncoder *e, int number) {
    dfy_video_encoder_give_back(e, e->store.long_term[number]);
    e->store.long_term[number] = NULL;
}

/* ---------------------------------------------------------------- the plate */

int dfy_video_encode_plate(DfyVideoEncoder *e, DfyBuffer *out, const DfyFrame *source, int qp) {
    DfyFrame *frame = dfy_video_encoder_take(e), *scratch = dfy_video_encoder_take(e);
    if (!frame || !scratch) {
        dfy_video_encoder_give_back(e, frame);
        dfy_video_encoder_give_back(e, scratch);
        return DFY_ERROR_MEMORY;
    }
    DfyFrameTask *task = &e->tasks[0];
    task->header = (DfyPictureHeader){0};
    task->picture.reference_count = 0;
    dfy_set_class(&task->picture, 0);
    task->picture.variable_qp = 0;
    task->source = source;
    frame->order = 0;
    dfy_frame_task_set_qp(task, qp);
    dfy_frame_task_begin(task, frame, NULL);
    dfy_frame_task_decide(task, scratch, e->pool, e->deciders, &e->effort);
    dfy_code_picture(&task->coder, &task->contexts, 0, &task->header, DFY_FIRST_QP);
    dfy_code_alf(&task->coder, &task->contexts, &task->picture, &task->header.alf);
    dfy_frame_task_write(task);
    dfy_range_encode_finish(&task->coder);
    dfy_put_bytes(out, task->coder.data, task->coder.size);
    frame->state->models = task->contexts;
    dfy_video_encoder_give_back(e, scratch);
    dfy_video_encoder_give_back(e, e->store.plate);
    e->store.plate = frame;
    return task->coder.failed || out->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

int dfy_video_encoder_set_plate(DfyVideoEncoder *e, const DfyFrame *decoded) {
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    copy_decoded(frame, decoded);
    frame->order = decoded->order;
    frame->state->models = decoded->state->models;
    dfy_video_encoder_give_back(e, e->store.plate);
    e->store.plate = frame;
    return DFY_OK;
}

const DfyFrame *dfy_video_encoder_plate(const DfyVideoEncoder *e) {
    return e->store.plate;
}

/* Sets the quantiser of every 32x32 block of a picture; returns whether they differ. */
static int set_quantisers(const DfyVideoEncoder *e, DfyFrameTask *task, int number, int qp) {
    const DfyPictureCoding *p = &task->picture;
    int differ = 0;
    for (int row = 0; row < p->rows; row++)
        for (int column = 0; column < p->columns; column++)
            for (int i = 0; i < 4; i++) {
                int x = column * 64 + (i & 1) * 32, y = row * 64 + (i >> 1) * 32;
                int inside = x < p->width && y < p->height;
                int offset = inside ? dfy_propagated_offset(e->propagation, number, x, y) : 0;
                task->qps[(row * p->columns + column) * 4 + i] = (uint8_t)dfy_clamp(qp + offset, 0, DFY_MAX_QP);
                differ |= offset;
            }
    return differ != 0;
}

/* ---------------------------------------------------------------- pictures that came before */

/* Unlikeness: squared differences, so that a few blocks far apart weigh more than a shade over all. */
static uint64_t unlike(const DfyVideoEncoder *e, const uint8_t *a, const uint8_t *b) {
    uint64_t sum = 0;
    for (int i = 0; i < e->thumbnail_bytes; i++) sum += (uint64_t)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

static void keep_anchor(DfyVideoEncoder *e, DfyFrame *anchor, const DfyFrame *source) {
    DfyStore *store = &e->store;
    if (store->anchor_count == store->keep) {
        uint8_t *free_one = e->thumbnails[0]; /* the thumbnails move with their anchors */
        int left = --store->anchor_count;
        dfy_video_encoder_give_back(e, store->anchors[0]);
        memmove(store->anchors, store->anchors + 1, (size_t)left * sizeof *store->anchors);
        memmove(store->anchor_order, store->anchor_order + 1, (size_t)left * sizeof *store->anchor_order);
        memmove(e->thumbnails, e->thumbnails + 1, (size_t)left * sizeof *e->thumbnails);
        e->thumbnails[left] = free_one;
    }
    int last = store->anchor_count++;
    store->anchors[last] = store->group[0] = anchor;
    store->anchor_order[last] = anchor->order;
    memcpy(e->thumbnails[last], source->thumbnail, (size_t)e->thumbnail_bytes);
}

/* The kept anchor before the last two that is most like `source`: how many before the end, and how unlike. */
static int most_alike(const DfyVideoEncoder *e, const DfyFrame *source, uint64_t *least) {
    int found = 0;
    *least = UINT64_MAX;
    for (int i = 0; i < e->store.anchor_count - 1; i++) {
        uint64_t distance = unlike(e, source->thumbnail, e->thumbnails[i]);
        if (distance >= *least) continue;
        *least = distance;
        found = e->store.anchor_count - i;
    }
    return found;
}

/* The kept anchor worth having as a reference: one nearer than the picture's neighbours in time are. */
static int find_long_term_anchor(const DfyVideoEncoder *e, const DfyMiniGroupPicture *place, DfyFrame *const *sources) {
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

/*
 * Where the camera or all before it moves so fast that an anchor after the usual time is all but a new picture, groups
 * are short, if that helps. All equally: going back and forth between lengths gains nothing.
 */
static int shorter_length(DfyVideoEncoder *e, DfyFrame *const *sources, int length, int qp) {
    if (length <= SHORT) return length;
    float newness = dfy_newness(e->propagation, e->pool, sources[length - 1], e->anchor_source, qp);
    if (newness < (e->moves_fast ? STILL_NEW : ALL_BUT_NEW)) {
        e->moves_fast = 0;
        return length;
    }
    float nearer = dfy_newness(e->propagation, e->pool, sources[SHORT - 1], e->anchor_source, qp);
    e->moves_fast = nearer < newness * HELPS;
    return e->moves_fast ? SHORT : length;
}

int dfy_video_encoder_mini_group_length(DfyVideoEncoder *e, DfyFrame *const *sources, int count, int usual, int qp) {
    int best = usual < count ? usual : count;
    if (best == usual && e->anchor_source) {
        int shorter = shorter_length(e, sources, usual, qp);
        if (shorter < usual) return shorter;
    }
    if (e->store.anchor_count < 3 || count <= usual) return best;
    uint64_t least, here;
    most_alike(e, sources[usual - 1], &least);
    least = least / 5 * 3; /* a group of another length must gain something */
    for (int n = usual * 5 / 8; n <= usual * 11 / 8 && n <= count && n <= DFY_MAX_MINI_GROUP; n++) {
        most_alike(e, sources[n - 1], &here);
        if (here >= least) continue;
        least = here;
        best = n;
    }
    return best;
}

/* What a group's pictures are coded from. */
typedef struct MiniGroup {
    DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP]; /* in coding order */
    DfyFrame *const *sources;
    int frames, count; /* count: sources there are, with those only looked at */
    DfyMiniGroupHeader header;
    DfyVideoEncoder *encoder;
    DfySchedule schedule;
    DfyFrameTask *tasks[DFY_MAX_MINI_GROUP]; /* of pictures begun and not ended */
    DfyBuffer pieces[DFY_MAX_MINI_GROUP];    /* the pictures' bytes */
    int jobs_counted;                        /* as many have ended, for those that wait for the next to end */
    int status;
} MiniGroup;

static int picture_qp(const MiniGroup *group, const DfyMiniGroupPicture *place) {
    const DfyVideoEncoder *e = group->encoder;
    int step = dfy_propagated_step(e->propagation, place->number);
    if (e->layers && !place->layer) step += LONE_ANCHOR;
    return dfy_clamp(group->header.qp + step, 0, DFY_MAX_QP);
}

/* What a picture is coded after: its own frame, but the anchor without its noise. */
static const DfyFrame *find_source(DfyVideoEncoder *e, const MiniGroup *group, const DfyMiniGroupPicture *place) {
    return place->layer == 0 && e->filtered ? e->filtered : group->sources[place->number - 1];
}

/* Picture `number` of the group as a reference, 0 being the anchor before it. */
static DfyReference reference_to(const DfyVideoEncoder *e, int number) {
    return (DfyReference){e->store.group[number], e->frame_number + number};
}

static void set_references(const DfyVideoEncoder *e, DfyFrameTask *task, const DfyMiniGroupPicture *place) {
    const DfyStore *store = &e->store;
    int anchors = store->anchor_count, long_term_anchor = task->header.long_term_anchor;
    DfyReferenceSources sources = {.past = place->layer ? reference_to(e, place->past) : anchor_past(e),
                                   .long_term = store->long_term[place->number],
                                   .plate = task->header.plate ? store->plate : NULL,
                                   .long_term_anchor =
                                       long_term_anchor ? store->anchors[anchors - long_term_anchor] : NULL};
    if (place->future >= 0)
        sources.future = reference_to(e, place->future);
    else if (anchors > 1 && !e->layers)
        sources.before = (DfyReference){store->anchors[anchors - 2], store->anchor_order[anchors - 2]};
    dfy_picture_references(&task->picture, &sources);
}

/* The models that a picture begins with: NULL: new ones. */
static const DfyContexts *models_for(const DfyVideoEncoder *e, const DfyMiniGroupPicture *place) {
    const DfyFrame *frame = place->layer ? e->store.group[place->models] : anchor_past(e).frame;
    if (!frame) frame = e->store.plate;
    return frame ? &frame->state->models : NULL;
}

/* Sets a frame task's header, references and source. 0 or DFY_ERROR_MEMORY. */
static int prepare(DfyVideoEncoder *e, DfyFrameTask *task, const MiniGroup *group, const DfyMiniGroupPicture *place) {
    const DfyFrame *own = group->sources[place->number - 1];
    task->header = (DfyPictureHeader){.plate = e->store.plate != NULL};
    dfy_frame_task_set_qp(task, picture_qp(group, place));
    dfy_set_class(&task->picture, dfy_picture_class(place));
    if (place->referred) task->header.variable_qp = set_quantisers(e, task, place->number, task->header.qp);
    task->picture.variable_qp = task->header.variable_qp;
    task->copy = place->past > 0 && dfy_frame_same(own, group->sources[place->past - 1]);
    int lent = e->long_term_index[place->number] >= 0;
    if (lent && !task->copy && fetch_lent(e, place->number)) return DFY_ERROR_MEMORY;
    task->header.long_term_anchor = lent || e->layers ? 0 : find_long_term_anchor(e, place, group->sources);
    set_references(e, task, place);
    task->source = find_source(e, group, place);
    return DFY_OK;
}

/*
 * Bits that weighting a reference must save. Between two pictures, their mean hides half of what each differs
 * by, and a long-term reference is seldom needed at all. Of 1, 1 to 8, 4 times as much these were best on six
 * clips.
 */
static uint32_t least_saving(const DfyPictureCoding *picture, int reference) {
    if (!picture->picture_class) return 48;
    return picture->long_term[reference] ? 8 * 48 : 4 * 48;
}

/* A thumbnail's mean difference from another in 1/64 level, where nothing moves: by no more than 8 levels. */
static int brightness_difference(const DfyVideoEncoder *e, const uint8_t *a, const uint8_t *b) {
    int sum = 0, count = 1;
    for (int i = 0; i < e->thumbnail_bytes; i++) {
        int difference = a[i] - b[i], near = difference >= -8 && difference <= 8;
        sum += near * difference;
        count += near;
    }
    return abs(64 * sum / count);
}

/* Whether the light may have changed between a picture and those that enclose it, or before, by their sources. */
static int brightness_may_differ(const DfyVideoEncoder *e, const MiniGroup *group, const DfyMiniGroupPicture *place) {
    const uint8_t *own = group->sources[place->number - 1]->thumbnail;
    const DfyFrame *past = place->past ? group->sources[place->past - 1] : e->anchor_source;
    const DfyFrame *future = place->future > 0 ? group->sources[place->future - 1] : NULL;
    if (!past || brightness_difference(e, own, past->thumbnail) > BRIGHTNESS_CHANGES) return 1;
    return future && brightness_difference(e, own, future->thumbnail) > BRIGHTNESS_CHANGES;
}

/* Lends a frame task weighted references, where the light has changed and that helps. */
static int weight_references(DfyVideoEncoder *e, const MiniGroup *group, const DfyMiniGroupPicture *place,
                             DfyFrameTask *task) {
    DfyPictureCoding *p = &task->picture;
    uint32_t lambda = dfy_lambda(task->header.qp, p->picture_class);
    if (e->effort.weight_by_sources && !brightness_may_differ(e, group, place)) return DFY_OK;
    for (int i = 0, count = 0; i < p->reference_count && count < MAX_WEIGHTED; i++) {
        DfyWeight *weight = &task->header.weight[i];
        *weight = dfy_find_weight(task->source, p->references[i], lambda, least_saving(p, i));
        if (!dfy_weight_changes(weight)) continue;
        DfyFrame *weighted = dfy_video_encoder_take(e);
        if (!weighted) return DFY_ERROR_MEMORY;
        dfy_lend_weighted(p, &task->weighted, i, weighted, weight);
        count++;
    }
    return DFY_OK;
}

/* Puts the references back as they are: after the decisions, nobody looks at their pixels. */
static void give_back_weighted(DfyVideoEncoder *e, DfyFrameTask *task) {
    for (int i = 0; i < DFY_MAX_REFERENCES; i++)
        dfy_video_encoder_give_back(e, dfy_return_weighted(&task->picture, &task->weighted, i));
}

/* A frame task that no picture has, NULL when there is no memory; the schedule sees to it that not all are taken. */
static DfyFrameTask *take_task(DfyVideoEncoder *e) {
    DfyFrameTask *found = NULL;
    dfy_pool_lock(e->pool);
    for (int i = 0; i < e->task_count && !found; i++) {
        DfyFrameTask *task = &e->tasks[i];
        if (task->taken) continue;
        if (!task->plans && dfy_frame_task_open(task, e->width, e->height)) break;
        task->taken = 1;
        found = task;
    }
    dfy_pool_unlock(e->pool);
    return found;
}

static void give_back_task(DfyVideoEncoder *e, DfyFrameTask *task) {
    dfy_pool_lock(e->pool);
    task->taken = 0;
    dfy_pool_unlock(e->pool);
}

/*
 * Whether three tenths of a picture's references follow global motion. Where less does, as before a view with depth,
 * the pictures that nothing refers to are better off without: on 97 head-mounted frames by 1 to 2 %.
 */
static int follows_camera(const DfyPictureCoding *p) {
    int blocks = p->width / 8 * (p->height / 8), following = 0;
    for (int i = 0; i < p->reference_count && i < 2; i++)
        for (int b = 0; b < blocks; b++) following += p->references[i]->motion[b].global;
    return following * 5 > blocks * 3;
}

int dfy_video_encoder_expect_turns(DfyVideoEncoder *e, const double camera[9]) {
    if (dfy_camera_matrix(e->camera, camera, e->width, e->height)) return DFY_OK; /* a matrix that says nothing */
    e->turns = calloc(TURNS, sizeof *e->turns);
    return e->turns ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_video_encoder_turn(DfyVideoEncoder *e, const DfyOrientation *turned, int frames) {
    for (int i = 0; i < frames && e->turns; i++) e->turns[(e->frame_number + 1 + i) % TURNS] = turned[i];
}

/* Where a picture's places lie in a reference by the camera's turn; NULL: nothing is known. */
static const double *turn_between(const DfyVideoEncoder *e, double out[9], const DfyFrame *frame,
                                  const DfyFrame *reference) {
    if (!e->turns) return NULL;
    dfy_imu_homography(out, e->camera, dfy_quaternion_of(&e->turns[frame->order % TURNS]),
                       dfy_quaternion_of(&e->turns[reference->order % TURNS]), 1);
    return out;
}

/* The motion of the camera against the picture's references in time, whose sources the look-ahead has compared. */
static int find_global_motion(DfyVideoEncoder *e, DfyFrameTask *task, const DfyMiniGroupPicture *place) {
    DfyPictureCoding *p = &task->picture;
    uint32_t lambda = dfy_lambda_absolute(task->header.qp, p->picture_class);
    if (p->picture_class == 2 && !follows_camera(p)) return DFY_OK;
    int status = DFY_OK, enclosing = place->layer ? 2 : anchor_past(e).frame && e->anchor_source;
    double turn[9];
    for (int i = 0; i < p->reference_count && i < enclosing && !status; i++)
        if (!p->long_term[i])
            status = dfy_find_global_motion(p, &task->contexts, task->source, e->propagation, place->number, i, lambda,
                                            turn_between(e, turn, p->frame, p->references[i]));
    return status;
}

/* Begins picture i; *copied: it repeats another, and nothing is to be decided. */
static int begin_picture(MiniGroup *group, int i, int *copied) {
    DfyVideoEncoder *e = group->encoder;
    const DfyMiniGroupPicture *place = &group->pictures[i];
    DfyFrameTask *task = group->tasks[i] = take_task(e);
    const DfyFrame *past = place->layer ? e->store.group[place->past] : anchor_past(e).frame;
    DfyFrame *frame = task ? take_like(e, past ? past : e->store.plate) : NULL;
    if (!frame) return DFY_ERROR_MEMORY;
    frame->order = e->frame_number + place->number;
    e->store.group[place->number] = frame; /* for those that wait until it is ended */
    if (prepare(e, task, group, place)) return DFY_ERROR_MEMORY;
    dfy_frame_task_begin(task, frame, models_for(e, place));
    *copied = task->copy;
    if (task->copy) {
        dfy_picture_repeat(&task->picture, frame);
        return DFY_OK;
    }
    if (find_global_motion(e, task, place)) return DFY_ERROR_MEMORY;
    memcpy(frame->global, task->picture.global, sizeof frame->global);
    return weight_references(e, group, place, task);
}

/* Filters a decided picture and makes it a copy of its first reference, where it came out as one. */
static int filter_picture(MiniGroup *group, int i) {
    DfyVideoEncoder *e = group->encoder;
    DfyFrameTask *task = group->tasks[i];
    DfyFrame *scratch = dfy_video_encoder_take(e);
    if (!scratch) return DFY_ERROR_MEMORY;
    give_back_weighted(e, task);
    dfy_frame_task_filter(task, scratch, &e->effort);
    dfy_video_encoder_give_back(e, scratch);
    int has_past = group->pictures[i].layer || anchor_past(e).frame;
    task->copy = has_past && !dfy_weight_changes(&task->header.weight[0]) && dfy_frame_task_is_copy(task);
    if (task->copy) dfy_picture_repeat(&task->picture, task->picture.frame);
    return DFY_OK;
}

/* Writes a picture's bytes; none for a copy, but that an anchor says so itself. */
static int write_picture(MiniGroup *group, int i) {
    DfyVideoEncoder *e = group->encoder;
    const DfyMiniGroupPicture *place = &group->pictures[i];
    DfyFrameTask *task = group->tasks[i];
    const DfyPictureCoding *p = &task->picture;
    DfyRangeCoder *coder = &task->coder;
    if (!place->layer) {
        const DfyFrame *before = anchor_past(e).frame;
        if (dfy_code_mini_group(coder, &task->contexts, &group->header, group->frames,
                                before ? &before->state->group : NULL, e->long_term_frames))
            return DFY_ERROR_ARGUMENT;
        dfy_code_repeats(coder, &task->contexts, task->copy);
        p->frame->state->group = group->header;
    }
    if (!task->copy) {
        dfy_code_picture(coder, &task->contexts, p->model_class, &task->header, dfy_layer_qp(group->header.qp, place));
        dfy_code_weights(coder, &task->contexts, p->model_class, p->reference_count, &task->header);
        dfy_code_global_motion(coder, &task->contexts, &task->picture);
        dfy_code_alf(coder, &task->contexts, p, &task->header.alf);
        dfy_frame_task_write(task);
    }
    p->frame->state->models = task->contexts;
    dfy_range_encode_finish(coder);
    int empty = task->copy && place->layer;
    if (!empty) dfy_put_bytes(&group->pieces[i], coder->data, coder->size);
    if (!empty && !coder->size) dfy_put_u8(&group->pieces[i], 0); /* none would mean a copy */
    return coder->failed || group->pieces[i].failed ? DFY_ERROR_MEMORY : DFY_OK;
}

/*
 * The anchor, and two of the pictures that nothing or little refers to, as most are. Each has sums of its own, which
 * are joined in order: what comes of them does not depend on which picture is ended first.
 */
static void measure_noise(MiniGroup *group, int number) {
    DfyVideoEncoder *e = group->encoder;
    const int numbers[MEASURED] = {group->frames, 1, group->frames / 2 + 1};
    for (int i = 0; i < MEASURED && e->noise; i++)
        if (numbers[i] == number && (!i || number < group->frames)) {
            dfy_noise_measure(e->measured[i], group->sources[number - 1], e->store.group[number], e->width, e->height);
            return;
        }
}

static int end_picture(MiniGroup *group, int i) {
    DfyVideoEncoder *e = group->encoder;
    DfyFrameTask *task = group->tasks[i];
    int number = group->pictures[i].number;
    int status = task->copy ? DFY_OK : filter_picture(group, i);
    if (!status) status = write_picture(group, i);
    give_back_task(e, task);
    give_back_lent(e, number);
    measure_noise(group, number);
    if (!group->pictures[i].referred) { /* nothing needs it any more */
        dfy_video_encoder_give_back(e, e->store.group[number]);
        e->store.group[number] = NULL;
    }
    return status;
}

static int do_job(MiniGroup *group, const DfyJob *job, int thread, int *copied) {
    DfyVideoEncoder *e = group->encoder;
    switch (job->kind) {
    case DFY_JOB_BEGIN: return begin_picture(group, job->picture, copied);
    case DFY_JOB_ROW:
        dfy_frame_task_decide_row(group->tasks[job->picture], job->row, e->pool, e->deciders[thread], &e->effort);
        return DFY_OK;
    default: return end_picture(group, job->picture);
    }
}

/* What one thread does until all pictures are ended, or something failed. */
static void do_jobs(void *context, int number, int thread) {
    MiniGroup *group = context;
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
static int filter_anchor(DfyVideoEncoder *e, const MiniGroup *group) {
    if (!e->filtered && !(e->filtered = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
    if (dfy_mctf(e->pool, e->filtered, group->sources, group->frames - 1, group->count, group->header.qp,
                 e->effort.mctf_reach))
        return DFY_OK;
    dfy_video_encoder_give_back(e, e->filtered);
    e->filtered = NULL;
    return DFY_OK;
}

static void put_group(const MiniGroup *group, DfyBuffer *out) {
    const DfyVideoEncoder *e = group->encoder;
    DfyMiniGroupRecord record = {.frames = group->frames, .past = !e->layers};
    record.names_past = e->layers && e->store.anchor_count;
    const uint8_t *pieces[DFY_MAX_MINI_GROUP];
    for (int i = 0; i < group->frames; i++) {
        record.bytes[i] = (uint32_t)group->pieces[i].size;
        pieces[i] = group->pieces[i].data;
    }
    dfy_put_mini_group_record(out, &record, pieces);
}

/* The pictures of a group, which stay in store.group[1..frames]. */
static int code_group(DfyVideoEncoder *e, DfyBuffer *out, DfyFrame *const *sources, int frames, int ahead, int qp) {
    MiniGroup group = {.sources = sources, .frames = frames, .count = frames + ahead, .header.qp = qp, .encoder = e};
    for (int i = 1; i <= frames; i++) group.header.map.index[i] = e->long_term_index[i];
    dfy_mini_group_order_pictures(group.pictures, frames, e->layers);
    dfy_propagate(e->propagation, e->pool, e->anchor_source, sources, frames, ahead, e->layers);
    if (filter_anchor(e, &group)) return DFY_ERROR_MEMORY;
    memset(e->measured, 0, sizeof e->measured);
    dfy_schedule_start(&group.schedule, group.pictures, frames, e->tasks[0].picture.rows, e->task_count);
    dfy_pool_run(e->pool, dfy_pool_threads(e->pool), do_jobs, &group);
    if (!group.status) put_group(&group, out);
    for (int i = 0; i < frames; i++) dfy_buffer_free(&group.pieces[i]);
    return out->failed ? DFY_ERROR_MEMORY : group.status;
}

int dfy_video_encoder_measure(DfyVideoEncoder *e, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes) {
    DfyBuffer out = {0};
    int status = code_group(e, &out, sources, frames, ahead, qp);
    *bytes = out.size;
    dfy_buffer_free(&out);
    for (int i = 1; i <= frames; i++) {
        dfy_video_encoder_give_back(e, e->store.group[i]);
        e->store.group[i] = NULL;
    }
    return status;
}

void dfy_video_encoder_measure_noise(DfyVideoEncoder *e, DfyNoiseMeter *meter) {
    e->noise = meter;
}

int dfy_video_encode_mini_group(DfyVideoEncoder *e, DfyBuffer *out, DfyFrame *const *sources, int frames, int ahead,
                                int qp) {
    int status = code_group(e, out, sources, frames, ahead, qp);
    if (status) return status;
    if (e->noise) dfy_noise_meter_join(e->noise, e->measured, MEASURED);
    keep_anchor(e, e->store.group[frames], sources[frames - 1]);
    for (int i = 1; i < frames; i++) dfy_video_encoder_give_back(e, e->store.group[i]);
    for (int i = 1; i <= frames; i++) e->store.group[i] = NULL;
    forget_lent(e);
    e->frame_number += frames;
    if (!e->anchor_source && !(e->anchor_source = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
    dfy_frame_copy(e->anchor_source, sources[frames - 1]);
    return dfy_frame_make_thumbnail(e->anchor_source);
}

int dfy_video_encode_still(DfyVideoEncoder *e, DfyBuffer *out, int frames) {
    DfyMiniGroupRecord record = {.frames = frames, .still = 1};
    dfy_put_mini_group_record(out, &record, NULL);
    e->frame_number += frames; /* the anchor stays the anchor, at its new place in time */
    e->store.anchor_order[e->store.anchor_count - 1] = e->frame_number;
    return out->failed ? DFY_ERROR_MEMORY : DFY_OK;
}
