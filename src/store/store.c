/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/io.h"

#define FORMAT_TEXT    "easelfs store 1\n"
#define SMALL_FILE_MAX 512
#define XATTR_PROBE    "user.easelfs.probe"

static int check_owner(int fd, const char *path, struct failure *failure)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return failure_set_errno(failure, -errno, path);
    if (status.st_uid != geteuid())
        return failure_set(failure, -EPERM, "The store %s belongs to another user.", path);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return failure_set(failure, -EPERM, "The store %s can be written by others: chmod go-w %s.",
                           path, path);
    return 0;
}

static int open_root(struct store *store, const char *path, struct failure *failure)
{
    int error = io_make_dirs(path, 0700);

    if (error)
        return failure_set_errno(failure, error, path);
    store->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->root_fd < 0)
        return failure_set_errno(failure, -errno, path);
    return check_owner(store->root_fd, path, failure);
}

static int lock_store(struct store *store, const char *path, struct failure *failure)
{
    cleanup_buf struct buf holder = {.max = SMALL_FILE_MAX};
    char host[65] = "this machine";
    char now[CLOCK_TEXT_SIZE];
    int error;

    store->lock_fd =
        openat(store->root_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return failure_set_errno(failure, -errno, path);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (io_read_all(store->lock_fd, &holder) || !holder.length)
            buf_append_text(&holder, "another easelfs");
        return failure_set(failure, -EBUSY, "The store %s is in use by %s.", path,
                           buf_text(&holder));
    }
    gethostname(host, sizeof(host) - 1);
    clock_format(clock_wall_ms(), now);
    error = buf_printf(&holder, "process %d on %s since %s", (int)getpid(), host, now);
    if (!error)
        error = failpoint("store.lock");
    if (!error && ftruncate(store->lock_fd, 0) < 0)
        error = -errno;
    if (!error)
        error = io_write_all(store->lock_fd, buf_text(&holder), holder.length);
    return error ? failure_set_errno(failure, error, path) : 0;
}

static int check_format(const struct store *store, const char *path, struct failure *failure)
{
    cleanup_buf struct buf text = {.max = SMALL_FILE_MAX};
    int error = io_read_file(store->root_fd, "format", &text);

    if (error == -ENOENT)
        error = io_replace_file(store->root_fd, "format", FORMAT_TEXT, strlen(FORMAT_TEXT), 0600);
    else if (!error && strcmp(buf_text(&text), FORMAT_TEXT) != 0)
        return failure_set(failure, -EPROTO,
                           "The store %s is not of a format that this easelfs knows.", path);
    return error ? failure_set_errno(failure, error, path) : 0;
}

/* Results are known by an xattr: without them every result would be sent as a reference. */
static int check_xattrs(const struct store *store, const char *path, struct failure *failure)
{
    if (fsetxattr(store->lock_fd, XATTR_PROBE, "1", 1, 0) < 0)
        return failure_set(failure, -errno,
                           "The store %s is on a file system without extended attributes (%s).",
                           path, error_text(-errno));
    fremovexattr(store->lock_fd, XATTR_PROBE);
    return 0;
}

static int open_folder(const struct store *store, const char *name, int *fd,
                       struct failure *failure)
{
    int error = failpoint("store.mkdir");

    if (!error && mkdirat(store->root_fd, name, 0700) < 0 && errno != EEXIST)
        error = -errno;
    if (error)
        return failure_set_errno(failure, error, name);
    *fd = openat(store->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd < 0 ? failure_set_errno(failure, -errno, name) : 0;
}

static int open_folders(struct store *store, struct failure *failure)
{
    const struct {
        const char *name;
        int *fd;
    } folders[] = {
        {"tree", &store->tree_fd},       {"jobs", &store->jobs_fd},
        {"done", &store->done_fd},       {"staging", &store->staging_fd},
        {"corrupt", &store->corrupt_fd}, {"usage", &store->usage_fd},
    };
    int error = 0;

    for (size_t i = 0; !error && i < sizeof(folders) / sizeof(folders[0]); i++)
        error = open_folder(store, folders[i].name, folders[i].fd, failure);
    if (!error)
        error = io_sync_dir(store->root_fd);
    return error;
}

int store_open(const char *path, struct store **ret_store, struct failure *failure)
{
    struct store *store = malloc(sizeof(*store));
    int error;

    if (!store)
        return failure_set_errno(failure, -ENOMEM, path);
    *store = (struct store){-1, -1, -1, -1, -1, -1, -1, -1};
    error = open_root(store, path, failure);
    if (!error)
        error = lock_store(store, path, failure);
    if (!error)
        error = check_format(store, path, failure);
    if (!error)
        error = check_xattrs(store, path, failure);
    if (!error)
        error = open_folders(store, failure);
    if (error) {
        store_close(store);
        return error;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    cleanup_close_impl(&store->usage_fd);
    cleanup_close_impl(&store->corrupt_fd);
    cleanup_close_impl(&store->staging_fd);
    cleanup_close_impl(&store->done_fd);
    cleanup_close_impl(&store->jobs_fd);
    cleanup_close_impl(&store->tree_fd);
    cleanup_close_impl(&store->root_fd);
    cleanup_close_impl(&store->lock_fd); /* last: it gives the store to the next daemon */
    free(store);
}
