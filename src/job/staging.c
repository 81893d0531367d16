/* SPDX-License-Identifier: MIT */
#include "job/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"

#define RESULT_MODE 0444

void staging_result_name(const char *id, size_t number, const char *extension,
                         char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%zu.%s", id, number, extension);
}

void staging_text_name(const char *id, const char *what, char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%s", id, what);
}

/* What makes a file a result, and durable. */
static int seal(int fd, const char *id)
{
    if (fsetxattr(fd, STORE_XATTR_JOB, id, strlen(id), 0) < 0 || fchmod(fd, RESULT_MODE) < 0 ||
        fsync(fd) < 0)
        return -errno;
    return 0;
}

int staging_add(const struct store *store, const char *id, int spool_fd, const char *name, int fd,
                const char *staged)
{
    int error = seal(fd, id);

    if (error)
        return error;
    if (linkat(spool_fd, name, store->staging_fd, staged, 0) < 0 && errno != EEXIST)
        return -errno;
    return io_sync_dir(store->staging_fd);
}

int staging_write(const struct store *store, const char *id, const char *what, const char *text,
                  size_t length)
{
    char name[STAGING_NAME_SIZE];
    cleanup_close int fd = -1;
    int error;

    staging_text_name(id, what, name);
    unlinkat(store->staging_fd, name, 0); /* of a try before a restart */
    fd = openat(store->staging_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return -errno;
    error = io_write_all(fd, text, length);
    if (!error)
        error = seal(fd, id);
    return error ? error : io_sync_dir(store->staging_fd);
}

bool staging_has(const struct store *store, const char *staged)
{
    return faccessat(store->staging_fd, staged, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
