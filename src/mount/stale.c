/* SPDX-License-Identifier: MIT */
#include "mount/stale.h"

#include <errno.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define TYPE "fuse.easelfs"

/* So many may lie on one another. */
#define LAYERS_MAX 16

/* Its attributes may still be in the kernel's memory; its free space never is. */
static bool is_dead(const char *mountpoint)
{
    struct statvfs status;

    return statvfs(mountpoint, &status) < 0 && errno == ENOTCONN;
}

/* Whether what is mounted there last is easelfs. */
static bool is_ours(const char *mountpoint)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    const struct mntent *entry;
    bool ours = false;

    if (!table)
        return false;
    while ((entry = getmntent(table))) {
        if (strcmp(entry->mnt_dir, mountpoint) == 0)
            ours = strcmp(entry->mnt_type, TYPE) == 0;
    }
    endmntent(table);
    return ours;
}

/* For users the program does it that libfuse mounts with. */
static bool unmount_as_user(const char *mountpoint)
{
    static const char program[] = "fusermount3";
    const char *const arguments[] = {program, "-u", "-z", "-q", "--", mountpoint, NULL};
    pid_t pid;
    int status;

    if (posix_spawnp(&pid, program, NULL, NULL, (char *const *)arguments, environ))
        return false;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int stale_unmount(const char *mountpoint)
{
    if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || unmount_as_user(mountpoint))
        return 0;
    return -EPERM;
}

void stale_clean(const char *mountpoint)
{
    for (int i = 0; i < LAYERS_MAX && is_dead(mountpoint) && is_ours(mountpoint); i++) {
        if (stale_unmount(mountpoint))
            return;
        log_info("unmounted what a dead daemon had left at %s", mountpoint);
    }
}
