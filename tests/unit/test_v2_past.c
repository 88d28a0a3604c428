/* What contexts take from the pictures referred to: whether the same place moved there, and the consensus of
 * neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diffy/diffy.h"
#include "video/syntax/picture.h"

enum { SIDE = 64 };

typedef struct Scene {
    DfyPictureCoding picture;
    DfyFrame *frame, *references[3];
} Scene;

static DfyMotion moving(int x, int y) {
    return (DfyMotion){.mv = {{(int16_t)x, (int16_t)y}, {0, 0}}, .reference = {0, -1}};
}

static void fill(DfyFrame *frame, DfyMotion motion) {
    for (int i = 0; i < (SIDE / 8) * frame->motion_stride; i++) frame->motion[i] = motion;
}

static int open_scene(void **state) {
    static Scene scene;
    memset(&scene, 0, sizeof scene);
    if (dfy_picture_coding_open(&scene.picture, SIDE, SIDE) != DFY_OK || !(scene.frame = dfy_frame_new(SIDE, SIDE)))
        return -1;
    for (int i = 0; i < 3; i++) {
        if (!(scene.references[i] = dfy_frame_new(SIDE, SIDE))) return -1;
        fill(scene.references[i], moving(0, 0));
        scene.picture.references[i] = scene.references[i];
    }
    scene.picture.reference_count = 3;
    dfy_picture_coding_begin(&scene.picture, scene.frame);
    *state = &scene;
    return 0;
}

static int close_scene(void **state) {
    Scene *scene = *state;
    for (int i = 0; i < 3; i++) dfy_frame_free(scene->references[i]);
    dfy_frame_free(scene->frame);
    dfy_picture_coding_close(&scene->picture);
    return 0;
}

static void past_is(const Scene *scene, int x, int y, int log2, int busy, int still) {
    DfyPast past = dfy_past(&scene->picture, x, y, log2);
    assert_int_equal(past.busy, busy);
    assert_int_equal(past.still, still);
}

static void test_past(void **state) {
    Scene *scene = *state;
    past_is(scene, 0, 0, 6, 0, 2); /* the third reference is not asked */
    fill(scene->references[1], moving(4, 0));
    past_is(scene, 0, 0, 6, 0, 1);
    DfyFrame *first = scene->references[0];
    first->motion[6 * first->motion_stride + 2] = moving(0, -3); /* the middle of the lower left quarter */
    past_is(scene, 0, 0, 6, 1, 0);
    past_is(scene, 32, 0, 5, 0, 1);  /* another place */
    past_is(scene, 16, 48, 3, 0, 0); /* one motion, but it moves */
    first->motion[0].reference[0] = -1;
    past_is(scene, 0, 0, 3, 1, 0);
    scene->picture.long_term[0] = 1;
    past_is(scene, 0, 0, 3, 0, 0);
    scene->picture.long_term[1] = 1;
    past_is(scene, 0, 0, 6, 0, 0);
}

static DfyConsensus consensus_at(const Scene *scene, int x, int y) {
    DfyMotion candidates[DFY_MERGE_CANDIDATES];
    DfyBlock block = {.x = (uint16_t)x, .y = (uint16_t)y, .log2 = 4};
    DfyConsensus consensus;
    int count = dfy_merge_candidates(&scene->picture, &block, 0, candidates, DFY_MERGE_CANDIDATES, &consensus);
    assert_in_range(count, 1, DFY_MERGE_CANDIDATES);
    return consensus;
}

static void test_agreement(void **state) {
    Scene *scene = *state;
    DfyFrame *frame = scene->frame;
    fill(frame, moving(1, 1));
    assert_int_equal(consensus_at(scene, 0, 0), DFY_NO_NEIGHBOURS);
    /* The block at (16, 16) has neighbours on the left, above and in the corner: the others are coded later. */
    assert_int_equal(consensus_at(scene, 16, 16), DFY_ALL_AGREE);
    frame->motion[1 * frame->motion_stride + 3] = moving(2, 0); /* above */
    assert_int_equal(consensus_at(scene, 16, 16), DFY_HALF_AGREE);
    frame->motion[1 * frame->motion_stride + 1] = moving(0, 2); /* the corner */
    assert_int_equal(consensus_at(scene, 16, 16), DFY_FEW_AGREE);
    frame->motion[3 * frame->motion_stride + 1] = moving(0, 2); /* left, the first */
    assert_int_equal(consensus_at(scene, 16, 16), DFY_HALF_AGREE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_past, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_agreement, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
