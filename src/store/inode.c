/* SPDX-License-Identifier: MIT */
#include "store/inode.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "store/inode_table.h"

#define FIRST_BUCKET_COUNT 1024
/* Virtual inodes have this bit in their number; no Linux file system hands it out. */
#define VIRTUAL_NUMBER_BIT (UINT64_C(1) << 63)

int inode_table_create(struct inode_table **ret_table)
{
    struct inode_table *table = calloc(1, sizeof(*table));

    if (!table)
        return -ENOMEM;
    table->buckets = calloc(FIRST_BUCKET_COUNT, sizeof(struct inode *));
    if (!table->buckets) {
        free(table);
        return -ENOMEM;
    }
    table->bucket_count = FIRST_BUCKET_COUNT;
    table->top_depth = 1;
    mutex_init(&table->mutex);
    *ret_table = table;
    return 0;
}

static void free_inode(struct inode *inode)
{
    if (inode->fd >= 0)
        close(inode->fd);
    free(inode->name);
    free(inode->refusal);
    free(inode->survey);
    free(inode);
}

static void free_virtuals(struct inode *first)
{
    while (first) {
        struct inode *next = first->sibling_next;
        free_virtuals(first->virtual_first);
        free_inode(first);
        first = next;
    }
}

void inode_table_destroy(struct inode_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->bucket_count; i++) {
        while (table->buckets[i]) {
            struct inode *inode = table->buckets[i];
            table->buckets[i] = inode->hash_next;
            free_virtuals(inode->virtual_first);
            free_inode(inode);
        }
    }
    free_virtuals(table->roots);
    free(table->buckets);
    mutex_fini(&table->mutex);
    free(table);
}

static size_t bucket_of(const struct inode_table *table, dev_t device, uint64_t number)
{
    uint64_t hash = (number ^ ((uint64_t)device << 40)) * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(hash >> 32) & (table->bucket_count - 1);
}

static struct inode *find_locked(struct inode_table *table, dev_t device, uint64_t number)
    requires_(table->mutex)
{
    struct inode *inode = table->buckets[bucket_of(table, device, number)];

    while (inode && (inode->number != number || inode->device != device))
        inode = inode->hash_next;
    return inode;
}

/* Twice the buckets. Without memory the chains just get longer. */
static void grow_locked(struct inode_table *table) requires_(table->mutex)
{
    struct inode **old = table->buckets;
    size_t old_count = table->bucket_count;
    struct inode **buckets = calloc(old_count * 2, sizeof(struct inode *));

    if (!buckets)
        return;
    table->buckets = buckets;
    table->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct inode *inode = old[i];
            struct inode **bucket = &buckets[bucket_of(table, inode->device, inode->number)];
            old[i] = inode->hash_next;
            inode->hash_next = *bucket;
            *bucket = inode;
        }
    }
    free(old);
}

static void insert_locked(struct inode_table *table, struct inode *inode) requires_(table->mutex)
{
    struct inode **bucket;

    if (table->inode_count >= table->bucket_count)
        grow_locked(table);
    bucket = &table->buckets[bucket_of(table, inode->device, inode->number)];
    inode->hash_next = *bucket;
    *bucket = inode;
    table->inode_count++;
}

static struct inode **siblings_locked(struct inode_table *table, struct inode *parent)
    requires_(table->mutex)
{
    return parent ? &parent->virtual_first : &table->roots;
}

/*
 * Drop references, and free what nobody holds any more: an inode, then perhaps its parent, and so
 * on upward. What is freed is unlinked under the mutex and closed after it.
 */
static void release_and_unlock(struct inode_table *table, struct inode *inode, uint64_t count)
    thread_annotation_(release_capability(table->mutex))
{
    struct inode *garbage = NULL;

    while (inode && (inode->reference_count -= count) == 0) {
        struct inode *parent = inode->parent;

        if (inode->fd >= 0) {
            inode_unlink_from(&table->buckets[bucket_of(table, inode->device, inode->number)],
                              offsetof(struct inode, hash_next), inode);
            table->inode_count--;
        } else {
            inode_unlink_from(siblings_locked(table, parent), offsetof(struct inode, sibling_next),
                              inode);
        }
        inode->hash_next = garbage;
        garbage = inode;
        inode = parent;
        count = 1;
    }
    mutex_unlock(&table->mutex);
    while (garbage) {
        struct inode *next = garbage->hash_next;
        free_inode(garbage);
        garbage = next;
    }
}

static struct inode *make_inode(struct inode_table *table, const struct node_kind *kind, int fd,
                                mode_t type)
{
    struct inode *inode = calloc(1, sizeof(*inode));

    if (!inode)
        return NULL;
    inode->table = table;
    inode->kind = kind;
    inode->fd = fd;
    inode->type = type;
    inode->reference_count = 1;
    return inode;
}

/* Set the place; the old parent, if there was one, is returned for the caller to release. */
static struct inode *set_place_locked(struct inode *inode, struct inode *parent, char **name)
    requires_(inode->table->mutex)
{
    struct inode *old = inode->parent;
    char *old_name = inode->name;

    inode->parent = parent;
    inode->name = *name;
    *name = old_name;
    if (parent)
        parent->reference_count++;
    return old;
}

static bool stands_at_locked(const struct inode *inode, const struct inode *parent,
                             const char *name) requires_(inode->table->mutex)
{
    return inode->parent == parent && inode->name && name && strcmp(inode->name, name) == 0;
}

