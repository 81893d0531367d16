/* SPDX-License-Identifier: MIT */
#include "job/job.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/redact.h"
#include "job/flight.h"
#include "job/scheduler.h"
#include "job/staging.h"
#include "job/starts.h"
#include "store/spool.h"

/* How long a parked job waits: at first, and at most. */
#define PARKED_FIRST_MS 1000
#define PARKED_LAST_MS  60000

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

/* Whoever is queued and in nobody's hands has a turn, or a time to wait until then. */
static void enlist(struct job *job) requires_(job->jobs->mutex)
{
    if (job->state != JOB_QUEUED || job->held)
        return;
    if (job->not_before_ms > clock_now_ms())
        heap_insert(&job->jobs->delayed, &job->delay);
    else
        turns_add(job->account->queue, job_model_index(job), &job->turn);
}

static void delist(struct job *job) requires_(job->jobs->mutex)
{
    turns_remove(&job->turn);
    heap_remove(&job->jobs->delayed, &job->delay);
}

void job_insert(struct job *job)
{
    struct jobs *jobs = job->jobs;

    jobs->change_count++;
    TAILQ_INSERT_TAIL(list_of(jobs, job->state), job, link);
    if (job->state == JOB_WAITING)
        starts_add(job);
    else if (job->state == JOB_QUEUED)
        turns_give_place(jobs->turns, &job->turn);
    enlist(job);
    job->account->unfinished_count += job->picture_count;
    if (job->state <= JOB_QUEUED) {
        jobs->unsent_count += job->picture_count;
        job->account->unsent_count += job->picture_count;
    }
}

void job_remove(struct job *job)
{
    struct jobs *jobs = job->jobs;

    jobs->change_count++;
    TAILQ_REMOVE(list_of(jobs, job->state), job, link);
    if (job->state == JOB_WAITING)
        starts_remove(job);
    delist(job);
    job->account->unfinished_count -= job->picture_count;
    if (job->state <= JOB_QUEUED) {
        jobs->unsent_count -= job->picture_count;
        job->account->unsent_count -= job->picture_count;
    }
}

bool job_is_below(const struct job *job, struct inode *directory)
{
    struct inode *parent = inode_parent(job->workspace);
    bool removed = !parent;

    inode_unref(parent);
    return inode_is_below(removed && job->top ? job->top : job->workspace, directory);
}

void job_set_picture_count(struct job *job, unsigned count)
{
    struct account *account = job->account;
    size_t more = (size_t)count - job->picture_count; /* or less */

    job->jobs->unsent_count += more;
    account->unsent_count += more;
    account->unfinished_count += more;
    job->picture_count = count;
}

void job_apply(struct job *job, enum job_event event)
{
    enum job_state next;

    if (job_next_state(job->state, event, &next)) {
        log_error("job %s: event %d in state %s", job->record.id, (int)event,
                  record_state_name(job->state));
        return;
    }
    job_remove(job);
    job->state = next;
    job->record.state = next;
    job->trouble = 0;
    job->trouble_count = 0;
    job_insert(job);
}

/* Its owner is known from now on. */
static int find_user(struct job *job, uid_t uid)
{
    struct jobs *jobs = job->jobs;
    struct account *account = NULL;
    int error;

    mutex_lock(&jobs->mutex);
    error = accounts_get(jobs->accounts, uid, &account);
    if (!error && !account->job_count)
        error = turns_user_create(jobs->turns, account->served, &account->queue);
    if (!error) {
        account->job_count++;
        job->account = account;
    }
    mutex_unlock(&jobs->mutex);
    return error;
}

static void leave_account(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct account *account = job->account;

    mutex_lock(&jobs->mutex);
    if (--account->job_count == 0) {
        if (account->is_shut)
            scheduler_let_in(jobs, account);
        account->served = turns_user_destroy(account->queue);
        account->queue = NULL;
    }
    mutex_unlock(&jobs->mutex);
}

const struct owner *job_recorded_owner(const struct job *job)
{
    return job->jobs->setup.options->shared ? &job->record.owner : NULL;
}

struct inode *job_find_top(struct jobs *jobs, const struct record *record)
{
    size_t length = strcspn(record->workspace, "/");
    char model[NAME_MAX + 1];

    if (length > NAME_MAX)
        return NULL;
    memcpy(model, record->workspace, length);
    model[length] = '\0';
    return jobs->places.resolve_top(jobs->places.context, model, &record->owner);
}

int job_create(struct jobs *jobs, struct record *record, struct inode *workspace,
               struct inode *prompt, struct job **ret_job)
{
    struct job *job = calloc(1, sizeof(*job));
    int error;

    if (!job)
        return -ENOMEM;
    job->jobs = jobs;
    error = find_user(job, record->owner.uid);
    if (error) {
        free(job);
        return error;
    }
    job->workspace = inode_ref(workspace);
    job->top = jobs->setup.options->shared ? job_find_top(jobs, record) : inode_top(workspace);
    job->prompt = prompt ? inode_ref(prompt) : NULL;
    job->record = *record;
    record_init(record);
    job->state = job->record.state;
    job->attempt_count = job->record.attempt_count;
    job->picture_count = 1;
    job->begun_ms = clock_now_ms();
    *ret_job = job;
    return 0;
}

void job_destroy(struct job *job)
{
    if (!job)
        return;
    leave_account(job);
    flight_destroy(job->flight);
    record_fini(&job->record);
    inode_unref(job->prompt);
    inode_unref(job->top);
    inode_unref(job->workspace);
    free(job);
}

void job_hold(struct job *job)
{
    job->held = true;
    job->jobs->change_count++;
    delist(job);
    if (job->parked)
        job->jobs->parked_count--;
    job->parked = false;
}

