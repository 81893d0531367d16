/* SPDX-License-Identifier: MIT */
#include "job/recover.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "job/job.h"
#include "store/spool.h"

/* The directory that the job belongs to or, where that was removed, the model's. */
static struct inode *find_workspace(struct jobs *jobs, const struct record *record)
{
    struct inode *workspace = jobs->resolve(jobs->resolve_context, record->workspace);
    char top[NAME_MAX + 1];
    size_t length = strcspn(record->workspace, "/");

    if (workspace || length > NAME_MAX)
        return workspace;
    memcpy(top, record->workspace, length);
    top[length] = '\0';
    return jobs->resolve(jobs->resolve_context, top);
}

static void say_unknown(struct record *record)
{
    struct failure *failure = &record->failure;

    failure_init(failure);
    failure->charge = CHARGE_POSSIBLE;
    failure_set(failure, -EIO, "easelfs ended while the request was on its way.");
    failure_advise(failure, "It was not sent again. Save the prompt again to send it again.");
}

/* Put a job where its record says that it was. The job is held until the table is unlocked. */
static void take_up(struct jobs *jobs, struct job *job)
{
    enum job_state state = job->state;

    if (state == JOB_QUEUED) /* its frozen inputs may be half-written: freeze them again */
        state = JOB_WAITING;
    job->state = state;
    job->record.state = state;
    job->committed = true;
    mutex_lock(&jobs->mutex);
    if (state == JOB_WAITING) {
        TAILQ_INSERT_TAIL(&jobs->waiting, job, link);
    } else {
        job->held = true;
        TAILQ_INSERT_TAIL(&jobs->working, job, link);
    }
    mutex_unlock(&jobs->mutex);
    inode_mark_jobs(job->workspace);
    if (state == JOB_RECEIVED)
        job_continue(job, job_harvest);
    else if (state == JOB_SENDING)
        job_continue(job, job_fail_unknown);
}

static void set_aside(const struct jobs *jobs, const char *id, const char *why)
{
    int error = spool_set_aside(jobs->setup.store, id);

    log_error("job %s: %s; %s", id, why,
              error ? "it could not be set aside" : "set aside in the store's corrupt/");
}

static void recover_job(void *context, const char *id)
{
    struct jobs *jobs = context;
    cleanup_record struct record record = {0};
    struct inode *workspace;
    struct job *job;
    int error = spool_load(jobs->setup.store, id, &record);

    if (error) {
        set_aside(jobs, id, "its record cannot be read");
        return;
    }
    if (job_state_is_final(record.state)) { /* it ended, but was not moved */
        spool_finish(jobs->setup.store, &record, true);
        return;
    }
    workspace = find_workspace(jobs, &record);
    if (!workspace) {
        log_warning("job %s: its model %s is not configured; kept until it is", id, record.model);
        return;
    }
    if (record.state == JOB_SENDING)
        say_unknown(&record);
    job = job_create(jobs, &record, workspace, NULL);
    if (job) {
        job->model = jobs_model_of(jobs, workspace);
        take_up(jobs, job);
    }
    inode_unref(workspace);
}

void recover_jobs(struct jobs *jobs)
{
    int error = spool_list(jobs->setup.store, recover_job, jobs);

    if (error)
        log_error("the store's jobs cannot be listed: %s", error_text(error));
}
