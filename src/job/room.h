/* SPDX-License-Identifier: MIT
 *
 * Room on the store's disk, looked after before money is spent. Prompts are refused while less than
 * disk_reserve is free, or less than what is in flight can need; and before a request is sent,
 * answer_room is set aside for its answer in a file of its own, which makes way when the disk is
 * full while the answer comes.
 */
#ifndef EASELFS_JOB_ROOM_H
#define EASELFS_JOB_ROOM_H

#include "job/job.h"

/**
 * Whether there is room for one more prompt.
 *
 * @return 0, or -ENOSPC with a sentence in @failure (NULL: none is wanted)
 */
int room_check(struct jobs *jobs, struct failure *failure);

/** Set @bytes aside in the spool directory @spool_fd. @return 0, -ENOSPC or another errno. */
int room_set_aside(int spool_fd, uint64_t bytes);

/** Give back what was set aside. @return whether there was anything. */
bool room_give_back(int spool_fd);

#endif
