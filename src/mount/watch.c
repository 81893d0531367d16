/* SPDX-License-Identifier: MIT */
#include "mount/watch.h"

static size_t bucket_of(const struct inode *inode)
{
    return ((uintptr_t)inode / sizeof(*inode)) % WATCH_BUCKET_COUNT;
}

void watch_table_init(struct watch_table *table)
{
    for (size_t i = 0; i < WATCH_BUCKET_COUNT; i++)
        LIST_INIT(&table->buckets[i]);
    TAILQ_INIT(&table->by_age);
}

struct watch *watch_find(const struct watch_table *table, const struct inode *inode)
{
    struct watch *watch;

    LIST_FOREACH(watch, &table->buckets[bucket_of(inode)], link)
    {
        if (watch->inode == inode)
            break;
    }
    return watch;
}

struct watch *watch_get(struct watch_table *table, struct inode *inode)
{
    struct watch *watch = watch_find(table, inode);

    if (watch)
        return watch;
    watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->inode = inode_ref(inode);
    TAILQ_INIT(&watch->waiters);
    TAILQ_INIT(&watch->pollers);
    LIST_INSERT_HEAD(&table->buckets[bucket_of(inode)], watch, link);
    return watch;
}

void watch_add(struct watch_table *table, struct watch *watch, struct waiter *waiter)
{
    waiter->number = ++table->last_number;
    waiter->watch = watch;
    TAILQ_INSERT_TAIL(&watch->waiters, waiter, link);
    TAILQ_INSERT_TAIL(&table->by_age, waiter, age_link);
    table->waiter_count++;
}

void watch_remove(struct watch_table *table, struct waiter *waiter)
{
    TAILQ_REMOVE(&waiter->watch->waiters, waiter, link);
    TAILQ_REMOVE(&table->by_age, waiter, age_link);
    waiter->watch = NULL;
    table->waiter_count--;
}

static void take(struct watch_table *table, struct waiter *waiter, struct waiter_list *taken)
{
    watch_remove(table, waiter);
    TAILQ_INSERT_TAIL(taken, waiter, link);
}

void watch_take(struct watch_table *table, struct watch *watch, uint64_t last_number,
                struct waiter_list *taken)
{
    struct waiter *waiter;

    while ((waiter = TAILQ_FIRST(&watch->waiters)) && waiter->number <= last_number)
        take(table, waiter, taken);
}

void watch_take_expired(struct watch_table *table, int64_t now_ms, struct waiter_list *taken)
{
    struct waiter *waiter;

    while ((waiter = TAILQ_FIRST(&table->by_age)) && waiter->deadline_ms &&
           waiter->deadline_ms <= now_ms) {
        waiter->watch->marked = true;
        take(table, waiter, taken);
    }
}

struct poller *watch_remove_poller(struct watch *watch, const struct handle *handle)
{
    struct poller *poller;

    TAILQ_FOREACH(poller, &watch->pollers, link)
    {
        if (poller->handle == handle)
            break;
    }
    if (poller)
        TAILQ_REMOVE(&watch->pollers, poller, link);
    return poller;
}

struct poller *watch_add_poller(struct watch *watch, struct poller *poller)
{
    struct poller *old = watch_remove_poller(watch, poller->handle);

    TAILQ_INSERT_TAIL(&watch->pollers, poller, link);
    return old;
}

void watch_list_due(struct watch_table *table, bool all, struct watch_list *due)
{
    TAILQ_INIT(due);
    for (size_t i = 0; i < WATCH_BUCKET_COUNT; i++) {
        struct watch *watch;

        LIST_FOREACH(watch, &table->buckets[i], link)
        {
            if (!all && !watch->marked)
                continue;
            watch->marked = false;
            TAILQ_INSERT_TAIL(due, watch, due_link);
        }
    }
}

bool watch_retire(struct watch *watch)
{
    if (!TAILQ_EMPTY(&watch->waiters) || !TAILQ_EMPTY(&watch->pollers))
        return false;
    LIST_REMOVE(watch, link);
    return true;
}

void watch_destroy(struct watch *watch)
{
    inode_unref(watch->inode);
    free(watch);
}
