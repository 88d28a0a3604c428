/* A few worker threads that share out numbered jobs. The only place in the library that knows threads. */
#ifndef DFY_BASE_POOL_H
#define DFY_BASE_POOL_H

typedef struct DfyPool DfyPool;

/* A pool in which `threads` (at least 1) run jobs, the caller's own among them; NULL when there is no memory. */
DfyPool *dfy_pool_new(int threads);
void dfy_pool_free(DfyPool *pool);
int dfy_pool_threads(const DfyPool *pool);

/*
 * Runs job(context, number, thread) for number 0..count-1, begun in that order, and returns when all are done. `thread`
 * is 0..threads-1 and no two jobs run with the same at one time.
 */
void dfy_pool_run(DfyPool *pool, int count, void (*job)(void *context, int number, int thread), void *context);

/* For what jobs share: held for a few instructions only. */
void dfy_pool_lock(DfyPool *pool);
void dfy_pool_unlock(DfyPool *pool);

/*
 * Progress that jobs wait for: a job that needs another's first `wanted` steps blocks until the other has said so.
 * Deadlock-free as long as jobs wait only for what jobs that began before them do; one thread does jobs one by one, so
 * that it is done by then.
 */
void dfy_pool_advance(DfyPool *pool, int *progress, int value);
void dfy_pool_count(DfyPool *pool, int *progress); /* one more, where several jobs advance the same */
void dfy_pool_wait(DfyPool *pool, const int *progress, int wanted);

/*
 * Work in the background, in a pool that is given no jobs: the other threads call step(context, thread) until it
 * returns 0, there being nothing to do now, and again after each dfy_pool_stir. The caller goes its way meanwhile; it
 * may do steps as thread 0. A step that is at work ends before dfy_pool_free returns.
 */
void dfy_pool_start(DfyPool *pool, int (*step)(void *context, int thread), void *context);

/* Something has changed that steps or the caller wait for; the lock is held. */
void dfy_pool_stir(DfyPool *pool);

/* The caller waits for the next change. The lock is held, but not meanwhile. */
void dfy_pool_rest(DfyPool *pool);

/* Processors there are, at least 1. */
int dfy_processors(void);

#endif
