/* SPDX-License-Identifier: MIT
 *
 * The table: what the tree hands in, up to the moment when a job waits for its directory to be
 * quiet. What happens from there on begins in scheduler.c.
 *
 * A job is in exactly one list, by its state. Work that needs the disk is done by the job's holder
 * without the mutex; others that want the same job wait until it is let go.
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
#include "job/scheduler.h"
#include "store/spool.h"

static int make_auth_header(struct jobs *jobs)
{
    const char *name = jobs->setup.options->auth == AUTH_GOOG ? "x-goog-api-key: "
                                                              : "Authorization: Bearer ";

    const char *key = jobs->setup.options->demo ? "demo" : NULL; /* the stand-in takes any */

    if (jobs->setup.key)
        key = key_text(jobs->setup.key);
    return key && asprintf(&jobs->auth_header, "%s%s", name, key) < 0 ? -ENOMEM : 0;
}

int jobs_create(const struct jobs_setup *setup, struct jobs **ret_jobs)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    int error;

    if (!jobs)
        return -ENOMEM;
    jobs->setup = *setup;
    mutex_init(&jobs->mutex);
    mutex_init(&jobs->delivery_mutex);
    cond_init(&jobs->changed);
    TAILQ_INIT(&jobs->waiting);
    TAILQ_INIT(&jobs->queued);
    TAILQ_INIT(&jobs->working);
    error = make_auth_header(jobs);
    if (error) {
        jobs_destroy(jobs);
        return error;
    }
    *ret_jobs = jobs;
    return 0;
}

static void destroy_list(struct job_list *list)
{
    struct job *job;

    while ((job = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, job, link);
        job_destroy(job);
    }
}

void jobs_destroy(struct jobs *jobs)
{
    if (!jobs)
        return;
    scheduler_stop(jobs);
    destroy_list(&jobs->waiting);
    destroy_list(&jobs->queued);
    destroy_list(&jobs->working);
    if (jobs->auth_header) {
        explicit_bzero(jobs->auth_header, strlen(jobs->auth_header));
        free(jobs->auth_header);
    }
    cond_fini(&jobs->changed);
    mutex_fini(&jobs->delivery_mutex);
    mutex_fini(&jobs->mutex);
    free(jobs);
}

int jobs_accepting(struct jobs *jobs)
{
    bool draining;

    if (!jobs->auth_header)
        return -ENOKEY;
    mutex_lock(&jobs->mutex);
    draining = jobs->draining;
    mutex_unlock(&jobs->mutex);
    return draining ? -EROFS : 0;
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

const struct model *jobs_model_of(struct jobs *jobs, struct inode *workspace)
{
    struct inode *top = inode_top(workspace);
    const struct model *model = NULL;
    char name[NAME_MAX + 1];

    if (top && inode_name(top, name))
        model = models_find(jobs->setup.models, name);
    inode_unref(top);
    return model;
}

/* What a prompt has to be before anything is stored of it. */
static int check_text(struct jobs *jobs, struct inode *workspace, const char *text, size_t length,
                      struct failure *failure)
{
    const struct model *model = jobs_model_of(jobs, workspace);
    cleanup_prompt struct prompt prompt = {0};

    if (!model)
        return failure_set(failure, -ESTALE, "The directory was removed.");
    return prompt_parse(text, length, model->profile, &prompt, failure);
}

static bool has_text(const struct job *job, const char *text, size_t length)
{
    return strlen(job->record.prompt) == length && memcmp(job->record.prompt, text, length) == 0;
}

static struct job *find_registered(struct jobs *jobs, const struct inode *prompt)
    requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH (job, &jobs->waiting, link) {
        if (job->prompt == prompt && !job->committed && !job->abandoned)
            break;
    }
    return job;
}

/* The job that was registered for this file and is not committed, held for the caller. */
static struct job *hold_registered(struct jobs *jobs, const struct inode *prompt)
    requires_(jobs->mutex)
{
    struct job *job;

    while ((job = find_registered(jobs, prompt)) && job->held)
        cond_wait(&jobs->changed, &jobs->mutex);
    if (job)
        job->held = true;
    return job;
}

