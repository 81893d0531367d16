/* SPDX-License-Identifier: MIT
 *
 * Siblings: the setting `count` asks for several pictures, and the API makes one per request. So a
 * job that is frozen is joined by as many more as are asked for, each with a record, a budget and
 * an end of its own, and the same frozen inputs. Their ids differ in the last digit only: whoever
 * knows one finds all, and a crash between making them and going on makes none twice.
 */
#ifndef EASELFS_JOB_SIBLINGS_H
#define EASELFS_JOB_SIBLINGS_H

#include "job/job.h"

/**
 * Make the siblings of @job, which is frozen and held: durable, and in no list yet. None where it
 * is a sibling itself; those of an earlier start are left alone.
 *
 * @return 0, or a negative errno: then none was made.
 */
int siblings_create(struct job *job, struct job_list *ret_siblings);

/** Have them wait for their turn. */
void siblings_enqueue(struct jobs *jobs, struct job_list *siblings) requires_(jobs->mutex);

/** Their prompt was taken back: end them. Not under the mutex. */
void siblings_cancel(struct jobs *jobs, struct job_list *siblings);

#endif
