/* SPDX-License-Identifier: MIT
 *
 * A few threads for what takes processor time: reading requests, painting, compressing. First come,
 * first served.
 */
#ifndef STANDIN_POOL_H
#define STANDIN_POOL_H

#include <stdbool.h>

struct pool;

/* A piece of work, embedded in what it is about. */
struct pool_task {
    struct pool_task *next; /* the pool's */
    /* Called on one of the threads; with @cancelled on the one that stops the pool. */
    void (*run)(struct pool_task *task, bool cancelled);
};

/** Start @threads threads. @return 0 or a negative errno. */
int pool_create(unsigned threads, struct pool **ret_pool);

/** Run @task soon. @return false once the pool is stopping: then nothing happens. Any thread. */
bool pool_submit(struct pool *pool, struct pool_task *task);

/**
 * Cancel what waits, wait for what runs, end the threads. pool_submit() may still be called, until
 * pool_destroy().
 */
void pool_stop(struct pool *pool);

/** Stop where that was not done, and free. Takes NULL. */
void pool_destroy(struct pool *pool);

#endif
