/* SPDX-License-Identifier: MIT */
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/failpoint.h"
#include "base/io.h"

#define RECORD_NAME "record.json"
#define REASON_NAME "reason"
/* By io_replace_file(). */
#define UNSAVED_NAME RECORD_NAME ".new"

/* A clone is called so until it is complete. */
#define CLONE_PREFIX ".new-"

static int open_in(int parent_fd, const char *id)
{
    int fd = openat(parent_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Save the record; @durable: it is on disk, name and all, when this returns. */
static int save_in(int directory_fd, const struct record *record, bool durable)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    int error = record_format(record, &json);

    if (!error)
        error =
            io_replace_file_lazily(directory_fd, RECORD_NAME, buf_text(&json), json.length, 0600);
    return error || !durable ? error : io_sync_dir(directory_fd);
}

int spool_open(const struct store *store, const char *id)
{
    return open_in(store->jobs_fd, id);
}

int spool_create(const struct store *store, const struct record *record)
{
    cleanup_close int fd = -1;
    int error = failpoint("spool.create");

    if (!error && mkdirat(store->jobs_fd, record->id, 0700) < 0)
        error = -errno;
    if (error)
        return error;
    fd = spool_open(store, record->id);
    error = fd < 0 ? fd : save_in(fd, record, true);
    if (!error)
        error = io_sync_dir(store->jobs_fd);
    if (error)
        io_remove_tree(store->jobs_fd, record->id);
    return error;
}

/* The next entry; NULL at the end, and where reading fails, with @error set: a part is no list. */
static const struct dirent *next_entry(DIR *dir, int *error)
{
    const struct dirent *entry;

    errno = 0;
    entry = readdir(dir);
    if (!entry)
        *error = -errno;
    return entry;
}

static bool is_hidden(const struct dirent *entry)
{
    return entry->d_name[0] == '.' || strcmp(entry->d_name, RECORD_NAME) == 0;
}

/*
 * Link all but the record, none of which ever changes once it is complete. What a crash left of a
 * record that was being saved does: the next one is written into it.
 */
static int link_files(int from_fd, int to_fd)
{
    cleanup_closedir DIR *dir = NULL;
    int error = io_open_dir(from_fd, &dir);

    for (const struct dirent *entry; !error && (entry = next_entry(dir, &error));) {
        if (!is_hidden(entry) && strcmp(entry->d_name, UNSAVED_NAME) != 0 &&
            linkat(from_fd, entry->d_name, to_fd, entry->d_name, 0) < 0)
            error = -errno;
    }
    return error;
}

/* Fill the new directory @name with what the job at @from_fd has, and with the record. */
static int fill_clone(const struct store *store, const char *name, int from_fd,
                      const struct record *record)
{
    cleanup_close int fd = open_in(store->jobs_fd, name);
    int error = fd < 0 ? fd : failpoint("spool.clone.link");

    if (!error)
        error = link_files(from_fd, fd);
    if (!error)
        error = save_in(fd, record, true);
    if (!error)
        error = failpoint("spool.clone.rename");
    if (!error && renameat2(store->jobs_fd, name, store->jobs_fd, record->id, RENAME_NOREPLACE) < 0)
        error = -errno;
    return error;
}

int spool_clone(const struct store *store, const char *from_id, const struct record *record)
{
    cleanup_close int from_fd = spool_open(store, from_id);
    char name[sizeof(CLONE_PREFIX) + RECORD_ID_SIZE];
    int error;

    if (from_fd < 0)
        return from_fd;
    snprintf(name, sizeof(name), CLONE_PREFIX "%s", record->id);
    error = failpoint("spool.clone.mkdir");
    if (!error && mkdirat(store->jobs_fd, name, 0700) < 0)
        error = -errno;
    if (error)
        return error;
    error = fill_clone(store, name, from_fd, record);
    if (error) {
        io_remove_tree(store->jobs_fd, name);
        return error;
    }
    error = io_sync_dir(store->jobs_fd);
    if (error)
        io_remove_tree(store->jobs_fd, record->id);
    return error;
}

bool spool_has(const struct store *store, const char *id)
{
    /* In this order: a job that ends meanwhile moves from the first to the others. */
    return faccessat(store->jobs_fd, id, F_OK, 0) == 0 ||
           faccessat(store->done_fd, id, F_OK, 0) == 0 ||
           faccessat(store->corrupt_fd, id, F_OK, 0) == 0;
}

int spool_save(const struct store *store, const struct record *record)
{
    cleanup_close int fd = spool_open(store, record->id);

    return fd < 0 ? fd : save_in(fd, record, true);
}

/* Remove all but the record. What cannot be removed does no harm. */
static void remove_files(int directory_fd)
{
    cleanup_closedir DIR *dir = NULL;

    if (failpoint("spool.finish.remove") || io_open_dir(directory_fd, &dir))
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (!is_hidden(entry))
            unlinkat(directory_fd, entry->d_name, 0);
    }
}

/* Move the job, whose directory is @fd, to done/. */
static int move_finished(const struct store *store, int fd, const struct record *record,
                         bool keep_files, bool durable)
{
    int error = save_in(fd, record, durable);

    if (error)
        return error;
    if (!keep_files)
        remove_files(fd);
    error = failpoint("spool.finish.rename");
    if (!error && renameat(store->jobs_fd, record->id, store->done_fd, record->id) < 0)
        error = -errno;
    return error;
}

