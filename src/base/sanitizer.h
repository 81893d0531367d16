/* SPDX-License-Identifier: MIT
 *
 * What a sanitizer has to be told, or must be allowed. In a normal build nothing of it is there.
 */
#ifndef EASELFS_BASE_SANITIZER_H
#define EASELFS_BASE_SANITIZER_H

#ifdef __has_feature
#define SANITIZER_HAS_FEATURE(name) __has_feature(name)
#else
#define SANITIZER_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_THREAD__) || SANITIZER_HAS_FEATURE(thread_sanitizer)
#define SANITIZER_THREAD 1
#include <sanitizer/tsan_interface.h>
#else
#define SANITIZER_THREAD 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZER_HAS_FEATURE(address_sanitizer)
#define SANITIZER_ADDRESS 1
#else
#define SANITIZER_ADDRESS 0
#endif

/** What this thread did comes before what another does after sanitizer_acquire() of @address. */
static inline void sanitizer_release(void *address)
{
#if SANITIZER_THREAD
    __tsan_release(address);
#else
    (void)address;
#endif
}

static inline void sanitizer_acquire(void *address)
{
#if SANITIZER_THREAD
    __tsan_acquire(address);
#else
    (void)address;
#endif
}

#endif
