/* SPDX-License-Identifier: MIT */
#include "base/mutex.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A mutex call fails only where the program is wrong: nothing after it can be trusted. */
static void check(int error)
{
    if (error)
        abort();
}

void mutex_init(struct mutex *mutex)
{
    check(pthread_mutex_init(&mutex->impl, NULL));
}

void mutex_fini(struct mutex *mutex)
{
    check(pthread_mutex_destroy(&mutex->impl));
}

void mutex_lock(struct mutex *mutex) thread_annotation_(no_thread_safety_analysis)
{
    check(pthread_mutex_lock(&mutex->impl));
}

void mutex_unlock(struct mutex *mutex) thread_annotation_(no_thread_safety_analysis)
{
    check(pthread_mutex_unlock(&mutex->impl));
}

void cond_init(struct cond *cond)
{
    pthread_condattr_t attributes;

    check(pthread_condattr_init(&attributes));
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    check(pthread_cond_init(&cond->impl, &attributes));
    check(pthread_condattr_destroy(&attributes));
}

void cond_fini(struct cond *cond)
{
    check(pthread_cond_destroy(&cond->impl));
}

void cond_signal(struct cond *cond)
{
    check(pthread_cond_signal(&cond->impl));
}

void cond_broadcast(struct cond *cond)
{
    check(pthread_cond_broadcast(&cond->impl));
}

void cond_wait(struct cond *cond, struct mutex *mutex)
{
    check(pthread_cond_wait(&cond->impl, &mutex->impl));
}

bool cond_wait_until(struct cond *cond, struct mutex *mutex, int64_t deadline_ms)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000) * 1000000L,
    };
    int error = pthread_cond_timedwait(&cond->impl, &mutex->impl, &deadline);

    if (error == ETIMEDOUT)
        return false;
    check(error);
    return true;
}
