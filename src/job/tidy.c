/* SPDX-License-Identifier: MIT */
#include "job/tidy.h"

#include <errno.h>

#include "base/clock.h"
#include "job/job.h"
#include "job/staging.h"
#include "store/spool.h"

#define DAY_MS INT64_C(86400000)

/* Records that are removed before other tasks have their turn. */
#define SOME 64

struct tidying {
    struct jobs *jobs;
    struct pool_task task;
    struct spool_ids old; /* to be removed */
    size_t next;
};

static bool is_closing(struct jobs *jobs)
{
    bool closing;

    mutex_lock(&jobs->mutex);
    closing = jobs->draining || jobs->closing;
    mutex_unlock(&jobs->mutex);
    return closing;
}

static void remove_some(struct pool_task *task)
{
    struct tidying *tidying = (struct tidying *)((char *)task - offsetof(struct tidying, task));
    struct jobs *jobs = tidying->jobs;

    for (size_t i = 0; i < SOME && tidying->next < tidying->old.count; i++) {
        const char *id = tidying->old.ids[tidying->next++];
        int error = spool_forget(jobs->setup.store, id);

        if (error && error != -ENOENT)
            log_warning("job %s: its record cannot be removed: %s", id, error_text(error));
    }
    if (tidying->next < tidying->old.count && !is_closing(jobs))
        pool_submit(jobs->setup.pool, task);
}

static void begin(struct pool_task *task)
{
    struct tidying *tidying = (struct tidying *)((char *)task - offsetof(struct tidying, task));
    const struct jobs *jobs = tidying->jobs;
    int64_t kept_ms = (int64_t)jobs->setup.options->keep_records_days * DAY_MS;
    int error = 0;

    staging_sweep(jobs->setup.store);
    if (kept_ms)
        error = spool_list_finished(jobs->setup.store, clock_wall_ms() - kept_ms, &tidying->old);
    if (error)
        log_warning("the records of finished jobs cannot be listed: %s", error_text(error));
    task->run = remove_some;
    remove_some(task);
}

void tidy_start(struct jobs *jobs)
{
    struct tidying *tidying = calloc(1, sizeof(*tidying));

    if (!tidying)
        return; /* the next start does it */
    tidying->jobs = jobs;
    tidying->task.run = begin;
    jobs->tidying = tidying;
    pool_submit(jobs->setup.pool, &tidying->task);
}

void tidy_destroy(struct tidying *tidying)
{
    if (!tidying)
        return;
    spool_ids_fini(&tidying->old);
    free(tidying);
}
