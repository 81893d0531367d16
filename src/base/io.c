/* SPDX-License-Identifier: MIT */
#include "base/failpoint.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_BYTES 65536

/* copy_file_range(2) refuses lengths that would pass the end of all files. */
#define COPY_MAX_BYTES ((uint64_t)1 << 30)

int io_write_all(int fd, const void *data, size_t length)
{
    const char *from = data;

    while (length) {
        ssize_t written = write(fd, from, length);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            from += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

int io_read_all(int fd, struct buf *buf)
{
    char chunk[CHUNK_BYTES];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        int error;

        if (got == 0)
            return 0;
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        error = buf_append(buf, chunk, (size_t)got);
        if (error)
            return error;
    }
}

int io_read_file(int dirfd, const char *name, struct buf *buf)
{
    cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return io_read_all(fd, buf);
}

static int write_temporary(int dirfd, const char *name, const void *data, size_t length,
                           mode_t mode)
{
    cleanup_close int fd =
        openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    int error;

    if (fd < 0)
        return -errno;
    error = failpoint("replace.write");
    if (!error)
        error = io_write_all(fd, data, length);
    if (!error)
        error = failpoint("replace.fsync");
    if (!error && fsync(fd) < 0)
        error = -errno;
    return error;
}

int io_replace_file_lazily(int dirfd, const char *name, const void *data, size_t length,
                           mode_t mode)
{
    char temporary[256];
    int error;

    if (snprintf(temporary, sizeof(temporary), "%s.new", name) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    error = write_temporary(dirfd, temporary, data, length, mode);
    if (!error)
        error = failpoint("replace.rename");
    if (!error && renameat(dirfd, temporary, dirfd, name) < 0)
        error = -errno;
    if (error)
        unlinkat(dirfd, temporary, 0);
    return error;
}

int io_replace_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode)
{
    int error = io_replace_file_lazily(dirfd, name, data, length, mode);

    return error ? error : io_sync_dir(dirfd);
}

/* copy_file_range(2) says no in many ways: across file systems, on old kernels, on odd files. */
static bool needs_plain_copy(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static ssize_t copy_plain(int from, int to, off_t offset, size_t length)
{
    char chunk[CHUNK_BYTES];
    ssize_t got = pread(from, chunk, length < sizeof(chunk) ? length : sizeof(chunk), offset);
    int error;

    if (got <= 0)
        return got < 0 ? -errno : 0;
    error = io_write_all(to, chunk, (size_t)got);
    return error ? error : got;
}

int64_t io_copy(int from, int to, uint64_t length)
{
    bool plain = false;
    off_t offset = 0;

    while ((uint64_t)offset < length) {
        uint64_t left = length - (uint64_t)offset;
        size_t rest = (size_t)(left < COPY_MAX_BYTES ? left : COPY_MAX_BYTES);
        ssize_t copied;

        if (plain) {
            copied = copy_plain(from, to, offset, rest);
            if (copied > 0)
                offset += copied;
        } else {
            copied = copy_file_range(from, &offset, to, NULL, rest, 0);
            if (copied < 0)
                copied = -errno;
        }
        if (copied == 0)
            break;
        if (copied < 0 && !plain && needs_plain_copy((int)-copied))
            plain = true;
        else if (copied < 0 && copied != -EINTR)
            return copied;
    }
    return offset;
}

int io_sync(int fd)
{
    return fsync(fd) < 0 ? -EIO : 0;
}

int io_sync_dir(int dirfd)
{
    cleanup_close int fd = io_reopen(dirfd, O_RDONLY | O_DIRECTORY);
    int error = failpoint("sync_dir");

    if (!error)
        error = fd < 0 ? fd : fsync(fd) < 0 ? -errno : 0;
    return error;
}

int io_make_dirs(const char *path, mode_t mode)
{
    cleanup_free char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    if (mkdir(copy, mode) < 0 && errno != EEXIST)
        return -errno;
    return 0;
}

void io_fd_path(int fd, char path[IO_FD_PATH_SIZE])
{
    snprintf(path, IO_FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

int io_reopen(int fd, int flags)
{
    char path[IO_FD_PATH_SIZE];
    int opened;

    io_fd_path(fd, path);
    opened = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
    return opened < 0 ? -errno : opened;
}

static bool is_dot_name(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int io_open_dir(int dirfd, DIR **ret_dir)
{
    cleanup_close int fd = io_reopen(dirfd, O_RDONLY | O_DIRECTORY);
    DIR *dir;

    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir)
        return -errno;
    steal_fd(&fd);
    *ret_dir = dir;
    return 0;
}

static int remove_entries(DIR *dir)
{
    int error = 0;

    for (const struct dirent *entry; !error && (entry = readdir(dir));) {
        if (is_dot_name(entry->d_name))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            error = errno == EISDIR ? io_remove_tree(dirfd(dir), entry->d_name) : -errno;
    }
    return error;
}

int io_remove_tree(int dirfd, const char *name)
{
    cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_closedir DIR *dir = NULL;
    int error;

    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir)
        return -errno;
    steal_fd(&fd);
    error = remove_entries(dir);
    if (!error && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
        error = -errno;
    return error;
}
