/* SPDX-License-Identifier: MIT
 *
 * What is waited for: for each wait file the reads of it that are blocked and the polls of it.
 * Thousands may wait for the same, so it is looked at once for all of them. No thread and no lock:
 * whoever has a table guards it. Private to mount/waiters.
 */
#ifndef EASELFS_MOUNT_WATCH_H
#define EASELFS_MOUNT_WATCH_H

#include <fuse_lowlevel.h>
#include <sys/queue.h>

#include "tree/tree.h"

#define WATCH_BUCKET_COUNT 1024

struct waiters;
struct watch;

/* A blocked read. */
struct waiter {
    struct waiters *waiters;
    fuse_req_t req;
    struct handle *handle;
    size_t size;
    off_t offset;
    int64_t deadline_ms; /* answered by then, over or not; 0: it may last */
    uint64_t number;     /* they are numbered as they come, from 1 on */
    bool interrupted;
    struct watch *watch; /* NULL: it waits no more, and is about to be answered */
    TAILQ_ENTRY(waiter) link;
    TAILQ_ENTRY(waiter) age_link; /* of the table's by_age */
};

TAILQ_HEAD(waiter_list, waiter);

struct poller {
    const struct handle *handle;
    struct fuse_pollhandle *poll_handle; /* owned */
    TAILQ_ENTRY(poller) link;
};

TAILQ_HEAD(poller_list, poller);

/* One wait file. It stays until watch_destroy(), also where nobody waits for it any more. */
struct watch {
    struct inode *inode;        /* held */
    struct waiter_list waiters; /* the oldest first */
    struct poller_list pollers;
    bool marked;                 /* to be looked at, whatever became of the jobs */
    LIST_ENTRY(watch) link;      /* of its bucket */
    TAILQ_ENTRY(watch) due_link; /* of whoever looks at it */
};

TAILQ_HEAD(watch_list, watch);

struct watch_table {
    LIST_HEAD(, watch) buckets[WATCH_BUCKET_COUNT];
    struct waiter_list by_age; /* of all watches: who has to be answered first comes first */
    size_t waiter_count;
    uint64_t last_number;
};

void watch_table_init(struct watch_table *table);

/** The watch of @inode, made where there is none. @return NULL without memory. */
struct watch *watch_get(struct watch_table *table, struct inode *inode);

/** The same, but NULL where there is none. */
struct watch *watch_find(const struct watch_table *table, const struct inode *inode);

/** @waiter, which stays the caller's, waits from now on; numbers it. */
void watch_add(struct watch_table *table, struct watch *watch, struct waiter *waiter);

/** @waiter waits no more. */
void watch_remove(struct watch_table *table, struct waiter *waiter);

/** Append to @taken, and remove, who waits for @watch and has @last_number or less. */
void watch_take(struct watch_table *table, struct watch *watch, uint64_t last_number,
                struct waiter_list *taken);

/** Append to @taken, and remove, all whose deadline is @now_ms or earlier. */
void watch_take_expired(struct watch_table *table, int64_t now_ms, struct waiter_list *taken);

/** Keep @poller. @return the earlier one of the same handle, which is the caller's now, or NULL. */
struct poller *watch_add_poller(struct watch *watch, struct poller *poller);

/** Take the poller of @handle out. @return it, or NULL. */
struct poller *watch_remove_poller(struct watch *watch, const struct handle *handle);

/** Fill @due with the marked watches, or with all of them, and take their marks off. */
void watch_list_due(struct watch_table *table, bool all, struct watch_list *due);

/** Take @watch out of the table if nobody waits for it. @return whether it was. */
bool watch_retire(struct watch *watch);

/** Free a watch that was retired. Not under a lock: it lets its inode go. */
void watch_destroy(struct watch *watch);

#endif
