/* SPDX-License-Identifier: MIT
 *
 * What the daemon gives up before it listens to anybody: see "SECURITY CONSIDERATIONS" in
 * easelfs(1). Each part is turned off by an option of its own, for debugging.
 */
#ifndef EASELFS_HARDEN_H
#define EASELFS_HARDEN_H

#include "base/buf.h"
#include "conf/options.h"

/**
 * No core dump, no debugger and no look into /proc/PID by other processes of the same user. Call
 * first, before the key is read, and again after each change of the user or group.
 */
void harden_memory(const struct options *options);

/** What harden_process() has to know. */
struct harden_setup {
    const struct options *options;
    const char *const *mountpoints; /* as the publisher goes there: one, or where it may be */
    size_t mountpoint_count;
    /* The store's files belong to those who made them: as root, chown(2) and what follows. */
    bool gives_files_away;
};

/**
 * Give up for good, in this thread and those it will start: new privileges; the capabilities that
 * are not needed; every file but the store's, the mount's, and what TLS and the resolver read;
 * system calls that no file system daemon makes. Call when the mount is made and no other thread
 * runs.
 *
 * @return 0; what the kernel has not is noted in the log. Or a negative errno with the sentence in
 *         @failure, where it has it and refuses.
 */
int harden_process(const struct harden_setup *setup, struct failure *failure);

/** Lines for --check: what a mount with these options gives up, and what this kernel cannot. */
void harden_report(const struct options *options, struct buf *report);

#endif
