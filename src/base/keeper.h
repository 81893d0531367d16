/* SPDX-License-Identifier: MIT
 *
 * The keeper: a small process beside the daemon, forked before the daemon gives up its rights, that
 * keeps the two that it still needs. It unmounts, and it looks at the threads that call: Landlock
 * hides from who is confined what the kernel shows of others to a debugger only, and without
 * new privileges fusermount3 is no help. It knows no key and no connection, is asked for nothing
 * else, takes no path from the daemon, and ends with it.
 */
#ifndef EASELFS_BASE_KEEPER_H
#define EASELFS_BASE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct keeper;

struct keeper_setup {
    const char *mountpoint; /* copied by the fork */
    /** Take the mount away from @mountpoint, whoever still uses it. @return 0 or negative errno. */
    int (*unmount)(const char *mountpoint);
};

/** What is read of a thread. */
enum keeper_file {
    KEEPER_STAT,    /* /proc/TID/stat */
    KEEPER_SYSCALL, /* /proc/TID/syscall */
};

/** Room for a line of those, and its NUL. */
#define KEEPER_LINE_SIZE 1024

/**
 * Fork the keeper. What the daemon has open then, it closes. Call before the first thread starts,
 * with the signals blocked that are for the daemon.
 *
 * @return 0 with @ret_keeper, for keeper_stop(), or a negative errno.
 */
int keeper_start(const struct keeper_setup *setup, struct keeper **ret_keeper);

/**
 * The first line of a file that /proc has of @thread. Any thread.
 *
 * @return whether it could be read.
 */
bool keeper_read(const struct keeper *keeper, pid_t thread, enum keeper_file file,
                 char line[KEEPER_LINE_SIZE]);

/**
 * Take the mount away. Not while it is served: whoever looks at it is then told that it is gone.
 *
 * @return 0 or a negative errno: -EPIPE where the keeper has died.
 */
int keeper_unmount(const struct keeper *keeper);

/** End it. Takes NULL. */
void keeper_stop(struct keeper *keeper);

#endif
