/* Decoded pictures that a player keeps at hand, and how many those are. */
#include "video/decode/player_parts.h"

#define SAME_COST 2000 /* what decoding any picture takes, in bytes of one */

/* Where frames are read in random order, as many more as there are anchors. */
static int most_pictures(const DfyStream *stream) {
    return stream->access ? DFY_PLAYER_PICTURES + stream->keep : DFY_PLAYER_PICTURES;
}

static int anchors_at_hand(const DfyStream *stream, int threads) {
    return stream->keep + DFY_MORE_ANCHORS - (threads > 1 ? 0 : DFY_ANCHORS_AHEAD);
}

/* Anchors, pictures of the group, the plate, one in the making with its weighted references; the long-term set's player
 * alike, on one thread. */
uint64_t dfy_player_bytes(const DfyStream *stream, int threads) {
    uint64_t frame_bytes =
        (uint64_t)(stream->width + 2 * DFY_FRAME_BORDER) * (uint64_t)(stream->height + 2 * DFY_FRAME_BORDER) * 3 / 2;
    int others = most_pictures(stream) + 6, alone = anchors_at_hand(stream, 1) + others;
    int with_threads = anchors_at_hand(stream, threads) + others + dfy_ahead_frames(threads);
    return frame_bytes * (uint64_t)(stream->long_term ? alone + with_threads : with_threads);
}

/* ---------------------------------------------------------------- finding and keeping them */

static void empty(DfyPlayer *p, DfySlot *slot) {
    dfy_release_frame(p->decoder, slot->frame);
    *slot = (DfySlot){0};
}

void dfy_player_forget_pictures(DfyPlayer *p) {
    for (int i = 0; i < DFY_PLAYER_PICTURES + DFY_MAX_ANCHORS; i++) empty(p, &p->pictures[i]);
    for (int i = 0; i < DFY_MAX_ANCHORS + DFY_MORE_ANCHORS; i++) empty(p, &p->anchors[i]);
}

/* Holds the frame once more for the caller; NULL when it is not there. */
static const DfyFrame *find(DfyPlayer *p, DfySlot *slots, int count, uint64_t number) {
    for (int i = 0; i < count; i++) {
        if (!slots[i].frame || slots[i].number != number) continue;
        slots[i].stamp = slots[i].cost ? p->worn + slots[i].cost : ++p->clock;
        return dfy_hold_frame(slots[i].frame);
    }
    return NULL;
}

const DfyFrame *dfy_player_anchor_at_hand(DfyPlayer *p, uint64_t number) {
    return find(p, p->anchors, anchors_at_hand(p->stream, p->threads), number);
}

const DfyFrame *dfy_player_picture_at_hand(DfyPlayer *p, uint64_t number) {
    return find(p, p->pictures, most_pictures(p->stream), number);
}

/*
 * Keeps a frame, which the caller goes on holding, instead of the one not wanted for longest. With a cost, instead of
 * the one that it is cheapest to be without, which ages as others go (N. Young's "greedy dual").
 */
static void keep(DfyPlayer *p, DfySlot *slots, int count, uint64_t number, const DfyFrame *frame, uint64_t cost) {
    DfySlot *oldest = &slots[0];
    for (int i = 1; i < count; i++)
        if (slots[i].stamp < oldest->stamp) oldest = &slots[i];
    if (cost) p->worn = oldest->stamp;
    empty(p, oldest);
    *oldest = (DfySlot){number, dfy_hold_frame(frame), cost ? p->worn + cost : ++p->clock, cost};
}

/* Keeps a picture that is no anchor. Where frames are read in random order, what nothing refers to is not worth it. */
void dfy_player_keep_picture(DfyPlayer *p, uint64_t number, const DfyFrame *frame, const DfyCodedPicture *coded) {
    int weighed = p->stream->access > 0;
    if (weighed && !coded->place.referred) return;
    keep(p, p->pictures, most_pictures(p->stream), number, frame, weighed ? SAME_COST + coded->size : 0);
}

/*
 * Keeps an anchor instead of the one farthest from it. Anchors are decoded forward, and each may refer to any of the
 * last that the stream keeps: were the one not wanted for longest to go, as with other pictures, one of those would be
 * gone now and then, and be decoded anew with all that leads to it, and so on within that.
 */
void dfy_player_keep_anchor(DfyPlayer *p, uint64_t number, const DfyFrame *frame) {
    if (p->stream->access) { /* which needs no other */
        keep(p, p->anchors, anchors_at_hand(p->stream, p->threads), number, frame, 0);
        return;
    }
    DfySlot *farthest = &p->anchors[0];
    uint64_t most = 0;
    for (int i = 0; i < anchors_at_hand(p->stream, p->threads); i++) {
        DfySlot *slot = &p->anchors[i];
        uint64_t far = !slot->frame            ? UINT64_MAX
                       : slot->number > number ? slot->number - number
                                               : number - slot->number;
        if (far <= most) continue;
        most = far;
        farthest = slot;
    }
    empty(p, farthest);
    *farthest = (DfySlot){number, dfy_hold_frame(frame), ++p->clock, 0};
}

int dfy_player_is_at_hand(const DfyPlayer *p, int32_t anchor) {
    uint64_t number = dfy_player_number_of(p, anchor);
    for (int i = 0; i < anchors_at_hand(p->stream, p->threads); i++)
        if (p->anchors[i].frame && p->anchors[i].number == number) return 1;
    return 0;
}
