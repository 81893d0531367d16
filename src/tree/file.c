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
#include "conf/prompt.h"
#include "store/ownership.h"
#include "tree/kind.h"

static int file_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                        struct stat *ret_status)
{
    (void)caller;
    return owner_stat(tree, inode, ret_status);
}

/*
 * The flags for the file in the store. O_APPEND is the kernel's business: it knows where the end
 * is, and what it writes back from a shared map stays where it was.
 */
static int store_flags(int flags)
{
    return flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECT | O_NOCTTY);
}

static int truncate_opened(struct tree *tree, struct inode *inode, int fd,
                           const struct handle *handle)
{
    struct tree_claim claim;
    int error = space_claim(tree, inode, 0, &claim);

    prompt_begin_change(tree, inode, handle);
    refusal_forget(inode);
    if (!error && ftruncate(fd, 0) < 0)
        error = -errno;
    space_settle(tree, inode, &claim);
    return error;
}

int file_attach(struct tree *tree, struct inode *inode, int fd, int flags, struct handle *handle)
{
    int error = 0;

    handle->fd = fd;
    if ((flags & O_ACCMODE) == O_RDONLY)
        return 0;
    prompt_hold(tree, inode);
    if (flags & O_TRUNC)
        error = truncate_opened(tree, inode, fd, handle);
    if (!error) {
        handle->writer = true;
        inode_add_writer(inode);
    }
    prompt_let_go(tree, inode);
    return error;
}

/* open(2) empties a file also for who will only read it. */
static int truncate_for_reader(struct tree *tree, struct inode *inode)
{
    cleanup_close int fd = io_reopen(inode->fd, O_WRONLY);
    int error;

    if (fd < 0)
        return fd;
    prompt_hold(tree, inode);
    error = truncate_opened(tree, inode, fd, NULL);
    prompt_let_go(tree, inode);
    return error;
}

/* No prompt grows beyond what can be sent. */
static int check_size(struct inode *inode, uint64_t size)
{
    return size > PROMPT_MAX_BYTES && prompt_is_named(inode) ? -EFBIG : 0;
}

static int check_writer(struct tree *tree, struct inode *inode, const struct owner *owner)
{
    struct inode *directory = inode_parent(inode);
    char name[NAME_MAX + 1];
    int error = 0;

    if (directory && inode_name(inode, name))
        error = prompt_check_open(tree, directory, name, owner);
    inode_unref(directory);
    return error;
}

static int file_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    bool writer = (flags & O_ACCMODE) != O_RDONLY;
    int error = 0;
    int fd;

    if (writer)
        error = check_writer(tree, inode, &handle->owner);
    if (!error && !writer && (flags & O_TRUNC))
        error = truncate_for_reader(tree, inode);
    if (error)
        return error;
    fd = io_reopen(inode->fd, store_flags(flags));
    return fd < 0 ? fd : file_attach(tree, inode, fd, flags, handle);
}

const struct node_kind kind_file = {
    .getattr = file_getattr,
    .open = file_open,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};

int tree_readlink(struct tree *tree, struct inode *inode, const struct caller *caller, char *target,
                  size_t size)
{
    ssize_t length;

    if (inode->kind == &kind_me)
        return homes_read_me(tree, inode, caller, target, size);
    if (inode->fd < 0)
        return -EINVAL;
    length = readlinkat(inode->fd, "", target, size - 1);
    if (length < 0)
        return errno == ENOENT ? -EINVAL : -errno; /* an O_PATH fd on what is no link */
    target[length] = '\0';
    return 0;
}

static int set_owner(struct tree *tree, struct inode *inode, uid_t uid, gid_t gid,
                     const struct caller *caller)
{
    uid_t before = space_begin_giving(tree, inode);
    int error = owner_set(tree, inode, uid, gid, caller);

    space_end_giving(tree, inode, before);
    return error;
}

