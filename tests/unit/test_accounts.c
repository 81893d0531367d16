/* SPDX-License-Identifier: MIT
 *
 * The table of accounts: who is known, what each counted on a day, and that there is an end to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "job/accounts.h"

#define TODAY    "2026-11-22"
#define TOMORROW "2026-11-23"

static int make_accounts(void **state)
{
    struct accounts *accounts = NULL;

    if (accounts_create(&accounts))
        return -1;
    *state = accounts;
    return 0;
}

static int remove_accounts(void **state)
{
    accounts_destroy(*state);
    accounts_destroy(NULL);
    return 0;
}

static struct account *get(struct accounts *accounts, uid_t uid)
{
    struct account *account = NULL;

    assert_int_equal(accounts_get(accounts, uid, &account), 0);
    assert_int_equal(account->uid, uid);
    return account;
}

static void knows_each_once(void **state)
{
    static const uid_t uids[] = {0, 1000, 4095, 4096, 65535, 4294967294};
    struct accounts *accounts = *state;

    for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
        struct account *account;

        assert_null(accounts_find(accounts, uids[i]));
        account = get(accounts, uids[i]);
        assert_ptr_equal(get(accounts, uids[i]), account);
        assert_ptr_equal(accounts_find(accounts, uids[i]), account);
        assert_int_equal(accounts_count(accounts), i + 1);
    }
}

static void counts_by_the_day(void **state)
{
    struct accounts_count counted = {0};

    (void)state;
    assert_int_equal(accounts_count_on(&counted, TODAY), 0);
    accounts_count_drop(&counted, TODAY);
    assert_int_equal(accounts_count_on(&counted, TODAY), 0);
    accounts_count_add(&counted, TODAY, 3);
    accounts_count_add(&counted, TODAY, 2);
    accounts_count_drop(&counted, TODAY);
    accounts_count_drop(&counted, TOMORROW);
    assert_int_equal(accounts_count_on(&counted, TODAY), 4);
    assert_int_equal(accounts_count_on(&counted, TOMORROW), 0);
    accounts_count_add(&counted, TOMORROW, 1);
    assert_int_equal(accounts_count_on(&counted, TOMORROW), 1);
    assert_int_equal(accounts_count_on(&counted, TODAY), 0);
}

static int add_uid(const struct account *account, void *context)
{
    uint64_t *sum = context;

    *sum += account->uid;
    return account->uid == 3 ? -ECANCELED : 0;
}

static void visits_each(void **state)
{
    struct accounts *accounts = *state;
    uint64_t sum = 0;

    get(accounts, 1);
    get(accounts, 2);
    assert_int_equal(accounts_each(accounts, add_uid, &sum), 0);
    assert_int_equal(sum, 3);
    get(accounts, 3);
    sum = 0;
    assert_int_equal(accounts_each(accounts, add_uid, &sum), -ECANCELED);
}

/* One more than there may be: only for who has nothing that could be lost. */
static void has_an_end(void **state)
{
    struct accounts *accounts = *state;
    struct account *account = NULL;

    accounts_turn_day(accounts, TODAY);
    for (uid_t uid = 0; uid < ACCOUNTS_MAX; uid++) {
        account = get(accounts, uid);
        if (uid % 3 == 0)
            account->job_count = 1;
        else if (uid % 3 == 1)
            accounts_count_add(&account->pictures, TODAY, 1);
        else
            accounts_count_add(&account->tokens, TODAY, 1);
    }
    account = NULL;
    assert_int_equal(accounts_get(accounts, ACCOUNTS_MAX, &account), -EUSERS);
    assert_null(account);
    assert_int_equal(accounts_count(accounts), ACCOUNTS_MAX);
    accounts_turn_day(accounts, TOMORROW);
    get(accounts, ACCOUNTS_MAX);
    assert_int_equal(accounts_count(accounts), (ACCOUNTS_MAX + 2) / 3 + 1);
    assert_non_null(accounts_find(accounts, 0));
    assert_null(accounts_find(accounts, 1));
    assert_null(accounts_find(accounts, 2));
}

#define accounts_test(test) cmocka_unit_test_setup_teardown(test, make_accounts, remove_accounts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        accounts_test(knows_each_once),
        cmocka_unit_test(counts_by_the_day),
        accounts_test(visits_each),
        accounts_test(has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
