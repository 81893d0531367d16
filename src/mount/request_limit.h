/* SPDX-License-Identifier: MIT
 *
 * How long the kernel lets a request of FUSE go unanswered before it cuts the whole mount off
 * (Linux 6.15; not limited unless somebody sets a sysctl).
 */
#ifndef EASELFS_MOUNT_REQUEST_LIMIT_H
#define EASELFS_MOUNT_REQUEST_LIMIT_H

#include <stdint.h>

#define REQUEST_LIMIT_DIRECTORY "/proc/sys/fs/fuse"

/**
 * Read default_request_timeout and max_request_timeout in @directory. The kernel takes them for a
 * mount when that answers INIT, and keeps them: what is set later is for later mounts.
 *
 * @return the limit in ms; 0: there is none, or it cannot be read
 */
int64_t request_limit_ms(const char *directory);

/** How long a request may be left unanswered under @limit_ms; 0: for ever. */
int64_t request_patience_ms(int64_t limit_ms);

#endif
