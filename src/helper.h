/* SPDX-License-Identifier: MIT
 *
 * easelfs as the helper of mount(8): under the names mount.easelfs and mount.fuse.easelfs, with
 * mount(8)'s exit statuses, and with two options that only make sense there. `setuid=USER` and
 * `drop_privileges` have the mount made by root and served by that user, without any privilege: the
 * way of a workstation with many users. mount.fuse3 does the work; it hands over /dev/fuse.
 */
#ifndef EASELFS_HELPER_H
#define EASELFS_HELPER_H

#include <stdbool.h>

#include "base/failure.h"
#include "conf/exit.h"

/** What mount(8) takes for @status: 0, 1 (wrong call) or 32 (the mount failed). */
int helper_status(enum exit_status status);

/**
 * Where -o has `setuid=` or `drop_privileges`: have mount.fuse3 mount and start easelfs, wait until
 * that has succeeded or failed, and undo the mount of a daemon that did not start. The options are
 * checked before. What makes the mount one for other users, and a safe one, is added:
 * allow_other, default_permissions, nosuid, nodev, noexec. With `foreground` it does not return but
 * on errors: the process becomes the daemon. Call it while there is one thread.
 *
 * @ret_status  with true: what to exit with
 * @failure     set where that is not EXIT_STATUS_OK, unless whoever failed has printed it: then
 *              empty
 *
 * @return false where neither is there: mount as always.
 */
bool helper_delegate(int argc, char *const argv[], enum exit_status *ret_status,
                     struct failure *failure);

#endif
