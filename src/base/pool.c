#define _POSIX_C_SOURCE 200809L
#include "base/pool.h"

#include <stdlib.h>

/* Emscripten's single-threaded build has no threads: the pool then runs everything in the caller. */
#if defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__)
#define DFY_THREADS 0
#else
#define DFY_THREADS 1
#include <pthread.h>
#include <unistd.h>
#endif

struct DfyPool {
    int threads;
    void (*job)(void *context, int number, int thread);
    void *context;
    int count, next, busy;
    int (*step)(void *context, int thread); /* in the background; its context is the same */
#if DFY_THREADS
    int stop, sleepers;      /* sleepers: jobs that wait for progress and no longer look for themselves */
    unsigned round, stirred; /* which jobs these are; how often steps were stirred up */
    pthread_mutex_t mutex;
    pthread_cond_t work, done, progress;
    pthread_t *workers;
#endif
};

#if DFY_THREADS

/*
 * How often a thread looks for what it waits for before it sleeps: some ten microseconds, which is what most waits
 * take, and less than being woken. WebAssembly has no instruction to pause with, so its looks are shorter.
 */
#ifdef __EMSCRIPTEN__
#define LOOKS 40000
#else
#define LOOKS 1000
#endif

typedef struct Worker {
    DfyPool *pool;
    int thread;
} Worker;

static void relax(void) {
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

/* Waits for the last jobs of others; called and left with the mutex held. */
static void wait_for_others(DfyPool *pool) {
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < LOOKS && __atomic_load_n(&pool->busy, __ATOMIC_SEQ_CST); i++) relax();
    pthread_mutex_lock(&pool->mutex);
    while (pool->busy) pthread_cond_wait(&pool->done, &pool->mutex);
}

/* Takes jobs until there are none; called and left with the mutex held. */
static void take_jobs(DfyPool *pool, int thread) {
    while (pool->next < pool->count) {
        int number = pool->next++;
        __atomic_add_fetch(&pool->busy, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&pool->mutex);
        pool->job(pool->context, number, thread);
        pthread_mutex_lock(&pool->mutex);
        __atomic_sub_fetch(&pool->busy, 1, __ATOMIC_SEQ_CST);
    }
    if (!pool->busy) pthread_cond_broadcast(&pool->done);
}

/* Does what there is to do in the background; called and left with the mutex held. */
static void do_steps(DfyPool *pool, int thread) {
    int more = 1;
    while (more && !pool->stop) {
        pthread_mutex_unlock(&pool->mutex);
        more = pool->step(pool->context, thread);
        pthread_mutex_lock(&pool->mutex);
    }
}

static void *work(void *argument) {
    Worker worker = *(Worker *)argument;
    free(argument);
    DfyPool *pool = worker.pool;
    unsigned seen = 0, stirred = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stop && pool->round == seen && pool->stirred == stirred)
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (pool->stop) break;
        if (pool->stirred != stirred) {
            stirred = pool->stirred;
            do_steps(pool, worker.thread);
            continue;
        }
        seen = pool->round;
        take_jobs(pool, worker.thread);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

DfyPool *dfy_pool_new(int threads) {
    DfyPool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->threads = 1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pthread_cond_init(&pool->progress, NULL);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    for (int i = 1; i < threads && pool->workers; i++) {
        Worker *worker = malloc(sizeof *worker);
        if (!worker) break;
        *worker = (Worker){pool, i};
        if (pthread_create(&pool->workers[i], NULL, work, worker)) { /* fewer threads are slower, not wrong */
            free(worker);
            break;
        }
        pool->threads++;
    }
    return pool;
}

void dfy_pool_free(DfyPool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->progress);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

void dfy_pool_run(DfyPool *pool, int count, void (*job)(void *context, int number, int thread), void *context) {
    if (pool->threads == 1) {
        for (int i = 0; i < count; i++) job(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->job = job;
    pool->context = context;
    pool->count = count;
    pool->next = 0;
    pool->round++;
    pthread_cond_broadcast(&pool->work);
    take_jobs(pool, 0);
    wait_for_others(pool);
    pthread_mutex_unlock(&pool->mutex);
}

void dfy_pool_lock(DfyPool *pool) {
    if (pool->threads > 1) pthread_mutex_lock(&pool->mutex);
}

void dfy_pool_unlock(DfyPool *pool) {
    if (pool->threads > 1) pthread_mutex_unlock(&pool->mutex);
}

/* After progress: either the sleeper, who says so before it looks, sees the new value, or it is seen here. */
static void wake_sleepers(DfyPool *pool) {
    if (!__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->progress);
    pthread_mutex_unlock(&pool->mutex);
}

void dfy_pool_advance(DfyPool *pool, int *progress, int value) {
    __atomic_store_n(progress, value, __ATOMIC_SEQ_CST);
    wake_sleepers(pool);
}

void dfy_pool_count(DfyPool *pool, int *progress) {
    __atomic_add_fetch(progress, 1, __ATOMIC_SEQ_CST);
    wake_sleepers(pool);
}

static int reached(const int *progress, int wanted) {
    return __atomic_load_n(progress, __ATOMIC_SEQ_CST) >= wanted;
}

void dfy_pool_wait(DfyPool *pool, const int *progress, int wanted) {
    if (pool->threads == 1) return; /* jobs that began before are done already */
    for (int i = 0; i < LOOKS; i++) {
        if (reached(progress, wanted)) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    __atomic_add_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    while (!reached(progress, wanted)) pthread_cond_wait(&pool->progress, &pool->mutex);
    __atomic_sub_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pool->mutex);
}

void dfy_pool_start(DfyPool *pool, int (*step)(void *context, int thread), void *context) {
    dfy_pool_lock(pool);
    pool->step = step;
    pool->context = context;
    dfy_pool_unlock(pool);
}

void dfy_pool_stir(DfyPool *pool) {
    pool->stirred++;
    pthread_cond_broadcast(&pool->work);
    pthread_cond_broadcast(&pool->progress);
}

void dfy_pool_rest(DfyPool *pool) {
    pthread_cond_wait(&pool->progress, &pool->mutex);
}

int dfy_processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 64 ? 64 : (int)count;
}

#else

DfyPool *dfy_pool_new(int threads) {
    (void)threads;
    DfyPool *pool = calloc(1, sizeof *pool);
    if (pool) pool->threads = 1;
    return pool;
}
void dfy_pool_free(DfyPool *pool) {
    free(pool);
}
void dfy_pool_run(DfyPool *pool, int count, void (*job)(void *context, int number, int thread), void *context) {
    (void)pool;
    for (int i = 0; i < count; i++) job(context, i, 0);
}
void dfy_pool_lock(DfyPool *pool) {
    (void)pool;
}
void dfy_pool_unlock(DfyPool *pool) {
    (void)pool;
}
void dfy_pool_advance(DfyPool *pool, int *progress, int value) {
    (void)pool;
    *progress = value;
}
void dfy_pool_count(DfyPool *pool, int *progress) {
    (void)pool;
    ++*progress;
}
void dfy_pool_wait(DfyPool *pool, const int *progress, int wanted) {
    (void)pool;
    (void)progress;
    (void)wanted;
}
void dfy_pool_start(DfyPool *pool, int (*step)(void *context, int thread), void *context) {
    pool->step = step;
    pool->context = context;
}
void dfy_pool_stir(DfyPool *pool) {
    (void)pool;
}
void dfy_pool_rest(DfyPool *pool) {
    (void)pool;
}
int dfy_processors(void) {
    return 1;
}

#endif

int dfy_pool_threads(const DfyPool *pool) {
    return pool->threads;
}
