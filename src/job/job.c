/* SPDX-License-Identifier: MIT */
#include "job/job.h"

#include <errno.h>

#include "base/clock.h"
#include "store/spool.h"

/* The next state, plus one: 0 = cannot happen. */
static const unsigned char transitions[JOB_STATE_COUNT][JOB_EVENT_COUNT] = {
    [JOB_WAITING] =
        {
            [JOB_FREEZE] = JOB_QUEUED + 1,
            [JOB_FAIL] = JOB_FAILED + 1,
            [JOB_CANCEL] = JOB_CANCELLED + 1,
        },
    [JOB_QUEUED] =
        {
            [JOB_SEND] = JOB_SENDING + 1,
            [JOB_FAIL] = JOB_FAILED + 1,
            [JOB_CANCEL] = JOB_CANCELLED + 1,
        },
    [JOB_SENDING] =
        {
            [JOB_NOT_SERVED] = JOB_QUEUED + 1,
            [JOB_ARRIVE] = JOB_RECEIVED + 1,
            [JOB_FAIL] = JOB_FAILED + 1,
            [JOB_AMBIGUOUS] = JOB_UNKNOWN + 1,
        },
    [JOB_RECEIVED] =
        {
            [JOB_DELIVER] = JOB_DONE + 1,
            [JOB_FAIL] = JOB_FAILED + 1,
        },
};

int job_next_state(enum job_state state, enum job_event event, enum job_state *ret_state)
{
    unsigned char next = transitions[state][event];

    if (!next)
        return -EPROTO;
    *ret_state = (enum job_state)(next - 1);
    return 0;
}

bool job_state_is_final(enum job_state state)
{
    return state >= JOB_DONE;
}

static struct job_list *list_of(struct jobs *jobs, enum job_state state) requires_(jobs->mutex)
{
    if (state == JOB_WAITING)
        return &jobs->waiting;
    return state == JOB_QUEUED ? &jobs->queued : &jobs->working;
}

void job_apply(struct job *job, enum job_event event)
{
    enum job_state next;

    if (job_next_state(job->state, event, &next)) {
        log_error("job %s: event %d in state %s", job->record.id, (int)event,
                  record_state_name(job->state));
        return;
    }
    TAILQ_REMOVE(list_of(job->jobs, job->state), job, link);
    job->state = next;
    job->record.state = next;
    if (!job_state_is_final(next))
        TAILQ_INSERT_TAIL(list_of(job->jobs, next), job, link);
}

struct job *job_create(struct jobs *jobs, struct record *record, struct inode *workspace,
                       struct inode *prompt)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    job->jobs = jobs;
    job->workspace = inode_ref(workspace);
    job->top = inode_top(workspace);
    job->prompt = prompt ? inode_ref(prompt) : NULL;
    job->record = *record;
    record_init(record);
    job->state = job->record.state;
    job->begun_ms = clock_now_ms();
    return job;
}

void job_destroy(struct job *job)
{
    if (!job)
        return;
    record_fini(&job->record);
    inode_unref(job->prompt);
    inode_unref(job->top);
    inode_unref(job->workspace);
    free(job);
}

static void run_task(struct pool_task *task)
{
    struct job *job = (struct job *)((char *)task - offsetof(struct job, task));

    job->step(job);
}

void job_continue(struct job *job, void (*run)(struct job *job))
{
    job->step = run;
    job->task.run = run_task;
    pool_submit(job->jobs->setup.pool, &job->task);
}

void job_finish(struct job *job, enum job_event event, bool keep_files)
{
    struct jobs *jobs = job->jobs;
    enum job_state final;
    int error;

    if (job_next_state(job->state, event, &final) == 0)
        job->record.state = final;
    job->record.finished_ms = clock_wall_ms();
    error = spool_finish(jobs->setup.store, &job->record, keep_files);
    if (error) /* the record stays unfinished: the next start takes it up */
        log_error("job %s: its record cannot be saved: %s", job->record.id,
                  error_text(error));
    mutex_lock(&jobs->mutex);
    job_apply(job, event);
    if (job->state == JOB_DONE)
        jobs->picture_count += job->record.result_count;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
    job_destroy(job);
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
}
