/* SPDX-License-Identifier: MIT
 *
 * Scope-bound ownership. What a function owns is declared with one of the cleanup_* attributes and
 * released when the scope ends, on every path; ownership leaves the scope through steal_ptr() or
 * steal_fd() only.
 */
#ifndef EASELFS_BASE_CLEANUP_H
#define EASELFS_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free_impl(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close_impl(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_closedir_impl(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static inline void cleanup_fclose_impl(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define cleanup_free     cleanup_(cleanup_free_impl)
#define cleanup_close    cleanup_(cleanup_close_impl)
#define cleanup_closedir cleanup_(cleanup_closedir_impl)
#define cleanup_fclose   cleanup_(cleanup_fclose_impl)

static inline void *steal_ptr_impl(void *pointer)
{
    void **slot = pointer;
    void *value = *slot;
    *slot = NULL;
    return value;
}

/** Take the pointer out of a cleanup variable: the scope no longer frees it. */
#define steal_ptr(pointer) ((__typeof__(pointer))steal_ptr_impl(&(pointer)))

/** Take the descriptor out of a cleanup variable: the scope no longer closes it. */
static inline int steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

#endif
