/* SPDX-License-Identifier: MIT */
#include "standin/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t mutex; /* guards all below but threads and thread_count */
    pthread_cond_t wake;   /* there is work, or the end */
    struct pool_task *first;
    struct pool_task **last; /* where the next task is hung */
    bool stopping;
    unsigned thread_count;
    pthread_t threads[];
};

/* @return the next task; NULL at the end. */
static struct pool_task *take(struct pool *pool)
{
    struct pool_task *task = NULL;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->first && !pool->stopping)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    if (!pool->stopping) {
        task = pool->first;
        pool->first = task->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    pthread_mutex_unlock(&pool->mutex);
    return task;
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    struct pool_task *task;

    while ((task = take(pool)))
        task->run(task, false);
    return NULL;
}

int pool_create(unsigned threads, struct pool **ret_pool)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(*pool->threads));
    int error = 0;

    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->last = &pool->first;
    for (; pool->thread_count < threads && !error; pool->thread_count += !error)
        error = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
    if (error) {
        pool_destroy(pool);
        return -error;
    }
    *ret_pool = pool;
    return 0;
}

bool pool_submit(struct pool *pool, struct pool_task *task)
{
    bool accepted;

    task->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    accepted = !pool->stopping;
    if (accepted) {
        *pool->last = task;
        pool->last = &task->next;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->mutex);
    return accepted;
}

void pool_stop(struct pool *pool)
{
    struct pool_task *task;

    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    task = pool->first;
    pool->first = NULL;
    pool->last = &pool->first;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (; pool->thread_count; pool->thread_count--)
        pthread_join(pool->threads[pool->thread_count - 1], NULL);
    while (task) {
        struct pool_task *next = task->next;

        task->run(task, true);
        task = next;
    }
}

void pool_destroy(struct pool *pool)
{
    if (!pool)
        return;
    pool_stop(pool);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
