/* SPDX-License-Identifier: MIT
 *
 * Which of the waiting jobs begin next: those whose directories are quiet (settle), a few at a
 * time, the accounts by turns, so that the inputs of one user's thousands are not copied before
 * another's one. All under the jobs' mutex.
 */
#ifndef EASELFS_JOB_STARTS_H
#define EASELFS_JOB_STARTS_H

#include "job/job.h"

/** @job is in state waiting from now on, or not any more. */
void starts_add(struct job *job) requires_(job->jobs->mutex);
void starts_remove(struct job *job) requires_(job->jobs->mutex);

/** Begin what may begin now. @return when to look again without being kicked, or INT64_MAX. */
int64_t starts_begin(struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex);

#endif
