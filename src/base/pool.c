/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mutex.h"

struct pool {
    struct mutex mutex;
    struct cond changed;
    struct pool_task *first guarded_by_(mutex);
    struct pool_task **last guarded_by_(mutex); /* where the next task is linked */
    unsigned busy_count guarded_by_(mutex);     /* threads inside a task */
    bool stopping guarded_by_(mutex);
    unsigned thread_count; /* set before any other thread reads it */
    pthread_t threads[];
};

static struct pool_task *take_task(struct pool *pool) requires_(pool->mutex)
{
    struct pool_task *task = pool->first;

    pool->first = task->next;
    if (!pool->first)
        pool->last = &pool->first;
    return task;
}

static void *run_tasks(void *argument)
{
    struct pool *pool = argument;

    mutex_lock(&pool->mutex);
    for (;;) {
        struct pool_task *task;

        while (!pool->first && !pool->stopping)
            cond_wait(&pool->changed, &pool->mutex);
        if (!pool->first)
            break;
        task = take_task(pool);
        pool->busy_count++;
        mutex_unlock(&pool->mutex);
        task->run(task);
        mutex_lock(&pool->mutex);
        pool->busy_count--;
        if (!pool->first && !pool->busy_count)
            cond_broadcast(&pool->changed);
    }
    mutex_unlock(&pool->mutex);
    return NULL;
}

int pool_create(unsigned thread_count, struct pool **ret_pool)
{
    struct pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->threads[0]));
    int error = 0;

    if (!pool)
        return -ENOMEM;
    mutex_init(&pool->mutex);
    cond_init(&pool->changed);
    pool->last = &pool->first;
    while (!error && pool->thread_count < thread_count) {
        error = -pthread_create(&pool->threads[pool->thread_count], NULL, run_tasks, pool);
        if (!error)
            pool->thread_count++;
    }
    if (error) {
        pool_destroy(pool);
        return error;
    }
    *ret_pool = pool;
    return 0;
}

void pool_destroy(struct pool *pool)
{
    if (!pool)
        return;
    mutex_lock(&pool->mutex);
    pool->stopping = true;
    cond_broadcast(&pool->changed);
    mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    cond_fini(&pool->changed);
    mutex_fini(&pool->mutex);
    free(pool);
}

void pool_submit(struct pool *pool, struct pool_task *task)
{
    task->next = NULL;
    mutex_lock(&pool->mutex);
    *pool->last = task;
    pool->last = &task->next;
    cond_signal(&pool->changed);
    mutex_unlock(&pool->mutex);
}

void pool_wait_idle(struct pool *pool)
{
    mutex_lock(&pool->mutex);
    while (pool->first || pool->busy_count)
        cond_wait(&pool->changed, &pool->mutex);
    mutex_unlock(&pool->mutex);
}
