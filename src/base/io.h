/* SPDX-License-Identifier: MIT
 *
 * File helpers that finish what they begin: short reads and writes are continued, EINTR is retried,
 * and a replaced file is on disk, name and all, before the call returns.
 */
#ifndef EASELFS_BASE_IO_H
#define EASELFS_BASE_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/** Write all of @data. @return 0 or the negative errno of write(2). */
int io_write_all(int fd, const void *data, size_t length);

/** Append the rest of @fd to @buf. @return 0, the errno of read(2), or as buf_append(). */
int io_read_all(int fd, struct buf *buf);

/** Append the file @name in @dirfd to @buf; symbolic links are not followed. */
int io_read_file(int dirfd, const char *name, struct buf *buf);

/**
 * Replace @name in @dirfd by @data: a temporary file beside it, fsync, rename, fsync of @dirfd.
 * A reader sees the old file or the new one; after 0 the new one survives a power loss.
 *
 * @return 0 or a negative errno (the old file is then still there, if one was).
 */
int io_replace_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode);

/**
 * The same without the last fsync: a reader sees the old file or the new one, also after a power
 * loss, but which of them it is then is left open.
 */
int io_replace_file_lazily(int dirfd, const char *name, const void *data, size_t length,
                           mode_t mode);

/**
 * Copy @length bytes from the beginning of @from to the end of @to, by reflink where the file
 * system can.
 *
 * @return bytes copied (fewer than @length where @from ended), or a negative errno.
 */
int64_t io_copy(int from, int to, uint64_t length);

/**
 * fsync what was written to @fd before and is not written again.
 *
 * @return 0, or -EIO for whatever fsync(2) said: the kernel may have dropped what it could not
 * write, so that a second call would succeed without it. Nobody may take that for a full disk
 */
int io_sync(int fd);

/** fsync the directory behind @dirfd, which may be an O_PATH descriptor. */
int io_sync_dir(int dirfd);

/**
 * Open the directory behind @dirfd, which may be an O_PATH descriptor and stays the caller's, to
 * read its entries from the first on.
 *
 * @return 0 or a negative errno; the caller calls closedir(3)
 */
int io_open_dir(int dirfd, DIR **ret_dir);

/** Make @path and what is missing above it with @mode. @return 0 or a negative errno. */
int io_make_dirs(const char *path, mode_t mode);

/** Room for "/proc/self/fd/2147483647". */
#define IO_FD_PATH_SIZE 32

/** The path by which an O_PATH descriptor is opened again (open(2), "O_PATH"). */
void io_fd_path(int fd, char path[IO_FD_PATH_SIZE]);

/** Open what an O_PATH descriptor stands for. @return descriptor (O_CLOEXEC) or negative errno. */
int io_reopen(int fd, int flags);

/** Remove the directory @name in @dirfd with the plain files and directories in it. */
int io_remove_tree(int dirfd, const char *name);

#endif
