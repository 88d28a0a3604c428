/* What both modules that decode splat sequences tell JavaScript in the same way. */
#ifndef WEB_SPLAT_RESULTS_H
#define WEB_SPLAT_RESULTS_H

#include "diffy/splat.h"
#include "host.h"

/* result: degree, frames, key frames, bytes, frame rate as a fraction, complete, access. Returns the codec's name or
 * NULL. */
static inline const char *splat_info_result(DfySplatDecoder *decoder) {
    static DfySplatInfo info;
    if (dfy_splat_decoder_info(decoder, &info)) return NULL;
    const double values[] = {info.degree,         (double)info.frames, (double)info.key_frames, (double)info.bytes,
                             info.frame_rate_num, info.frame_rate_den, info.complete,           info.access};
    for (int i = 0; i < 8; i++) web_result()[i] = values[i];
    return info.codec;
}

/* result: bytes of a frame in the file, and whether it is a key frame. */
static inline int splat_frame_result(DfySplatDecoder *decoder, double frame) {
    uint64_t bytes = 0;
    int is_key = 0;
    int status = dfy_splat_decoder_frame(decoder, (uint64_t)frame, &bytes, &is_key);
    web_result()[0] = (double)bytes;
    web_result()[1] = is_key;
    return status;
}

#endif
