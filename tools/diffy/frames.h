/* Frames as libav gives them, of any pixel format, to pictures of one format and size. */
#ifndef DIFFY_FRAMES_H
#define DIFFY_FRAMES_H

#include "libav.h"
#include "meaning.h"

typedef struct Frames {
    const char *path;
    int alpha_white; /* what shows through transparent pixels */
    int quiet_hdr;   /* the caller says that it is tone-mapped */
    /* Of the pictures; fixed by the first frame. */
    DfyPixelFormat format;
    int width, height;
    int primaries, transfer;
    DfyMatrix matrix;
    DfyRange range;
    ToneMap *tone_map; /* NULL: the pixels stay as they are */
    struct SwsContext *conversion;
    OwnPicture converted, wide, rgb; /* wide: RGBA, or RGB with 16 bits in its rows */
    uint16_t *rgb48;
    int rgb48_width, rgb48_height;
    Fitter *fitter;
    int64_t refitted; /* frames of another size */
} Frames;

/* Settles what the pictures are from the first frame, and says it in facts; keep_hdr: no tone-mapping. */
int frames_settle(Frames *frames, const AVFrame *first, SourceFacts *facts, int keep_hdr);
/* The frame as a picture, valid until the next call or the frame's end. Complains by itself. */
int frames_picture(Frames *frames, const AVFrame *frame, DfyPicture *picture);
void frames_free(Frames *frames);

#endif
