/* SPDX-License-Identifier: MIT
 *
 * Delivery: from staged files to visible ones. Chooses names that are free, has mount/ rename the
 * files into the workspace, and does it in the store where the mount cannot be reached. Writes and
 * removes error files. Runs in the pool; deliveries of different jobs run side by side.
 *
 * Numbers: two jobs of one workspace must not both take 0007 (as 0007.png and 0007.jpg). While
 * deliveries of a workspace are under way they share an entry with the highest number that is taken
 * or promised; the first of them reads the directory, the last one drops the entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/naming.h"
#include "job/report.h"
#include "job/staging.h"

/* How often a name may be taken by somebody else between looking and renaming. */
#define NAME_TRIES_MAX 1000
/* How often a directory may be renamed under us. */
#define PATH_TRIES_MAX 10
#define PATH_BYTES_MAX (16 * 1024)

struct delivery_entry {
    struct inode *workspace;
    unsigned delivery_count;
    unsigned highest; /* number that is taken or promised */
    struct delivery_entry *next;
};

static struct delivery_entry *find_entry(struct jobs *jobs, const struct inode *workspace)
    requires_(jobs->delivery_mutex)
{
    struct delivery_entry *entry = jobs->deliveries;

    while (entry && entry->workspace != workspace)
        entry = entry->next;
    return entry;
}

static int enter(struct jobs *jobs, struct inode *workspace)
{
    struct delivery_entry *made = calloc(1, sizeof(*made));
    struct delivery_entry *entry;

    if (!made)
        return -ENOMEM;
    mutex_lock(&jobs->delivery_mutex);
    entry = find_entry(jobs, workspace);
    if (!entry) {
        entry = steal_ptr(made);
        entry->workspace = workspace;
        entry->next = jobs->deliveries;
        jobs->deliveries = entry;
    }
    entry->delivery_count++;
    mutex_unlock(&jobs->delivery_mutex);
    free(made);
    return 0;
}

static void leave(struct jobs *jobs, const struct inode *workspace)
{
    struct delivery_entry **link;
    struct delivery_entry *gone = NULL;

    mutex_lock(&jobs->delivery_mutex);
    for (link = &jobs->deliveries; (*link)->workspace != workspace; link = &(*link)->next)
        continue;
    if (--(*link)->delivery_count == 0) {
        gone = *link;
        *link = gone->next;
    }
    mutex_unlock(&jobs->delivery_mutex);
    free(gone);
}

/* The highest number of a file in the directory. */
static unsigned highest_number(const struct inode *workspace)
{
    cleanup_closedir DIR *dir = NULL;
    int fd = io_reopen(workspace->fd, O_RDONLY | O_DIRECTORY);
    unsigned highest = 0;

    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        cleanup_close_impl(&fd);
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        unsigned number = naming_number_of(entry->d_name);
        if (number > highest)
            highest = number;
    }
    return highest;
}

static unsigned take_number(struct jobs *jobs, const struct inode *workspace)
{
    unsigned seen = highest_number(workspace);
    struct delivery_entry *entry;
    unsigned number;

    mutex_lock(&jobs->delivery_mutex);
    entry = find_entry(jobs, workspace);
    if (seen > entry->highest)
        entry->highest = seen;
    number = ++entry->highest;
    mutex_unlock(&jobs->delivery_mutex);
    return number;
}

/* In the store, where the mount cannot be reached: invisible to watchers, but there. */
static int publish_directly(struct job *job, const char *staged, struct inode *directory,
                            const char *name, bool replace)
{
    const struct jobs_publisher *publisher = &job->jobs->setup.publisher;
    const struct store *store = job->jobs->setup.store;

    if (renameat2(store->staging_fd, staged, directory->fd, name,
                  replace ? 0 : RENAME_NOREPLACE) < 0)
        return -errno;
    publisher->invalidate(publisher->context, directory, name);
    return 0;
}

/* Where the job's files go: its workspace or, once that was removed, the model's directory. */
static struct inode *destination(struct job *job, struct buf *path)
{
    buf_clear(path);
    if (inode_path(job->workspace, path) == 0)
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
        error = publisher->publish(publisher->context, staged, buf_text(&path), name, replace);
        if (error && !staging_has(job->jobs->setup.store, staged))
            return 0; /* it was done, only too late to tell us */
    }
    if (!error || (error == -EEXIST && !replace))
        return error;
    log_debug("job %s: %s through the mount: %s", job->record.id, name, error_text(error));
    return publish_directly(job, staged, directory, name, replace);
}

