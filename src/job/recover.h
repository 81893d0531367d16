/* SPDX-License-Identifier: MIT
 *
 * What becomes of the jobs that were unfinished when the daemon ended, by what the store says of
 * each: what was not sent goes on where it was, what has its answer on disk is finished without a
 * call, what was being sent becomes unknown or, where the user wants that, is sent again.
 *
 * A few at a time, in the order of their commits, so that the first one is sent at once however
 * many there are.
 */
#ifndef EASELFS_JOB_RECOVER_H
#define EASELFS_JOB_RECOVER_H

#include "store/spool.h"

struct jobs;

/** What is still to be taken up. All zero: nothing. */
struct recovery {
    struct spool_ids ids;
    size_t next;
};

/**
 * List what there is: before the first new job can be registered, which would be taken for one of
 * the last run.
 */
void recover_begin(struct jobs *jobs);

/** Take up the next ones. In the scheduler's thread. @return whether there are more. */
bool recover_some(struct jobs *jobs);

#endif
