/* SPDX-License-Identifier: MIT
 *
 * Real files: their attributes, content and xattrs, passed through to the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "tree/kind.h"

/* Hard links are refused, so a link count above one is only the spool's. */
static int file_getattr(struct tree *tree, struct inode *inode, struct stat *ret_status)
{
    char name[NAME_MAX + 1];

    (void)tree;
    if (fstat(inode->fd, ret_status) < 0)
        return -errno;
    ret_status->st_nlink = inode_name(inode, name) ? 1 : 0;
    return 0;
}

static int file_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    bool writer = (flags & O_ACCMODE) != O_RDONLY;
    char name[NAME_MAX + 1];
    int error = 0;

    if (writer && inode_name(inode, name))
        error = prompt_check_open(tree, name);
    if (error)
        return error;
    if (flags & O_TRUNC)
        prompt_note_change(inode);
    handle->fd = io_reopen(inode->fd, flags & ~(O_CREAT | O_EXCL | O_DIRECT | O_NOCTTY));
    if (handle->fd < 0)
        return handle->fd;
    handle->writer = writer;
    if (flags & O_TRUNC)
        atomic_store(&inode->refused, 0);
    return 0;
}

const struct node_kind kind_file = {
    .getattr = file_getattr,
    .open = file_open,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};

int tree_readlink(struct inode *inode, char *target, size_t size)
{
    ssize_t length;

    if (inode->fd < 0)
        return -EINVAL;
    length = readlinkat(inode->fd, "", target, size - 1);
    if (length < 0)
        return errno == ENOENT ? -EINVAL : -errno; /* an O_PATH fd on what is no link */
    target[length] = '\0';
    return 0;
}

static int set_mode(const struct inode *inode, mode_t mode)
{
    char path[IO_FD_PATH_SIZE];

    if (S_ISLNK(inode->type))
        return -EOPNOTSUPP;
    io_fd_path(inode->fd, path);
    return chmod(path, mode & 07777) < 0 ? -errno : 0;
}