static bool is_taken(const struct inode *directory, const char *stem, const char *extension)
{
    char name[NAME_MAX + 8];

    snprintf(name, sizeof(name), "%s.%s", stem, extension);
    return faccessat(directory->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *extension_of(const char *staged)
{
    return strrchr(staged, '.') + 1;
}

/* The next stem for a result of @job; @with_words: STEM.txt must be free, too. */
static void choose_stem(struct job *job, const struct inode *directory, const char *extension,
                        bool with_words, unsigned *index, char stem[NAME_MAX + 1])
{
    const char *prompt_name = job->record.prompt_name;

    do {
        ++*index;
        if (naming_is_numbered(prompt_name))
            naming_number_stem(take_number(job->jobs, job->workspace), stem);
        else
            naming_stem(prompt_name, *index, stem);
    } while ((is_taken(directory, stem, extension) ||
              (with_words && is_taken(directory, stem, "txt"))) &&
             *index < NAME_TRIES_MAX);
}

/* Make one result visible under the first free name; @index counts the names tried. */
static int deliver_result(struct job *job, struct record_result *result, bool with_words,
                          unsigned *index, char stem[NAME_MAX + 1])
{
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    const struct inode *directory = destination(job, &path);
    const char *extension = extension_of(result->staged);
    char name[NAME_MAX + 8];
    int error;

    if (!directory)
        return -ENOENT;
    do {
        choose_stem(job, directory, extension, with_words, index, stem);
        snprintf(name, sizeof(name), "%s.%s", stem, extension);
        error = publish(job, result->staged, name, false);
    } while (error == -EEXIST && *index < NAME_TRIES_MAX);
    return error ? error : record_set_text(&result->name, name);
}

static int deliver_words(struct job *job, const char *stem)
{
    char staged[STAGING_NAME_SIZE];
    char name[NAME_MAX + 8];
    int error = -EEXIST;

    staging_text_name(job->record.id, STAGING_WORDS, staged);
    if (!staging_has(job->jobs->setup.store, staged))
        return 0;
    snprintf(name, sizeof(name), "%s.txt", stem);
    error = publish(job, staged, name, false);
    for (unsigned i = 2; error == -EEXIST && i < NAME_TRIES_MAX; i++) {
        snprintf(name, sizeof(name), "%.240s-%u.txt", stem, i);
        error = publish(job, staged, name, false);
    }
    return error;
}

static bool is_ours(const struct inode *directory, const char *name)
{
    cleanup_close int fd = openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 && fgetxattr(fd, STORE_XATTR_JOB, NULL, 0) >= 0;
}

/* The error file of an earlier try goes, if it is ours. */
static void remove_error_file(struct job *job)
{
    const struct jobs_publisher *publisher = &job->jobs->setup.publisher;
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};
    struct inode *directory = destination(job, &path);
    char name[NAME_MAX + 1];

    naming_error_file(job->record.prompt_name, name);
    if (!directory || !is_ours(directory, name))
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
        error = staging_write(job->jobs->setup.store, job->record.id, STAGING_ERROR,
                              buf_text(&text), text.length);
    if (error || !directory)
        return error ? error : -ENOENT;
    staging_text_name(job->record.id, STAGING_ERROR, staged);
    naming_error_file(job->record.prompt_name, name);
    error = publish(job, staged, name, is_ours(directory, name));
    for (unsigned i = 2; error == -EEXIST && i < NAME_TRIES_MAX; i++) {
        char stem[NAME_MAX + 1];

        naming_stem(job->record.prompt_name, i, stem);
        snprintf(name, sizeof(name), "%.240s.error.txt", stem);
        error = publish(job, staged, name, is_ours(directory, name));
    }
    return error;
}

static int deliver_results(struct job *job)
{
    struct record *record = &job->record;
    char staged_words[STAGING_NAME_SIZE];
    bool with_words;
    unsigned index = 0;
    char stem[NAME_MAX + 1];
    int error = 0;

    staging_text_name(record->id, STAGING_WORDS, staged_words);
    with_words = staging_has(job->jobs->setup.store, staged_words);
    for (size_t i = 0; !error && i < record->result_count; i++) {
        if (!staging_has(job->jobs->setup.store, record->results[i].staged))
            continue; /* it became visible before a restart */
        error = deliver_result(job, &record->results[i], with_words, &index, stem);
        if (!error && with_words) {
            error = deliver_words(job, stem);
            with_words = false;
        }
    }
    return error;
}

void job_deliver(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error = enter(jobs, job->workspace);

    if (!error) {
        error = deliver_results(job);
        leave(jobs, job->workspace);
    }
    if (error) { /* staged and on record as received: the next start delivers */
        log_error("job %s: its pictures cannot be made visible: %s", job->record.id,
                  error_text(error));
        return;
    }
    if (job->record.failure.error)
        error = deliver_error(job);
    else
        remove_error_file(job);
    if (error)
        log_error("job %s: its error file cannot be written: %s", job->record.id,
                  error_text(error));
    flight_destroy(steal_ptr(job->flight));
    job_finish(job, JOB_DELIVER, job->record.failure.error != 0);
}

void job_fail(struct job *job, enum job_event event, bool keep_files)
{
    int error = deliver_error(job);

    log_warning("job %s: %s: %s", job->record.id, job->record.prompt_name,
                job->record.failure.text);
    if (error)
        log_error("job %s: its error file cannot be written: %s", job->record.id,
                  error_text(error));
    flight_destroy(steal_ptr(job->flight));
    job_finish(job, event, keep_files);
}

void job_fail_refused(struct job *job)
{
    job_fail(job, JOB_FAIL, false);
}

void job_fail_unknown(struct job *job)
{
    job_fail(job, JOB_AMBIGUOUS, true);
}
