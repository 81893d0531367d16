/* SPDX-License-Identifier: MIT
 *
 * What is done about the past, once at each start: records of finished jobs that are older than
 * keep_records are removed, never their pictures, and so are texts that a crash left behind. In the
 * pool, a few at a time, so that nothing waits for it.
 */
#ifndef EASELFS_JOB_TIDY_H
#define EASELFS_JOB_TIDY_H

struct jobs;
struct tidying;

/** Begin. Once. */
void tidy_start(struct jobs *jobs);

/** Free; the pool must be idle. Takes NULL. */
void tidy_destroy(struct tidying *tidying);

#endif
