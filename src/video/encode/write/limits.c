#include "video/encode/write/limits.h"

#include "base/numbers.h"
#include "video/decode/player.h"
#include "video/syntax/mini_group.h"

#define MINI_GROUP 32       /* frames from anchor to anchor: 1.5 % fewer bytes than 16, and faster */
#define SHORT_MINI_GROUP 16 /* of large pictures, and where little may be held back */
#define LOOK_AHEAD_BYTES ((int64_t)80 << 20)
#define LONG_TERM_FRAME_BYTES ((int64_t)9 << 19) /* 1920 x 1200 */
#define LARGE_FRAME_BYTES ((int64_t)2 << 20)     /* 1280 x 720 */
#define SEGMENT_SECONDS 10 /* of a segment, so that a crash loses no more, where the settings say nothing else */
#define SHORTEST_CLONES 8  /* frames that a stretch of clones has, however slow they come */

/*
 * Quality 1..99 as a quantiser: 48 at 1, 28 at 25 (about 38 dB on recordings of factories and streets), 8 at 99.
 */
static int quantiser_of(int quality) {
    return quality < 25 ? 48 - (quality - 1) * 20 / 24 : 28 - (quality - 25) * 20 / 74;
}

static int64_t frame_bytes(const DfyEncoderSettings *settings) {
    return (int64_t)(settings->width + 2 * DFY_FRAME_BORDER) * (settings->height + 2 * DFY_FRAME_BORDER) * 3 / 2;
}

/*
 * Where frames are small enough for a second decoder. The fastest efforts look at less: the first, and of large frames
 * the second too, for there it takes 40 MB, which a page that encodes drafts has no room for.
 */
static int can_have_long_term(const DfyEncoderSettings *settings) {
    int lossless = settings->quality == 100 && !settings->target_size_bytes,
        least_effort = frame_bytes(settings) > LARGE_FRAME_BYTES ? 3 : 2;
    return !lossless && settings->effort >= least_effort && !settings->access_pictures &&
           frame_bytes(settings) <= LONG_TERM_FRAME_BYTES;
}

/*
 * As many anchors as fit in 32 MiB: eight at 1080p, whole cycles at the sizes of most cameras. Where they are less than
 * a cycle a long-term set serves better: with it the two that every anchor refers to took 3 % fewer bytes than eight.
 */
static int anchors_to_keep(const DfyEncoderSettings *settings) {
    if (can_have_long_term(settings) && frame_bytes(settings) > LARGE_FRAME_BYTES) return 2;
    return dfy_clamp((int)(((int64_t)32 << 20) / frame_bytes(settings)), 2, DFY_MAX_ANCHORS);
}

DfyStream dfy_stream_of(const DfyEncoderSettings *settings) {
    DfyStream stream = {.width = settings->width,
                        .height = settings->height,
                        .frame_rate_num = settings->frame_rate_num,
                        .frame_rate_den = settings->frame_rate_den,
                        .time_base_num = settings->time_base_num,
                        .time_base_den = settings->time_base_den,
                        .matrix = settings->matrix,
                        .range = settings->range,
                        .primaries = settings->primaries ? settings->primaries : 2,
                        .transfer = settings->transfer ? settings->transfer : 2,
                        .sample_aspect_num = settings->sample_aspect_num,
                        .sample_aspect_den = settings->sample_aspect_den,
                        .orientation = settings->orientation ? settings->orientation : 1,
                        .start_unix_us = settings->start_unix_us,
                        .quality = settings->quality,
                        .mode = settings->mode,
                        .lossless = settings->quality == 100 && !settings->target_size_bytes,
                        .keep = anchors_to_keep(settings),
                        .access = settings->access_pictures};
    stream.long_term = can_have_long_term(settings);
    /* Not where a reader, who decodes the sources of clones apart, would need more than it takes by default. */
    stream.clones =
        settings->mode == DFY_MODE_UPLOAD && !stream.lossless && 2 * dfy_player_bytes(&stream, 1) <= (uint64_t)1 << 30;
    return stream;
}

/* As far as LOOK_AHEAD_BYTES let it look, at least a group: so that 1080p stays under 256 MiB in all. */
static int frames_in_budget(const DfyEncoderSettings *settings) {
    return (int)(LOOK_AHEAD_BYTES / frame_bytes(settings));
}

/*
 * For random access 4 frames lie between two of the last layer but one: by halving down to 2, a layer more, bytes were
 * 4 % fewer, with 8 of them 10 % more.
 */
static int group_frames(const DfyEncoderSettings *settings) {
    int roomy = frames_in_budget(settings) >= DFY_LOOK_AHEAD && settings->segment_seconds <= 0;
    int usual = roomy ? MINI_GROUP : SHORT_MINI_GROUP;
    return settings->access_pictures ? dfy_min(usual, 2 << settings->access_pictures) : usual;
}

static int look_ahead(const DfyEncoderSettings *settings, int group) {
    int usual = group == MINI_GROUP ? DFY_LOOK_AHEAD : 2 * SHORT_MINI_GROUP + 1;
    return dfy_clamp(frames_in_budget(settings), group + 1, usual);
}

/*
 * Two seconds of pictures are the anchors since the access point and the few that lead to one frame of a group. Longer
 * groups would allow for fewer access points, but what is damaged is lost to the next one. Lossless, all that comes
 * before a frame is decoded to reach it.
 */
static uint64_t access_interval(const DfyStream *stream, double rate) {
    if (stream->lossless) return (uint64_t)dfy_clamp((int)(2 * rate), 1, 2000);
    int chain = (int)(2 * (rate < 1000 ? rate : 1000)) - 6;
    return (uint64_t)(chain < 1 ? 1 : chain) * SHORT_MINI_GROUP + 1;
}

DfyLimits dfy_limits_of(const DfyEncoderSettings *settings, const DfyStream *stream) {
    double rate = (double)settings->frame_rate_num / settings->frame_rate_den;
    DfyLimits limits = {.qp = quantiser_of(settings->quality)};
    limits.group = dfy_min(group_frames(settings), dfy_mini_group_limit(stream));
    limits.look_ahead = look_ahead(settings, limits.group);
    limits.shortest_clones = dfy_clamp((int)(rate < 1000 ? rate : 1000), SHORTEST_CLONES, limits.look_ahead - 1);
    limits.access_interval = access_interval(stream, rate);
    limits.segment_most = (uint64_t)dfy_clamp((int)(rate < 1000 ? rate * SEGMENT_SECONDS : 10000), MINI_GROUP, 10000);
    return limits;
}
