/*
 * The recordings of a folder or zip one after another, as one source: what `diffy encode --episodes` reads. They are of
 * one camera: one size and colour. Times go on from one to the next.
 */
#include "episodes.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 255 /* of an episode's name */

typedef struct Episodes {
    const char *path;
    SourceOptions options;
    Batch batch;
    size_t at; /* of the recording that is open, or the next */
    int is_open;
    Source source;
    SourceFacts facts;   /* of the first */
    int64_t base, shown; /* ticks: where the recording begins, and behind its last picture so far */
    int64_t first_pts;   /* of the recording, by its own time base */
    int begins;          /* the next picture is the recording's first */
    char name[NAME_BYTES + 1];
    const char *begun; /* of the picture given last: the episode that it begins */
    uint64_t skipped;
    char first_skipped[256];
} Episodes;

/* A recording's name as an episode's: control characters and bytes that are no UTF-8 become _, the end is cut. */
static void make_name(char name[NAME_BYTES + 1], const char *from) {
    size_t size = 0;
    while (*from) {
        const uint8_t *at = (const uint8_t *)from;
        size_t bytes = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0, i = 1;
        while (i < bytes && at[i] >> 6 == 2) i++;
        int whole = bytes && i == bytes && at[0] >= 32 && at[0] != 127 && at[0] != 0xc0 && at[0] != 0xc1;
        if (!whole) bytes = 1;
        if (size + bytes > NAME_BYTES) break;
        memcpy(name + size, whole ? from : "_", bytes);
        size += bytes;
        from += bytes;
    }
    name[size] = 0;
}

static int64_t in_ticks(const Episodes *e, int64_t pts) {
    const SourceFacts *own = &e->source.facts, *all = &e->facts;
    if (own->time_base_num == all->time_base_num && own->time_base_den == all->time_base_den) return pts;
    __int128 ticks = (__int128)pts * own->time_base_num * all->time_base_den;
    __int128 unit = (__int128)own->time_base_den * all->time_base_num;
    return (int64_t)((ticks + unit / 2) / unit);
}

/* Images come without a rate: a tick a frame. */
static void settle_times(SourceFacts *facts) {
    if (facts->rate_num < 1) facts->rate_num = 30, facts->rate_den = 1;
    if (facts->time_base_num < 1) facts->time_base_num = facts->rate_den, facts->time_base_den = facts->rate_num;
}

static int open_next(Episodes *e) {
    BatchItem *item = &e->batch.items[e->at];
    e->options.within = item->within;
    int status = batch_ready(&e->batch, item);
    if (!status) status = source_open(&e->source, item->path, &e->options);
    if (status) return status;
    settle_times(&e->source.facts);
    const SourceFacts *own = &e->source.facts;
    if (!e->facts.width) e->facts = *own;
    if (own->width != e->facts.width || own->height != e->facts.height)
        return complain("%s is %d x %d pixels, but the recordings before it are %d x %d: encode it separately.",
                        item->name, own->width, own->height, e->facts.width, e->facts.height);
    if (own->format != e->facts.format || own->orientation != e->facts.orientation)
        return complain(
            "%s has a different colour space or orientation from the recordings before it: encode it separately.",
            item->name);
    make_name(e->name, item->name);
    e->is_open = e->begins = 1;
    e->base = e->shown;
    return STATUS_GOOD;
}

static void close_one(Episodes *e) {
    const char *first;
    uint64_t skipped = e->is_open ? source_skipped(&e->source, &first) : 0;
    if (skipped && !e->skipped) snprintf(e->first_skipped, sizeof e->first_skipped, "%s", first);
    e->skipped += skipped;
    source_close(&e->source);
    batch_done(&e->batch.items[e->at]);
    e->is_open = 0;
    e->at++;
}

/* DFY_OK, DFY_END or DFY_ERROR_IO. One that can't be opened is left out where that was asked for. */
static int open_one(Episodes *e) {
    while (e->at < e->batch.count) {
        if (open_next(e) == STATUS_GOOD) return DFY_OK;
        if (e->options.on_error != ON_ERROR_SKIP) return DFY_ERROR_IO;
        if (!e->skipped++) snprintf(e->first_skipped, sizeof e->first_skipped, "%s", e->batch.items[e->at].name);
        e->is_open = 0;
        close_one(e);
    }
    return DFY_END;
}

static int next_episodes(void *state, DfyPicture *picture) {
    Episodes *e = state;
    e->begun = NULL;
    for (;;) {
        if (!e->is_open) {
            int status = open_one(e);
            if (status) return status;
        }
        int status = source_next(&e->source, picture);
        if (status < 0) return status;
        if (status == DFY_OK) break;
        int64_t last = in_ticks(e, source_last_ticks(&e->source));
        if (last > 0 && !e->begins) e->shown += last - e->facts.last_ticks;
        close_one(e);
    }
    if (e->begins) {
        e->first_pts = picture->pts;
        e->begun = e->name;
        e->begins = 0;
    }
    picture->pts = e->base + in_ticks(e, picture->pts - e->first_pts);
    e->shown = picture->pts + e->facts.last_ticks; /* until something else is known: a frame at the nominal rate */
    return DFY_OK;
}

static const char *episode_begun(const void *state) {
    return ((const Episodes *)state)->begun;
}

static uint64_t skipped_episodes(const void *state, const char **first) {
    const Episodes *e = state;
    const char *own;
    uint64_t open = e->is_open ? source_skipped(&e->source, &own) : 0;
    *first = e->skipped ? e->first_skipped : open ? own : NULL;
    return e->skipped + open;
}

static void close_episodes(void *state) {
    Episodes *e = state;
    if (e->is_open) close_one(e);
    source_close(&e->source);
    batch_free(&e->batch);
    free(e);
}

static const SourceFormat source_episodes = {.name = "recordings",
                                             .next = next_episodes,
                                             .close = close_episodes,
                                             .skipped = skipped_episodes,
                                             .episode = episode_begun};

int episodes_open(Source *source, const char *path, const SourceOptions *options) {
    *source = (Source){.last_pts = -1, .format = &source_episodes};
    Episodes *e = source->state = calloc(1, sizeof *e);
    if (!e) return complain("There is no memory left to open %s.", path);
    e->path = path;
    e->options = *options;
    e->options.no_audio = 1;
    if (batch_open(&e->batch, path)) return STATUS_FAILED;
    int status = open_one(e);
    if (status == DFY_END) return complain("%s contains no readable recording.", path);
    if (status) return STATUS_FAILED;
    const SourceFacts *f = &e->facts;
    double ticks = (double)f->rate_den * f->time_base_den / ((double)f->rate_num * f->time_base_num);
    e->facts.last_ticks = ticks < 1 ? 1 : (int64_t)(ticks + 0.5);
    source->facts = e->facts;
    source->facts.last_ticks = 0;
    if (e->batch.count > 1) source->facts.expected_frames = 0;
    return STATUS_GOOD;
}
