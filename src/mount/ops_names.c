/* SPDX-License-Identifier: MIT
 *
 * The operations of FUSE on names and directories: unpack, one call of the tree, one reply.
 */
#include <errno.h>
#include <string.h>

#include "mount/mount.h"

static void reply_entry(fuse_req_t req, int error, const struct tree_entry *entry)
{
    struct fuse_entry_param param;

    if (error) {
        ops_reply(req, error);
        return;
    }
    ops_fill_entry(ops_mount(req), entry, &param);
    inode_count_lookup(entry->inode);
    if (fuse_reply_entry(req, &param)) /* the caller was interrupted: the kernel knows nothing */
        inode_forget(entry->inode, 1);
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    const struct caller caller = ops_caller(req);
    struct tree_entry entry;

    reply_entry(req, tree_lookup(ops_tree(req), ops_inode(req, parent), name, &caller, &entry),
                &entry);
}

void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    const struct caller caller = ops_caller(req);
    struct tree_entry entry;

    (void)device;
    reply_entry(req, tree_mknod(ops_tree(req), ops_inode(req, parent), name, &caller, mode, &entry),
                &entry);
}

void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    const struct caller caller = ops_caller(req);
    struct tree_entry entry;

    reply_entry(req, tree_mkdir(ops_tree(req), ops_inode(req, parent), name, &caller, mode, &entry),
                &entry);
}

void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    const struct caller caller = ops_caller(req);
    struct tree_entry entry;

    reply_entry(req,
                tree_symlink(ops_tree(req), ops_inode(req, parent), name, &caller, target, &entry),
                &entry);
}

/* A file has one name: that is how its place, and with it what it means, stays known. */
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    (void)ino;
    (void)new_parent;
    (void)new_name;
    ops_reply(req, -EPERM);
}

void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    ops_reply(req, tree_unlink(ops_tree(req), ops_inode(req, parent), name));
}

void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    ops_reply(req, tree_rmdir(ops_tree(req), ops_inode(req, parent), name));
}

void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                const char *new_name, unsigned flags)
{
    const struct caller caller = ops_caller(req);

    ops_reply(req, tree_rename(ops_tree(req), ops_inode(req, parent), name,
                               ops_inode(req, new_parent), new_name, flags, &caller));
}

void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    const struct caller caller = ops_caller(req);
    struct tree *tree = ops_tree(req);
    struct handle *handle;
    int error = tree_opendir(tree, ops_inode(req, ino), &caller, &handle);

    if (error) {
        ops_reply(req, error);
        return;
    }
    info->fh = (uint64_t)(uintptr_t)handle;
    if (fuse_reply_open(req, info))
        tree_release(tree, handle);
}

/* Add one entry to the reply. @return its size, or 0 where there is no room for it. */
static size_t add_entry(fuse_req_t req, char *at, size_t room, const struct tree_dirent *entry,
                        off_t next_offset)
{
    const struct stat status = {.st_ino = entry->number, .st_mode = entry->type};
    size_t size = fuse_add_direntry(req, at, room, entry->name, &status, next_offset);

    return size <= room ? size : 0;
}

static bool is_dot_name(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The same with attributes: each entry but "." and ".." is a lookup of the kernel's. */
static size_t add_entry_plus(fuse_req_t req, char *at, size_t room, struct inode *directory,
                             const struct tree_dirent *entry, off_t next_offset)
{
    struct fuse_entry_param param = {.attr = {.st_ino = entry->number, .st_mode = entry->type}};
    const struct caller caller = ops_caller(req);
    struct tree_entry found = {0};
    size_t size;

    if (!is_dot_name(entry->name) &&
        tree_lookup(ops_tree(req), directory, entry->name, &caller, &found) == 0)
        ops_fill_entry(ops_mount(req), &found, &param); /* else gone: ino 0, name only */
    size = fuse_add_direntry_plus(req, at, room, entry->name, &param, next_offset);
    if (found.inode && size <= room)
        inode_count_lookup(found.inode);
    else
        inode_unref(found.inode);
    return size <= room ? size : 0;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset,
                           const struct fuse_file_info *info, bool plus)
{
    struct handle *handle = ops_handle(info);
    cleanup_free char *reply = malloc(size);
    struct tree_dirent entry;
    size_t used = 0;
    int error = reply ? 0 : -ENOMEM;

    while (!error) {
        size_t added;

        error = tree_readdir(ops_tree(req), handle, (uint64_t)offset, &entry);
        if (error)
            break;
        offset++;
        added = plus ? add_entry_plus(req, reply + used, size - used, handle->inode, &entry, offset)
                     : add_entry(req, reply + used, size - used, &entry, offset);
        if (!added)
            break;
        used += added;
    }
    if (error && error != -ENODATA && !used)
        ops_reply(req, error);
    else
        fuse_reply_buf(req, reply, used);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *info)
{
    (void)ino;
    read_directory(req, size, offset, info, false);
}

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *info)
{
    (void)ino;
    read_directory(req, size, offset, info, true);
}
