/* SPDX-License-Identifier: MIT
 *
 * A few threads for work that waits on the disk. Tasks start in the order in which they were
 * submitted; a task may submit others. Nothing here waits for the network.
 */
#ifndef EASELFS_BASE_POOL_H
#define EASELFS_BASE_POOL_H

#include "base/failure.h"

struct pool;

/** Embedded by what is worked on; owned by the caller until @run is called, by @run afterwards. */
struct pool_task {
    void (*run)(struct pool_task *task);
    struct pool_task *next; /* private to the pool */
};

/** Start @thread_count threads. @return 0, -ENOMEM or the errno of pthread_create(3). */
int pool_create(unsigned thread_count, struct pool **ret_pool);

/** Run every task that was submitted, then end the threads. Takes NULL. */
void pool_destroy(struct pool *pool);

/** Have @task run on one of the threads. From any thread, tasks included; never blocks. */
void pool_submit(struct pool *pool, struct pool_task *task);

/** Wait until no task is queued or running. Not from a task. */
void pool_wait_idle(struct pool *pool);

#endif
