/* The same bytes and the same pictures whichever kernels are used: the processor's or the reference in C. */
#include "v2_clip.h"

#include "base/cpu.h"
#include "dsp/kernels.h"

#define FRAMES 40

static void scalar_and_simd(void **state) {
    (void)state;
    for (int quality = 10; quality <= 100; quality += 45) {
        Clip clip = {.width = 150, .height = 90, .frames = FRAMES, .grain = 3};
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.quality = quality;
        settings.effort = 6;
        MemoryFile file = {0}, scalar = {0};
        uint32_t crcs[2][FRAMES];
        clip_encode(&clip, &settings, &file);
        decode_all(&file, FRAMES, crcs[0], NULL);
        dfy_cpu_mask(0);
        assert_memory_equal(dfy_kernels(), dfy_kernels_c(), sizeof(DfyKernels));
        clip_encode(&clip, &settings, &scalar);
        decode_all(&file, FRAMES, crcs[1], NULL);
        dfy_cpu_mask(~0u);
        assert_memory_equal(crcs[0], crcs[1], sizeof crcs[0]);
        assert_int_equal(file.size, scalar.size);
        assert_memory_equal(file.data, scalar.data, file.size);
        memory_free(&file);
        memory_free(&scalar);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scalar_and_simd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
