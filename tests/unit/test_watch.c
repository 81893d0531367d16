/* SPDX-License-Identifier: MIT
 *
 * The table of what is waited for: who is taken when, and that it lets go of what nobody waits for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "mount/watch.h"

#define FILE_COUNT 3000 /* more than there are buckets */

struct node_kind {
    char unused;
};

static const struct node_kind kind;

struct set {
    struct inode_table *inodes;
    struct inode *files[FILE_COUNT]; /* held */
    struct watch_table table;
};

static int make_set(void **state)
{
    struct set *set = calloc(1, sizeof(*set));
    char name[16];

    if (!set || inode_table_create(&set->inodes))
        return -1;
    for (int i = 0; i < FILE_COUNT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        if (inode_get_virtual(set->inodes, &kind, S_IFREG, NULL, name, &set->files[i]))
            return -1;
    }
    watch_table_init(&set->table);
    *state = set;
    return 0;
}

static int free_set(void **state)
{
    struct set *set = *state;

    for (int i = 0; i < FILE_COUNT; i++)
        inode_unref(set->files[i]);
    inode_table_destroy(set->inodes);
    free(set);
    return 0;
}

static struct watch *get(struct set *set, int file)
{
    struct watch *watch = watch_get(&set->table, set->files[file]);

    assert_non_null(watch);
    return watch;
}

/* @count waiters for that file, in an array. */
static struct waiter *add(struct set *set, int file, size_t count)
{
    struct waiter *waiters = calloc(count, sizeof(*waiters));

    assert_non_null(waiters);
    for (size_t i = 0; i < count; i++)
        watch_add(&set->table, get(set, file), &waiters[i]);
    return waiters;
}

static size_t count_of(const struct waiter_list *list)
{
    const struct waiter *waiter;
    size_t count = 0;

    TAILQ_FOREACH(waiter, list, link)
    {
        assert_null(waiter->watch);
        count++;
    }
    return count;
}

static void retire(struct watch *watch)
{
    assert_true(watch_retire(watch));
    watch_destroy(watch);
}

static void a_file_has_one_watch(void **state)
{
    struct set *set = *state;

    for (int i = 0; i < FILE_COUNT; i++)
        assert_null(watch_find(&set->table, set->files[i]));
    for (int i = 0; i < FILE_COUNT; i++)
        get(set, i);
    for (int i = 0; i < FILE_COUNT; i++) {
        struct watch *watch = watch_find(&set->table, set->files[i]);
        assert_ptr_equal(watch, get(set, i));
        assert_ptr_equal(watch->inode, set->files[i]);
        retire(watch);
        assert_null(watch_find(&set->table, set->files[i]));
    }
}

static void who_comes_later_is_not_taken(void **state)
{
    struct set *set = *state;
    cleanup_free struct waiter *early = add(set, 0, 3);
    cleanup_free struct waiter *others = add(set, 1, 2);
    uint64_t last = set->table.last_number;
    cleanup_free struct waiter *late = add(set, 0, 2);
    struct waiter_list taken = TAILQ_HEAD_INITIALIZER(taken);
    struct watch *watch = get(set, 0);

    assert_int_equal(set->table.waiter_count, 7);
    watch_take(&set->table, watch, last, &taken);
    assert_int_equal(count_of(&taken), 3);
    assert_ptr_equal(TAILQ_FIRST(&taken), &early[0]);
    assert_int_equal(set->table.waiter_count, 4);
    assert_false(watch_retire(watch));
    watch_take(&set->table, watch, set->table.last_number, &taken);
    assert_int_equal(count_of(&taken), 5);
    assert_ptr_equal(TAILQ_LAST(&taken, waiter_list), &late[1]);
    assert_int_equal(set->table.waiter_count, 2);
    retire(watch);
    watch_remove(&set->table, &others[1]);
    watch_remove(&set->table, &others[0]);
    assert_null(others[0].watch);
    assert_int_equal(set->table.waiter_count, 0);
    retire(get(set, 1));
}

