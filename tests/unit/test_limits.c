/* SPDX-License-Identifier: MIT
 *
 * The limits a minute and a day with clocks that the test turns: what
 * is left and how long to wait, to the millisecond, over days, restarts, crashes and wall clocks
 * that jump.
 */
#include "limits_usage.h"

static void write_lines(const struct usage *usage, const char *day, int count)
{
    cleanup_buf struct buf lines = {.max = 1 << 20};

    for (int i = 0; i < count; i++)
        assert_int_equal(buf_append_text(&lines, "+" ID "\n"), 0);
    write_text(usage->place->fd, day, buf_text(&lines));
}

static void assert_refuses(struct usage *usage, int expected)
{
    const struct limits_rates rates = {.per_day = 10};
    struct limits *limits = (struct limits *)1;

    assert_int_equal(
        limits_create(&usage->store, usage->accounts, &rates, NOON_MS, START_MS, &limits),
        expected);
    assert_ptr_equal(limits, (struct limits *)1);
}

static void has_no_limit(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 0, NOON_MS);
    char day[LIMITS_DAY_SIZE];

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limits_wait_ms(limits, START_MS), 0);
        limits_take(limits, get_account(usage, ALICE), START_MS, day);
        assert_string_equal(day, TODAY);
    }
    assert_true(limits_left(limits, START_MS) == UINT64_MAX);
    assert_int_equal(limits_note(limits, day, '+', ID, ALICE), 0);
    assert_false(is_there(usage->place->fd, TODAY));
    limits_destroy(limits);
    limits_destroy(NULL);
}

static void limits_the_day(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 3, NOON_MS);

    for (uint64_t left = 3; left > 0; left--) {
        assert_int_equal(limits_left(limits, START_MS), left);
        assert_int_equal(limits_wait_ms(limits, START_MS), 0);
        ask(usage, limits, START_MS);
    }
    assert_int_equal(limits_left(limits, START_MS), 0);
    assert_int_equal(limits_wait_ms(limits, START_MS), 12 * HOUR_MS);
    assert_int_equal(limits_wait_ms(limits, START_MS + 12 * HOUR_MS - 1), 1);
    ask(usage, limits, START_MS); /* whatever the limits */
    assert_int_equal(limits_left(limits, START_MS), 0);
    assert_int_equal(limits_wait_ms(limits, START_MS + 12 * HOUR_MS), 0);
    assert_int_equal(limits_left(limits, START_MS + 12 * HOUR_MS), 3);
    limits_destroy(limits);
    assert_content(usage->place->fd, TODAY,
                   "+" ID " 1000\n+" ID " 1000\n+" ID " 1000\n+" ID " 1000\n");
}

static void turns_the_day(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 3, NOON_MS);
    char day[LIMITS_DAY_SIZE];

    limits_take(limits, get_account(usage, ALICE), START_MS + 12 * HOUR_MS - 1, day);
    assert_string_equal(day, TODAY);
    limits_take(limits, get_account(usage, ALICE), START_MS + 12 * HOUR_MS, day);
    assert_string_equal(day, "2026-11-23");
    assert_int_equal(limits_left(limits, START_MS + 12 * HOUR_MS), 2);
    limits_give_back(limits, get_account(usage, ALICE), TODAY); /* of a day that is over */
    assert_int_equal(limits_left(limits, START_MS + 12 * HOUR_MS), 2);
    limits_take(limits, get_account(usage, ALICE), START_MS,
                day); /* a caller whose clock is a moment behind */
    assert_string_equal(day, "2026-11-23");
    limits_take(limits, get_account(usage, ALICE), START_MS + 400 * DAY_MS, day);
    assert_string_equal(day, "2027-12-27");
    limits_destroy(limits);
}

