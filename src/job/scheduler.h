/* SPDX-License-Identifier: MIT
 *
 * The scheduler: one thread that decides which job takes its next step: when its directory is quiet
 * (settle), when there is room in flight (admission), when a try may be repeated (back-off). It
 * never does the step itself and never waits for the disk or the network.
 */
#ifndef EASELFS_JOB_SCHEDULER_H
#define EASELFS_JOB_SCHEDULER_H

struct jobs;

/** End the thread, if it was started. Not under the mutex. */
void scheduler_stop(struct jobs *jobs);

#endif
