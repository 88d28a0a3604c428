/* Any bytes as the code of a plate and of groups of pictures, or of lossless pictures, without the container around
 * them. */
#include <string.h>

#include "video/decoder.h"
#include "video/lossless.h"

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

/* A library whose every frame is the same grey one. */
static int fetch(void *context, int32_t frame, int sparse, const DfyFrame **found) {
    (void)frame;
    (void)sparse;
    *found = context;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4) return -1;
    int width = 1 + data[0] % 128, height = 1 + data[1] % 128, want = data[2] % 4 - 1, with_plate = data[2] >> 4 & 1;
    if (data[2] >> 7) {
        walk_lossless(width, height, data + 4, size - 4);
        return 0;
    }
    size_t plate_size = with_plate ? (size - 4) * data[3] / 512 : 0;
    DfyVideoDecoder *decoder = dfy_video_decoder_new(width, height, 2 + data[2] / 8 % 4);
    if (!decoder) return 0;
    DfyFrame *grey = dfy_frame_new(width, height);
    if (grey) memset(grey->memory, 128, grey->memory_bytes);
    DfyLibrarySource library = {fetch, grey, grey && data[2] >> 2 & 1 ? 1 + data[3] % 64 : 0};
    if (with_plate) dfy_video_decode_plate(decoder, data + 4, plate_size);
    for (int entry = 0; entry < 2; entry++) {
        dfy_video_decoder_enter(decoder);
        dfy_video_decoder_set_library(decoder, &library);
        dfy_video_decoder_read(decoder, data + 4 + plate_size, size - 4 - plate_size);
        int frames = 0, played = 0;
        for (int group = 0; group < 6 && played < 40; group++) {
            if (dfy_video_decode_group(decoder, entry ? want : DFY_WANT_ALL, 32, entry && group % 2, &frames)) break;
            played += frames;
            for (int i = 1; i <= frames; i++) {
                const DfyFrame *frame = dfy_video_decoder_frame(decoder, i);
                if (frame && frame->plane[0].pixels) sum += frame->plane[0].pixels[0];
            }
        }
    }
    dfy_video_decoder_free(decoder);
    dfy_frame_free(grey);
    return 0;
}
