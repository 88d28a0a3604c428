/*
 * Encoders and decoders in several threads at once, which begin together so that they meet in whatever is filled in
 * once: each gives what it gives alone. tests/run builds this for ThreadSanitizer, too.
 */
#define _POSIX_C_SOURCE 200809L
#include "v2_clip.h"

#include <pthread.h>

#define WORKERS 3
#define FRAMES 40

typedef struct Worker {
    pthread_t thread;
    pthread_barrier_t *start;
    int format, threads;
    MemoryFile file;
    uint32_t crcs[FRAMES];
} Worker;

static void *work(void *opaque) {
    Worker *w = opaque;
    Clip clip = {.width = 150, .height = 90, .frames = FRAMES, .grain = 2};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.format = w->format;
    settings.effort = 4;
    settings.threads = w->threads;
    if (w->start) pthread_barrier_wait(w->start);
    clip_encode(&clip, &settings, &w->file);
    decode_all(&w->file, FRAMES, w->crcs, NULL);
    return NULL;
}

static void together_as_alone(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        Worker worker[WORKERS] = {{0}}, alone = {.format = format, .threads = 1};
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, WORKERS);
        for (int i = 0; i < WORKERS; i++) {
            worker[i].start = &start;
            worker[i].format = format;
            worker[i].threads = 1 + i;
            assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
        }
        for (int i = 0; i < WORKERS; i++) pthread_join(worker[i].thread, NULL);
        work(&alone);
        for (int i = 0; i < WORKERS; i++) {
            assert_int_equal(worker[i].file.size, alone.file.size);
            assert_memory_equal(worker[i].file.data, alone.file.data, alone.file.size);
            assert_memory_equal(worker[i].crcs, alone.crcs, sizeof alone.crcs);
            memory_free(&worker[i].file);
        }
        memory_free(&alone.file);
        pthread_barrier_destroy(&start);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(together_as_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
