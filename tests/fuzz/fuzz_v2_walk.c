/* Any bytes as the code of a plate and of groups of pictures, or of lossless pictures, without the container around
 * them. */
#include <string.h>

#include "video/decode/picture_decoder.h"
#include "video/syntax/lossless.h"

volatile unsigned sum; /* so that the pictures are really looked at */

static void walk_lossless(int width, int height, const uint8_t *data, size_t size) {
    DfyLossless *lossless = dfy_lossless_new(width, height);
    if (!lossless) return;
    DfyRangeCoder coder;
    dfy_range_decode_start(&coder, data, size);
    for (int i = 0; i < 4; i++) {
        dfy_lossless_code(lossless, &coder, NULL, NULL);
        sum += dfy_lossless_last(lossless)->plane[0].pixels[0];
    }
    dfy_lossless_free(lossless);
}

/* Long-term references that are all the same grey frame. */
static int fetch(void *context, int32_t index, const DfyFrame **found) {
    (void)index;
    *found = dfy_hold_frame(context);
    return 0;
}

static int fetch_stored(void *context, int back, const DfyFrame **found) {
    return fetch(context, back, found);
}

/* Decodes a few pictures of groups, each from a part of the bytes, as a player would. */
static void walk_groups(DfyPictureDecoder *decoder, DfyFrame *grey, const DfyFrame *plate, int long_term,
                        const uint8_t *data, size_t size) {
    const DfyFrame *anchor = NULL;
    for (int group = 0; group < 4 && size > 8; group++) {
        int frames = group ? 1 + data[0] % 4 : 1;
        size_t part = size / 4;
        DfyCodedPicture coded = {.data = data + 1,
                                 .size = part,
                                 .place = {.number = frames, .future = -1, .referred = 1},
                                 .frames = frames,
                                 .long_term_frames = long_term,
                                 .order = 4 * group + frames,
                                 .past = {anchor, 4 * group},
                                 .plate = plate,
                                 .models = anchor ? anchor : plate,
                                 .fetch = {fetch, fetch_stored, grey}};
        const DfyFrame *next = NULL, *middle = NULL;
        if (!dfy_decode_picture(decoder, &coded, &next)) {
            sum += next->plane[0].pixels[0];
            DfyMiniGroupPicture order[DFY_MAX_MINI_GROUP];
            dfy_mini_group_order_pictures(order, frames, 0);
            if (anchor && frames > 1) {
                coded.place = order[1];
                coded.data += part;
                coded.future = (DfyReference){next, 4 * group + frames};
                coded.models = next;
                coded.group = &next->state->group;
                coded.size = data[0] & 64 ? 0 : part;
                if (!dfy_decode_picture(decoder, &coded, &middle)) sum += middle->plane[0].pixels[0];
            }
            dfy_release_frame(decoder, middle);
            dfy_release_frame(decoder, anchor);
            anchor = next;
        }
        data += part;
        size -= part;
    }
    dfy_release_frame(decoder, anchor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4) return -1;
    int width = 1 + data[0] % 128, height = 1 + data[1] % 128, with_plate = data[2] >> 4 & 1;
    if (data[2] >> 7) {
        walk_lossless(width, height, data + 4, size - 4);
        return 0;
    }
    size_t plate_size = with_plate ? (size - 4) * data[3] / 512 : 0;
    DfyPictureDecoder *decoder = dfy_picture_decoder_new(width, height);
    DfyFrame *grey = dfy_coded_frame_new(width, height);
    const DfyFrame *plate = NULL;
    if (decoder && grey) {
        grey->users = 1;
        dfy_contexts_reset(&grey->state->models);
        if (with_plate) dfy_decode_plate(decoder, data + 4, plate_size, &plate);
        walk_groups(decoder, grey, plate, data[2] >> 2 & 1 ? 1 + data[3] % 64 : 0, data + 4 + plate_size,
                    size - 4 - plate_size);
    }
    if (decoder) dfy_release_frame(decoder, plate);
    dfy_picture_decoder_free(decoder);
    dfy_frame_free(grey);
    return 0;
}