static void let_go(struct job *job) requires_(job->jobs->mutex)
{
    job->held = false;
    cond_broadcast(&job->jobs->changed);
}

/* A job of this prompt with this text that was committed and has not started. */
static struct job *find_same(struct jobs *jobs, const struct inode *workspace, const char *name,
                             const char *text, size_t length) requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH (job, &jobs->waiting, link) {
        if (job->committed && !job->starting && !job->abandoned && job->workspace == workspace &&
            strcmp(job->record.prompt_name, name) == 0 && has_text(job, text, length))
            break;
    }
    return job;
}

static int fill_record(struct record *record, struct inode *workspace, const struct model *model,
                       const char *name, const char *text, size_t length)
{
    cleanup_buf struct buf path = {.max = RECORD_MAX_BYTES};
    int error = inode_path(workspace, &path);

    if (error)
        return error;
    record->created_ms = clock_wall_ms();
    record_make_id(record->created_ms, record->id);
    record->prompt = strndup(text, length);
    if (!record->prompt)
        return -ENOMEM;
    error = record_set_text(&record->workspace, buf_text(&path));
    if (!error)
        error = record_set_text(&record->prompt_name, name);
    if (!error)
        error = record_set_text(&record->model, model->name);
    return error;
}

/* A new job, in the list of the waiting ones and held, but not yet on disk. */
static int add_job(struct jobs *jobs, struct inode *prompt, struct inode *workspace,
                   const char *name, const char *text, size_t length, struct job **ret_job)
{
    const struct model *model = jobs_model_of(jobs, workspace);
    cleanup_record struct record record = {0};
    struct job *job;
    int error;

    if (!model)
        return -ESTALE;
    error = fill_record(&record, workspace, model, name, text, length);
    if (error)
        return error;
    job = job_create(jobs, &record, workspace, prompt);
    if (!job)
        return -ENOMEM;
    job->model = model;
    job->held = true;
    mutex_lock(&jobs->mutex);
    TAILQ_INSERT_TAIL(&jobs->waiting, job, link);
    mutex_unlock(&jobs->mutex);
    *ret_job = job;
    return 0;
}

/* Remove a waiting job that the caller holds: nothing of it remains. */
static void drop_job(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error = spool_discard(jobs->setup.store, job->record.id);

    if (error && error != -ENOENT)
        log_warning("job %s: cannot be removed: %s", job->record.id, error_text(error));
    mutex_lock(&jobs->mutex);
    TAILQ_REMOVE(&jobs->waiting, job, link);
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
    job_destroy(job);
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
}

static int save_text(struct job *job, const char *name, const char *text, size_t length)
{
    char *copy = strndup(text, length);
    int error = copy ? record_set_text(&job->record.prompt_name, name) : -ENOMEM;

    if (error) {
        free(copy);
        return error;
    }
    free(job->record.prompt);
    job->record.prompt = copy;
    return spool_save(job->jobs->setup.store, &job->record);
}

/*
 * Have a held, durable job with this text. It is NULL where a job that is committed already has
 * it; then @ret_id names that one.
 */
static int register_held(struct jobs *jobs, struct inode *prompt, struct inode *workspace,
                         const char *name, const char *text, size_t length, struct job **ret_job,
                         char ret_id[RECORD_ID_SIZE])
{
    struct job *job;
    struct job *same;
    int error;

    mutex_lock(&jobs->mutex);
    job = hold_registered(jobs, prompt);
    same = find_same(jobs, workspace, name, text, length);
    if (same)
        memcpy(ret_id, same->record.id, RECORD_ID_SIZE);
    mutex_unlock(&jobs->mutex);
    if (same) {
        if (job)
            drop_job(job);
        *ret_job = NULL;
        return 0;
    }
    if (job && has_text(job, text, length) && strcmp(job->record.prompt_name, name) == 0) {
        error = 0;
    } else if (job) {
        error = save_text(job, name, text, length);
    } else {
        error = add_job(jobs, prompt, workspace, name, text, length, &job);
        if (!error)
            error = spool_create(jobs->setup.store, &job->record);
    }
    if (error && job)
        drop_job(job);
    if (!error)
        *ret_job = job;
    return error;
}

