/* SPDX-License-Identifier: MIT
 *
 * What the files of mount/ share: the FUSE session's objects, and how an inode becomes a
 * fuse_ino_t. Private to mount/ and main.c.
 */
#ifndef EASELFS_MOUNT_MOUNT_H
#define EASELFS_MOUNT_MOUNT_H

#include <fuse_lowlevel.h>

#include "mount/greeting.h"
#include "tree/tree.h"

struct publisher;
struct waiters;

struct mount {
    struct tree *tree;
    struct publisher *publisher;
    struct waiters *waiters;
    struct fuse_session *session;
    const char *place;            /* where it is; known when it is ready */
    void (*ready)(void *context); /* called once, when the kernel has greeted */
    void *ready_context;
    _Atomic enum greeting greeting; /* with the kernel */
};

/** The operations; userdata is the struct mount (mount/ops.c). */
extern const struct fuse_lowlevel_ops mount_ops;

/** The operations on directories and names (mount/ops_names.c). */
void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                const char *new_name, unsigned flags);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *info);
void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *info);

/** The mount, and the tree, that @req is about. */
struct mount *ops_mount(fuse_req_t req);
struct tree *ops_tree(fuse_req_t req);

/** The inode behind @ino, which the kernel has looked up. */
struct inode *ops_inode(fuse_req_t req, fuse_ino_t ino);

/** The handle behind @info. */
struct handle *ops_handle(const struct fuse_file_info *info);

/** Who asks. */
struct caller ops_caller(fuse_req_t req);

/** Reply with @error, a negative errno, or 0: the one place where the sign flips. */
void ops_reply(fuse_req_t req, int error);

/**
 * Reply to a read of @size bytes at @offset with what the text of @handle has there. The reader may
 * have closed the file before the reply's system call is back here, so it is given a copy.
 */
void ops_reply_text(fuse_req_t req, struct handle *handle, size_t size, off_t offset);

/** Turn an entry into FUSE's. */
void ops_fill_entry(const struct mount *mount, const struct tree_entry *entry,
                    struct fuse_entry_param *param);

#endif