static void limits_the_minute(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 3, 0, NOON_MS);
    const int64_t now_ms = START_MS;
    char day[LIMITS_DAY_SIZE];

    for (int i = 0; i < 3; i++) {
        assert_int_equal(limits_wait_ms(limits, now_ms + i * 10 * SECOND_MS), 0);
        limits_take(limits, get_account(usage, ALICE), now_ms + i * 10 * SECOND_MS, day);
    }
    assert_int_equal(limits_wait_ms(limits, now_ms + 20 * SECOND_MS), 40 * SECOND_MS);
    assert_int_equal(limits_wait_ms(limits, now_ms + MINUTE_MS - 1), 1);
    assert_int_equal(limits_wait_ms(limits, now_ms + MINUTE_MS), 0);
    limits_take(limits, get_account(usage, ALICE), now_ms + MINUTE_MS, day);
    assert_int_equal(limits_wait_ms(limits, now_ms + MINUTE_MS), 10 * SECOND_MS);
    assert_int_equal(limits_wait_ms(limits, now_ms + DAY_MS), 0);
    limits_destroy(limits);
}

static void waits_for_both(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 1, 1, NOON_MS + 12 * HOUR_MS - SECOND_MS);

    ask(usage, limits, START_MS);
    assert_int_equal(limits_wait_ms(limits, START_MS), MINUTE_MS); /* the day ends before */
    limits_destroy(limits);
    limits = start(usage, 1, 1, NOON_MS + 12 * HOUR_MS - SECOND_MS);
    assert_int_equal(limits_wait_ms(limits, START_MS), SECOND_MS); /* the minute is forgotten */
    limits_destroy(limits);
}

/* Days are the local ones, of 23 and 25 hours, too. */
static void knows_summer_time(void **state)
{
    struct usage *usage = *state;
    const int64_t october_ms = INT64_C(1792879200000); /* 2026-10-25 00:00 in Berlin */
    const int64_t march_ms = INT64_C(1774738800000);   /* 2026-03-29 00:00 */
    struct limits *limits;
    char day[LIMITS_DAY_SIZE];

    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    limits = start(usage, 0, 1, march_ms);
    limits_take(limits, get_account(usage, ALICE), START_MS, day);
    assert_string_equal(day, "2026-03-29");
    assert_int_equal(limits_wait_ms(limits, START_MS), 23 * HOUR_MS);
    limits_destroy(limits);
    limits = start(usage, 0, 1, october_ms);
    limits_take(limits, get_account(usage, ALICE), START_MS, day);
    assert_string_equal(day, "2026-10-25");
    assert_int_equal(limits_wait_ms(limits, START_MS), 25 * HOUR_MS);
    assert_int_equal(limits_wait_ms(limits, START_MS + 25 * HOUR_MS), 0);
    limits_destroy(limits);
}

static void survives_a_restart(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 10, NOON_MS);

    ask(usage, limits, START_MS);
    ask(usage, limits, START_MS);
    assert_int_equal(limits_note(limits, TODAY, '-', ID, ALICE), 0);
    ask(usage, limits, START_MS);
    limits_destroy(limits);
    assert_content(usage->place->fd, TODAY,
                   "+" ID " 1000\n+" ID " 1000\n-" ID " 1000\n+" ID " 1000\n");
    assert_int_equal(left_at(usage, 10, NOON_MS), 8);
    assert_int_equal(left_at(usage, 2, NOON_MS), 0);
    assert_int_equal(left_at(usage, 1, NOON_MS), 0);
    assert_int_equal(left_at(usage, 10, NOON_MS + DAY_MS), 10);
    assert_int_equal(left_at(usage, 10, NOON_MS), 8);
}

static void gives_back(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 2, NOON_MS);
    char day[LIMITS_DAY_SIZE];

    limits_give_back(limits, get_account(usage, ALICE), TODAY); /* nothing was taken */
    assert_int_equal(limits_left(limits, START_MS), 2);
    limits_take(limits, get_account(usage, ALICE), START_MS, day);
    limits_take(limits, get_account(usage, ALICE), START_MS, day);
    limits_give_back(limits, get_account(usage, ALICE), "2026-11-21");
    limits_give_back(limits, get_account(usage, ALICE), "2026-11-23");
    assert_int_equal(limits_left(limits, START_MS), 0);
    limits_give_back(limits, get_account(usage, ALICE), day);
    assert_int_equal(limits_left(limits, START_MS), 1);
    assert_int_equal(limits_wait_ms(limits, START_MS), 0);
    limits_destroy(limits);
}