static int change_size(struct tree *tree, struct inode *inode, const struct handle *handle,
                       off_t size)
{
    cleanup_close int opened = -1;
    int fd = handle && handle->writer ? handle->fd : -1;
    struct tree_claim claim;
    int error;

    if (fd < 0) {
        opened = io_reopen(inode->fd, O_WRONLY);
        fd = opened;
    }
    if (fd < 0)
        return fd;
    error = space_claim(tree, inode, (uint64_t)size, &claim);
    if (error)
        return error;
    prompt_hold(tree, inode);
    prompt_begin_change(tree, inode, handle);
    error = ftruncate(fd, size) < 0 ? -errno : 0;
    if (!error && size == 0)
        refusal_forget(inode);
    prompt_let_go(tree, inode);
    space_settle(tree, inode, &claim);
    return error;
}

static int set_size(struct tree *tree, struct inode *inode, const struct handle *handle, off_t size)
{
    int error;

    if (!S_ISREG(inode->type))
        return S_ISDIR(inode->type) ? -EISDIR : -EINVAL;
    error = check_size(inode, (uint64_t)size);
    if (!error)
        error = change_size(tree, inode, handle, size);
    if (!error)
        inode_touch_parent(inode);
    return error;
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

/* A setting has a value and nothing else that could be set; cp -p and rsync may try. */
static int set_value(struct tree *tree, struct inode *inode, struct handle *handle,
                     const struct stat *wanted, int what)
{
    return what & TREE_SET_SIZE ? settings_truncate(tree, inode, handle, wanted->st_size) : 0;
}

/* Of a file or directory of the store. */
static int set_real(struct tree *tree, struct inode *inode, const struct handle *handle,
                    const struct caller *caller, const struct stat *wanted, int what)
{
    uid_t uid = what & TREE_SET_UID ? wanted->st_uid : (uid_t)-1;
    gid_t gid = what & TREE_SET_GID ? wanted->st_gid : (gid_t)-1;
    int error = 0;

    if (what & TREE_SET_MODE)
        error = owner_set_mode(tree, inode, wanted->st_mode);
    /* Nothing at all is a chown(2) of nothing: it is noted when that was. */
    if (!error && (!what || (what & (TREE_SET_UID | TREE_SET_GID))))
        error = set_owner(tree, inode, uid, gid, caller);
    if (!error && (what & TREE_SET_SIZE))
        error = set_size(tree, inode, handle, wanted->st_size);
    if (!error &&
        (what & (TREE_SET_ATIME | TREE_SET_MTIME | TREE_SET_ATIME_NOW | TREE_SET_MTIME_NOW)))
        error = set_times(inode, wanted, what);
    return error;
}

int tree_setattr(struct tree *tree, struct inode *inode, struct handle *handle,
                 const struct caller *caller, const struct stat *wanted, int what,
                 struct stat *ret_status, double *ret_timeout_s)
{
    int error = -EPERM;

    if (inode->kind == &kind_setting)
        error = set_value(tree, inode, handle, wanted, what);
    else if (inode->fd >= 0)
        error = set_real(tree, inode, handle, caller, wanted, what);
    return error ? error : tree_getattr(tree, inode, caller, ret_status, ret_timeout_s);
}

int tree_begin_write(struct tree *tree, const struct handle *handle, uint64_t offset, size_t length,
                     struct tree_claim *ret_claim)
{
    int error = space_claim(tree, handle->inode, offset + length, ret_claim);

    if (error)
        return error;
    prompt_note_change(handle->inode, handle);
    inode_touch_parent(handle->inode);
    return 0;
}

void tree_end_write(struct tree *tree, const struct handle *handle, const struct tree_claim *claim)
{
    space_settle(tree, handle->inode, claim);
}

int tree_fsync(struct handle *handle, bool data_only)
{
    if (handle->fd < 0) /* a directory, or nothing that could be lost */
        return handle->inode->fd < 0 ? 0 : io_sync_dir(handle->inode->fd);
    return (data_only ? fdatasync(handle->fd) : fsync(handle->fd)) < 0 ? -errno : 0;
}

int tree_fallocate(struct tree *tree, struct handle *handle, int mode, off_t offset, off_t length)
{
    struct inode *inode = handle->inode;
    bool changes = mode != FALLOC_FL_KEEP_SIZE; /* else room is made, and nothing is written */
    struct tree_claim claim;
    int error = 0;

    if (!handle->writer)
        return -EBADF;
    if (handle->fd < 0)
        return -EOPNOTSUPP;
    if (tree->space && (mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) == FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP; /* lengths are counted, and this would take more than that */
    if (changes)
        error = check_size(inode, (uint64_t)offset + (uint64_t)length);
    if (!error)
        error = space_claim(tree, inode, (uint64_t)offset + (uint64_t)length, &claim);
    if (error)
        return error;
    prompt_hold(tree, inode);
    if (changes)
        prompt_begin_change(tree, inode, handle);
    error = fallocate(handle->fd, mode, offset, length) < 0 ? -errno : 0;
    prompt_let_go(tree, inode);
    space_settle(tree, inode, &claim);
    inode_touch_parent(inode);
    return error;
}

int64_t tree_copy_range(struct tree *tree, struct handle *from, off_t from_offset,
                        struct handle *to, off_t to_offset, size_t length, int flags)
{
    struct tree_claim claim;
    ssize_t copied;
    int error;

    if (!to->writer)
        return -EBADF;
    if (from->fd < 0 || tree_checks_writes(to)) /* the kernel then reads and writes */
        return -EOPNOTSUPP;
    error = tree_begin_write(tree, to, (uint64_t)to_offset, length, &claim);
    if (error)
        return error;
    copied = copy_file_range(from->fd, &from_offset, to->fd, &to_offset, length, (unsigned)flags);
    error = copied < 0 ? -errno : 0;
    tree_end_write(tree, to, &claim);
    return error ? error : copied;
}

/* Our own notes on a file: neither shown nor set. */
static bool is_private_xattr(const char *name)
{
    return strcmp(name, STORE_XATTR_COMMIT) == 0 || strcmp(name, OWNERSHIP_XATTR) == 0;
}

/* Users see user.* but for those. */
static int check_xattr(const struct inode *inode, const char *name, int hidden_error)
{
    if (inode->fd < 0 || S_ISLNK(inode->type) || strncmp(name, "user.", 5) != 0)
        return -EOPNOTSUPP;
    return is_private_xattr(name) ? hidden_error : 0;
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

/* By that it became a result, or is none any more. */
static void note_xattr(const struct tree *tree, struct inode *inode, const char *name)
{
    struct inode *directory;
    char file_name[NAME_MAX + 1];

    if (strcmp(name, STORE_XATTR_JOB) != 0 || !inode_name(inode, file_name))
        return;
    directory = inode_parent(inode);
    if (directory)
        jobs_name_changed(tree->setup.jobs, directory, file_name);
    inode_unref(directory);
}

int tree_setxattr(struct tree *tree, struct inode *inode, const char *name, const void *value,
                  size_t size, int flags)
{
    char path[IO_FD_PATH_SIZE];
    int error = check_xattr(inode, name, -EPERM);

    if (error)
        return error;
    io_fd_path(inode->fd, path);
    if (setxattr(path, name, value, size, flags) < 0)
        return -errno;
    note_xattr(tree, inode, name);
    return 0;
}

int tree_removexattr(struct tree *tree, struct inode *inode, const char *name)
{
    char path[IO_FD_PATH_SIZE];
    int error = check_xattr(inode, name, -ENODATA);

    if (error)
        return error;
    io_fd_path(inode->fd, path);
    if (removexattr(path, name) < 0)
        return -errno;
    note_xattr(tree, inode, name);
    return 0;
}

/* Keep the names that users see; each ends with a NUL. @return the new length. */
static size_t filter_names(char *list, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length;) {
        size_t size = strlen(list + at) + 1;

        if (strncmp(list + at, "user.", 5) == 0 && !is_private_xattr(list + at)) {
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
