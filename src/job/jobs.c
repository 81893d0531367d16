/* SPDX-License-Identifier: MIT
 *
 * The table's life, and what is asked of it. What the tree hands in is taken by commit.c; what
 * happens from there on begins in scheduler.c.
 */
#include "job/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/io.h"
#include "conf/prompt.h"
#include "job/job.h"
#include "job/naming.h"
#include "job/quota.h"
#include "job/room.h"
#include "job/scheduler.h"
#include "job/tidy.h"
#include "store/spool.h"

static bool is_sooner(const struct heap_node *left, const struct heap_node *right)
{
    return scheduler_delayed(left)->not_before_ms < scheduler_delayed(right)->not_before_ms;
}

int jobs_create(const struct jobs_setup *setup, struct jobs **ret_jobs)
{
    const struct limits_rates rates = {
        .per_minute = setup->options->requests_per_minute,
        .per_day = setup->options->images_per_day,
        .per_user_and_day = setup->options->user_images_per_day,
    };
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    int error;

    if (!jobs)
        return -ENOMEM;
    jobs->setup = *setup;
    jobs->auth_header = key_header(setup->key, setup->options->auth, setup->options->demo);
    mutex_init(&jobs->mutex);
    mutex_init(&jobs->numbering_mutex);
    cond_init(&jobs->changed);
    TAILQ_INIT(&jobs->waiting);
    TAILQ_INIT(&jobs->queued);
    TAILQ_INIT(&jobs->working);
    TAILQ_INIT(&jobs->starting);
    TAILQ_INIT(&jobs->shut);
    heap_init(&jobs->delayed, is_sooner);
    error = accounts_create(&jobs->accounts);
    if (!error)
        error = history_create(setup->store, jobs->accounts, &jobs->history);
    if (!error)
        error = turns_create(setup->models->count, &jobs->turns);
    jobs->model_in_flight_counts =
        calloc(setup->models->count + 1, sizeof(*jobs->model_in_flight_counts));
    if (!error && !jobs->model_in_flight_counts)
        error = -ENOMEM;
    if (!error)
        error = limits_create(setup->store, jobs->accounts, &rates, clock_wall_ms(),
                              limits_now_ms(), &jobs->limits);
    if (error) {
        jobs_destroy(jobs);
        return error;
    }
    *ret_jobs = jobs;
    return 0;
}

static void destroy_list(struct jobs *jobs, struct job_list *list)
{
    struct job *job;

    while ((job = TAILQ_FIRST(list))) {
        mutex_lock(&jobs->mutex);
        job_remove(job);
        mutex_unlock(&jobs->mutex);
        job_destroy(job);
    }
}

void jobs_destroy(struct jobs *jobs)
{
    if (!jobs)
        return;
    scheduler_stop(jobs);
    destroy_list(jobs, &jobs->waiting);
    destroy_list(jobs, &jobs->queued);
    destroy_list(jobs, &jobs->working);
    limits_destroy(jobs->limits);
    history_destroy(jobs->history);
    accounts_destroy(jobs->accounts);
    turns_destroy(jobs->turns);
    free(jobs->model_in_flight_counts);
    tidy_destroy(jobs->tidying);
    spool_ids_fini(&jobs->recovery.ids);
    cond_fini(&jobs->changed);
    mutex_fini(&jobs->numbering_mutex);
    mutex_fini(&jobs->mutex);
    free(jobs);
}

int jobs_accepting(struct jobs *jobs, struct failure *failure)
{
    int error = 0;

    if (!jobs->auth_header) {
        failure_advise(failure, "Set api_key_file, mount again, and save the prompt again.");
        return failure_set(failure, -ENOKEY, "This mount has no API key.");
    }
    mutex_lock(&jobs->mutex);
    if (jobs->draining)
        error = failure_set(failure, -EROFS, "easelfs is about to end.");
    else if (!quota_has_room(jobs, 1))
        error = limits_refuse(jobs->limits, false, limits_now_ms(), failure);
    mutex_unlock(&jobs->mutex);
    return error ? error : room_check(jobs, failure);
}

void jobs_kick(struct jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    if (!TAILQ_EMPTY(&jobs->waiting)) {
        jobs->kicked = true;
        cond_broadcast(&jobs->changed);
    }
    mutex_unlock(&jobs->mutex);
}

uint64_t jobs_change_count(const struct jobs *jobs)
{
    return jobs->change_count;
}

void jobs_moved(struct jobs *jobs)
{
    jobs->change_count++;
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
}

bool jobs_unfinished(struct jobs *jobs, struct inode *workspace, const char *name)
{
    const struct job_list *lists[] = {&jobs->waiting, &jobs->queued, &jobs->working};
    const struct job *job = NULL;
    bool unfinished;

    mutex_lock(&jobs->mutex);
    for (size_t i = 0; !job && i < sizeof(lists) / sizeof(lists[0]); i++) {
        TAILQ_FOREACH(job, lists[i], link)
        {
            if (name ? job->workspace == workspace && strcmp(job->record.prompt_name, name) == 0
                     : job_is_below(job, workspace))
                break;
        }
    }
    unfinished = job || jobs->recovering; /* one that is not in the table yet may be of them */
    mutex_unlock(&jobs->mutex);
    return unfinished;
}
