/* SPDX-License-Identifier: MIT
 *
 * What inode.c (the life of an inode) and inode_place.c (where it stands) share.
 */
#ifndef EASELFS_STORE_INODE_TABLE_H
#define EASELFS_STORE_INODE_TABLE_H

#include "store/inode.h"

struct inode_table {
    unsigned top_depth; /* of top workspaces below the root; never changes once there are inodes */
    struct mutex mutex;
    struct inode **buckets guarded_by_(mutex);
    size_t bucket_count guarded_by_(mutex); /* a power of two */
    size_t inode_count guarded_by_(mutex);  /* real inodes */
    struct inode *writing guarded_by_(mutex);
    struct inode *roots guarded_by_(mutex); /* virtual inodes without a parent, by sibling_next */
};

/** Take @inode, which is in it, out of @list, which is linked by the member at @offset. */
static inline void inode_unlink_from(struct inode **list, size_t offset, const struct inode *inode)
{
    while (*list != inode)
        list = (struct inode **)((char *)*list + offset);
    *list = *(struct inode **)((char *)*list + offset);
}

#endif
