/* SPDX-License-Identifier: MIT
 *
 * What the tree hands in, up to the moment when a job waits for its directory to be quiet.
 *
 * A job is in exactly one list, by its state. Work that needs the disk is done by the job's holder
 * without the mutex; others that want the same job wait until it is let go.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "conf/prompt.h"
#include "job/job.h"
#include "job/quota.h"
#include "job/room.h"
#include "store/spool.h"
#include "store/values.h"

#define NOT_STORED "The prompt could not be stored"

/* What a prompt has to be before anything is stored of it. @ret_count: pictures that it asks for.
 */
static int check_text(struct jobs *jobs, const struct jobs_prompt *handed, unsigned *ret_count,
                      struct failure *failure)
{
    const struct model *model = values_model(jobs->setup.models, handed->workspace);
    cleanup_prompt struct prompt prompt = {0};
    cleanup_settings struct settings settings = {0};
    int error;

    if (!model)
        return failure_set(failure, -ESTALE, "The directory was removed.");
    error = prompt_parse(handed->text, handed->length, model->profile, &prompt, failure);
    if (error)
        return error;
    error = job_gather_settings(model, handed->workspace, &prompt, &settings);
    if (error)
        return failure_set_errno(failure, error, "The settings cannot be read");
    *ret_count = settings_count(&settings);
    return 0;
}

/* Whether @job is about this text in a file of this name. */
static bool has_text(const struct job *job, const struct jobs_prompt *prompt)
{
    const struct record *record = &job->record;

    return strlen(record->prompt) == prompt->length &&
           memcmp(record->prompt, prompt->text, prompt->length) == 0 &&
           strcmp(record->prompt_name, prompt->name) == 0;
}

static struct job *find_registered(struct jobs *jobs, const struct inode *prompt)
    requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH(job, &jobs->waiting, link)
    {
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
        job_hold(job);
    return job;
}

/* A job with this text, for the same file, that was committed and has not started. */
static struct job *find_same(struct jobs *jobs, const struct jobs_prompt *prompt)
    requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH(job, &jobs->waiting, link)
    {
        if (job->committed && !job->starting && !job->abandoned &&
            job->workspace == prompt->workspace && has_text(job, prompt))
            break;
    }
    return job;
}

static int fill_record(struct record *record, const struct jobs_prompt *prompt,
                       const struct model *model)
{
    cleanup_buf struct buf path = {.max = RECORD_MAX_BYTES};
    int error = inode_path(prompt->workspace, &path);

    if (error)
        return error;
    record->created_ms = clock_wall_ms();
    record_make_id(record->created_ms, record->id);
    record->has_owner = true;
    record->owner = prompt->owner;
    record->prompt = strndup(prompt->text, prompt->length);
    if (!record->prompt)
        return -ENOMEM;
    error = record_set_text(&record->workspace, buf_text(&path));
    if (!error)
        error = record_set_text(&record->prompt_name, prompt->name);
    if (!error)
        error = record_set_text(&record->model, model->name);
    return error;
}

/* A new job, held and in no list yet. */
static int make_job(struct jobs *jobs, const struct jobs_prompt *prompt, struct job **ret_job)
{
    const struct model *model = values_model(jobs->setup.models, prompt->workspace);
    cleanup_record struct record record = {0};
    struct job *job;
    int error;

    if (!model)
        return -ESTALE;
    error = fill_record(&record, prompt, model);
    if (error)
        return error;
    error = job_create(jobs, &record, prompt->workspace, prompt->file, &job);
    if (error)
        return error;
    job->model = model;
    job->held = true;
    *ret_job = job;
    return 0;
}

/* Remove a waiting job that the caller holds: nothing of it remains. */
static void drop_job(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error = spool_discard(jobs->setup.store, job->record.id);

    if (error && error != -ENOENT) { /* else the next start would send it */
        log_warning("job %s: cannot be removed: %s", job->record.id, error_text(error));
        job_finish(job, JOB_CANCEL);
        return;
    }
    mutex_lock(&jobs->mutex);
    job_remove(job);
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
    job_destroy(job);
    jobs->setup.publisher.ended(jobs->setup.publisher.ended_context);
}

