/* SPDX-License-Identifier: MIT
 *
 * Whose the real files are: in a private mount as the store has it, in a shared one as it is
 * recorded (store/ownership). The one place that tells the two apart. What the kernel checks before
 * it asks is not checked again: only what it would allow and we do not.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "store/ownership.h"
#include "tree/kind.h"

bool owner_is_recorded(const struct tree *tree)
{
    return tree->setup.options->shared;
}

mode_t owner_store_mode(const struct tree *tree, mode_t mode)
{
    return owner_is_recorded(tree) ? ownership_store_mode(mode) : mode & 07777;
}

/* The owner of a symbolic link is that of its directory. */
static void show(int directory_fd, int fd, struct stat *status)
{
    struct stat above;

    if (!S_ISLNK(status->st_mode)) {
        ownership_show(fd, status);
    } else if (fstat(directory_fd, &above) == 0) {
        ownership_show(directory_fd, &above);
        status->st_uid = above.st_uid;
        status->st_gid = above.st_gid;
    }
}

int owner_stat_in(const struct tree *tree, int directory_fd, int fd, struct stat *ret_status)
{
    if (fstat(fd, ret_status) < 0)
        return -errno;
    if (owner_is_recorded(tree))
        show(directory_fd, fd, ret_status);
    return 0;
}

int owner_stat(const struct tree *tree, struct inode *inode, struct stat *ret_status)
{
    struct inode *directory = S_ISLNK(inode->type) ? inode_parent(inode) : NULL;
    int error = owner_stat_in(tree, directory ? directory->fd : -1, inode->fd, ret_status);

    inode_unref(directory);
    return error;
}

static int get(const struct tree *tree, struct inode *inode, struct ownership *ret_ownership)
{
    struct stat status;
    int error = owner_stat(tree, inode, &status);

    if (!error)
        *ret_ownership = (struct ownership){status.st_uid, status.st_gid, status.st_mode & 07777};
    return error;
}

/* Record whose the file @name is, which was just made in @directory. */
static int record(const struct tree *tree, struct inode *directory, const char *name,
                  const struct ownership *maker)
{
    cleanup_close int fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct ownership parent;
    struct ownership own;
    struct stat status;
    int error;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (S_ISLNK(status.st_mode))
        return 0;
    error = get(tree, directory, &parent);
    if (error)
        return error;
    ownership_inherit(&parent, maker, status.st_mode, tree->gid, &own);
    error = ownership_set(fd, &own);
    if (!error && S_ISDIR(status.st_mode))
        error = io_sync_dir(fd);
    return error;
}

/* Give @name away with its mode: chown(2) takes the set-id bits from a file. */
static int give_with_mode(int directory_fd, const char *name, uid_t uid, gid_t gid)
{
    struct stat status;

    if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchownat(directory_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || !(status.st_mode & (S_ISUID | S_ISGID)))
        return 0;
    return fchmodat(directory_fd, name, status.st_mode & 07777, 0) < 0 ? -errno : 0;
}

static int give_away(const struct tree *tree, const struct inode *directory, const char *name,
                     const struct caller *caller)
{
    struct stat parent;
    gid_t gid = caller->gid;

    if (tree->uid != 0 || (caller->uid == tree->uid && caller->gid == tree->gid))
        return 0;
    if (fstat(directory->fd, &parent) == 0 && (parent.st_mode & S_ISGID))
        gid = parent.st_gid;
    return give_with_mode(directory->fd, name, caller->uid, gid);
}

int owner_adopt(const struct tree *tree, struct inode *directory, const char *name,
                const struct caller *caller, mode_t mode)
{
    const struct ownership maker = {caller->uid, caller->gid, mode & 07777};

    return owner_is_recorded(tree) ? record(tree, directory, name, &maker)
                                   : give_away(tree, directory, name, caller);
}

int owner_hand_down(const struct tree *tree, struct inode *directory, int fd, mode_t mode)
{
    struct ownership own;
    int error;

    if (!owner_is_recorded(tree))
        return 0;
    error = get(tree, directory, &own);
    own.mode = mode;
    return error ? error : ownership_set(fd, &own);
}

int owner_check_link(const struct tree *tree, struct inode *from, struct inode *to,
                     const struct caller *caller)
{
    struct ownership there;
    struct ownership here;
    int error;

    if (!owner_is_recorded(tree) || caller->uid == 0)
        return 0;
    error = get(tree, to, &there);
    if (!error && from)
        error = get(tree, from, &here);
    if (error)
        return error;
    return there.uid == (from ? here.uid : caller->uid) ? 0 : -EPERM;
}

bool owner_may_read(const struct tree *tree, int fd, const struct owner *reader)
{
    return !owner_is_recorded(tree) || ownership_may_read(fd, reader);
}

static int set_store_mode(const struct inode *inode, mode_t mode)
{
    char path[IO_FD_PATH_SIZE];

    io_fd_path(inode->fd, path);
    return chmod(path, mode & 07777) < 0 ? -errno : 0;
}

int owner_set_mode(const struct tree *tree, struct inode *inode, mode_t mode)
{
    struct ownership own;
    int error;

    if (S_ISLNK(inode->type))
        return -EOPNOTSUPP;
    if (!owner_is_recorded(tree))
        return set_store_mode(inode, mode);
    error = get(tree, inode, &own);
    own.mode = mode & 07777;
    return error ? error : ownership_set(inode->fd, &own);
}

/* Root may give a file away, users may not; to say what is so is no change, and noted all the same.
 */
static int change_record(const struct tree *tree, struct inode *inode, uid_t uid, gid_t gid,
                         const struct caller *caller)
{
    struct ownership own;
    int error = get(tree, inode, &own);

    if (error)
        return error;
    if ((uid == (uid_t)-1 || uid == own.uid) && (gid == (gid_t)-1 || gid == own.gid))
        return S_ISLNK(inode->type) ? 0 : ownership_set(inode->fd, &own);
    if (caller->uid != 0 || S_ISLNK(inode->type))
        return -EPERM;
    if (uid != (uid_t)-1)
        own.uid = uid;
    if (gid != (gid_t)-1)
        own.gid = gid;
    return ownership_set(inode->fd, &own);
}

int owner_set(const struct tree *tree, struct inode *inode, uid_t uid, gid_t gid,
              const struct caller *caller)
{
    if (owner_is_recorded(tree))
        return change_record(tree, inode, uid, gid, caller);
    return fchownat(inode->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int owner_drop_set_id(const struct tree *tree, struct inode *inode)
{
    struct stat status;
    mode_t bits = S_ISUID;
    int error = owner_stat(tree, inode, &status);

    if (error)
        return error;
    if (status.st_mode & S_IXGRP) /* else it means something else: mandatory locking */
        bits |= S_ISGID;
    return status.st_mode & bits ? owner_set_mode(tree, inode, status.st_mode & ~bits) : 0;
}
