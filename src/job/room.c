/* SPDX-License-Identifier: MIT */
#include "job/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_NAME "room"
#define MIB       (1024 * 1024)

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

int room_check(struct jobs *jobs, struct failure *failure)
{
    const struct options *options = jobs->setup.options;
    struct statvfs disk;
    uint64_t free_bytes;
    uint64_t needed;

    if (fstatvfs(jobs->setup.store->root_fd, &disk) < 0)
        return 0; /* then writing will tell */
    free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    mutex_lock(&jobs->mutex); /* what is in flight has its room already */
    needed = jobs->in_flight_count < options->max_in_flight ? options->answer_room_bytes : 0;
    mutex_unlock(&jobs->mutex);
    needed = larger(needed,
                    (uint64_t)disk.f_blocks * disk.f_frsize / 100 * options->disk_reserve_percent);
    if (free_bytes >= needed)
        return 0;
    if (failure) {
        failure_set(failure, -ENOSPC,
                    "The disk of the store is nearly full: %llu MB are free, and %llu MB are "
                    "kept for answers.",
                    (unsigned long long)free_bytes / MIB, (unsigned long long)needed / MIB);
        failure_advise(failure, "Free some space and save the prompt again.");
    }
    return -ENOSPC;
}

int room_set_aside(int spool_fd, uint64_t bytes)
{
    cleanup_close int fd = -1;

    if (!bytes)
        return 0;
    fd = openat(spool_fd, FILE_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* Without the emulation of posix_fallocate(3), which would write it all. */
    if (fallocate(fd, 0, 0, (off_t)bytes) == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
}

bool room_give_back(int spool_fd)
{
    return unlinkat(spool_fd, FILE_NAME, 0) == 0;
}
