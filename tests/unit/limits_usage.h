/* SPDX-License-Identifier: MIT
 *
 * For tests of job/limits: a store of which only the usage directory is there, and runs that begin
 * when clocks say what the test wants.
 */
#ifndef EASELFS_TESTS_LIMITS_USAGE_H
#define EASELFS_TESTS_LIMITS_USAGE_H

#include "store_place.h"

#include <errno.h>
#include <time.h>

#include "job/limits.h"

#define ID "0199f0a1b2c0000deadbeef"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define NOON_MS INT64_C(1795348800000) /* 2026-11-22 12:00:00 UTC */
#define TODAY   "2026-11-22"

/* Our clock at the start of each run; what it began with is nobody's business. */
#define START_MS INT64_C(123456789)

#define ALICE 1000
#define BOB   4294967294u

struct usage {
    struct place *place;
    struct store store;        /* only what job/limits uses */
    struct accounts *accounts; /* of the run that is under way */
};

static inline int make_usage(void **state)
{
    struct usage *usage = calloc(1, sizeof(*usage));
    void *place = NULL;

    if (!usage || make_place(&place))
        return -1;
    usage->place = place;
    usage->store.usage_fd = usage->place->fd;
    *state = usage;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static inline int remove_usage(void **state)
{
    struct usage *usage = *state;
    void *place = usage->place;

    accounts_destroy(usage->accounts);
    free(usage);
    return remove_place(&place);
}

/* A run that starts when the wall clock says @wall_ms and ours START_MS. */
static inline struct limits *start_with(struct usage *usage, const struct limits_rates *rates,
                                        int64_t wall_ms)
{
    struct limits *limits = NULL;

    accounts_destroy(usage->accounts);
    usage->accounts = NULL;
    assert_int_equal(accounts_create(&usage->accounts), 0);
    assert_int_equal(
        limits_create(&usage->store, usage->accounts, rates, wall_ms, START_MS, &limits), 0);
    return limits;
}

static inline struct limits *start(struct usage *usage, uint64_t per_minute, uint64_t per_day,
                                   int64_t wall_ms)
{
    const struct limits_rates rates = {.per_minute = per_minute, .per_day = per_day};

    return start_with(usage, &rates, wall_ms);
}

static inline struct account *get_account(const struct usage *usage, uid_t uid)
{
    struct account *account = NULL;

    assert_int_equal(accounts_get(usage->accounts, uid, &account), 0);
    return account;
}

/* How many of @per_day pictures are left in a run that starts at @wall_ms. */
static inline uint64_t left_at(struct usage *usage, uint64_t per_day, int64_t wall_ms)
{
    struct limits *limits = start(usage, 0, per_day, wall_ms);
    uint64_t left = limits_left(limits, START_MS);

    limits_destroy(limits);
    return left;
}

/* Take one, and have it on disk. */
static inline void ask(const struct usage *usage, struct limits *limits, int64_t now_ms)
{
    char day[LIMITS_DAY_SIZE];

    limits_take(limits, get_account(usage, ALICE), now_ms, day);
    assert_int_equal(limits_note(limits, day, '+', ID, ALICE), 0);
}

#define usage_test(test) cmocka_unit_test_setup_teardown(test, make_usage, remove_usage)

#endif
