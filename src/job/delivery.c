/* SPDX-License-Identifier: MIT
 *
 * Delivery: from staged files to visible ones. Chooses names that are free, has mount/ rename the
 * files into the workspace, and does it in the store where the mount cannot be reached. Writes and
 * removes error files. Runs in the pool; deliveries of different jobs run side by side.
 *
 * A staged file leaves the staging directory by the rename that makes it visible: so a delivery
 * that was broken off, by a crash or by an error, is begun again and does what is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/naming.h"
#include "job/numbering.h"
#include "job/report.h"
#include "job/staging.h"
#include "job/survey.h"

/* How often a name may be taken by somebody else between looking and renaming. */
#define NAME_TRIES_MAX 100000
/* How often a directory may be renamed under us. */
#define PATH_TRIES_MAX 10
#define PATH_BYTES_MAX (16 * 1024)
/* A stem and the longest extension. */
#define NAME_SIZE (NAME_MAX + 8)

/* In the store, where the mount cannot be reached: invisible to watchers, but there. */
static int publish_directly(struct job *job, const char *staged, struct inode *directory,
                            const char *name, bool replace)
{
    const struct jobs_publisher *publisher = &job->jobs->setup.publisher;
    const struct store *store = job->jobs->setup.store;
    int error = failpoint("deliver.directly");

    if (!error && renameat2(store->staging_fd, staged, directory->fd, name,
                            replace ? 0 : RENAME_NOREPLACE) < 0)
        error = -errno;
    if (error)
        return staging_has(store, staged) ? error : 0; /* mount/ has done it after all */
    publisher->invalidate(publisher->context, directory, name);
    return 0;
}

