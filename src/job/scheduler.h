/* SPDX-License-Identifier: MIT
 *
 * The scheduler: one thread that decides which job takes its next step: when its directory is quiet
 * (settle), when there is room for it (admission), when a try may be repeated (back-off). It never
 * does the step itself, and waits neither for the network nor, once the jobs of the last run are
 * taken up, for the disk.
 *
 * Whose turn it is decides job/turns. Admission: not more than max_in_flight at a time, and for
 * each model not more than max_in_flight_per_model, nor more than the limits allow (job/limits.h).
 * Where the API said that the credit is used up, nothing is sent for a minute or until the next
 * commit, and then one at a time until one was not refused for that: no more than one prompt a
 * minute fails for the lack of credit, however many wait.
 */
#ifndef EASELFS_JOB_SCHEDULER_H
#define EASELFS_JOB_SCHEDULER_H

#include "job/job.h"

/** Whether @job may be sent now. */
bool scheduler_admits(struct job *job) requires_(job->jobs->mutex);

/** A queued job that may be sent is: it is the caller's to be launched. */
void scheduler_send(struct job *job) requires_(job->jobs->mutex);

/** The user of @account may ask for more again: something was given back, or nothing is left. */
void scheduler_let_in(struct jobs *jobs, struct account *account) requires_(jobs->mutex);

/** The job of which @node is the delay. */
struct job *scheduler_delayed(const struct heap_node *node);

/** The API said that the credit is used up. */
void scheduler_pause(struct jobs *jobs);

/** The API said anything else. */
void scheduler_resume(struct jobs *jobs);

/** End the thread, if it was started. Not under the mutex. */
void scheduler_stop(struct jobs *jobs);

#endif
