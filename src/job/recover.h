/* SPDX-License-Identifier: MIT
 *
 * What becomes of the jobs that were unfinished when the daemon ended, by what their records say:
 * those that were not sent start again, those whose answer is on disk are finished without a call,
 * those that were being sent become unknown.
 */
#ifndef EASELFS_JOB_RECOVER_H
#define EASELFS_JOB_RECOVER_H

struct jobs;

/** Take up every job of the spool. In the scheduler's thread, before it schedules. */
void recover_jobs(struct jobs *jobs);

#endif
