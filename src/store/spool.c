/* SPDX-License-Identifier: MIT */
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

#define RECORD_NAME "record.json"

static int open_in(int parent_fd, const char *id)
{
    int fd = openat(parent_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int save_in(int directory_fd, const struct record *record)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    int error = record_format(record, &json);

    if (error)
        return error;
    return io_replace_file(directory_fd, RECORD_NAME, buf_text(&json), json.length, 0600);
}

int spool_open(const struct store *store, const char *id)
{
    return open_in(store->jobs_fd, id);
}

int spool_create(const struct store *store, const struct record *record)
{
    cleanup_close int fd = -1;
    int error;

    if (mkdirat(store->jobs_fd, record->id, 0700) < 0)
        return -errno;
    fd = spool_open(store, record->id);
    error = fd < 0 ? fd : save_in(fd, record);
    if (!error)
        error = io_sync_dir(store->jobs_fd);
    if (error)
        io_remove_tree(store->jobs_fd, record->id);
    return error;
}

int spool_save(const struct store *store, const struct record *record)
{
    cleanup_close int fd = spool_open(store, record->id);

    return fd < 0 ? fd : save_in(fd, record);
}

/* Remove all but the record. What cannot be removed does no harm. */
static void remove_files(int directory_fd)
{
    cleanup_closedir DIR *dir = NULL;
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, RECORD_NAME) != 0 && entry->d_name[0] != '.')
            unlinkat(directory_fd, entry->d_name, 0);
    }
}

int spool_finish(const struct store *store, const struct record *record, bool keep_files)
{
    cleanup_close int fd = spool_open(store, record->id);
    int error;

    if (fd < 0)
        return fd;
    error = save_in(fd, record);
    if (error)
        return error;
    if (!keep_files)
        remove_files(fd);
    if (renameat(store->jobs_fd, record->id, store->done_fd, record->id) < 0)
        return -errno;
    error = io_sync_dir(store->done_fd);
    return error ? error : io_sync_dir(store->jobs_fd);
}

int spool_discard(const struct store *store, const char *id)
{
    int error = io_remove_tree(store->jobs_fd, id);

    return error ? error : io_sync_dir(store->jobs_fd);
}

static int load_from(int parent_fd, const char *id, struct record *ret_record)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    cleanup_close int fd = open_in(parent_fd, id);
    int error;

    if (fd < 0)
        return fd;
    error = io_read_file(fd, RECORD_NAME, &json);
    if (error)
        return error == -EFBIG ? -EBADMSG : error;
    error = record_parse(buf_text(&json), json.length, ret_record);
    if (!error && strcmp(ret_record->id, id) != 0) {
        record_fini(ret_record);
        error = -EBADMSG;
    }
    return error;
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

int spool_set_aside(const struct store *store, const char *id)
{
    if (renameat(store->jobs_fd, id, store->corrupt_fd, id) < 0)
        return -errno;
    return io_sync_dir(store->corrupt_fd);
}

static int is_job(const struct dirent *entry)
{
    return record_is_id(entry->d_name);
}

int spool_list(const struct store *store, void (*visit)(void *context, const char *id),
               void *context)
{
    struct dirent **entries;
    int count = scandirat(store->jobs_fd, ".", &entries, is_job, alphasort);

    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        visit(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
