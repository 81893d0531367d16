/* SPDX-License-Identifier: MIT
 *
 * The limit a day of each user: whose a picture is, over restarts and damaged lines, and what a
 * user is told.
 */
#include "limits_usage.h"

static struct limits *start_for_users(struct usage *usage, uint64_t per_user_and_day,
                                      int64_t wall_ms)
{
    const struct limits_rates rates = {.per_user_and_day = per_user_and_day};

    return start_with(usage, &rates, wall_ms);
}

/* What a user has left of @per_user_and_day in a run that starts at @wall_ms. */
static uint64_t user_left_at(struct usage *usage, uid_t uid, uint64_t per_user_and_day,
                             int64_t wall_ms)
{
    struct limits *limits = start_for_users(usage, per_user_and_day, wall_ms);
    uint64_t left = limits_user_left(limits, get_account(usage, uid), START_MS);

    limits_destroy(limits);
    return left;
}

static void limits_each_user(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start_for_users(usage, 2, NOON_MS);
    const struct account *alice = get_account(usage, ALICE);
    const struct account *bob = get_account(usage, BOB);

    ask(usage, limits, START_MS);
    assert_int_equal(limits_user_left(limits, alice, START_MS), 1);
    assert_int_equal(limits_user_wait_ms(limits, alice, START_MS), 0);
    ask(usage, limits, START_MS);
    assert_int_equal(limits_user_left(limits, alice, START_MS), 0);
    assert_int_equal(limits_user_wait_ms(limits, alice, START_MS), 12 * HOUR_MS);
    assert_int_equal(limits_user_left(limits, bob, START_MS), 2);
    assert_int_equal(limits_user_wait_ms(limits, bob, START_MS), 0);
    assert_true(limits_left(limits, START_MS) == UINT64_MAX); /* all together: no limit */
    assert_int_equal(limits_wait_ms(limits, START_MS), 0);
    limits_give_back(limits, get_account(usage, ALICE), "2026-11-21");
    assert_int_equal(limits_user_left(limits, alice, START_MS), 0);
    limits_give_back(limits, get_account(usage, ALICE), TODAY);
    assert_int_equal(limits_user_left(limits, alice, START_MS), 1);
    assert_int_equal(limits_user_left(limits, alice, START_MS + 12 * HOUR_MS), 2);
    limits_destroy(limits);
}

static void users_survive_a_restart(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start_for_users(usage, 10, NOON_MS);

    assert_int_equal(limits_note(limits, TODAY, '+', ID, ALICE), 0);
    assert_int_equal(limits_note(limits, TODAY, '+', ID, BOB), 0);
    assert_int_equal(limits_note(limits, TODAY, '+', ID, ALICE), 0);
    assert_int_equal(limits_note(limits, TODAY, '-', ID, BOB), 0);
    assert_int_equal(limits_note(limits, TODAY, '+', ID, BOB), 0);
    limits_destroy(limits);
    assert_int_equal(user_left_at(usage, ALICE, 10, NOON_MS), 8);
    assert_int_equal(user_left_at(usage, BOB, 10, NOON_MS), 9);
    assert_int_equal(user_left_at(usage, ALICE, 1, NOON_MS), 0);
    assert_int_equal(left_at(usage, 10, NOON_MS), 7);
    assert_int_equal(user_left_at(usage, ALICE, 10, NOON_MS - DAY_MS), 8); /* carried over */
    assert_int_equal(user_left_at(usage, BOB, 10, NOON_MS - DAY_MS), 9);
    assert_int_equal(user_left_at(usage, ALICE, 10, NOON_MS + DAY_MS), 10);
}

/* What does not say whose it is counts for the daemon's own user. */
static void counts_lines_of_nobody(void **state)
{
    static const char *const texts[] = {
        "+" ID "\n",
        "+" ID " \n",
        "+" ID " 100",
        "+" ID " 100+" ID "",
        "+" ID " 1000x\n",
        "+" ID " 4294967295\n",
        "+" ID " 99999999999999999999\n",
        "+" ID " 1000 1000\n",
    };
    struct usage *usage = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        unsigned own = i == 3 ? 2 : 1;

        write_text(usage->place->fd, TODAY, texts[i]);
        assert_int_equal(user_left_at(usage, geteuid(), 10, NOON_MS), 10 - own);
        assert_int_equal(user_left_at(usage, 1000 + (geteuid() == 1000), 10, NOON_MS), 10);
        assert_int_equal(left_at(usage, 10, NOON_MS), 10 - own);
    }
}

static void tells_users_of_their_own(void **state)
{
    const uid_t alice = ALICE;
    const uid_t bob = BOB;
    struct usage *usage = *state;
    struct limits *limits = start_for_users(usage, 2, NOON_MS);
    cleanup_buf struct buf text = {.max = 4096};
    struct failure failure;

    failure_init(&failure);
    ask(usage, limits, START_MS);
    assert_int_equal(limits_describe(limits, &alice, START_MS, &text), 0);
    assert_int_equal(limits_describe(limits, &bob, START_MS, &text), 0);
    assert_int_equal(limits_describe(limits, NULL, START_MS, &text), 0);
    assert_string_equal(buf_text(&text), "Pictures today: 1 of 2\n"
                                         "Pictures today: 0 of 2\n"
                                         "Pictures today: 1\n");
    assert_int_equal(limits_refuse(limits, true, START_MS, &failure), -EDQUOT);
    assert_string_equal(failure.text,
                        "The limit of 2 pictures a day for each user (user_images_per_day) is "
                        "reached. It opens again at 2026-11-23 00:00.");
    assert_string_equal(
        failure.advice,
        "Save the prompt again then, or ask the administrator to raise user_images_per_day.");
    limits_destroy(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usage_test(limits_each_user),
        usage_test(users_survive_a_restart),
        usage_test(counts_lines_of_nobody),
        usage_test(tells_users_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
