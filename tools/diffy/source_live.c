/*
 * Cameras: an address (rtsp, rtsps, rtmp, srt, udp, rtp) or a device (/dev/video0), read by libav through source_video.
 * What drops is opened again, for as long as it takes; the pictures behind the gap have the times at which they came,
 * by the clock on the wall, so that a gap is as long in the file as it was.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live.h"
#include "source.h"

static const double first_wait = 0.5, longest_wait = 10; /* seconds between two tries */

typedef struct LiveSource {
    const char *path;
    const SourceOptions *options;
    void *inner; /* of source_video; NULL while the camera is away */
    SourceFacts facts;
    double first_opened, opened; /* by the clock, the first and the last time */
    int64_t offset;              /* ticks that the inner times are behind */
    int64_t last;                /* of the last picture given */
    int fresh;                   /* the next picture is the first since the camera was opened */
    unsigned drops;
} LiveSource;

int is_live(const char *path) {
    static const char *const schemes[] = {"rtsp://", "rtsps://", "rtmp://", "srt://", "udp://", "rtp://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (!strncmp(path, schemes[i], strlen(schemes[i]))) return 1;
    return !strncmp(path, "/dev/video", strlen("/dev/video"));
}

static int probe_live(const SourceProbe *probe) {
    return !probe->is_stdin && is_live(probe->path);
}

static int64_t unix_us_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int open_live(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    LiveSource *live = *state = calloc(1, sizeof *live);
    if (!live) return complain("There is no memory left to open %s.", path);
    live->path = path;
    live->options = options;
    live->first_opened = live->opened = seconds_now();
    int64_t start = unix_us_now();
    if (source_video.open(&live->inner, path, options, facts)) return STATUS_FAILED;
    facts->expected_frames = 0;
    facts->start_unix_us = start;
    facts->is_live = 1;
    live->facts = *facts;
    live->fresh = 1;
    return STATUS_GOOD;
}

static void drop(LiveSource *live) {
    if (live->inner) source_video.close(live->inner);
    live->inner = NULL;
}

static void sleep_for(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL); /* a signal ends it early */
}

/* Opens the camera again; DFY_END when that was interrupted. */
static int reconnect(LiveSource *live) {
    double wait = first_wait, lost = seconds_now();
    warn("%s is disconnected: retrying until it comes back.", live->path);
    for (;;) {
        SourceFacts facts;
        complaints_pause(1);
        live->opened = seconds_now();
        int failed = interrupted() || source_video.open(&live->inner, live->path, live->options, &facts);
        complaints_pause(0);
        if (interrupted()) return DFY_END;
        if (failed) {
            drop(live);
            sleep_for(wait);
            wait = wait * 2 < longest_wait ? wait * 2 : longest_wait;
            continue;
        }
        if (facts.width != live->facts.width || facts.height != live->facts.height) {
            complain("%s came back with pictures of %d x %d pixels instead of %d x %d: start a new recording.",
                     live->path, facts.width, facts.height, live->facts.width, live->facts.height);
            return DFY_ERROR_UNSUPPORTED;
        }
        live->facts.time_base_num = facts.time_base_num; /* of the inner times: see next_live */
        live->facts.time_base_den = facts.time_base_den;
        live->fresh = 1;
        live->drops++;
        warn("%s is back after %.1f s.", live->path, seconds_now() - lost);
        return DFY_OK;
    }
}

/*
 * A camera's first picture is taken to be of the moment at which it was opened: what looking at the stream takes is not
 * part of a gap.
 */
static void set_offset(LiveSource *live, int64_t pts, double ticks_a_second) {
    live->offset = (int64_t)((live->opened - live->first_opened) * ticks_a_second) - pts;
    if (live->drops && live->offset + pts <= live->last) live->offset = live->last + 1 - pts;
    live->fresh = 0;
}

static int next_live(void *state, DfyPicture *picture) {
    LiveSource *live = state;
    for (;;) {
        complaints_pause(1);
        int status = live->inner ? source_video.next(live->inner, picture) : DFY_END;
        complaints_pause(0);
        if (interrupted()) return DFY_END;
        if (status == DFY_OK) break;
        drop(live);
        if ((status = reconnect(live))) return status;
    }
    double ticks_a_second = (double)live->facts.time_base_den / live->facts.time_base_num;
    if (live->fresh) set_offset(live, picture->pts, ticks_a_second);
    picture->pts += live->offset;
    live->last = picture->pts;
    return DFY_OK;
}

static void close_live(void *state) {
    LiveSource *live = state;
    drop(live);
    free(live);
}

const SourceFormat source_live = {
    .name = "camera", .probe = probe_live, .open = open_live, .next = next_live, .close = close_live};