int jobs_register(struct jobs *jobs, struct inode *prompt, struct inode *workspace,
                  const char *name, const char *text, size_t length, struct failure *failure)
{
    char id[RECORD_ID_SIZE];
    struct job *job;
    int error = check_text(jobs, workspace, text, length, failure);

    if (error)
        return error;
    error = register_held(jobs, prompt, workspace, name, text, length, &job, id);
    if (error)
        return failure_set_errno(failure, error, "The prompt could not be stored");
    if (job) {
        mutex_lock(&jobs->mutex);
        let_go(job);
        mutex_unlock(&jobs->mutex);
    }
    return 0;
}

int jobs_commit(struct jobs *jobs, struct inode *prompt, struct inode *workspace, const char *name,
                const char *text, size_t length, char ret_id[RECORD_ID_SIZE],
                struct failure *failure)
{
    struct job *job;
    int error = check_text(jobs, workspace, text, length, failure);

    if (error)
        return error;
    error = register_held(jobs, prompt, workspace, name, text, length, &job, ret_id);
    if (error)
        return failure_set_errno(failure, error, "The prompt could not be stored");
    if (job) {
        memcpy(ret_id, job->record.id, RECORD_ID_SIZE);
        mutex_lock(&jobs->mutex);
        job->committed = true;
        job->begun_ms = clock_now_ms();
        jobs->kicked = true;
        let_go(job);
        mutex_unlock(&jobs->mutex);
    }
    return 0;
}

void jobs_abandon(struct jobs *jobs, struct inode *prompt)
{
    struct job *job;

    mutex_lock(&jobs->mutex);
    job = hold_registered(jobs, prompt);
    mutex_unlock(&jobs->mutex);
    if (job)
        drop_job(job);
}

/* A job of this prompt that was not sent and that nobody works on, held for the caller. */
static struct job *hold_unsent(struct jobs *jobs, const struct inode *prompt)
    requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH (job, &jobs->waiting, link) {
        if (job->prompt == prompt)
            job->abandoned = true; /* for whoever works on it */
        if (job->prompt == prompt && !job->held)
            break;
    }
    if (!job) {
        TAILQ_FOREACH (job, &jobs->queued, link) {
            if (job->prompt == prompt && !job->held)
                break;
        }
    }
    if (job)
        job->held = true;
    return job;
}

void jobs_cancel(struct jobs *jobs, struct inode *prompt)
{
    struct job *job;

    do {
        mutex_lock(&jobs->mutex);
        job = hold_unsent(jobs, prompt);
        mutex_unlock(&jobs->mutex);
        if (job)
            job_finish(job, JOB_CANCEL, false);
    } while (job);
}

int jobs_refuse(struct jobs *jobs, struct inode *workspace, const char *name, const char *text,
                size_t length, const struct failure *failure, char ret_id[RECORD_ID_SIZE])
{
    struct job *job;
    int error = add_job(jobs, NULL, workspace, name, text, text_utf8_prefix(text, length), &job);

    if (error)
        return error;
    memcpy(ret_id, job->record.id, RECORD_ID_SIZE);
    job->record.failure = *failure;
    error = spool_create(jobs->setup.store, &job->record);
    if (error) {
        drop_job(job);
        return error;
    }
    job_continue(job, job_fail_refused);
    return 0;
}

bool jobs_unfinished(struct jobs *jobs, struct inode *workspace, const char *name)
{
    const struct job_list *lists[] = {&jobs->waiting, &jobs->queued, &jobs->working};
    const struct job *job = NULL;

    mutex_lock(&jobs->mutex);
    for (size_t i = 0; !job && i < sizeof(lists) / sizeof(lists[0]); i++) {
        TAILQ_FOREACH (job, lists[i], link) {
            if (name ? job->workspace == workspace && strcmp(job->record.prompt_name, name) == 0
                     : inode_is_below(job->workspace, workspace))
                break;
        }
    }
    mutex_unlock(&jobs->mutex);
    return job != NULL;
}