/* The text, and perhaps the name, of a job that is not committed has changed. */
static int save_text(struct job *job, const struct jobs_prompt *prompt)
{
    cleanup_free char *new_text = strndup(prompt->text, prompt->length);
    cleanup_free char *new_name = strdup(prompt->name);
    char *old_text = job->record.prompt;
    char *old_name = job->record.prompt_name;

    if (!new_text || !new_name)
        return -ENOMEM;
    mutex_lock(&job->jobs->mutex); /* others read them */
    job->record.prompt = steal_ptr(new_text);
    job->record.prompt_name = steal_ptr(new_name);
    mutex_unlock(&job->jobs->mutex);
    free(old_text);
    free(old_name);
    return job_save(job);
}

/* What is to become of a text that was handed in. */
struct registration {
    struct job *job;              /* the one that is to have it, held; NULL: see same_id */
    bool is_new;                  /* not on disk yet */
    char same_id[RECORD_ID_SIZE]; /* of a job that has it and has not started */
};

/* @same is that of the file of @made from now on, which may have been renamed over its own. */
static void hand_over(struct job *same, struct job *made) requires_(same->jobs->mutex)
{
    struct inode *prompt = same->prompt;

    same->prompt = made->prompt;
    made->prompt = prompt;
}

/*
 * Find the job for this text: one that has it and has not started, the one that is registered for
 * the file, or @made, which then is in the table. Two that come at once find the same.
 */
static int find_place(struct jobs *jobs, const struct jobs_prompt *prompt, struct job *made,
                      struct registration *registration, struct failure *failure)
    requires_(jobs->mutex)
{
    struct job *same;
    int error;

    registration->job = hold_registered(jobs, prompt->file);
    same = find_same(jobs, prompt);
    if (same) {
        memcpy(registration->same_id, same->record.id, RECORD_ID_SIZE);
        hand_over(same, made);
    }
    if (same || registration->job)
        return 0;
    error = quota_check(jobs, made->account, made->picture_count, failure);
    if (error)
        return error;
    job_insert(made);
    registration->job = made;
    registration->is_new = true;
    return 0;
}

/*
 * Have a held, durable job with this text, or none where a job that is committed already has it.
 * On error @failure says why.
 */
static int register_held(struct jobs *jobs, const struct jobs_prompt *prompt,
                         struct registration *registration, struct failure *failure)
{
    struct job *made;
    struct job *job;
    unsigned count;
    int error = check_text(jobs, prompt, &count, failure);

    if (!error)
        error = room_check(jobs, failure);
    if (error)
        return error;
    error = make_job(jobs, prompt, &made);
    if (error)
        return failure_set_errno(failure, error, NOT_STORED);
    made->picture_count = count;
    mutex_lock(&jobs->mutex);
    error = find_place(jobs, prompt, made, registration, failure);
    mutex_unlock(&jobs->mutex);
    if (!registration->is_new)
        job_destroy(made);
    if (error)
        return error;
    job = registration->job;
    if (job && registration->same_id[0]) {
        drop_job(job);
        registration->job = NULL;
    } else if (job && registration->is_new) {
        error = spool_create(jobs->setup.store, &job->record);
    } else if (job && !has_text(job, prompt)) {
        error = save_text(job, prompt);
    }
    if (!error)
        return 0;
    drop_job(job);
    return failure_set_errno(failure, error, NOT_STORED);
}

int jobs_register(struct jobs *jobs, const struct jobs_prompt *prompt, struct failure *failure)
{
    struct registration registration = {0};
    int error = register_held(jobs, prompt, &registration, failure);

    if (!error && registration.job) {
        mutex_lock(&jobs->mutex);
        job_let_go(registration.job);
        mutex_unlock(&jobs->mutex);
    }
    return error;
}

