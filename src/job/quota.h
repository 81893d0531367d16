/* SPDX-License-Identifier: MIT
 *
 * Whether one more prompt is taken: of anybody, and of the user who wrote it. What was taken is
 * made, so everything that waits counts, too.
 */
#ifndef EASELFS_JOB_QUOTA_H
#define EASELFS_JOB_QUOTA_H

#include "job/job.h"

/** Whether @pictures more fit into what all users may ask for today. */
bool quota_has_room(struct jobs *jobs, unsigned pictures) requires_(jobs->mutex);

/**
 * Whether @pictures more may be asked for by the user of @account, too.
 *
 * @return 0, or -EDQUOT with the sentence in @failure: which limit, and when it opens again
 */
int quota_check(struct jobs *jobs, const struct account *account, unsigned pictures,
                struct failure *failure) requires_(jobs->mutex);

/** Append what @only has of what each user may have. @return 0 or as buf_append(). */
int quota_describe(struct jobs *jobs, uid_t only, struct buf *text) requires_(jobs->mutex);

#endif
