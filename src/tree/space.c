/* SPDX-License-Identifier: MIT */
#include "tree/space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "tree/kind.h"
#include "tree/space_internal.h"

#define KIB 1024

int space_create(uint64_t max_bytes, struct space **ret_space)
{
    struct space *space;

    if (!max_bytes) {
        *ret_space = NULL;
        return 0;
    }
    space = calloc(1, sizeof(*space));
    if (!space)
        return -ENOMEM;
    if (space_marks_create(&space->marks)) {
        free(space);
        return -ENOMEM;
    }
    space->max_blocks = (int64_t)(max_bytes / SPACE_BLOCK);
    space->max_bytes = max_bytes;
    mutex_init(&space->mutex);
    cond_init(&space->changed);
    *ret_space = space;
    return 0;
}

void space_destroy(struct space *space)
{
    if (!space)
        return;
    space_count_stop(space);
    for (size_t i = 0; i < SPACE_BUCKETS; i++) {
        struct space_user *user = space->users[i];

        while (user) {
            struct space_user *next = user->next;

            free(user);
            user = next;
        }
    }
    space_marks_destroy(space->marks);
    cond_fini(&space->changed);
    mutex_fini(&space->mutex);
    free(space);
}

int64_t space_blocks(const struct stat *status)
{
    uint64_t size = S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0;

    return size ? (int64_t)((size + SPACE_BLOCK - 1) / SPACE_BLOCK) : 1;
}

static struct space_user *find(const struct space *space, uid_t uid) requires_(space->mutex)
{
    struct space_user *user = space->users[uid % SPACE_BUCKETS];

    while (user && user->uid != uid)
        user = user->next;
    return user;
}

void space_charge(struct space *space, uid_t uid, int64_t blocks)
{
    struct space_user *user = find(space, uid);

    if (!user && blocks > 0) {
        user = calloc(1, sizeof(*user));
        if (!user)
            return; /* a few bytes too little are counted of somebody new */
        user->uid = uid;
        user->next = space->users[uid % SPACE_BUCKETS];
        space->users[uid % SPACE_BUCKETS] = user;
    }
    if (user)
        user->blocks = user->blocks + blocks > 0 ? user->blocks + blocks : 0;
}

/* Blocks that @uid has left, if any. */
static int64_t left_of(const struct space *space, uid_t uid) requires_(space->mutex)
{
    const struct space_user *user = find(space, uid);

    return space->max_blocks - (user ? user->blocks : 0);
}

static bool counts(const struct tree *tree, const struct inode *inode)
{
    return tree->space && (inode->kind == &kind_file || inode->kind == &kind_workspace);
}

/* Have it counted: when it is made, and before it is changed, moved or taken away. */
static void make_known(struct tree *tree, struct inode *inode, const struct stat *status)
{
    struct space *space = tree->space;
    int64_t blocks = space_blocks(status);
    int64_t unknown = 0;

    if (atomic_load(&inode->space))
        return;
    mutex_lock(&space->mutex);
    if (atomic_compare_exchange_strong(&inode->space, &unknown, blocks + 1) &&
        space_mark(space, inode->number))
        space_charge(space, status->st_uid, blocks);
    mutex_unlock(&space->mutex);
}

/* It has as many blocks as @status says. @return how many more than were counted. */
static int64_t replace(struct inode *inode, const struct stat *status)
{
    int64_t blocks = space_blocks(status);

    return blocks + 1 - atomic_exchange(&inode->space, blocks + 1);
}

int space_claim(struct tree *tree, struct inode *inode, uint64_t size, struct tree_claim *ret_claim)
{
    struct space *space = tree->space;
    struct stat status;
    int64_t more;
    int error = 0;

    *ret_claim = (struct tree_claim){0};
    if (!counts(tree, inode) || owner_stat(tree, inode, &status))
        return 0;
    make_known(tree, inode, &status);
    if (size <= (uint64_t)status.st_size)
        return 0;
    status.st_size = (off_t)size;
    more = space_blocks(&status) + 1 - atomic_load(&inode->space);
    if (more <= 0)
        return 0;
    mutex_lock(&space->mutex);
    if (left_of(space, status.st_uid) < more)
        error = -EDQUOT;
    else
        space_charge(space, status.st_uid, more);
    mutex_unlock(&space->mutex);
    if (!error)
        *ret_claim = (struct tree_claim){status.st_uid, more};
    return error;
}

/*
 * Others may change the file meanwhile: whoever is the last to note its length looks once more, and
 * finds it as it is.
 */
