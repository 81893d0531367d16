/* SPDX-License-Identifier: MIT
 *
 * Numbers for results: two jobs must not both take 0007 (as 0007.png and 0007.jpg). While
 * deliveries to a directory are under way they share the highest number that is taken or promised;
 * the last one to leave forgets it.
 */
#ifndef EASELFS_JOB_NUMBERING_H
#define EASELFS_JOB_NUMBERING_H

#include "job/job.h"

/** A delivery to @directory begins. @return 0 or -ENOMEM. */
int numbering_enter(struct jobs *jobs, const struct inode *directory);

/** It is over. */
void numbering_leave(struct jobs *jobs, const struct inode *directory);

/**
 * A number above every one that is there or promised. Between enter and leave; may read the disk.
 */
unsigned numbering_take(struct jobs *jobs, struct inode *directory);

#endif