static bool is_writable(const struct inode *directory)
{
    char path[IO_FD_PATH_SIZE];

    io_fd_path(directory->fd, path);
    return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

/* Where the job's files go: its workspace or, once that was removed or locked up by its owner, the
   top workspace. */
static struct inode *destination(struct job *job, struct buf *path)
{
    buf_clear(path);
    if (inode_path(job->workspace, path) == 0 && is_writable(job->workspace))
        return job->workspace;
    buf_clear(path);
    return job->top && inode_path(job->top, path) == 0 ? job->top : NULL;
}

/* Make @staged visible as @name. @return 0, -EEXIST, or another negative errno. */
static int publish(struct job *job, const char *staged, const char *name, bool replace)
{
    const struct jobs_publisher *publisher = &job->jobs->setup.publisher;
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    struct inode *directory = NULL;
    int error = -ENOENT;

    for (int i = 0; error == -ENOENT && i < PATH_TRIES_MAX; i++) {
        directory = destination(job, &path);
        if (!directory)
            return -ENOENT;
        error = failpoint("deliver.publish");
        if (!error)
            error = publisher->publish(publisher->context, staged, buf_text(&path), name, replace);
        if (error && !staging_has(job->jobs->setup.store, staged))
            error = 0; /* it was done, only too late to tell us */
    }
    if (error && (error != -EEXIST || replace)) {
        log_debug("job %s: %s through the mount: %s", job->record.id, name, error_text(error));
        error = publish_directly(job, staged, directory, name, replace);
    }
    if (!error)
        survey_published(job->jobs, directory, name);
    return error;
}

static bool is_taken(const struct inode *directory, const char *stem, const char *extension)
{
    char name[NAME_SIZE];

    snprintf(name, sizeof(name), "%s.%s", stem, extension);
    return faccessat(directory->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *extension_of(const char *name)
{
    return strrchr(name, '.') + 1;
}

/* What is left to be delivered, and how far that is. */
struct delivery {
    struct job *job;
    struct inode *directory; /* the destination, entered for numbers */
    bool with_words;         /* the words are still staged: STEM.txt must be free, too */
    unsigned tries;          /* names tried so far */
    char stem[NAME_MAX + 1]; /* of the last result */
};

/* Have the stem of the try @number. @return whether a file has it already. */
static bool try_stem(struct delivery *delivery, unsigned number, const char *extension)
{
    struct job *job = delivery->job;

    if (naming_is_numbered(job->record.prompt_name))
        naming_number_stem(numbering_take(job->jobs, delivery->directory), delivery->stem);
    else
        naming_stem(job->record.prompt_name, number, delivery->stem);
    return is_taken(delivery->directory, delivery->stem, extension) ||
           (delivery->with_words && is_taken(delivery->directory, delivery->stem, "txt"));
}

/*
 * How many tries of stems to leave out: NAME to NAME-4711 may be there, and are not all looked at.
 * Twice as far each time, then back by halves to one that follows one that is taken.
 */
static unsigned skip_taken(struct delivery *delivery, const char *extension)
{
    unsigned taken = 0;
    unsigned step = 1;

    while (taken + step < NAME_TRIES_MAX && try_stem(delivery, taken + step, extension)) {
        taken += step;
        step *= 2;
    }
    for (; step > 1; step /= 2) {
        if (taken + step / 2 < NAME_TRIES_MAX && try_stem(delivery, taken + step / 2, extension))
            taken += step / 2;
    }
    return taken;
}

/* The next stem for a result. */
static void choose_stem(struct delivery *delivery, const char *extension)
{
    if (!delivery->tries && !naming_is_numbered(delivery->job->record.prompt_name))
        delivery->tries = skip_taken(delivery, extension);
    while (try_stem(delivery, ++delivery->tries, extension) && delivery->tries < NAME_TRIES_MAX)
        continue;
}

/* Make one result visible under the first free name. */
static int deliver_result(struct delivery *delivery, struct record_result *result)
{
    const char *extension = extension_of(result->staged);
    char name[NAME_SIZE];
    int error;

    do {
        choose_stem(delivery, extension);
        snprintf(name, sizeof(name), "%s.%s", delivery->stem, extension);
        error = publish(delivery->job, result->staged, name, false);
    } while (error == -EEXIST && delivery->tries < NAME_TRIES_MAX);
    return error ? error : record_set_text(&result->name, name);
}

static int deliver_words(struct delivery *delivery)
{
    struct job *job = delivery->job;
    char staged[STAGING_NAME_SIZE];
    char name[NAME_SIZE];
    int error;

    staging_text_name(job->record.id, STAGING_WORDS, staged);
    snprintf(name, sizeof(name), "%s.txt", delivery->stem);
    error = publish(job, staged, name, false);
    for (unsigned i = 2; error == -EEXIST && i < NAME_TRIES_MAX; i++) {
        snprintf(name, sizeof(name), "%.240s-%u.txt", delivery->stem, i);
        error = publish(job, staged, name, false);
    }
    return error;
}

/* Whether the file @name tells of a sibling's failure: that stays, whatever became of the others.
 */
static bool is_of_sibling(const struct inode *directory, const char *name, const char *id)
{
    cleanup_close int fd =
        openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char value[RECORD_ID_SIZE] = "";

    return fd >= 0 && fgetxattr(fd, STORE_XATTR_JOB, value, sizeof(value) - 1) > 0 &&
           record_are_siblings(value, id);
}

/* Whether the file @name is ours: of the job @id or, where that is NULL, of any. */
static bool is_ours(const struct inode *directory, const char *name, const char *id)
{
    cleanup_close int fd =
        openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char value[RECORD_ID_SIZE] = "";
    ssize_t length = fd < 0 ? -1 : fgetxattr(fd, STORE_XATTR_JOB, value, sizeof(value) - 1);

    return id ? length > 0 && strcmp(value, id) == 0 : length >= 0 || (fd >= 0 && errno == ERANGE);
}

static bool has_result_called(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->result_count; i++) {
        if (record->results[i].name && strcmp(record->results[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Whether @name could be that of a result staged as @staged. */
static bool is_likely(const struct record *record, const char *staged, const char *name)
{
    const char *extension = strrchr(name, '.');

    return extension && strcmp(extension + 1, extension_of(staged)) == 0 &&
           !has_result_called(record, name);
}

/* Results get their names in the order of their numbers: 9 before 10, NAME before NAME-2. */
static bool comes_before(const char *left, const char *right)
{
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);

    return left_length != right_length ? left_length < right_length : strcmp(left, right) < 0;
}

/* A result became visible and nobody was told its name: find it, unless the user moved it. */
static int find_result(const struct delivery *delivery, struct record_result *result)
{
    const struct record *record = &delivery->job->record;
    cleanup_closedir DIR *dir = NULL;
    int error = 0;

    if (io_open_dir(delivery->directory->fd, &dir))
        return 0;
    for (const struct dirent *entry; !error && (entry = readdir(dir));) {
        if ((!result->name || comes_before(entry->d_name, result->name)) &&
            is_likely(record, result->staged, entry->d_name) &&
            is_ours(delivery->directory, entry->d_name, record->id))
            error = record_set_text(&result->name, entry->d_name);
    }
    return error;
}

/* The words go beside a result, the first that is there. */
static int deliver_words_beside(struct delivery *delivery, const struct record_result *result)
{
    const char *dot = strrchr(result->name, '.');
    int error;

    snprintf(delivery->stem, sizeof(delivery->stem), "%.*s",
             dot ? (int)(dot - result->name) : (int)strlen(result->name), result->name);
    error = deliver_words(delivery);
    delivery->with_words = error != 0;
    return error;
}

static int deliver_each(struct delivery *delivery)
{
    struct record *record = &delivery->job->record;
    const struct store *store = delivery->job->jobs->setup.store;
    int error = 0;

    for (size_t i = 0; !error && i < record->result_count; i++) {
        struct record_result *result = &record->results[i];

        if (staging_has(store, result->staged))
            error = deliver_result(delivery, result);
        else if (!result->name) /* it became visible before a restart */
            error = find_result(delivery, result);
        if (!error && delivery->with_words && result->name)
            error = deliver_words_beside(delivery, result);
    }
    if (!error && delivery->with_words) { /* the user has moved them all */
        choose_stem(delivery, "txt");
        error = deliver_words(delivery);
    }
    return error;
}

/* All of them, visible for good when this returns 0. */
static int deliver_results(struct job *job)
{
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    struct delivery delivery = {.job = job, .directory = destination(job, &path)};
    char staged[STAGING_NAME_SIZE];
    int error;

    if (!delivery.directory)
        return -ENOENT;
    staging_text_name(job->record.id, STAGING_WORDS, staged);
    delivery.with_words = staging_has(job->jobs->setup.store, staged);
    error = numbering_enter(job->jobs, delivery.directory);
    if (error)
        return error;
    error = deliver_each(&delivery);
    numbering_leave(job->jobs, delivery.directory);
    if (error)
        return error;
    error = io_sync_dir(delivery.directory->fd);
    return error == -EACCES ? 0 : error; /* its owner forbade to read it: nobody can sync it */
}

/* The error file of an earlier try goes, if it is ours. */
static void remove_error_file(struct job *job)
{
    const struct jobs_publisher *publisher = &job->jobs->setup.publisher;
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    struct inode *directory = destination(job, &path);
    char name[NAME_MAX + 1];

    naming_error_file(job->record.prompt_name, name);
    if (!directory || !is_ours(directory, name, NULL) ||
        is_of_sibling(directory, name, job->record.id) || failpoint("deliver.remove"))
        return;
    if (publisher->remove(publisher->context, buf_text(&path), name) == 0)
        return;
    if (unlinkat(directory->fd, name, 0) == 0)
        publisher->invalidate(publisher->context, directory, name);
}

/* An error file replaces an earlier one of ours, but nothing of the user's. */
static int deliver_error(struct job *job)
{
    cleanup_buf struct buf text = {.max = REPORT_MAX_BYTES};
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    const struct inode *directory = destination(job, &path);
    char staged[STAGING_NAME_SIZE];
    char name[NAME_MAX + 1];
    int error = report_format(job->jobs->setup.store, &job->record, &text);

    if (!error)
        error = staging_write(job->jobs->setup.store, job->record.id, job_recorded_owner(job),
                              STAGING_ERROR, buf_text(&text), text.length);
    if (error || !directory)
        return error ? error : -ENOENT;
    staging_text_name(job->record.id, STAGING_ERROR, staged);
    naming_error_file(job->record.prompt_name, name);
    error = publish(job, staged, name, is_ours(directory, name, NULL));
    for (unsigned i = 2; error == -EEXIST && i < NAME_TRIES_MAX; i++) {
        char stem[NAME_MAX + 1];

        naming_stem(job->record.prompt_name, i, stem);
        snprintf(name, sizeof(name), "%.240s.error.txt", stem);
        error = publish(job, staged, name, is_ours(directory, name, NULL));
    }
    return error;
}

/* Write the error file. @return 0, or the errno of a trouble that passes; the record has it all. */
static int tell_error(struct job *job)
{
    int error = deliver_error(job);

    if (error && !job_is_passing(error)) {
        log_error("job %s: its error file cannot be written: %s", job->record.id,
                  error_text(error));
        error = 0;
    }
    return error;
}

void job_deliver(struct job *job)
{
    int error = deliver_results(job);

    if (!error && job->record.failure.error)
        error = tell_error(job);
    else if (!error)
        remove_error_file(job);
    if (error) {
        job_park(job, job_deliver, error, "its pictures cannot be made visible");
        return;
    }
    job->keep_files = job->record.failure.error != 0;
    job_finish(job, JOB_DELIVER);
}

static void fail(struct job *job)
{
    int error = tell_error(job);

    if (error)
        job_park(job, fail, error, "its error file cannot be written");
    else
        job_finish(job, job->end);
}

void job_fail(struct job *job, enum job_event event, bool keep_files)
{
    job_hide_key(job);
    log_warning("job %s: %s: %s", job->record.id, job->record.prompt_name,
                job->record.failure.text);
    flight_destroy(steal_ptr(job->flight));
    job_land(job);
    job->end = event;
    job->keep_files = keep_files;
    fail(job);
}

void job_fail_refused(struct job *job)
{
    job_fail(job, JOB_FAIL, false);
}

void job_fail_unknown(struct job *job)
{
    job_fail(job, JOB_AMBIGUOUS, true);
}
