/* SPDX-License-Identifier: MIT
 *
 * The table of users: who is known, what each counted on a day, and that there is an end to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "job/users.h"

#define TODAY    "2026-11-22"
#define TOMORROW "2026-11-23"

static int make_users(void **state)
{
    struct users *users = NULL;

    if (users_create(&users))
        return -1;
    *state = users;
    return 0;
}

static int remove_users(void **state)
{
    users_destroy(*state);
    users_destroy(NULL);
    return 0;
}

static struct user *get(struct users *users, uid_t uid)
{
    struct user *user = NULL;

    assert_int_equal(users_get(users, uid, &user), 0);
    assert_int_equal(user->uid, uid);
    return user;
}

static void knows_each_once(void **state)
{
    static const uid_t uids[] = {0, 1000, 4095, 4096, 65535, 4294967294};
    struct users *users = *state;

    for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
        struct user *user;

        assert_null(users_find(users, uids[i]));
        user = get(users, uids[i]);
        assert_ptr_equal(get(users, uids[i]), user);
        assert_ptr_equal(users_find(users, uids[i]), user);
        assert_int_equal(users_count(users), i + 1);
    }
}

static void counts_by_the_day(void **state)
{
    struct users_count counted = {0};

    (void)state;
    assert_int_equal(users_count_on(&counted, TODAY), 0);
    users_count_drop(&counted, TODAY);
    assert_int_equal(users_count_on(&counted, TODAY), 0);
    users_count_add(&counted, TODAY, 3);
    users_count_add(&counted, TODAY, 2);
    users_count_drop(&counted, TODAY);
    users_count_drop(&counted, TOMORROW);
    assert_int_equal(users_count_on(&counted, TODAY), 4);
    assert_int_equal(users_count_on(&counted, TOMORROW), 0);
    users_count_add(&counted, TOMORROW, 1);
    assert_int_equal(users_count_on(&counted, TOMORROW), 1);
    assert_int_equal(users_count_on(&counted, TODAY), 0);
}

static int add_uid(const struct user *user, void *context)
{
    uint64_t *sum = context;

    *sum += user->uid;
    return user->uid == 3 ? -ECANCELED : 0;
}

static void visits_each(void **state)
{
    struct users *users = *state;
    uint64_t sum = 0;

    get(users, 1);
    get(users, 2);
    assert_int_equal(users_each(users, add_uid, &sum), 0);
    assert_int_equal(sum, 3);
    get(users, 3);
    sum = 0;
    assert_int_equal(users_each(users, add_uid, &sum), -ECANCELED);
}

/* One more than there may be: only for who has nothing that could be lost. */
static void has_an_end(void **state)
{
    struct users *users = *state;
    struct user *user = NULL;

    users_turn_day(users, TODAY);
    for (uid_t uid = 0; uid < USERS_MAX; uid++) {
        user = get(users, uid);
        if (uid % 3 == 0)
            user->job_count = 1;
        else if (uid % 3 == 1)
            users_count_add(&user->pictures, TODAY, 1);
        else
            users_count_add(&user->tokens, TODAY, 1);
    }
    user = NULL;
    assert_int_equal(users_get(users, USERS_MAX, &user), -EUSERS);
    assert_null(user);
    assert_int_equal(users_count(users), USERS_MAX);
    users_turn_day(users, TOMORROW);
    get(users, USERS_MAX);
    assert_int_equal(users_count(users), (USERS_MAX + 2) / 3 + 1);
    assert_non_null(users_find(users, 0));
    assert_null(users_find(users, 1));
    assert_null(users_find(users, 2));
}

#define users_test(test) cmocka_unit_test_setup_teardown(test, make_users, remove_users)

int main(void)
{
    const struct CMUnitTest tests[] = {
        users_test(knows_each_once),
        cmocka_unit_test(counts_by_the_day),
        users_test(visits_each),
        users_test(has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
