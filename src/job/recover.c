/* SPDX-License-Identifier: MIT */
#include "job/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/io.h"
#include "conf/prompt.h"
#include "job/answerfile.h"
#include "job/job.h"
#include "job/launch.h"
#include "job/room.h"
#include "store/values.h"

/* So many are taken up before the scheduler looks at what it has. */
#define SOME 64

/* The directory that the job belongs to or, where that was removed, the top workspace. */
static struct inode *find_workspace(struct jobs *jobs, const struct record *record)
{
    struct inode *workspace = jobs->places.resolve(jobs->places.context, record->workspace);

    return workspace ? workspace : job_find_top(jobs, record);
}

/* Whether the answer came; what was set aside for it is not needed any more. */
static bool has_answer(const struct store *store, const char *id)
{
    cleanup_close int fd = spool_open(store, id);

    if (fd >= 0)
        room_give_back(fd);
    return fd >= 0 && answerfile_exists(fd);
}

/* A request that was on its way: the answer may have come, else nobody knows. */
static void settle_sending(struct jobs *jobs, struct record *record)
{
    struct failure *failure = &record->failure;

    if (has_answer(jobs->setup.store, record->id)) {
        record->state = JOB_RECEIVED;
        return;
    }
    failure_init(failure);
    failure->charge = CHARGE_POSSIBLE;
    failure_set(failure, -EIO, "easelfs ended while the request was on its way.");
    failure_advise(failure, LAUNCH_NOT_SENT_AGAIN);
    if (jobs->setup.options->resend == RESEND_ALWAYS && record->attempt_count < LAUNCH_ATTEMPTS_MAX)
        record->state = JOB_QUEUED;
}

/* Whether the file @fd holds the text of the record. */
static bool holds_prompt(int fd, const struct record *record)
{
    cleanup_buf struct buf text = {.max = PROMPT_MAX_BYTES};

    return io_read_all(fd, &text) == 0 && strcmp(buf_text(&text), record->prompt) == 0;
}

/*
 * The daemon may have ended between a commit and its mark on the prompt file. Without the mark the
 * next rename of that file would commit it once more.
 */
static void mark_commit(const struct inode *workspace, const struct record *record)
{
    cleanup_close int fd =
        openat(workspace->fd, record->prompt_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && fgetxattr(fd, STORE_XATTR_COMMIT, NULL, 0) < 0 && errno == ENODATA &&
        holds_prompt(fd, record) && !failpoint("recover.note") &&
        fsetxattr(fd, STORE_XATTR_COMMIT, record->id, strlen(record->id), XATTR_CREATE) < 0)
        log_warning("job %s: the commit of %s cannot be noted: %s", record->id, record->prompt_name,
                    error_text(-errno));
}

/* Put a job where its record says that it was. */
static void take_up(struct jobs *jobs, struct job *job)
{
    enum job_state state = job->state;
    bool is_refused; /* its writer was told so: it is not to be sent after all */

    inode_mark_jobs(job->workspace);
    if (state == JOB_WAITING)
        mark_commit(job->workspace, &job->record);
    mutex_lock(&jobs->mutex);
    job->committed = true;
    is_refused = state == JOB_WAITING && job->record.failure.error;
    job->held = state > JOB_QUEUED || is_refused;
    if (is_refused)
        job->picture_count = 0;
    if (state == JOB_RECEIVED) {
        job_take_off(job); /* pictures may have to be fetched */
    }
    job_insert(job);
    mutex_unlock(&jobs->mutex);
    if (is_refused)
        job_continue(job, job_fail_refused);
    else if (state == JOB_RECEIVED)
        job_continue(job, job_harvest);
    else if (state == JOB_SENDING)
        job_continue(job, job_fail_unknown);
}

static void set_aside(const struct jobs *jobs, const char *id, const char *why)
{
    int error = spool_set_aside(jobs->setup.store, id, why);

    log_error("job %s: %s; %s", id, why,
              error ? "it could not be set aside" : "set aside in the store's corrupt/");
}

/* The record of @id cannot be had. */
static void give_up(const struct jobs *jobs, const char *id, int error)
{
    if (error == -EBADMSG)
        set_aside(jobs, id, "its record is damaged");
    else if (error != -ENOENT)
        log_error("job %s: its record cannot be read now: %s", id, error_text(error));
    else if (spool_discard_unborn(jobs->setup.store, id)) /* else close() had not returned 0 */
        set_aside(jobs, id, "it has no record");
}

static void recover_job(struct jobs *jobs, const char *id)
{
    cleanup_record struct record record = {0};
    struct inode *workspace;
    struct job *job = NULL;
    int error = spool_load(jobs->setup.store, id, &record);

    if (error) {
        give_up(jobs, id, error);
        return;
    }
    if (!record.has_owner) { /* made when there was but one user */
        record.has_owner = true;
        record.owner = (struct owner){geteuid(), getegid()};
    }
    if (job_state_is_final(record.state)) { /* it ended, but was not moved */
        spool_finish(jobs->setup.store, &record, record.failure.error != 0);
        return;
    }
    if (record.state == JOB_SENDING)
        settle_sending(jobs, &record);
    workspace = find_workspace(jobs, &record);
    if (workspace)
        error = job_create(jobs, &record, workspace, NULL, &job);
    if (job)
        job->model = values_model(jobs->setup.models, workspace);
    if (error) {
        log_error("job %s: cannot be taken up now: %s", id, error_text(error));
    } else if (job && job->model) {
        take_up(jobs, job);
    } else {
        log_warning("job %s: its model %s is not configured, or its directory is gone; kept "
                    "until it is there",
                    id, job ? job->record.model : record.model);
        job_destroy(job);
    }
    inode_unref(workspace);
}

void recover_begin(struct jobs *jobs)
{
    int error = spool_list(jobs->setup.store, &jobs->recovery.ids);

    if (error)
        log_error("the store's jobs cannot be listed: %s", error_text(error));
}

bool recover_some(struct jobs *jobs)
{
    struct recovery *recovery = &jobs->recovery;

    for (size_t i = 0; i < SOME && recovery->next < recovery->ids.count; i++)
        recover_job(jobs, recovery->ids.ids[recovery->next++]);
    if (recovery->next < recovery->ids.count)
        return true;
    spool_ids_fini(&recovery->ids);
    recovery->next = 0;
    return false;
}
