/* SPDX-License-Identifier: MIT
 *
 * Mutex and condition variable that say what they guard. With clang, -Wthread-safety checks the
 * annotations; with gcc they are documentation. Conditions wait on CLOCK_MONOTONIC, so that a jump
 * of the wall clock neither shortens nor prolongs a wait.
 */
#ifndef EASELFS_BASE_MUTEX_H
#define EASELFS_BASE_MUTEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define thread_annotation_(x) __attribute__((x))
#else
#define thread_annotation_(x)
#endif

/* Documentation: in C, clang before 20 cannot parse an attribute that names a sibling field. */
#define guarded_by_(mutex)
#define requires_(mutex) thread_annotation_(requires_capability(mutex))
#define excludes_(mutex) thread_annotation_(locks_excluded(mutex))

struct thread_annotation_(capability("mutex")) mutex
{
    pthread_mutex_t impl;
};

struct cond {
    pthread_cond_t impl;
};

#define MUTEX_INIT                \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

void mutex_init(struct mutex *mutex);
void mutex_fini(struct mutex *mutex);
void mutex_lock(struct mutex *mutex) thread_annotation_(acquire_capability(*mutex));
void mutex_unlock(struct mutex *mutex) thread_annotation_(release_capability(*mutex));

void cond_init(struct cond *cond);
void cond_fini(struct cond *cond);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);
void cond_wait(struct cond *cond, struct mutex *mutex) requires_(*mutex);

/**
 * Wait until signalled or until clock_now_ms() reaches @deadline_ms.
 *
 * @return false when the deadline passed.
 */
bool cond_wait_until(struct cond *cond, struct mutex *mutex, int64_t deadline_ms) requires_(*mutex);

#endif
