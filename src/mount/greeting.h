/* SPDX-License-Identifier: MIT
 *
 * What is agreed with the kernel at the start beyond what libfuse 3.14 has names for: that we take
 * the set-user-ID and set-group-ID bits from a file that is written to, truncated, or given away
 * (FUSE_HANDLE_KILLPRIV_V2; ops_drop_set_id()). Else the kernel asks for the file's capabilities
 * before each write(2), and there are two requests where one would do.
 */
#ifndef EASELFS_MOUNT_GREETING_H
#define EASELFS_MOUNT_GREETING_H

#include <fuse_lowlevel.h>
#include <stdatomic.h>

/** How far the greeting is. Part of struct mount, which is the session's userdata. */
enum greeting {
    GREETING_AWAITED,
    GREETING_OFFERED, /* the kernel has asked, and knows of it */
    GREETING_DONE,
};

/** Call between mounting and serving. @return 0 or a negative errno. */
int greeting_extend(struct fuse_session *session);

#endif