/* A crash cuts the last line anywhere; the line behind it is whole again. */
static void counts_cut_lines(void **state)
{
    static const struct {
        const char *text;
        unsigned used;
    } files[] = {
        {"", 0},
        {"\n", 0},
        {"+", 1},
        {"+0199", 1},
        {"+" ID, 1},
        {"+" ID "\n+", 2},
        {"+" ID "\n+0199+" ID "\n", 3},
        {"+" ID "\n-", 0},
        {"+" ID "\n+" ID "\n-01", 1},
        {"-", 0},
        {"-" ID "\n-" ID "\n", 0},
        {"0199\n", 0},
    };
    struct usage *usage = *state;
    struct limits *limits;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_text(usage->place->fd, TODAY, files[i].text);
        assert_int_equal(left_at(usage, 10, NOON_MS), 10 - files[i].used);
    }
    write_text(usage->place->fd, TODAY, "+0199");
    limits = start(usage, 0, 10, NOON_MS);
    ask(usage, limits, START_MS);
    limits_destroy(limits);
    assert_content(usage->place->fd, TODAY, "+0199+" ID " 1000\n");
    assert_int_equal(left_at(usage, 10, NOON_MS), 8);
}

static void counts_zeros_of_a_power_loss(void **state)
{
    struct usage *usage = *state;
    static const char text[64] = "+" ID "\n";

    write_file(usage->place->fd, TODAY, text, sizeof(text));
    assert_int_equal(left_at(usage, 10, NOON_MS), 9);
}

static void counts_many(void **state)
{
    struct usage *usage = *state;

    write_lines(usage, TODAY, 10000);
    assert_int_equal(left_at(usage, 10001, NOON_MS), 1);
    assert_int_equal(left_at(usage, 10000, NOON_MS), 0);
}

/* Hours within a day change nothing; a day back or years: what was asked for stays asked for. */
static void clock_is_set_back(void **state)
{
    struct usage *usage = *state;

    write_lines(usage, TODAY, 4);
    assert_int_equal(left_at(usage, 10, NOON_MS - 11 * HOUR_MS), 6);
    assert_int_equal(left_at(usage, 10, NOON_MS + 11 * HOUR_MS), 6);
    write_lines(usage, "2026-11-21", 1);
    assert_int_equal(left_at(usage, 10, NOON_MS - DAY_MS), 5);
    assert_false(is_there(usage->place->fd, TODAY));
    assert_true(is_there(usage->place->fd, TODAY ".carried"));
    assert_int_equal(left_at(usage, 10, NOON_MS - DAY_MS), 5); /* counted once, not each time */
    assert_int_equal(left_at(usage, 10, NOON_MS), 6);          /* when that day comes again */
    assert_int_equal(left_at(usage, 10, NOON_MS + DAY_MS), 10);
}

static void clock_is_set_back_by_years(void **state)
{
    struct usage *usage = *state;

    write_lines(usage, TODAY, 2);
    write_lines(usage, "2027-01-01", 3);
    write_lines(usage, "2036-11-22", 1);
    assert_int_equal(left_at(usage, 10, NOON_MS - 20 * 365 * DAY_MS), 4);
    assert_int_equal(left_at(usage, 10, NOON_MS - 20 * 365 * DAY_MS), 4);
    assert_true(is_there(usage->place->fd, "2006-11-27"));
    assert_int_equal(left_at(usage, 10, 0), 4); /* and once more, as far as it goes */
    assert_true(is_there(usage->place->fd, "1970-01-01"));
}

/* A restart with a clock in the future opens that day, as it must, and closes it again after. */
static void clock_is_set_forward_and_back(void **state)
{
    struct usage *usage = *state;
    struct limits *limits;

    write_lines(usage, TODAY, 5);
    limits = start(usage, 0, 10, NOON_MS + 3650 * DAY_MS);
    assert_int_equal(limits_left(limits, START_MS), 10);
    ask(usage, limits, START_MS);
    ask(usage, limits, START_MS);
    limits_destroy(limits);
    assert_int_equal(left_at(usage, 10, NOON_MS), 3);
    assert_int_equal(left_at(usage, 10, NOON_MS), 3);
}