int spool_finish(const struct store *store, const struct record *record, bool keep_files)
{
    cleanup_close int fd = spool_open(store, record->id);
    bool durable = record->state != JOB_DONE;
    int error = fd;

    if (fd >= 0)
        error = move_finished(store, fd, record, keep_files, durable);
    else if (fd == -ENOENT && faccessat(store->done_fd, record->id, F_OK, 0) == 0)
        error = 0; /* moved by a call that failed after that */
    if (!error && durable)
        error = io_sync_dir(store->done_fd);
    return error || !durable ? error : io_sync_dir(store->jobs_fd);
}

int spool_discard(const struct store *store, const char *id)
{
    int error = failpoint("spool.discard");

    if (!error)
        error = io_remove_tree(store->jobs_fd, id);
    return error ? error : io_sync_dir(store->jobs_fd);
}

int spool_discard_unborn(const struct store *store, const char *id)
{
    cleanup_close int fd = spool_open(store, id);
    int error;

    if (fd < 0)
        return fd;
    unlinkat(fd, UNSAVED_NAME, 0);
    error = failpoint("spool.discard_unborn");
    if (!error && unlinkat(store->jobs_fd, id, AT_REMOVEDIR) < 0)
        error = -errno;
    return error;
}

static int load_from(int parent_fd, const char *id, struct record *ret_record)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    cleanup_close int fd = open_in(parent_fd, id);
    struct record record;
    int error;

    if (fd < 0)
        return fd;
    error = io_read_file(fd, RECORD_NAME, &json);
    if (error)
        return error == -EFBIG ? -EBADMSG : error;
    error = record_parse(buf_text(&json), json.length, &record);
    if (error)
        return error;
    if (strcmp(record.id, id) != 0) {
        record_fini(&record);
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}

int spool_load(const struct store *store, const char *id, struct record *ret_record)
{
    int error;

    if (!record_is_id(id))
        return -EINVAL;
    error = load_from(store->jobs_fd, id, ret_record);
    if (error == -ENOENT) /* finished, perhaps just now: the move goes from jobs/ to done/ */
        error = load_from(store->done_fd, id, ret_record);
    return error;
}

int spool_set_aside(const struct store *store, const char *id, const char *reason)
{
    cleanup_close int fd = spool_open(store, id);
    int error;

    if (fd >= 0) /* a disk that takes no reason takes the job away all the same */
        io_replace_file(fd, REASON_NAME, reason, strlen(reason), 0600);
    error = failpoint("spool.set_aside");
    if (!error && renameat(store->jobs_fd, id, store->corrupt_fd, id) < 0)
        error = -errno;
    if (!error)
        error = io_sync_dir(store->corrupt_fd);
    return error ? error : io_sync_dir(store->jobs_fd);
}

void spool_ids_fini(struct spool_ids *ids)
{
    free(ids->ids);
    *ids = (struct spool_ids){0};
}

static int add_id(struct spool_ids *ids, const char *id)
{
    if ((ids->count & (ids->count - 1)) == 0) { /* full at each power of two */
        size_t size = ids->count ? ids->count * 2 : 1;
        char(*grown)[RECORD_ID_SIZE] = reallocarray(ids->ids, size, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        ids->ids = grown;
    }
    memcpy(ids->ids[ids->count++], id, RECORD_ID_SIZE);
    return 0;
}

static int compare_ids(const void *left, const void *right)
{
    return memcmp(left, right, RECORD_ID_SIZE);
}

/* The jobs in @directory_fd that were committed before @wall_ms. */
static int list_before(int directory_fd, int64_t wall_ms, struct spool_ids *ret_ids)
{
    cleanup_spool_ids struct spool_ids ids = {0};
    cleanup_closedir DIR *dir = NULL;
    int error = io_open_dir(directory_fd, &dir);

    for (const struct dirent *entry; !error && (entry = next_entry(dir, &error));) {
        if (record_is_id(entry->d_name) && record_id_time_ms(entry->d_name) < wall_ms)
            error = add_id(&ids, entry->d_name);
    }
    if (error)
        return error;
    if (ids.count)
        qsort(ids.ids, ids.count, sizeof(*ids.ids), compare_ids);
    *ret_ids = ids;
    ids = (struct spool_ids){0};
    return 0;
}

/* What a crash left of clones that were being made: their makers begin afresh. */
static void remove_incomplete_clones(const struct store *store)
{
    cleanup_closedir DIR *dir = NULL;

    if (io_open_dir(store->jobs_fd, &dir))
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strncmp(entry->d_name, CLONE_PREFIX, strlen(CLONE_PREFIX)) == 0)
            io_remove_tree(store->jobs_fd, entry->d_name);
    }
}

int spool_list(const struct store *store, struct spool_ids *ret_ids)
{
    remove_incomplete_clones(store);
    return list_before(store->jobs_fd, INT64_MAX, ret_ids);
}

int spool_list_finished(const struct store *store, int64_t wall_ms, struct spool_ids *ret_ids)
{
    return list_before(store->done_fd, wall_ms, ret_ids);
}

int spool_forget(const struct store *store, const char *id)
{
    int error = failpoint("spool.forget");

    return error ? error : io_remove_tree(store->done_fd, id);
}
