/* SPDX-License-Identifier: MIT
 *
 * What a daemon that was killed leaves: a mountpoint at which every call fails with ENOTCONN, and
 * on which nothing can be mounted.
 */
#ifndef EASELFS_MOUNT_STALE_H
#define EASELFS_MOUNT_STALE_H

/** Unmount what dead daemons of ours have left at @mountpoint, an absolute path. Blocks. */
void stale_clean(const char *mountpoint);

/**
 * Unmount @mountpoint, whoever still uses it: as root, or as the user who mounted it. Blocks.
 *
 * @return 0 or -EPERM.
 */
int stale_unmount(const char *mountpoint);

#endif
