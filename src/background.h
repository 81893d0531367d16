/* SPDX-License-Identifier: MIT
 *
 * Going into the background: the process that was started ends with status 0 only when its child
 * has mounted and answers, and with the child's own status where that gave up.
 */
#ifndef EASELFS_BACKGROUND_H
#define EASELFS_BACKGROUND_H

#include "base/failure.h"

/**
 * Fork. Returns in the child only, with @ret_ready_fd for background_ready(); the parent waits and
 * exits. Call before the first thread starts.
 */
int background_start(int *ret_ready_fd, struct failure *failure);

/** Tell the parent that all is well, and let go of its terminal. Takes @ready_fd. */
void background_ready(int ready_fd);

#endif