void space_settle(struct tree *tree, struct inode *inode, const struct tree_claim *claim)
{
    struct space *space = tree->space;
    int64_t claimed = claim->blocks;
    struct stat status;
    int64_t blocks;

    if (!counts(tree, inode))
        return;
    do {
        if (owner_stat(tree, inode, &status))
            status = (struct stat){.st_uid = claim->uid, .st_mode = S_IFREG};
        blocks = space_blocks(&status);
        mutex_lock(&space->mutex);
        space_charge(space, status.st_uid, replace(inode, &status) - claimed);
        mutex_unlock(&space->mutex);
        claimed = 0;
    } while (!owner_stat(tree, inode, &status) && space_blocks(&status) != blocks);
}

int space_check_entry(const struct tree *tree, uid_t uid)
{
    struct space *space = tree->space;
    bool fits;

    if (!space)
        return 0;
    mutex_lock(&space->mutex);
    fits = left_of(space, uid) > 0;
    mutex_unlock(&space->mutex);
    return fits ? 0 : -EDQUOT;
}

int space_refuse(const struct tree *tree, struct failure *failure)
{
    failure_advise(failure, "Save the prompt again then, or ask the administrator to raise "
                            "user_bytes.");
    return failure_set(failure, -EDQUOT,
                       "The limit of %" PRIu64 " KB of files for each user (user_bytes) is "
                       "reached. It opens again once you have removed some of yours.",
                       tree->space->max_bytes / KIB);
}

void space_begin_making(struct tree *tree, const struct inode *directory, const char *name)
{
    struct space *space = tree->space;
    cleanup_close int fd = -1;
    struct stat status;

    if (!space)
        return;
    fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || owner_stat_in(tree, directory->fd, fd, &status))
        return;
    mutex_lock(&space->mutex);
    if (!space_mark(space, status.st_ino)) /* it was seen already, as the daemon's */
        space_charge(space, status.st_uid, -space_blocks(&status));
    mutex_unlock(&space->mutex);
}

void space_end_making(struct tree *tree, struct inode *inode)
{
    struct stat status;
    int64_t unknown = 0;

    if (!counts(tree, inode) || owner_stat(tree, inode, &status))
        return;
    mutex_lock(&tree->space->mutex);
    if (atomic_compare_exchange_strong(&inode->space, &unknown, space_blocks(&status) + 1))
        space_charge(tree->space, status.st_uid, space_blocks(&status));
    mutex_unlock(&tree->space->mutex);
}

void space_add(struct tree *tree, struct inode *inode)
{
    struct stat status;

    if (counts(tree, inode) && !owner_stat(tree, inode, &status))
        make_known(tree, inode, &status);
}

void space_add_name(struct tree *tree, const struct inode *directory, const char *name)
{
    if (tree->space)
        space_count_name(tree, directory->fd, name);
}

void space_remove(struct tree *tree, struct inode *inode)
{
    char name[NAME_MAX + 1];
    struct stat status;

    if (!counts(tree, inode) || inode_writer_count(inode) || inode_name(inode, name) ||
        owner_stat(tree, inode, &status))
        return;
    make_known(tree, inode, &status);
    mutex_lock(&tree->space->mutex);
    space_charge(tree->space, status.st_uid, 1 - atomic_exchange(&inode->space, 1));
    space_unmark(tree->space, inode->number); /* another file may get the number */
    mutex_unlock(&tree->space->mutex);
}

void space_begin_move(struct tree *tree, struct inode *inode)
{
    struct stat status;

    if (!inode || !counts(tree, inode))
        return;
    if (!owner_stat(tree, inode, &status))
        make_known(tree, inode, &status);
    mutex_lock(&tree->space->mutex);
    tree->space->moving_count++;
    mutex_unlock(&tree->space->mutex);
}

void space_end_move(struct tree *tree, struct inode *inode)
{
    cleanup_buf struct buf path = {.max = SPACE_PATH_MAX};
    struct space *space = tree->space;

    if (!inode || !counts(tree, inode))
        return;
    if (S_ISDIR(inode->type) && inode_path(inode, &path) == 0)
        space_visit(space, buf_text(&path)); /* what is in it may not be counted yet */
    mutex_lock(&space->mutex);
    space->moving_count--;
    cond_broadcast(&space->changed);
    mutex_unlock(&space->mutex);
}

uid_t space_begin_giving(struct tree *tree, struct inode *inode)
{
    struct stat status = {0};

    if (counts(tree, inode) && !owner_stat(tree, inode, &status))
        make_known(tree, inode, &status);
    return status.st_uid;
}

void space_end_giving(struct tree *tree, struct inode *inode, uid_t before)
{
    struct stat status;
    int64_t blocks;

    if (!counts(tree, inode) || owner_stat(tree, inode, &status))
        return;
    mutex_lock(&tree->space->mutex);
    blocks = atomic_load(&inode->space) - 1;
    space_charge(tree->space, before, -blocks);
    space_charge(tree->space, status.st_uid, blocks);
    mutex_unlock(&tree->space->mutex);
}