static int set_owner(const struct inode *inode, const struct stat *wanted, int what)
{
    uid_t uid = what & TREE_SET_UID ? wanted->st_uid : (uid_t)-1;
    gid_t gid = what & TREE_SET_GID ? wanted->st_gid : (gid_t)-1;

    return fchownat(inode->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int set_size(struct inode *inode, const struct handle *handle, off_t size)
{
    cleanup_close int opened = -1;
    int fd = handle && handle->writer ? handle->fd : -1;
    int error;

    if (!S_ISREG(inode->type))
        return S_ISDIR(inode->type) ? -EISDIR : -EINVAL;
    error = prompt_check_size(inode, (uint64_t)size);
    if (error)
        return error;
    if (fd < 0) {
        opened = io_reopen(inode->fd, O_WRONLY);
        fd = opened;
    }
    if (fd < 0)
        return fd;
    prompt_note_change(inode);
    if (ftruncate(fd, size) < 0)
        return -errno;
    if (size == 0)
        atomic_store(&inode->refused, 0);
    inode_touch_parent(inode);
    return 0;
}

static void choose_time(struct timespec *time, int what, int set, int now,
                        const struct timespec *wanted)
{
    if (what & now)
        *time = (struct timespec){0, UTIME_NOW};
    else if (what & set)
        *time = *wanted;
    else
        *time = (struct timespec){0, UTIME_OMIT};
}

static int set_times(const struct inode *inode, const struct stat *wanted, int what)
{
    struct timespec times[2];

    choose_time(&times[0], what, TREE_SET_ATIME, TREE_SET_ATIME_NOW, &wanted->st_atim);
    choose_time(&times[1], what, TREE_SET_MTIME, TREE_SET_MTIME_NOW, &wanted->st_mtim);
    return utimensat(inode->fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int tree_setattr(struct tree *tree, struct inode *inode, const struct handle *handle,
                 const struct stat *wanted, int what, struct stat *ret_status,
                 double *ret_timeout_s)
{
    int error = 0;

    if (inode->fd < 0)
        return -EPERM;
    if (what & TREE_SET_MODE)
        error = set_mode(inode, wanted->st_mode);
    if (!error && (what & (TREE_SET_UID | TREE_SET_GID)))
        error = set_owner(inode, wanted, what);
    if (!error && (what & TREE_SET_SIZE))
        error = set_size(inode, handle, wanted->st_size);
    if (!error && (what & (TREE_SET_ATIME | TREE_SET_MTIME | TREE_SET_ATIME_NOW |
                           TREE_SET_MTIME_NOW)))
        error = set_times(inode, wanted, what);
    return error ? error : tree_getattr(tree, inode, ret_status, ret_timeout_s);
}

bool tree_checks_writes(const struct handle *handle)
{
    return prompt_is_named(handle->inode);
}

int tree_check_write(const struct handle *handle, const void *bytes, size_t length,
                     uint64_t offset)
{
    return prompt_check_write(handle->inode, bytes, length, offset);
}

void tree_begin_write(const struct handle *handle)
{
    prompt_note_change(handle->inode);
    inode_touch_parent(handle->inode);
}

void tree_fail_write(const struct handle *handle, int error)
{
    atomic_store(&handle->inode->refused, error);
}

int tree_fsync(struct handle *handle, bool data_only)
{
    if (handle->fd < 0) /* a directory, or nothing that could be lost */
        return handle->inode->fd < 0 ? 0 : io_sync_dir(handle->inode->fd);
    return (data_only ? fdatasync(handle->fd) : fsync(handle->fd)) < 0 ? -errno : 0;
}

int tree_fallocate(struct handle *handle, int mode, off_t offset, off_t length)
{
    int error;

    if (!handle->writer)
        return -EBADF;
    error = prompt_check_size(handle->inode, (uint64_t)offset + (uint64_t)length);
    if (error)
        return error;
    tree_begin_write(handle);
    return fallocate(handle->fd, mode, offset, length) < 0 ? -errno : 0;
}

int64_t tree_copy_range(struct handle *from, off_t from_offset, struct handle *to,
                        off_t to_offset, size_t length, int flags)
{
    ssize_t copied;

    if (from->fd < 0 || prompt_is_named(to->inode)) /* the kernel then reads and writes */
        return -EOPNOTSUPP;
    if (!to->writer)
        return -EBADF;
    tree_begin_write(to);
    copied = copy_file_range(from->fd, &from_offset, to->fd, &to_offset, length, (unsigned)flags);
    return copied < 0 ? -errno : copied;
}

/* Users see user.* but for our own note on prompts. */
static int check_xattr(const struct inode *inode, const char *name, int hidden_error)
{
    if (inode->fd < 0 || S_ISLNK(inode->type) || strncmp(name, "user.", 5) != 0)
        return -EOPNOTSUPP;
    return strcmp(name, STORE_XATTR_COMMIT) == 0 ? hidden_error : 0;
}

int tree_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
    char path[IO_FD_PATH_SIZE];
    int error = check_xattr(inode, name, -ENODATA);
    ssize_t length;

    if (error)
        return error;
    io_fd_path(inode->fd, path);
    length = getxattr(path, name, value, size);
    return length < 0 ? -errno : (int)length;
}

int tree_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
    char path[IO_FD_PATH_SIZE];
    int error = check_xattr(inode, name, -EPERM);

    if (error)
        return error;
    io_fd_path(inode->fd, path);
    return setxattr(path, name, value, size, flags) < 0 ? -errno : 0;
}

int tree_removexattr(struct inode *inode, const char *name)
{
    char path[IO_FD_PATH_SIZE];
    int error = check_xattr(inode, name, -ENODATA);

    if (error)
        return error;
    io_fd_path(inode->fd, path);
    return removexattr(path, name) < 0 ? -errno : 0;
}

/* Keep the names that users see; each ends with a NUL. @return the new length. */
static size_t filter_names(char *list, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length;) {
        size_t size = strlen(list + at) + 1;

        if (strncmp(list + at, "user.", 5) == 0 && strcmp(list + at, STORE_XATTR_COMMIT) != 0) {
            memmove(list + kept, list + at, size);
            kept += size;
        }
        at += size;
    }
    return kept;
}

int tree_listxattr(struct inode *inode, char *list, size_t size)
{
    cleanup_free char *all = malloc(XATTR_LIST_MAX);
    char path[IO_FD_PATH_SIZE];
    ssize_t length;
    size_t kept;

    if (inode->fd < 0 || S_ISLNK(inode->type))
        return 0;
    if (!all)
        return -ENOMEM;
    io_fd_path(inode->fd, path);
    length = listxattr(path, all, XATTR_LIST_MAX);
    if (length < 0)
        return -errno;
    kept = filter_names(all, (size_t)length);
    if (size && kept > size)
        return -ERANGE;
    if (size)
        memcpy(list, all, kept);
    return (int)kept;
}
