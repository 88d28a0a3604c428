/* How long a mini-group had best be. */
#include "base/numbers.h"
#include "video/encode/encoder_state.h"

/* How new an anchor is, at the usual distance, where groups begin to be short and where they go on so. */
#define ALL_BUT_NEW 0.75f
#define STILL_NEW 0.65f
#define SHORT 8    /* frames of such a group */
#define HELPS 0.9f /* how much newer its anchor may be than after the usual time */

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

/* A length near the usual one whose anchor is clearly more like a kept one. */
static int length_to_alike_anchor(const DfyVideoEncoder *e, DfyFrame *const *sources, int count, int usual) {
    uint64_t least, here;
    int best = usual;
    dfy_most_alike_anchor(&e->anchors, sources[usual - 1], &least);
    least = least / 5 * 3; /* a group of another length must gain something */
    for (int n = usual * 5 / 8; n <= usual * 11 / 8 && n <= count && n <= DFY_MAX_MINI_GROUP; n++) {
        dfy_most_alike_anchor(&e->anchors, sources[n - 1], &here);
        if (here >= least) continue;
        least = here;
        best = n;
    }
    return best;
}

int dfy_video_encoder_mini_group_length(DfyVideoEncoder *e, DfyFrame *const *sources, int count, int usual, int qp) {
    int length = dfy_min(usual, count);
    if (length == usual && e->anchor_source) {
        int shorter = shorter_length(e, sources, usual, qp);
        if (shorter < usual) return shorter;
    }
    return e->anchors.count < 3 || count <= usual ? length : length_to_alike_anchor(e, sources, count, usual);
}
