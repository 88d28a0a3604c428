/* A picture halfway between two that it refers to, for tests of what is predicted from both. */
#ifndef DIFFY_TESTS_BETWEEN_TWO_H
#define DIFFY_TESTS_BETWEEN_TWO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "video/syntax/picture.h"

enum { SIDE = 128 };

typedef struct Scene {
    DfyPictureCoding picture;
    DfyFrame *frame, *before, *behind;
} Scene;

/* Of pictures with that side, which the scene owns then. */
static inline void scene_open(Scene *s, DfyFrame *frame, DfyFrame *before, DfyFrame *behind) {
    *s = (Scene){.frame = frame, .before = before, .behind = behind};
    s->frame->order = 20;
    assert_int_equal(dfy_picture_coding_open(&s->picture, SIDE, SIDE), 0);
    s->picture.reference_order[0] = 16;
    s->picture.reference_order[1] = 24;
    s->picture.references[0] = s->before;
    s->picture.references[1] = s->behind;
    s->picture.reference_count = 2;
    s->picture.frame = s->frame;
}

static inline void scene_close(Scene *s) {
    dfy_picture_coding_close(&s->picture);
    dfy_frame_free(s->frame);
    dfy_frame_free(s->before);
    dfy_frame_free(s->behind);
}

#endif
