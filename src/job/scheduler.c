/* SPDX-License-Identifier: MIT */
#include "job/scheduler.h"

#include <errno.h>

#include "base/clock.h"
#include "job/job.h"
#include "job/recover.h"

#define NEVER INT64_MAX

/* One look at the waiting jobs of one directory, taken without the mutex. */
struct settling {
    struct job *job;
    struct inode *workspace;
    int64_t ready_ms; /* when its directory will have been quiet for long enough; NEVER: a file in
                         it is open for writing, whose close will kick us */
};

/* How many waiting jobs are looked at in one go. The rest has its turn right after. */
#define SETTLING_MAX 256

/* Hold up to SETTLING_MAX committed jobs, so that nobody takes them away while we look. */
static size_t hold_waiting(struct jobs *jobs, struct settling settling[SETTLING_MAX])
    requires_(jobs->mutex)
{
    struct job *job;
    size_t count = 0;

    TAILQ_FOREACH (job, &jobs->waiting, link) {
        if (count == SETTLING_MAX)
            break;
        if (job->held || !(job->committed || job->abandoned))
            continue;
        job->held = true;
        settling[count++] = (struct settling){job, job->workspace, job->begun_ms};
    }
    return count;
}

static void look_at(struct jobs *jobs, struct settling *settling)
{
    int64_t changed_ms = atomic_load(&settling->workspace->changed_ms);
    char name[NAME_MAX + 1];

    if (changed_ms > settling->ready_ms)
        settling->ready_ms = changed_ms;
    settling->ready_ms += (int64_t)jobs->setup.options->settle_ms;
    if (inode_open_writer_in(settling->workspace, name))
        settling->ready_ms = NEVER;
}

/* Start what is quiet, let go of the rest. @return when to look again. */
static int64_t start_quiet(struct jobs *jobs, const struct settling *settling, size_t count,
                           int64_t now_ms) requires_(jobs->mutex)
{
    int64_t next_ms = NEVER;

    for (size_t i = 0; i < count; i++) {
        struct job *job = settling[i].job;

        if (job->abandoned || settling[i].ready_ms <= now_ms) {
            job->starting = true;
            job_continue(job, job_freeze);
            continue;
        }
        job->held = false;
        if (settling[i].ready_ms < next_ms)
            next_ms = settling[i].ready_ms;
    }
    if (count)
        cond_broadcast(&jobs->changed);
    return count == SETTLING_MAX ? now_ms : next_ms;
}

static bool is_open_for_sending(const struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex)
{
    return !jobs->draining && jobs->in_flight_count < jobs->setup.options->max_in_flight &&
           jobs->paused_until_ms <= now_ms;
}

/* Launch queued jobs as far as there is room. @return when to look again. */
static int64_t launch_queued(struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex)
{
    int64_t next_ms = jobs->paused_until_ms > now_ms ? jobs->paused_until_ms : NEVER;
    struct job *job = TAILQ_FIRST(&jobs->queued);

    while (job && is_open_for_sending(jobs, now_ms)) {
        struct job *next = TAILQ_NEXT(job, link);

        if (!job->held && job->not_before_ms <= now_ms) {
            job->held = true;
            jobs->in_flight_count++;
            job_apply(job, JOB_SEND);
            job_continue(job, job_launch);
        } else if (!job->held && job->not_before_ms < next_ms) {
            next_ms = job->not_before_ms;
        }
        job = next;
    }
    return next_ms;
}

/* Look at everything once. @return when to look again without being kicked. */
static int64_t look_once(struct jobs *jobs) requires_(jobs->mutex)
{
    struct settling settling[SETTLING_MAX];
    size_t count = jobs->draining ? 0 : hold_waiting(jobs, settling);
    int64_t now_ms;
    int64_t quiet_ms;
    int64_t queued_ms;

    mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < count; i++)
        look_at(jobs, &settling[i]);
    now_ms = clock_now_ms();
    mutex_lock(&jobs->mutex);
    quiet_ms = start_quiet(jobs, settling, count, now_ms);
    queued_ms = launch_queued(jobs, now_ms);
    return quiet_ms < queued_ms ? quiet_ms : queued_ms;
}

static void *schedule(void *argument)
{
    struct jobs *jobs = argument;
    int64_t next_ms;

    recover_jobs(jobs);
    mutex_lock(&jobs->mutex);
    while (!jobs->stopping) {
        jobs->kicked = false;
        next_ms = look_once(jobs);
        while (!jobs->kicked && !jobs->stopping) {
            if (next_ms == NEVER)
                cond_wait(&jobs->changed, &jobs->mutex);
            else if (!cond_wait_until(&jobs->changed, &jobs->mutex, next_ms))
                break;
        }
    }
    mutex_unlock(&jobs->mutex);
    return NULL;
}

int jobs_start(struct jobs *jobs, struct inode *(*resolve)(void *context, const char *path),
               void *context)
{
    int error;

    jobs->resolve = resolve;
    jobs->resolve_context = context;
    error = -pthread_create(&jobs->scheduler, NULL, schedule, jobs);
    mutex_lock(&jobs->mutex);
    jobs->started = !error;
    mutex_unlock(&jobs->mutex);
    return error;
}

void scheduler_stop(struct jobs *jobs)
{
    bool started;

    mutex_lock(&jobs->mutex);
    started = jobs->started;
    jobs->started = false;
    jobs->stopping = true;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
    if (started)
        pthread_join(jobs->scheduler, NULL);
}

/* Whether a task or a call still works on a job. */
static bool is_busy(const struct jobs *jobs) requires_(jobs->mutex)
{
    const struct job *job;

    TAILQ_FOREACH (job, &jobs->waiting, link) {
        if (job->held)
            return true;
    }
    return !TAILQ_EMPTY(&jobs->working);
}

void jobs_drain(struct jobs *jobs, int64_t deadline_ms)
{
    mutex_lock(&jobs->mutex);
    jobs->draining = true;
    jobs->kicked = true;
    cond_broadcast(&jobs->changed);
    while (is_busy(jobs) && !jobs->hurry &&
           cond_wait_until(&jobs->changed, &jobs->mutex, deadline_ms))
        continue;
    mutex_unlock(&jobs->mutex);
}

void jobs_hurry(struct jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    jobs->hurry = true;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
}

void jobs_close(struct jobs *jobs)
{
    scheduler_stop(jobs);
    mutex_lock(&jobs->mutex);
    jobs->closing = true;
    mutex_unlock(&jobs->mutex);
}