/* What was carried over may be given back, too, and asking goes on behind it. */
static void goes_on_after_a_jump(void **state)
{
    struct usage *usage = *state;
    struct limits *limits;

    write_text(usage->place->fd, "2026-11-25", "+" ID " 1000\n+" ID " 1000\n");
    limits = start(usage, 0, 10, NOON_MS);
    assert_content(usage->place->fd, TODAY, "+.carried 1000\n+.carried 1000\n");
    ask(usage, limits, START_MS);
    assert_int_equal(limits_left(limits, START_MS), 7);
    limits_give_back(limits, get_account(usage, ALICE), TODAY);
    assert_int_equal(limits_note(limits, TODAY, '-', ID, ALICE), 0);
    limits_destroy(limits);
    assert_int_equal(left_at(usage, 10, NOON_MS), 8);
}

/* 40 days are kept, and what is no day is left alone. */
static void forgets_old_days(void **state)
{
    static const char *const others[] = {"note", "2026-1-1", "2026-01-01x", "2026-01-01.carriedx"};
    struct usage *usage = *state;
    char name[16];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        write_text(usage->place->fd, others[i], "");
    for (int i = 1; i <= 45; i++) {
        snprintf(name, sizeof(name), "2026-%02d-%02d", i > 31 ? 9 : 8, i > 31 ? i - 31 : i);
        write_lines(usage, name, 1);
    }
    assert_int_equal(left_at(usage, 10, NOON_MS), 10);
    for (int i = 1; i <= 45; i++) {
        snprintf(name, sizeof(name), "2026-%02d-%02d", i > 31 ? 9 : 8, i > 31 ? i - 31 : i);
        assert_int_equal(is_there(usage->place->fd, name), i > 5);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_true(is_there(usage->place->fd, others[i]));
}

static void passes_on_errors(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 10, NOON_MS);

    assert_int_equal(mkdirat(usage->place->fd, TODAY, 0700), 0);
    assert_int_equal(limits_note(limits, TODAY, '+', ID, ALICE), -EISDIR);
    assert_refuses(usage, -EISDIR);
    assert_int_equal(unlinkat(usage->place->fd, TODAY, AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("elsewhere", usage->place->fd, TODAY), 0);
    assert_int_equal(limits_note(limits, TODAY, '+', ID, ALICE), -ELOOP);
    assert_false(is_there(usage->place->fd, "elsewhere"));
    assert_refuses(usage, -ELOOP);
    limits_destroy(limits);
}

static void says_when(void **state)
{
    struct usage *usage = *state;
    struct limits *limits = start(usage, 0, 2, NOON_MS);
    cleanup_buf struct buf text = {.max = 4096};
    struct failure failure;

    failure_init(&failure);
    ask(usage, limits, START_MS);
    assert_int_equal(limits_describe(limits, NULL, START_MS, &text), 0);
    assert_string_equal(buf_text(&text), "Pictures today: 1 of 2\n");
    assert_int_equal(limits_refuse(limits, false, START_MS, &failure), -EDQUOT);
    assert_int_equal(failure.error, -EDQUOT);
    assert_string_equal(failure.text, "The limit of 2 pictures a day (images_per_day) is reached. "
                                      "It opens again at 2026-11-23 00:00.");
    assert_string_equal(failure.advice, "Save the prompt again then, or raise images_per_day.");
    limits_destroy(limits);
    limits = start(usage, 0, 0, NOON_MS);
    buf_clear(&text);
    assert_int_equal(limits_describe(limits, NULL, START_MS, &text), 0);
    assert_string_equal(buf_text(&text), "Pictures today: 1\n");
    limits_destroy(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usage_test(has_no_limit),
        usage_test(limits_the_day),
        usage_test(turns_the_day),
        usage_test(limits_the_minute),
        usage_test(waits_for_both),
        usage_test(knows_summer_time),
        usage_test(survives_a_restart),
        usage_test(gives_back),
        usage_test(counts_cut_lines),
        usage_test(counts_zeros_of_a_power_loss),
        usage_test(counts_many),
        usage_test(clock_is_set_back),
        usage_test(clock_is_set_back_by_years),
        usage_test(clock_is_set_forward_and_back),
        usage_test(goes_on_after_a_jump),
        usage_test(forgets_old_days),
        usage_test(passes_on_errors),
        usage_test(says_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