/*
 * Whether @inode may be told to stand in @parent. Not below itself: who says so opened it before it
 * was moved away and its old parent into it, and whoever goes upward would never arrive.
 */
static bool can_stand_in_locked(const struct inode *inode, const struct inode *parent)
    requires_(inode->table->mutex)
{
    while (parent && parent != inode)
        parent = parent->parent;
    return !parent;
}

int inode_get_opened(struct inode_table *table, int fd, const struct stat *status,
                     const struct node_kind *kind, struct inode *parent, const char *name,
                     struct inode **ret_inode)
{
    cleanup_close int owned_fd = fd;
    cleanup_free char *own_name = name ? strdup(name) : NULL;
    struct inode *made;
    struct inode *found;
    struct inode *old_parent = NULL;

    made = make_inode(table, kind, -1, status->st_mode & S_IFMT);
    if (!made || (name && !own_name)) {
        free(made);
        return -ENOMEM;
    }
    made->device = status->st_dev;
    made->number = status->st_ino;
    mutex_lock(&table->mutex);
    found = find_locked(table, status->st_dev, status->st_ino);
    if (found) {
        found->reference_count++;
    } else {
        found = made;
        found->fd = steal_fd(&owned_fd);
        insert_locked(table, found);
    }
    if (!stands_at_locked(found, parent, own_name) && can_stand_in_locked(found, parent))
        old_parent = set_place_locked(found, parent, &own_name);
    release_and_unlock(table, old_parent, 1);
    if (found != made)
        free_inode(made);
    *ret_inode = found;
    return 0;
}

int inode_get_real(struct inode_table *table, int fd, const struct node_kind *kind,
                   struct inode *parent, const char *name, struct inode **ret_inode)
{
    struct stat status;
    int error;

    if (fstat(fd, &status) == 0)
        return inode_get_opened(table, fd, &status, kind, parent, name, ret_inode);
    error = -errno;
    close(fd);
    return error;
}

struct inode *inode_get_known(struct inode_table *table, const struct stat *status,
                              const struct inode *parent, const char *name)
{
    struct inode *found;

    mutex_lock(&table->mutex);
    found = find_locked(table, status->st_dev, status->st_ino);
    if (found && stands_at_locked(found, parent, name))
        found->reference_count++;
    else
        found = NULL;
    mutex_unlock(&table->mutex);
    return found;
}

/* Out of the parent's number and the name: stable while the mount lives. */
static uint64_t virtual_number(const struct inode *parent, const char *name)
{
    uint64_t start = HASH_START ^ (parent ? parent->number : 0);

    return hash_bytes(start, name, strlen(name)) | VIRTUAL_NUMBER_BIT;
}

int inode_get_virtual(struct inode_table *table, const struct node_kind *kind, mode_t type,
                      struct inode *parent, const char *name, struct inode **ret_inode)
{
    cleanup_free char *own_name = strdup(name);
    struct inode *made = make_inode(table, kind, -1, type);
    struct inode *found;

    if (!made || !own_name) {
        free(made);
        return -ENOMEM;
    }
    mutex_lock(&table->mutex);
    found = *siblings_locked(table, parent);
    while (found && (found->kind != kind || strcmp(found->name, name) != 0))
        found = found->sibling_next;
    if (found) {
        found->reference_count++;
        free(made);
    } else {
        found = made;
        found->number = virtual_number(parent, name);
        set_place_locked(found, parent, &own_name);
        found->sibling_next = *siblings_locked(table, parent);
        *siblings_locked(table, parent) = found;
    }
    mutex_unlock(&table->mutex);
    *ret_inode = found;
    return 0;
}

struct inode *inode_find(struct inode_table *table, dev_t device, uint64_t number)
{
    struct inode *inode;

    mutex_lock(&table->mutex);
    inode = find_locked(table, device, number);
    if (inode)
        inode->reference_count++;
    mutex_unlock(&table->mutex);
    return inode;
}

struct inode *inode_ref(struct inode *inode)
{
    mutex_lock(&inode->table->mutex);
    inode->reference_count++;
    mutex_unlock(&inode->table->mutex);
    return inode;
}

void inode_unref(struct inode *inode)
{
    if (!inode)
        return;
    mutex_lock(&inode->table->mutex);
    release_and_unlock(inode->table, inode, 1);
}

void inode_count_lookup(struct inode *inode)
{
    mutex_lock(&inode->table->mutex);
    inode->lookup_count++;
    mutex_unlock(&inode->table->mutex);
}

void inode_forget(struct inode *inode, uint64_t count)
{
    mutex_lock(&inode->table->mutex);
    if (count > inode->lookup_count)
        count = inode->lookup_count;
    inode->lookup_count -= count;
    release_and_unlock(inode->table, count ? inode : NULL, count);
}

int inode_move(struct inode *inode, struct inode *parent, const char *name)
{
    cleanup_free char *own_name = strdup(name);
    struct inode *old_parent;

    if (!own_name)
        return -ENOMEM;
    mutex_lock(&inode->table->mutex);
    old_parent = set_place_locked(inode, parent, &own_name);
    release_and_unlock(inode->table, old_parent, 1);
    return 0;
}

void inode_detach(struct inode *inode)
{
    cleanup_free char *no_name = NULL;
    struct inode *old_parent;

    mutex_lock(&inode->table->mutex);
    old_parent = set_place_locked(inode, NULL, &no_name);
    release_and_unlock(inode->table, old_parent, 1);
}
