/* SPDX-License-Identifier: MIT
 *
 * What tree/space.c and tree/space_count.c share.
 */
#ifndef EASELFS_TREE_SPACE_INTERNAL_H
#define EASELFS_TREE_SPACE_INTERNAL_H

#include "base/mutex.h"
#include "tree/space.h"

#define SPACE_BLOCK    4096
#define SPACE_BUCKETS  1024
#define SPACE_PATH_MAX (16 * 1024)

/* What one user has. */
struct space_user {
    uid_t uid;
    int64_t blocks;
    struct space_user *next; /* chain of the table */
};

struct space_marks;
struct space_path;

struct space {
    uint64_t max_bytes;
    int64_t max_blocks;

    struct mutex mutex;
    struct cond changed;
    struct space_user *users[SPACE_BUCKETS] guarded_by_(mutex);
    bool counting guarded_by_(mutex);             /* what was there before the mount */
    bool stopping guarded_by_(mutex);             /* it is to end */
    struct space_marks *marks guarded_by_(mutex); /* what is counted */
    struct space_path *paths guarded_by_(mutex);  /* while counting: directories to be looked at */
    unsigned moving_count guarded_by_(mutex); /* directories that may be under way to be these */

    bool started; /* the thread was; used by who makes and destroys */
    pthread_t thread;
};

/* What @status counts for. */
int64_t space_blocks(const struct stat *status);

/* @uid has @blocks more, or less. */
void space_charge(struct space *space, uid_t uid, int64_t blocks) requires_(space->mutex);

/* Note that the file @number is counted. @return whether it was not yet, and has to be. */
bool space_mark(struct space *space, uint64_t number) requires_(space->mutex);

/* The file @number is gone. */
void space_unmark(struct space *space, uint64_t number) requires_(space->mutex);

int space_marks_create(struct space_marks **ret_marks);
void space_marks_destroy(struct space_marks *marks);

/*
 * Count @name in the directory @directory_fd, unless it is. As its number is not used again while
 * it is open here, what is marked is this file. @return whether it is a directory.
 */
bool space_count_name(struct tree *tree, int directory_fd, const char *name);

/* Have the directory at @path below the root looked at, while that goes on. */
void space_visit(struct space *space, const char *path);

/* End the thread, if it was started, and free what only it needs. */
void space_count_stop(struct space *space);

#endif
