/* SPDX-License-Identifier: MIT
 *
 * A mount that somebody else has made and handed over: `mount.fuse3 -o drop_privileges` mounts
 * before it starts the file system, and gives it the descriptor of /dev/fuse as /dev/fd/N in place
 * of a mountpoint. Where that mount is, and whether it may be served, is in /proc/self/mountinfo.
 */
#ifndef EASELFS_MOUNT_HANDED_H
#define EASELFS_MOUNT_HANDED_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/failure.h"

/** So many of the user's mounts are looked at, where the kernel does not tell which one it is. */
#define HANDED_PATHS_MAX 64

struct handed {
    char *path[HANDED_PATHS_MAX]; /* where the mount may be: only one of them is the one; owned */
    size_t count;
    unsigned connection; /* the kernel's number of the last of them */
    int abort_fd;        /* with which it can be cut off; -1: it cannot be. Owned */
};

/** The descriptor that @mountpoint stands for, or -1: it is an ordinary mountpoint. Pure. */
int handed_descriptor(const char *mountpoint);

/** Have no child inherit the descriptor, which would keep the mount from ever ending. */
void handed_keep(const char *mountpoint);

/**
 * Find the mount behind the descriptor @fd, which is to serve everybody where it is @shared. Call
 * before privileges are given up.
 *
 * @return 0 with @ret_handed, for handed_fini(); -EPERM with the sentence in @failure where it
 * lacks an option without which it is not served; -ENOENT where it is not found
 */
int handed_find(int fd, bool shared, struct handed *ret_handed, struct failure *failure);

/**
 * The same out of the texts of /proc/self/fdinfo/N, which may be NULL, and /proc/self/mountinfo,
 * for a daemon that is the user @uid. Does not look for abort_fd.
 */
int handed_parse(FILE *fdinfo, FILE *mountinfo, uid_t uid, bool shared, struct handed *ret_handed,
                 struct failure *failure);

/**
 * Have all that is asked of the mount fail from now on. To close the descriptor is not enough: who
 * has started us, as the shell that mount.fuse3 uses, may have it, too.
 */
void handed_abort(const struct handed *handed);

void handed_fini(struct handed *handed);

#endif
