/* SPDX-License-Identifier: MIT */
#include "job/scheduler.h"

#include <string.h>

#include "base/clock.h"
#include "job/recover.h"
#include "job/starts.h"
#include "job/tidy.h"

#define NEVER INT64_MAX

/* How long nothing is sent after the API said that the credit is used up. */
#define PAUSE_MS (60 * 1000)

/* A closed limit is looked at again after this: the machine may have slept, and its clocks differ.
 */
#define LIMIT_LOOK_MS (60 * 1000)

static int64_t sooner(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static bool has_slot(const struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex)
{
    uint64_t slots = jobs->probing ? 1 : jobs->setup.options->max_in_flight;

    return !jobs->draining && jobs->in_flight_count < slots && jobs->paused_until_ms <= now_ms;
}

/* The same for one model. */
static bool has_model_slot(const void *context, size_t model)
{
    const struct jobs *jobs = context;
    uint64_t slots = jobs->setup.options->max_in_flight_per_model;

    return !slots || jobs->model_in_flight_counts[model] < slots;
}

bool scheduler_admits(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int64_t now_ms = limits_now_ms();

    return has_slot(jobs, clock_now_ms()) && has_model_slot(jobs, job_model_index(job)) &&
           !limits_wait_ms(jobs->limits, now_ms) &&
           !limits_user_wait_ms(jobs->limits, job->account, now_ms);
}

void scheduler_send(struct job *job)
{
    struct jobs *jobs = job->jobs;

    job_hold(job);
    job_take_off(job);
    job->sent_ms = clock_now_ms();
    limits_take(jobs->limits, job->account, limits_now_ms(), job->day);
    turns_serve(job->account->queue);
    job_apply(job, JOB_SEND);
}

void scheduler_pause(struct jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    jobs->paused_until_ms = clock_now_ms() + PAUSE_MS;
    jobs->probing = true;
    mutex_unlock(&jobs->mutex);
}

void scheduler_resume(struct jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    if (jobs->probing) {
        jobs->probing = false;
        jobs->paused_until_ms = 0;
        jobs->kicked = true;
        cond_broadcast(&jobs->changed);
    }
    mutex_unlock(&jobs->mutex);
}

/* The user of @account waits for tomorrow, or for what is given back. */
static void shut_out(struct jobs *jobs, struct account *account, int64_t now_ms)
    requires_(jobs->mutex)
{
    limits_day(jobs->limits, now_ms, jobs->shut_day);
    turns_set_shut(account->queue, true);
    account->is_shut = true;
    TAILQ_INSERT_TAIL(&jobs->shut, account, shut_link);
}

void scheduler_let_in(struct jobs *jobs, struct account *account)
{
    turns_set_shut(account->queue, false);
    account->is_shut = false;
    TAILQ_REMOVE(&jobs->shut, account, shut_link);
}

/* Another day has begun. */
static void let_all_in(struct jobs *jobs) requires_(jobs->mutex)
{
    char day[LIMITS_DAY_SIZE];
    struct account *account;

    limits_day(jobs->limits, limits_now_ms(), day);
    if (strcmp(day, jobs->shut_day) == 0)
        return;
    while ((account = TAILQ_FIRST(&jobs->shut)))
        scheduler_let_in(jobs, account);
}

struct job *scheduler_delayed(const struct heap_node *node)
{
    return (struct job *)((char *)node - offsetof(struct job, delay));
}

/* Those that waited for their next try have a turn again. @return when the next one has. */
static int64_t queue_delayed(struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex)
{
    struct heap_node *first;

    while ((first = heap_first(&jobs->delayed))) {
        struct job *job = scheduler_delayed(first);

        if (job->not_before_ms > now_ms)
            return job->not_before_ms;
        heap_remove(&jobs->delayed, first);
        turns_add(job->account->queue, job_model_index(job), &job->turn);
    }
    return NEVER;
}

/* The job whose turn it is; NULL: none may be sent. */
static struct job *next_job(struct jobs *jobs) requires_(jobs->mutex)
{
    struct turns_item *item;

    while ((item = turns_next(jobs->turns, has_model_slot, jobs))) {
        struct job *job = (struct job *)((char *)item - offsetof(struct job, turn));
        int64_t now_ms = limits_now_ms();

        if (!limits_user_wait_ms(jobs->limits, job->account, now_ms))
            return job;
        shut_out(jobs, job->account, now_ms);
    }
    return NULL;
}

/* Launch queued jobs as far as there is room. @return when to look again. */
static int64_t launch_queued(struct jobs *jobs, int64_t now_ms) requires_(jobs->mutex)
{
    int64_t next_ms = queue_delayed(jobs, now_ms);
    struct job *job;

    if (jobs->paused_until_ms > now_ms)
        next_ms = sooner(next_ms, jobs->paused_until_ms);
    if (!TAILQ_EMPTY(&jobs->shut))
        let_all_in(jobs);
    while (has_slot(jobs, now_ms) && (job = next_job(jobs))) {
        int64_t wait_ms = limits_wait_ms(jobs->limits, limits_now_ms());

        if (wait_ms)
            return sooner(next_ms, now_ms + sooner(wait_ms, LIMIT_LOOK_MS));
        scheduler_send(job);
        job_continue(job, job_launch);
    }
    return TAILQ_EMPTY(&jobs->shut) ? next_ms : sooner(next_ms, now_ms + LIMIT_LOOK_MS);
}

/* Have parked jobs take their step again. @return when to look again. */
static int64_t wake_parked(struct jobs *jobs, struct job_list *list, int64_t now_ms)
    requires_(jobs->mutex)
{
    int64_t next_ms = NEVER;
    struct job *job;

    TAILQ_FOREACH(job, list, link)
    {
        if (!jobs->parked_count)
            break;
        if (job->parked && job->not_before_ms <= now_ms) {
            job_hold(job);
            job_continue(job, job->step);
        } else if (job->parked) {
            next_ms = sooner(next_ms, job->not_before_ms);
        }
    }
    return next_ms;
}

/* Look at everything once. @return when to look again without being kicked. */
static int64_t look_once(struct jobs *jobs) requires_(jobs->mutex)
{
    int64_t now_ms = clock_now_ms();
    int64_t next_ms = sooner(wake_parked(jobs, &jobs->working, now_ms),
                             wake_parked(jobs, &jobs->waiting, now_ms));

    if (!jobs->draining)
        next_ms = sooner(next_ms, starts_begin(jobs, now_ms));
    return sooner(next_ms, launch_queued(jobs, now_ms));
}

/* Take up some more of what the last run left. @return whether there is still more. */
static bool recover(struct jobs *jobs) requires_(jobs->mutex)
{
    if (!jobs->recovering || jobs->draining)
        return false;
    mutex_unlock(&jobs->mutex);
    if (recover_some(jobs)) {
        mutex_lock(&jobs->mutex);
        return true;
    }
    tidy_start(jobs);
    mutex_lock(&jobs->mutex);
    jobs->recovering = false;
    mutex_unlock(&jobs->mutex);
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
    mutex_lock(&jobs->mutex);
    return false;
}

static void *schedule(void *argument)
{
    struct jobs *jobs = argument;

    mutex_lock(&jobs->mutex);
    while (!jobs->stopping) {
        bool more;
        int64_t next_ms;

        jobs->kicked = false;
        more = recover(jobs);
        next_ms = look_once(jobs);
        while (!more && !jobs->kicked && !jobs->stopping) {
            if (next_ms == NEVER)
                cond_wait(&jobs->changed, &jobs->mutex);
            else if (!cond_wait_until(&jobs->changed, &jobs->mutex, next_ms))
                break;
        }
    }
    mutex_unlock(&jobs->mutex);
    return NULL;
}

int jobs_start(struct jobs *jobs, const struct jobs_places *places)
{
    int error;

    jobs->places = *places;
    jobs->recovering = true;
    recover_begin(jobs);
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

/* Whether it has nothing to be waited for: what troubles it may last, and the store has it. */
static bool is_set_aside(const struct job *job) requires_(job->jobs->mutex)
{
    return job->parked && job->trouble && job->not_before_ms;
}

/* Whether a task or a call still works on a job. */
static bool is_busy(const struct jobs *jobs) requires_(jobs->mutex)
{
    const struct job *job;

    TAILQ_FOREACH(job, &jobs->waiting, link)
    {
        if (job->held)
            return true;
    }
    TAILQ_FOREACH(job, &jobs->working, link)
    {
        if (!is_set_aside(job))
            return true;
    }
    return false;
}

/* What is parked is tried once more, now. */
static void hasten_parked(struct job_list *list)
{
    struct job *job;

    TAILQ_FOREACH(job, list, link)
    {
        if (job->parked)
            job->not_before_ms = 0;
    }
}

void jobs_drain(struct jobs *jobs, int64_t deadline_ms)
{
    mutex_lock(&jobs->mutex);
    jobs->draining = true;
    jobs->kicked = true;
    hasten_parked(&jobs->working);
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