static void who_has_waited_long_enough_is_taken_wherever_he_waits(void **state)
{
    struct set *set = *state;
    struct waiter waiters[4] = {
        {.deadline_ms = 10}, {.deadline_ms = 20}, {.deadline_ms = 20}, {.deadline_ms = 30}};
    struct waiter_list taken = TAILQ_HEAD_INITIALIZER(taken);
    struct watch_list due;

    for (int i = 0; i < 4; i++)
        watch_add(&set->table, get(set, i % 2), &waiters[i]);
    watch_take_expired(&set->table, 9, &taken);
    assert_int_equal(count_of(&taken), 0);
    watch_list_due(&set->table, false, &due);
    assert_true(TAILQ_EMPTY(&due));
    watch_take_expired(&set->table, 10, &taken);
    assert_int_equal(count_of(&taken), 1);
    watch_list_due(&set->table, false, &due); /* it may be that nobody waits for it now */
    assert_ptr_equal(TAILQ_FIRST(&due), get(set, 0));
    watch_take_expired(&set->table, 29, &taken);
    assert_int_equal(count_of(&taken), 3);
    watch_take_expired(&set->table, 30, &taken);
    assert_int_equal(count_of(&taken), 4);
    assert_int_equal(set->table.waiter_count, 0);
    retire(get(set, 0));
    retire(get(set, 1));
}

static void without_a_deadline_one_waits_for_ever(void **state)
{
    struct set *set = *state;
    cleanup_free struct waiter *waiters = add(set, 0, 1);
    struct waiter_list taken = TAILQ_HEAD_INITIALIZER(taken);

    watch_take_expired(&set->table, INT64_MAX, &taken);
    assert_int_equal(count_of(&taken), 0);
    watch_remove(&set->table, &waiters[0]);
    retire(get(set, 0));
}

static void a_mark_is_good_for_one_look(void **state)
{
    struct set *set = *state;
    struct watch_list due;

    get(set, 0);
    get(set, 1)->marked = true;
    watch_list_due(&set->table, false, &due);
    assert_ptr_equal(TAILQ_FIRST(&due), get(set, 1));
    assert_null(TAILQ_NEXT(get(set, 1), due_link));
    watch_list_due(&set->table, false, &due);
    assert_true(TAILQ_EMPTY(&due));
    get(set, 1)->marked = true;
    watch_list_due(&set->table, true, &due);
    assert_non_null(TAILQ_NEXT(TAILQ_FIRST(&due), due_link));
    watch_list_due(&set->table, false, &due);
    assert_true(TAILQ_EMPTY(&due));
    retire(get(set, 0));
    retire(get(set, 1));
}

static void a_handle_has_one_poll(void **state)
{
    struct set *set = *state;
    struct handle handles[2] = {{.id = 1}, {.id = 2}};
    struct poller first = {.handle = &handles[0]};
    struct poller again = {.handle = &handles[0]};
    struct poller other = {.handle = &handles[1]};
    struct watch *watch = get(set, 0);

    assert_null(watch_add_poller(watch, &first));
    assert_null(watch_add_poller(watch, &other));
    assert_ptr_equal(watch_add_poller(watch, &again), &first);
    assert_false(watch_retire(watch));
    assert_ptr_equal(watch_remove_poller(watch, &handles[1]), &other);
    assert_null(watch_remove_poller(watch, &handles[1]));
    assert_ptr_equal(watch_remove_poller(watch, &handles[0]), &again);
    retire(watch);
}

static void a_watch_keeps_its_file(void **state)
{
    struct set *set = *state;
    struct inode *inode;
    struct watch *watch;

    assert_int_equal(inode_get_virtual(set->inodes, &kind, S_IFREG, NULL, "own", &inode), 0);
    watch = watch_get(&set->table, inode);
    assert_non_null(watch);
    inode_unref(inode);
    assert_int_equal(watch->inode->reference_count, 1);
    retire(watch);
}

#define with_set(test) cmocka_unit_test_setup_teardown(test, make_set, free_set)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_set(a_file_has_one_watch),
        with_set(who_comes_later_is_not_taken),
        with_set(who_has_waited_long_enough_is_taken_wherever_he_waits),
        with_set(without_a_deadline_one_waits_for_ever),
        with_set(a_mark_is_good_for_one_look),
        with_set(a_handle_has_one_poll),
        with_set(a_watch_keeps_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
