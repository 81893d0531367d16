/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "api/duration.h"

#define UNTOUCHED (-77)

/* 1994-11-06T08:49:37Z, the example of RFC 9110, and other moments, in seconds. */
#define EXAMPLE_S 784111777LL
#define YEAR_2026 1767225600LL /* 2026-01-01T00:00:00Z */
#define LEAP_2024 1709164800LL /* 2024-02-29T00:00:00Z */

struct duration_row {
    const char *text;
    int64_t ms; /* UNTOUCHED: -EINVAL */
};

static void parses_durations(void **state)
{
    static const struct duration_row rows[] = {
        {"39s", 39000},
        {"1.173612231s", 1174},
        {"0s", 0},
        {"0.001s", 1},
        {"0.0001s", 1},
        {"0.000s", 0},
        {"1.5s", 1500},
        {"86400s", DURATION_MAX_MS},
        {"86401s", DURATION_MAX_MS},
        {"86400.5s", DURATION_MAX_MS},
        {"86399.9999999s", DURATION_MAX_MS},
        {"99999999999999999999999999999999s", DURATION_MAX_MS},
        {"0.00000000000000000000000000001s", 1},
        {"", UNTOUCHED},
        {"s", UNTOUCHED},
        {"39", UNTOUCHED},
        {"-1s", UNTOUCHED},
        {"1.s", UNTOUCHED},
        {".5s", UNTOUCHED},
        {"1,5s", UNTOUCHED},
        {"1s ", UNTOUCHED},
        {" 1s", UNTOUCHED},
        {"1m", UNTOUCHED},
        {"1e3s", UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = UNTOUCHED;
        int error = duration_parse(rows[i].text, strlen(rows[i].text), &ms);
        if (ms != rows[i].ms || error != (rows[i].ms == UNTOUCHED ? -EINVAL : 0))
            fail_msg("%s: %d, %lld", rows[i].text, error, (long long)ms);
    }
}

static void duration_ends_where_it_is_told_to(void **state)
{
    int64_t ms = UNTOUCHED;

    (void)state;
    assert_int_equal(duration_parse("12s", 2, &ms), -EINVAL);
    assert_int_equal(duration_parse("12ss", 3, &ms), 0);
    assert_int_equal(ms, 12000);
}

struct retry_row {
    const char *text;
    int64_t wall_s;
    int64_t ms;
};

static void parses_retry_after(void **state)
{
    static const struct retry_row rows[] = {
        {"120", 0, 120000},
        {" 120\r\n", 0, 120000},
        {"0", 0, 0},
        {"1.5", 0, 1500},
        {"86401", 0, DURATION_MAX_MS},
        /* the three forms of the same moment */
        {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_S - 60, 60000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE_S - 60, 60000},
        {"Sun Nov  6 08:49:37 1994", EXAMPLE_S - 60, 60000},
        {"Wed Nov 16 08:49:37 1994", EXAMPLE_S + 10LL * 86400 - 1, 1000},
        /* gone by, far ahead */
        {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_S, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_S + 1, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", YEAR_2026, 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", YEAR_2026, DURATION_MAX_MS},
        {"Thu, 01 Jan 2026 00:00:00 GMT", YEAR_2026 - 5, 5000},
        {"Thu, 29 Feb 2024 00:00:00 GMT", LEAP_2024 - 7, 7000},
        {"Fri, 01 Mar 2024 00:00:00 GMT", LEAP_2024 + 86400 - 7, 7000},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800LL - 2, 2000},
        /* a year of two digits is at most 50 years ahead */
        {"Thursday, 01-Jan-26 00:00:00 GMT", YEAR_2026 - 9, 9000},
        {"Thursday, 01-Jan-77 00:00:00 GMT", YEAR_2026, 0},
        {"Friday, 01-Jan-76 00:00:00 GMT", YEAR_2026, DURATION_MAX_MS},
        {"", 0, UNTOUCHED},
        {"soon", 0, UNTOUCHED},
        {"-1", 0, UNTOUCHED},
        {"12 s", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 08:49:37", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 08:49:37 CET", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 08:49:37 GMT!", 0, UNTOUCHED},
        {"Sun, 6 Nov 1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sun, 31 Jun 1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sun, 00 Nov 1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 24:00:00 GMT", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 08:60:00 GMT", 0, UNTOUCHED},
        {"Sun, 06 Nov 1994 08:49:61 GMT", 0, UNTOUCHED},
        {"Son, 06 Nov 1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sun, 06 Mai 1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sunday, 06-Nov-1994 08:49:37 GMT", 0, UNTOUCHED},
        {"Sun Nov 6 08:49:37 1994", 0, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = UNTOUCHED;
        int error = duration_parse_retry_after(rows[i].text, strlen(rows[i].text),
                                               rows[i].wall_s * 1000, &ms);
        if (ms != rows[i].ms || error != (rows[i].ms == UNTOUCHED ? -EINVAL : 0))
            fail_msg("%s: %d, %lld", rows[i].text, error, (long long)ms);
    }
}

static void survives_any_wall_time(void **state)
{
    static const char date[] = "Sunday, 06-Nov-94 08:49:37 GMT";
    int64_t ms = UNTOUCHED;

    (void)state;
    assert_int_equal(duration_parse_retry_after(date, strlen(date), INT64_MAX, &ms), 0);
    assert_int_equal(ms, 0);
    /* The year itself is not one then. */
    assert_int_equal(duration_parse_retry_after(date, strlen(date), INT64_MIN, &ms), -EINVAL);
    assert_int_equal(duration_parse_retry_after("Sun Nov  6 08:49:37 1994", 24, INT64_MIN, &ms), 0);
    assert_int_equal(ms, DURATION_MAX_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_durations),
        cmocka_unit_test(duration_ends_where_it_is_told_to),
        cmocka_unit_test(parses_retry_after),
        cmocka_unit_test(survives_any_wall_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