/* @job, which is held, may start; NULL: one that has the text was committed before. */
static void commit_held(struct jobs *jobs, struct job *job)
{
    mutex_lock(&jobs->mutex);
    jobs->paused_until_ms = 0; /* perhaps there is credit again */
    if (job) {
        job->committed = true;
        job->begun_ms = clock_now_ms();
        job_let_go(job);
    }
    mutex_unlock(&jobs->mutex);
}

int jobs_commit(struct jobs *jobs, const struct jobs_prompt *prompt, char ret_id[RECORD_ID_SIZE],
                struct failure *failure)
{
    struct registration registration = {0};
    struct job *job;
    int error;

    mutex_lock(&jobs->mutex);
    job = hold_registered(jobs, prompt->file);
    if (job && !has_text(job, prompt)) {
        job_let_go(job);
        job = NULL;
    }
    mutex_unlock(&jobs->mutex);
    if (!job) { /* else close(2) has returned 0: whatever came up since, it is kept */
        error = register_held(jobs, prompt, &registration, failure);
        if (error)
            return error;
        job = registration.job;
    }
    memcpy(ret_id, job ? job->record.id : registration.same_id, RECORD_ID_SIZE);
    (void)failpoint("job.commit");
    commit_held(jobs, job);
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

/* Whether @job is that of the prompt file @prompt, which stands as @name in @workspace. */
static bool is_job_of(const struct job *job, const struct inode *prompt,
                      const struct inode *workspace, const char *name)
{
    if (job->prompt || !workspace) /* else taken up after a restart: known by its place */
        return job->prompt == prompt;
    return job->workspace == workspace && strcmp(job->record.prompt_name, name) == 0;
}

/* A job of this prompt that was not sent and that nobody works on, held for the caller. */
static struct job *hold_unsent(struct jobs *jobs, const struct inode *prompt,
                               const struct inode *workspace, const char *name)
    requires_(jobs->mutex)
{
    struct job_list *lists[] = {&jobs->waiting, &jobs->queued};
    struct job *job = NULL;

    for (size_t i = 0; !job && i < sizeof(lists) / sizeof(lists[0]); i++) {
        TAILQ_FOREACH(job, lists[i], link)
        {
            if (!is_job_of(job, prompt, workspace, name))
                continue;
            job->abandoned = true; /* for whoever works on it */
            if (!job->held)
                break;
        }
    }
    if (job)
        job_hold(job);
    return job;
}

/* What is being sent goes on, but is not tried again. */
static void forbid_tries(struct jobs *jobs, const struct inode *prompt,
                         const struct inode *workspace, const char *name) requires_(jobs->mutex)
{
    struct job *job;

    TAILQ_FOREACH(job, &jobs->working, link)
    {
        if (is_job_of(job, prompt, workspace, name))
            job->abandoned = true;
    }
}

void jobs_cancel(struct jobs *jobs, struct inode *prompt)
{
    struct inode *workspace = inode_parent(prompt);
    char name[NAME_MAX + 1] = "";
    struct job *job;

    inode_name(prompt, name);
    do {
        mutex_lock(&jobs->mutex);
        forbid_tries(jobs, prompt, workspace, name);
        job = hold_unsent(jobs, prompt, workspace, name);
        mutex_unlock(&jobs->mutex);
        if (job)
            job_finish(job, JOB_CANCEL);
    } while (job);
    inode_unref(workspace);
}

int jobs_refuse(struct jobs *jobs, const struct jobs_prompt *prompt, const struct failure *failure,
                char ret_id[RECORD_ID_SIZE])
{
    struct jobs_prompt kept = *prompt;
    struct job *job;
    int error;

    kept.file = NULL;
    kept.length = text_utf8_prefix(prompt->text, prompt->length);
    error = make_job(jobs, &kept, &job);
    if (error)
        return error;
    memcpy(ret_id, job->record.id, RECORD_ID_SIZE);
    job->record.failure = *failure;
    job->picture_count = 0;
    mutex_lock(&jobs->mutex);
    job_insert(job);
    mutex_unlock(&jobs->mutex);
    error = spool_create(jobs->setup.store, &job->record);
    if (error) {
        drop_job(job);
        return error;
    }
    job_continue(job, job_fail_refused);
    return 0;
}
