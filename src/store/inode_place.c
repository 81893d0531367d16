/* SPDX-License-Identifier: MIT
 *
 * Where inodes stand: names, paths, what is above what; and what is open for writing where.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "store/inode_table.h"

/* A path longer than this cannot be opened anyway. */
#define PATH_BYTES_MAX (16 * 1024)

bool inode_name(struct inode *inode, char name[NAME_MAX + 1])
{
    bool known;

    mutex_lock(&inode->table->mutex);
    known = inode->name && strlen(inode->name) <= NAME_MAX;
    if (known)
        memcpy(name, inode->name, strlen(inode->name) + 1);
    mutex_unlock(&inode->table->mutex);
    return known;
}

struct inode *inode_parent(struct inode *inode)
{
    struct inode *parent;

    mutex_lock(&inode->table->mutex);
    parent = inode->parent;
    if (parent)
        parent->reference_count++;
    mutex_unlock(&inode->table->mutex);
    return parent;
}

/*
 * Write the names from the root down to @inode, joined by slashes, to the end of @path.
 *
 * @return where they begin in it, or a negative errno.
 */
static int path_locked(const struct inode *inode, char path[PATH_BYTES_MAX])
    requires_(inode->table->mutex)
{
    size_t start = PATH_BYTES_MAX;

    for (; inode->parent; inode = inode->parent) {
        size_t length = strlen(inode->name);
        bool slash = start < PATH_BYTES_MAX;

        if (length + slash > start)
            return -ENAMETOOLONG;
        if (slash)
            path[--start] = '/';
        start -= length;
        memcpy(path + start, inode->name, length);
    }
    return inode->name ? (int)start : -ENOENT; /* the root has an empty name, an orphan none */
}

int inode_path(struct inode *inode, struct buf *path)
{
    char own[PATH_BYTES_MAX];
    int start;

    mutex_lock(&inode->table->mutex);
    start = path_locked(inode, own);
    mutex_unlock(&inode->table->mutex);
    return start < 0 ? start : buf_append(path, own + start, (size_t)(PATH_BYTES_MAX - start));
}

/* The directory @depth below the root on the way to @inode, or NULL. */
static struct inode *ancestor_locked(struct inode *inode, unsigned depth)
    requires_(inode->table->mutex)
{
    struct inode *at = inode;
    const struct inode *above = inode; /* @depth above @at: where that is the root, it is found */

    for (unsigned i = 0; above && i < depth; i++)
        above = above->parent;
    while (above && above->parent) {
        above = above->parent;
        at = at->parent;
    }
    return above && above->name ? at : NULL; /* the root has an empty name, an orphan none */
}

static struct inode *ancestor(struct inode *inode, unsigned depth)
{
    struct inode *found;

    mutex_lock(&inode->table->mutex);
    found = ancestor_locked(inode, depth);
    if (found)
        found->reference_count++;
    mutex_unlock(&inode->table->mutex);
    return found;
}

struct inode *inode_model(struct inode *inode)
{
    return ancestor(inode, 1);
}

struct inode *inode_top(struct inode *inode)
{
    return ancestor(inode, inode->table->top_depth);
}

void inode_set_top_depth(struct inode_table *table, unsigned depth)
{
    table->top_depth = depth;
}

bool inode_is_below(struct inode *inode, struct inode *ancestor)
{
    const struct inode *at = inode;

    mutex_lock(&inode->table->mutex);
    while (at && at != ancestor)
        at = at->parent;
    mutex_unlock(&inode->table->mutex);
    return at == ancestor;
}

void inode_add_writer(struct inode *inode)
{
    struct inode_table *table = inode->table;

    mutex_lock(&table->mutex);
    if (inode->writer_count++ == 0) {
        inode->writing_next = table->writing;
        table->writing = inode;
    }
    mutex_unlock(&table->mutex);
}

unsigned inode_drop_writer(struct inode *inode)
{
    struct inode_table *table = inode->table;
    unsigned left;

    mutex_lock(&table->mutex);
    left = --inode->writer_count;
    if (left == 0)
        inode_unlink_from(&table->writing, offsetof(struct inode, writing_next), inode);
    mutex_unlock(&table->mutex);
    return left;
}

unsigned inode_writer_count(struct inode *inode)
{
    unsigned count;

    mutex_lock(&inode->table->mutex);
    count = inode->writer_count;
    mutex_unlock(&inode->table->mutex);
    return count;
}

bool inode_open_writer_in(struct inode *directory, char name[NAME_MAX + 1])
{
    const struct inode *inode;

    mutex_lock(&directory->table->mutex);
    inode = directory->table->writing;
    while (inode && (inode->parent != directory || inode->name[0] == '.'))
        inode = inode->writing_next;
    if (inode)
        memcpy(name, inode->name, strlen(inode->name) + 1);
    mutex_unlock(&directory->table->mutex);
    return inode != NULL;
}

void inode_touch(struct inode *directory)
{
    atomic_store_explicit(&directory->changed_ms, clock_now_ms(), memory_order_relaxed);
}

void inode_touch_parent(struct inode *inode)
{
    struct inode *parent = inode_parent(inode);

    if (parent)
        inode_touch(parent);
    inode_unref(parent);
}

void inode_mark_jobs(struct inode *directory)
{
    mutex_lock(&directory->table->mutex);
    for (struct inode *at = directory; at; at = at->parent)
        atomic_store_explicit(&at->has_jobs, true, memory_order_relaxed);
    mutex_unlock(&directory->table->mutex);
}
