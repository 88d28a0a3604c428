/*
 * As much of cmocka as tests/kernels/test_video_kernels.c asks for, where there is no cmocka (WebAssembly, cross
 * builds): a failed assertion ends the program.
 */
#ifndef CMOCKA_H_
#define CMOCKA_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define expect(what)                                                                                                   \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #what);                                                          \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
#define assert_int_equal(a, b) expect((long long)(a) == (long long)(b))
#define assert_memory_equal(a, b, size) expect(memcmp(a, b, size) == 0)
#define assert_in_range(value, low, high) expect((value) >= (low) && (value) <= (high))
#define assert_true(a) expect(a)

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
    void *initial_state;
};
#define cmocka_unit_test(run)                                                                                          \
    { #run, run, NULL, NULL, NULL }

static inline int run_tests(const char *group, const struct CMUnitTest *tests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        void *state = tests[i].initial_state;
        tests[i].run(&state);
        printf("%s: %s\n", group, tests[i].name);
    }
    return 0;
}
#define cmocka_run_group_tests_name(group, tests, setup, teardown)                                                     \
    run_tests(group, tests, sizeof(tests) / sizeof *(tests))

#endif