void job_let_go(struct job *job)
{
    job->held = false;
    job->jobs->change_count++;
    enlist(job);
    job->jobs->kicked = true;
    cond_broadcast(&job->jobs->changed);
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

bool job_is_passing(int error)
{
    switch (error) {
    case -ENOSPC:
    case -EDQUOT:
    case -ENOMEM:
    case -ENOBUFS:
    case -EMFILE:
    case -ENFILE:
        return true;
    default:
        return false;
    }
}

int64_t job_trouble(struct job *job, int error)
{
    int64_t delay_ms = PARKED_FIRST_MS;

    for (unsigned i = 0; i < job->trouble_count && delay_ms < PARKED_LAST_MS; i++)
        delay_ms *= 2;
    job->trouble = error;
    job->trouble_count++;
    return delay_ms < PARKED_LAST_MS ? delay_ms : PARKED_LAST_MS;
}

/* Nobody holds the job any more; @step is to run in a while. */
static void park(struct job *job, void (*step)(struct job *job), int64_t delay_ms)
    requires_(job->jobs->mutex)
{
    job->step = step;
    job->not_before_ms = clock_now_ms() + delay_ms;
    job->parked = true;
    job->jobs->parked_count++;
    job_let_go(job);
}

void job_pause(struct job *job, void (*step)(struct job *job), int64_t delay_ms)
{
    struct jobs *jobs = job->jobs;

    mutex_lock(&jobs->mutex);
    job->trouble = 0;
    park(job, step, delay_ms);
    mutex_unlock(&jobs->mutex);
}

void job_park(struct job *job, void (*step)(struct job *job), int error, const char *what)
{
    struct jobs *jobs = job->jobs;
    bool is_new;

    mutex_lock(&jobs->mutex);
    is_new = job->trouble != error;
    mutex_unlock(&jobs->mutex);
    if (is_new)
        log_warning("job %s: %s: %s; this is tried again", job->record.id, what, error_text(error));
    mutex_lock(&jobs->mutex);
    park(job, step, job_trouble(job, error));
    mutex_unlock(&jobs->mutex);
}

size_t job_model_index(const struct job *job)
{
    return (size_t)(job->model - job->jobs->setup.models->models);
}

unsigned *job_model_count(const struct job *job)
{
    return &job->jobs->model_in_flight_counts[job_model_index(job)];
}

void job_take_off(struct job *job)
{
    job->in_flight = true;
    job->jobs->in_flight_count++;
    ++*job_model_count(job);
}

void job_land(struct job *job)
{
    struct jobs *jobs = job->jobs;

    mutex_lock(&jobs->mutex);
    if (job->in_flight) {
        job->in_flight = false;
        jobs->in_flight_count--;
        --*job_model_count(job);
        jobs->kicked = true;
        cond_broadcast(&jobs->changed);
    }
    mutex_unlock(&jobs->mutex);
}

void job_hide_key(struct job *job)
{
    struct failure *failure = &job->record.failure;
    const struct key *key = job->jobs->setup.key;

    if (!key)
        return;
    redact(failure->text, key_text(key));
    redact(failure->advice, key_text(key));
    redact(failure->request_id, key_text(key));
}

int job_save(struct job *job)
{
    cleanup_buf struct buf path = {.max = RECORD_MAX_BYTES};
    int error = 0;

    job_hide_key(job);
    if (inode_path(job->workspace, &path) == 0) /* else: where it was last */
        error = record_set_text(&job->record.workspace, buf_text(&path));
    return error ? error : spool_save(job->jobs->setup.store, &job->record);
}

/* Put the end on record. @return 0 also where there is nothing left to put it on. */
static int save_end(const struct job *job)
{
    const struct store *store = job->jobs->setup.store;
    int error = spool_finish(store, &job->record, job->keep_files);

    if (error && job->record.state == JOB_CANCELLED) /* else the next start would send it */
        error = spool_discard(store, job->record.id);
    if (error == -ENOENT) {
        log_error("job %s: somebody removed it from the store", job->record.id);
        error = 0;
    }
    return error;
}

/* What its end tells about others. */
static void remember(struct job *job)
{
    struct jobs *jobs = job->jobs;
    char day[LIMITS_DAY_SIZE];
    int error;

    mutex_lock(&jobs->mutex);
    jobs->picture_count += job->record.result_count;
    history_add_notes(jobs->history, job->workspace, &job->record);
    limits_day(jobs->limits, limits_now_ms(), day);
    if (job->took_ms)
        history_add(jobs->history, job->account, day, &job->record, job->took_ms);
    mutex_unlock(&jobs->mutex);
    error = failpoint("history.note");
    if (!error && job->took_ms)
        error = history_note(jobs->history, day, &job->record, job->took_ms);
    if (error)
        log_debug("job %s: the history cannot be written: %s", job->record.id, error_text(error));
}

static void finish(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error = save_end(job);

    if (error) {
        job_park(job, finish, error, "its end cannot be put on record");
        return;
    }
    staging_forget_texts(jobs->setup.store, job->record.id);
    if (job->state == JOB_FAILED)
        staging_forget_results(jobs->setup.store, &job->record);
    if (job->state == JOB_DONE)
        remember(job);
    mutex_lock(&jobs->mutex);
    job_remove(job);
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
    job_destroy(job);
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
}

void job_finish(struct job *job, enum job_event event)
{
    flight_destroy(steal_ptr(job->flight));
    job_land(job);
    job->record.finished_ms = clock_wall_ms();
    mutex_lock(&job->jobs->mutex);
    job_apply(job, event);
    mutex_unlock(&job->jobs->mutex);
    finish(job);
}
