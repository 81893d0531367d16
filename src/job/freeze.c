/* SPDX-License-Identifier: MIT
 *
 * Freeze: copy what a job uses, so that nothing that is done to the directory later can change it,
 * nor any restart. The references are copied into the spool (by reflink where the file system can),
 * prompt and settings into the record. Runs in the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/io.h"
#include "base/text.h"
#include "conf/prompt.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/launch.h"
#include "job/naming.h"
#include "job/result.h"
#include "job/scheduler.h"
#include "job/siblings.h"
#include "job/survey.h"
#include "store/ownership.h"
#include "store/spool.h"
#include "store/values.h"

/* More names than a workspace with a hundred thousand results has. */
#define NAMES_MAX (1 << 20)

struct names {
    char **name;
    size_t count;
};

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}

static int compare_names(const void *left, const void *right)
{
    return text_natural_compare(*(char *const *)left, *(char *const *)right);
}

static int add_name(struct names *names, const char *name)
{
    if ((names->count & (names->count - 1)) == 0) { /* full at each power of two */
        size_t size = names->count ? names->count * 2 : 1;
        char **grown = size > NAMES_MAX ? NULL : realloc(names->name, size * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        names->name = grown;
    }
    names->name[names->count] = strdup(name);
    if (!names->name[names->count])
        return -ENOMEM;
    names->count++;
    return 0;
}

/* Files that may be references, in the order in which they are sent. */
static int list_names(struct jobs *jobs, struct inode *directory, struct names *names)
{
    cleanup_free struct survey *survey = NULL;
    int error = survey_get(jobs, directory, &survey);

    for (size_t at = 0; !error && at < survey->size; at += strlen(survey->names + at) + 1)
        error = add_name(names, survey->names + at);
    if (!error && names->count)
        qsort(names->name, names->count, sizeof(*names->name), compare_names);
    return error;
}

/* Open @name if it is a picture: -ENOENT where it is not. @named: it was asked for by name. */
static int open_picture(const struct job *job, const char *name, bool named,
                        const struct image_type **ret_type, struct stat *status)
{
    const struct owner *owner = job_recorded_owner(job);
    int directory_fd = job->workspace->fd;
    cleanup_close int fd = -1;
    int error;

    fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? -ENOENT : -errno;
    if (fstat(fd, status) < 0)
        return -errno;
    if (!S_ISREG(status->st_mode))
        return -ENOENT;
    if (owner && !ownership_may_read(fd, owner)) /* the result would show it to them */
        return named ? -EACCES : -ENOENT;
    error = imagetype_detect(job->jobs->setup.imagetype, fd, ret_type);
    if (error)
        return error;
    return *ret_type ? steal_fd(&fd) : -ENOENT;
}

static int copy_picture(int spool_fd, size_t index, int fd, uint64_t size, const char *name,
                        struct failure *failure)
{
    cleanup_close int copy = -1;
    char copy_name[FLIGHT_NAME_SIZE];
    int64_t copied;
    int error;

    flight_reference_name(index, copy_name);
    copy = openat(spool_fd, copy_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (copy < 0)
        return failure_set_errno(failure, -errno, name);
    copied = failpoint("freeze.copy");
    if (!copied)
        copied = io_copy(fd, copy, size);
    if (copied < 0)
        return failure_set_errno(failure, (int)copied, name);
    if ((uint64_t)copied != size)
        return failure_set(failure, -EAGAIN, "%s was changed while it was read.", name);
    error = failpoint("freeze.fsync");
    if (!error && fsync(copy) < 0)
        error = -errno;
    return error ? failure_set_errno(failure, error, name) : 0;
}

/* What @bytes are in a request. */
static uint64_t encoded(uint64_t bytes)
{
    return bytes / 3 * 4 + (bytes % 3 ? 4 : 0);
}

/* Whether the reference @name of @bytes fits, alone and with those before it. */
static int check_size(const struct job *job, const char *name, uint64_t bytes,
                      struct failure *failure)
{
    uint64_t max = job->jobs->setup.options->max_request_bytes;
    uint64_t all = encoded(bytes);

    if (bytes > max || all > max) {
        failure_advise(failure, "Use a smaller picture, or set max_request.");
        return failure_set(failure, -EFBIG,
                           "%s has %llu KB, %llu KB as it is sent: more than the %llu KB that a "
                           "request may have.",
                           name, (unsigned long long)(bytes >> 10), (unsigned long long)(all >> 10),
                           (unsigned long long)(max >> 10));
    }
    for (size_t i = 0; i < job->record.reference_count; i++)
        all += encoded(job->record.references[i].bytes);
    if (all <= max)
        return 0;
    failure_advise(failure, "Use fewer or smaller references, or set max_request.");
    return failure_set(failure, -EFBIG,
                       "With %s the request has %llu KB, more than the %llu KB that one may have.",
                       name, (unsigned long long)(all >> 10), (unsigned long long)(max >> 10));
}

static int check_reference(const struct job *job, const char *name, const struct image_type *type,
                           uint64_t bytes, struct failure *failure)
{
    size_t max = job->model->profile->references_max;

    if (!type->is_reference) {
        failure_advise(failure, "Convert it to PNG or JPEG, or move it elsewhere, and save the "
                                "prompt again.");
        return failure_set(
            failure, -EMEDIUMTYPE,
            "%s is a picture of the type %s, which the API does not take as a reference.", name,
            type->title);
    }
    if (job->record.reference_count >= max) {
        failure_advise(failure, "Move some pictures elsewhere and save the prompt again.");
        return failure_set(failure, -E2BIG,
                           "%s takes at most %zu reference pictures; %s is one "
                           "too many.",
                           job->record.model, max, name);
    }
    return check_size(job, name, bytes, failure);
}

/* What is sent is known by its digest, whatever becomes of the file. */
static int digest_reference(struct record *record, int spool_fd)
{
    size_t index = record->reference_count - 1;
    char copy_name[FLIGHT_NAME_SIZE];
    cleanup_close int fd = -1;

    flight_reference_name(index, copy_name);
    fd = openat(spool_fd, copy_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : digest_file(fd, record->references[index].sha256);
}

/* Take @name as the next reference, if it is one; @named: the user asked for it by name. */
static int freeze_picture(struct job *job, int spool_fd, const char *name, bool named)
{
    struct failure *failure = &job->record.failure;
    const struct image_type *type = NULL;
    cleanup_close int fd = -1;
    struct stat status;
    int error;

    fd = open_picture(job, name, named, &type, &status);
    if (fd == -ENOENT && !named)
        return 0;
    if (fd == -ENOENT)
        return failure_set(failure, fd, "The reference %s is not there, or is no picture.", name);
    if (fd < 0)
        return failure_set_errno(failure, fd, name);
    error = check_reference(job, name, type, (uint64_t)status.st_size, failure);
    if (!error)
        error = copy_picture(spool_fd, job->record.reference_count, fd, (uint64_t)status.st_size,
                             name, failure);
    if (error)
        return error;
    error = record_add_reference(&job->record, name, type->mime, (uint64_t)status.st_size);
    if (!error)
        error = digest_reference(&job->record, spool_fd);
    return error ? failure_set_errno(failure, error, name) : 0;
}

int job_gather_settings(const struct model *model, struct inode *workspace,
                        const struct prompt *prompt, struct settings *ret_settings)
{
    int error = values_in_force(workspace, model, ret_settings);

    return error ? error : settings_overlay(ret_settings, &prompt->settings);
}

/* Where the model is known to make another size than the one that was asked for, that is sent. */
static int fall_back(struct job *job)
{
    char **size = &job->record.settings.value[SETTING_IMAGE_SIZE];
    bool differs;
    const char *effective = models_effective_size(job->model->profile, *size, &differs);
    char note[RESULT_NOTE_SIZE];
    int error;

    if (!differs)
        return 0;
    result_note_fallback(*size, effective, note);
    error = record_add_note(&job->record, note);
    return error ? error : record_set_text(size, effective);
}

static int freeze_settings(struct job *job)
{
    cleanup_prompt struct prompt prompt = {0};
    int error = prompt_parse(job->record.prompt, strlen(job->record.prompt), job->model->profile,
                             &prompt, &job->record.failure);

    if (!error)
        error = job_gather_settings(job->model, job->workspace, &prompt, &job->record.settings);
    return error ? error : fall_back(job);
}

/* The names in the setting `references`, in the order in which they stand there. */
static int split_names(const char *text, struct names *names)
{
    cleanup_free char *copy = strdup(text);
    int error = copy ? 0 : -ENOMEM;
    char *rest = copy;
    char *name;

    while (!error && (name = strsep(&rest, "\n"))) {
        if (*name)
            error = add_name(names, name);
    }
    return error;
}

static int freeze_references(struct job *job)
{
    struct names names = {0};
    cleanup_close int spool_fd = spool_open(job->jobs->setup.store, job->record.id);
    const char *mode = job->record.settings.value[SETTING_REFERENCES];
    bool named = mode && strcmp(mode, "all") != 0;
    int error;

    if (spool_fd < 0)
        return failure_set_errno(&job->record.failure, spool_fd, "The store");
    if (named && strcmp(mode, "none") == 0)
        return 0;
    error = named ? split_names(mode, &names) : list_names(job->jobs, job->workspace, &names);
    if (error)
        failure_set_errno(&job->record.failure, error, "The directory cannot be read");
    for (size_t i = 0; !error && i < names.count; i++)
        error = freeze_picture(job, spool_fd, names.name[i], named);
    names_fini(&names);
    return error;
}

/* The job is no longer one of those that are being frozen. */
static void end_start(struct job *job) requires_(job->jobs->mutex)
{
    job->starting = false;
    job->jobs->starting_count--;
    job->jobs->kicked = true;
    cond_broadcast(&job->jobs->changed);
}

/* What it asks for itself is one picture, now that its siblings ask for the others. */
static void enter_queue(struct job *job, struct job_list *siblings) requires_(job->jobs->mutex)
{
    end_start(job);
    job_set_picture_count(job, 1);
    job_apply(job, JOB_FREEZE);
    siblings_enqueue(job->jobs, siblings);
}

/* Its inputs are frozen. @return whether the job may be sent at once: then it is still held. */
static bool send_at_once(struct job *job, struct job_list *siblings)
{
    struct jobs *jobs = job->jobs;
    bool at_once;

    mutex_lock(&jobs->mutex);
    at_once = !job->abandoned && TAILQ_EMPTY(&jobs->queued) && scheduler_admits(job);
    if (at_once) {
        enter_queue(job, siblings);
        scheduler_send(job);
    }
    mutex_unlock(&jobs->mutex);
    return at_once;
}

/* It has to wait for its turn; what it uses is on record, so that it stays what it was. */
static void join_queue(struct job *job, struct job_list *siblings)
{
    struct jobs *jobs = job->jobs;
    bool abandoned;
    int error;

    job->record.state = JOB_QUEUED;
    error = job_save(job);
    if (error) /* on record it waits: after a crash it would be frozen afresh */
        log_warning("job %s: its record cannot be saved: %s", job->record.id, error_text(error));
    mutex_lock(&jobs->mutex);
    abandoned = job->abandoned;
    if (abandoned) {
        end_start(job);
    } else {
        enter_queue(job, siblings);
        job_let_go(job);
    }
    mutex_unlock(&jobs->mutex);
    if (abandoned) {
        siblings_cancel(jobs, siblings);
        job_finish(job, JOB_CANCEL);
    }
}

static void freeze_again(struct job *job);

/* @error came up before anything was sent. */
static void fail_start(struct job *job, int error)
{
    struct jobs *jobs = job->jobs;

    mutex_lock(&jobs->mutex);
    end_start(job);
    mutex_unlock(&jobs->mutex);
    if (error == -EAGAIN) /* somebody is still at it */
        job_pause(job, freeze_again, (int64_t)jobs->setup.options->settle_ms);
    else if (job_is_passing(error))
        job_park(job, freeze_again, error, "its references cannot be copied");
    else
        job_fail(job, JOB_FAIL, false);
}

static int freeze_inputs(struct job *job)
{
    int error;

    failure_init(&job->record.failure);
    record_drop_references(&job->record);
    record_set_text(&job->record.notes, NULL);
    error = freeze_settings(job);
    if (!error)
        error = freeze_references(job);
    if (error && !job->record.failure.error)
        failure_set_errno(&job->record.failure, error, "The prompt could not be prepared");
    return error;
}

/* Whether the job was taken back before it could begin. */
static bool is_abandoned(struct job *job)
{
    struct jobs *jobs = job->jobs;
    bool abandoned;

    mutex_lock(&jobs->mutex);
    abandoned = job->abandoned;
    if (abandoned)
        end_start(job);
    mutex_unlock(&jobs->mutex);
    return abandoned;
}

static int create_siblings(struct job *job, struct job_list *siblings)
{
    int error = siblings_create(job, siblings);

    return error ? failure_set_errno(&job->record.failure, error, "The prompt could not be stored")
                 : 0;
}

void job_freeze(struct job *job)
{
    struct job_list siblings;
    int error;

    if (is_abandoned(job)) {
        job_finish(job, JOB_CANCEL);
        return;
    }
    inode_mark_jobs(job->workspace);
    error = freeze_inputs(job);
    if (!error)
        error = create_siblings(job, &siblings);
    if (error)
        fail_start(job, error);
    else if (send_at_once(job, &siblings))
        job_launch(job);
    else
        join_queue(job, &siblings);
}

/* A parked job's turn has come again. */
static void freeze_again(struct job *job)
{
    mutex_lock(&job->jobs->mutex);
    job->starting = true;
    job->jobs->starting_count++;
    mutex_unlock(&job->jobs->mutex);
    job_freeze(job);
}
