/* SPDX-License-Identifier: MIT
 *
 * Operations that change a directory: make, remove, rename. They work on the backing directory and
 * keep the inodes' places right. The kernel holds the directory locked meanwhile, so that no two of
 * them meet at one name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "store/values.h"
#include "tree/kind.h"

/* The directory settings/ of a workspace, which stays where and what it is. */
static bool is_settings_directory(const struct inode *directory, const char *name)
{
    return kind_is_directory(directory) && strcmp(name, VALUES_DIRECTORY) == 0;
}

static int check_name(struct tree *tree, struct inode *directory, const char *name)
{
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    if (!directory->kind->check_name)
        return -EPERM;
    return directory->kind->check_name(tree, directory, name);
}

/* The same for what is no directory: the name of settings/ and of a value are taken. */
static int check_file_name(struct tree *tree, struct inode *directory, const char *name)
{
    if (is_settings_directory(directory, name) || settings_is_value(directory, name))
        return -EPERM;
    return check_name(tree, directory, name);
}

/* What was just made is given its owner, or is gone again; then it is looked up. */
static int finish_making(struct tree *tree, struct inode *parent, const char *name,
                         const struct caller *caller, mode_t mode, struct tree_entry *ret_entry)
{
    int error;

    space_begin_making(tree, parent, name);
    error = owner_adopt(tree, parent, name, caller, mode);
    inode_touch(parent);
    if (error) {
        unlinkat(parent->fd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
        return error;
    }
    jobs_name_changed(tree->setup.jobs, parent, name);
    error = tree_lookup(tree, parent, name, caller, ret_entry);
    if (!error)
        space_end_making(tree, ret_entry->inode);
    return error;
}

int tree_mknod(struct tree *tree, struct inode *parent, const char *name,
               const struct caller *caller, mode_t mode, struct tree_entry *ret_entry)
{
    cleanup_close int fd = -1;
    int error = check_file_name(tree, parent, name);

    if (!error && !S_ISREG(mode))
        error = -EPERM;
    if (!error)
        error = space_check_entry(tree, caller->uid);
    if (error)
        return error;
    fd = openat(parent->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                owner_store_mode(tree, mode));
    if (fd < 0)
        return -errno;
    return finish_making(tree, parent, name, caller, mode, ret_entry);
}

int tree_mkdir(struct tree *tree, struct inode *parent, const char *name,
               const struct caller *caller, mode_t mode, struct tree_entry *ret_entry)
{
    int error = check_name(tree, parent, name);

    if (!error && parent->kind == &kind_settings)
        error = -EPERM;
    if (!error)
        error = space_check_entry(tree, caller->uid);
    if (error)
        return error;
    mode |= S_IFDIR;
    if (mkdirat(parent->fd, name, owner_store_mode(tree, mode)) < 0)
        return -errno;
    error = finish_making(tree, parent, name, caller, mode, ret_entry);
    io_sync_dir(parent->fd); /* else pictures could be lost with it; a bad disk is told of later */
    if (!error)
        atomic_store(&ret_entry->inode->maker, caller->thread);
    return error;
}

int tree_symlink(struct tree *tree, struct inode *parent, const char *name,
                 const struct caller *caller, const char *target, struct tree_entry *ret_entry)
{
    int error = check_file_name(tree, parent, name);

    if (!error)
        error = owner_check_link(tree, NULL, parent, caller);
    if (!error)
        error = space_check_entry(tree, caller->uid);
    if (error)
        return error;
    if (symlinkat(target, parent->fd, name) < 0)
        return -errno;
    return finish_making(tree, parent, name, caller, S_IFLNK | 0777, ret_entry);
}

/* Open what was just made as @fd, which is taken: who makes a read-only file may write it. */
static int open_made(struct tree *tree, struct inode *inode, int fd, int flags,
                     const struct caller *caller, struct handle **ret_handle)
{
    struct handle *handle = kind_make_handle(tree, inode, caller);
    int error;

    if (!handle) {
        close(fd);
        return -ENOMEM;
    }
    error = file_attach(tree, inode, fd, flags, handle);
    if (error)
        kind_free_handle(tree, handle);
    else
        *ret_handle = handle;
    return error;
}

/* A value is made by whoever does not find it: the maker of settings/ (kind_is_maker). */
static int create_value(struct tree *tree, struct inode *directory, const char *name,
                        const struct caller *caller, int flags, struct tree_entry *ret_entry,
                        struct handle **ret_handle)
{
    const struct caller nobody = {0};
    struct tree_entry entry;
    int error = tree_lookup(tree, directory, name, &nobody, &entry);

    if (error)
        return error;
    error = tree_open(tree, entry.inode, flags & ~(O_CREAT | O_EXCL), caller, ret_handle);
    if (error) {
        inode_unref(entry.inode);
        return error;
    }
    settings_note_made(directory, name);
    *ret_entry = entry;
    return 0;
}

int tree_create_file(struct tree *tree, struct inode *parent, const char *name,
                     const struct caller *caller, mode_t mode, int flags,
                     struct tree_entry *ret_entry, struct handle **ret_handle)
{
    const struct owner owner = {caller->uid, caller->gid};
    struct tree_entry entry;
    cleanup_close int fd = -1;
    int error = check_name(tree, parent, name);

    if (!error && is_settings_directory(parent, name))
        error = -EPERM;
    if (!error && settings_is_value(parent, name))
        return create_value(tree, parent, name, caller, flags, ret_entry, ret_handle);
    if (!error && (flags & O_ACCMODE) != O_RDONLY)
        error = prompt_check_open(tree, parent, name, &owner);
    if (!error)
        error = space_check_entry(tree, caller->uid);
    if (error)
        return error;
    mode |= S_IFREG;
    fd = openat(parent->fd, name, (flags & (O_ACCMODE | O_EXCL)) | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                owner_store_mode(tree, mode));
    if (fd < 0)
        return -errno;
    error = finish_making(tree, parent, name, caller, mode, &entry);
    if (error)
        return error;
    if (entry.status.st_size == 0) /* new: a truncation would take its set-id bits */
        flags &= ~O_TRUNC;
    error = open_made(tree, entry.inode, steal_fd(&fd), flags, caller, ret_handle);
    if (error)
        inode_unref(entry.inode);
    else
        *ret_entry = entry;
    return error;
}

/* The inode that is known for @name, if any: with a reference, or NULL. */
static struct inode *find_known(struct tree *tree, const struct inode *directory, const char *name)
{
    struct stat status;

    if (fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return NULL;
    return inode_find(tree->setup.inodes, status.st_dev, status.st_ino);
}

/* @inode was removed, or renamed over. */
static void forget_name(struct tree *tree, struct inode *inode)
{
    inode_detach(inode);
    space_remove(tree, inode);
}

/* A workspace that looks empty may hold an empty settings/ that is not listed. */
static void remove_empty_settings(struct tree *tree, const struct inode *parent,
                                  struct inode *directory, const char *name)
{
    char path[NAME_MAX + sizeof(VALUES_DIRECTORY) + 1];
    struct inode *settings;

    if (!directory || !kind_is_directory(directory))
        return;
    snprintf(path, sizeof(path), "%s/" VALUES_DIRECTORY, name);
    settings = find_known(tree, directory, VALUES_DIRECTORY);
    if (unlinkat(parent->fd, path, AT_REMOVEDIR) == 0) {
        kind_note_changed(tree, directory); /* which may not be empty, and stay */
        if (settings)
            inode_detach(settings);
    }
    inode_unref(settings);
}

/* @return @error, where it is not that what is virtual cannot be taken from its place. */
static int explain_absence(const struct inode *directory, const char *name, int error)
{
    return error == -ENOENT && workspace_shows_status(directory, name) ? -EPERM : error;
}

static int remove_entry(struct tree *tree, struct inode *parent, const char *name, int flags)
{
    struct inode *inode;
    int error = check_name(tree, parent, name);

    if (!error && parent->kind == &kind_model && is_settings_directory(parent, name))
        error = -EPERM; /* it is listed, and full, for ever */
    if (error)
        return error;
    if (settings_is_value(parent, name))
        return settings_unlink(parent, name);
    inode = find_known(tree, parent, name);
    if (flags & AT_REMOVEDIR)
        remove_empty_settings(tree, parent, inode, name);
    if (unlinkat(parent->fd, name, flags) < 0) {
        error = errno == ENOENT && workspace_hide_status(parent, name) ? 0 : -errno;
    } else {
        if (inode) {
            prompt_removed(tree, inode);
            forget_name(tree, inode);
        }
        inode_touch(parent);
        jobs_name_changed(tree->setup.jobs, parent, name);
        jobs_kick(tree->setup.jobs);
        if (flags & AT_REMOVEDIR)
            jobs_moved(tree->setup.jobs);
    }
    inode_unref(inode);
    return error;
}

int tree_unlink(struct tree *tree, struct inode *parent, const char *name)
{
    return remove_entry(tree, parent, name, 0);
}

int tree_rmdir(struct tree *tree, struct inode *parent, const char *name)
{
    return remove_entry(tree, parent, name, AT_REMOVEDIR);
}

/* The publisher moves a result out of staging: no rule for users applies. */
static int publish(struct tree *tree, const char *name, struct inode *new_parent,
                   const char *new_name, unsigned flags, const struct caller *caller)
{
    struct inode *inode;
    struct inode *target;
    int error = 0;

    if (caller->thread == 0 || caller->thread != tree->staging_thread ||
        !kind_is_directory(new_parent))
        return -EPERM;
    target = find_known(tree, new_parent, new_name);
    if (renameat2(tree->setup.store->staging_fd, name, new_parent->fd, new_name, flags) < 0) {
        error = -errno;
    } else {
        if (target)
            forget_name(tree, target);
        inode = find_known(tree, new_parent, new_name);
        if (inode)
            error = inode_move(inode, new_parent, new_name);
        if (inode)
            space_add(tree, inode);
        inode_unref(inode);
    }
    inode_unref(target);
    return error;
}

/* A file on its way to another name. */
struct move {
    struct inode *inode; /* NULL: nobody knows it */
    struct inode *directory;
    const char *name;
    struct owner owner; /* who moves it */
    bool commits;
};

static int begin_move(struct tree *tree, struct move *move)
{
    if (!move->inode)
        return 0;
    prompt_hold(tree, move->inode);
    return prompt_before_rename(tree, move->inode, move->directory, move->name, &move->owner,
                                &move->commits);
}

/* The file is at its new name, unless @error. @return @error, or that of noting it. */
static int end_move(struct tree *tree, struct move *move, int error)
{
    if (!move->inode)
        return error;
    if (!error)
        error = inode_move(move->inode, move->directory, move->name);
    prompt_after_rename(tree, move->inode, move->commits, error);
    prompt_let_go(tree, move->inode);
    return error;
}

/* @there moves to @here's place, too. */
static int exchange(struct tree *tree, struct inode *parent, const char *name, struct move *here,
                    struct move *there)
{
    int error = begin_move(tree, here);
    int back = begin_move(tree, there);

    if (!error)
        error = back;
    if (!error && renameat2(parent->fd, name, here->directory->fd, here->name, RENAME_EXCHANGE) < 0)
        error = explain_absence(here->directory, here->name, -errno);
    back = end_move(tree, there, error);
    error = end_move(tree, here, error);
    return error ? error : back;
}

/* @target, NULL where there is none, gives way. */
static int replace(struct tree *tree, struct inode *parent, const char *name, struct move *move,
                   struct inode *target, unsigned flags)
{
    int error;

    if (target && !(flags & RENAME_NOREPLACE))
        prompt_replaced(tree, target);
    error = begin_move(tree, move);
    if (!error && renameat2(parent->fd, name, move->directory->fd, move->name, flags) < 0)
        error = -errno;
    if (!error && target)
        forget_name(tree, target);
    return end_move(tree, move, error);
}

static int rename_known(struct tree *tree, struct inode *parent, const char *name,
                        struct inode *inode, struct inode *new_parent, const char *new_name,
                        struct inode *target, unsigned flags, const struct caller *caller)
{
    const struct owner owner = {caller->uid, caller->gid};
    struct move here = {inode, new_parent, new_name, owner, false};
    struct move there = {target, parent, name, owner, false};

    if (inode == target)
        return 0; /* POSIX: nothing is done */
    return flags & RENAME_EXCHANGE ? exchange(tree, parent, name, &here, &there)
                                   : replace(tree, parent, name, &here, target, flags);
}

/* What the file holds becomes the value; the file itself is gone. */
static int rename_onto_value(struct tree *tree, struct inode *parent, const char *name,
                             struct inode *inode, struct inode *new_parent, const char *new_name,
                             unsigned flags)
{
    int error = flags ? -EINVAL : settings_rename_onto(tree, inode, new_parent, new_name);

    if (!error && unlinkat(parent->fd, name, 0) < 0)
        error = -errno;
    if (!error)
        forget_name(tree, inode);
    return error;
}

/* rename_known(), with what is moved known to the count before. */
static int move_counted(struct tree *tree, struct inode *parent, const char *name,
                        struct inode *inode, struct inode *new_parent, const char *new_name,
                        struct inode *target, unsigned flags, const struct caller *caller)
{
    bool was_value = settings_is_value(parent, name);
    int error;

    space_begin_move(tree, was_value ? NULL : inode);
    space_begin_move(tree, target);
    error = rename_known(tree, parent, name, inode, new_parent, new_name, target, flags, caller);
    space_end_move(tree, target);
    space_end_move(tree, was_value ? NULL : inode);
    if (!error && was_value)
        space_add(tree, inode);
    return error;
}

int tree_rename(struct tree *tree, struct inode *parent, const char *name, struct inode *new_parent,
                const char *new_name, unsigned flags, const struct caller *caller)
{
    struct inode *inode = NULL;
    struct inode *target = NULL;
    int error;

    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    if (parent->kind == &kind_staging)
        return publish(tree, name, new_parent, new_name, flags, caller);
    error = check_name(tree, parent, name);
    if (!error)
        error = check_name(tree, new_parent, new_name);
    /* The kernel may go on believing for long what a name means that comes from elsewhere, but a
       value's is not the file that was renamed onto it. */
    if (!error && new_parent->kind == &kind_settings && parent != new_parent)
        error = -EXDEV;
    if (!error &&
        (is_settings_directory(parent, name) || is_settings_directory(new_parent, new_name)))
        error = -EPERM;
    if (!error && settings_is_value(parent, name))
        error = settings_before_rename(tree, parent, name);
    if (!error) /* known to the kernel by now, as it looked up both names */
        error = explain_absence(parent, name, kind_get_real(tree, parent, name, &inode));
    if (!error && S_ISLNK(inode->type))
        error = owner_check_link(tree, parent, new_parent, caller);
    if (error) {
        inode_unref(inode);
        return error;
    }
    if (settings_is_value(new_parent, new_name)) {
        error = rename_onto_value(tree, parent, name, inode, new_parent, new_name, flags);
        inode_unref(inode);
        return error;
    }
    target = find_known(tree, new_parent, new_name);
    if (target && S_ISLNK(target->type) && (flags & RENAME_EXCHANGE))
        error = owner_check_link(tree, new_parent, parent, caller);
    if (!error)
        error =
            move_counted(tree, parent, name, inode, new_parent, new_name, target, flags, caller);
    if (!error) {
        inode_touch(parent);
        inode_touch(new_parent);
        jobs_name_changed(tree->setup.jobs, parent, name);
        jobs_name_changed(tree->setup.jobs, new_parent, new_name);
        jobs_kick(tree->setup.jobs);
        if (S_ISDIR(inode->type) || (target && S_ISDIR(target->type)))
            jobs_moved(tree->setup.jobs);
    }
    inode_unref(target);
    inode_unref(inode);
    return error;
}
