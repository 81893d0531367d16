/* SPDX-License-Identifier: MIT */
#include "job/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "job/daybook.h"

#define MINUTE_MS (60 * 1000)

struct limits {
    int usage_fd;              /* the store's */
    struct accounts *accounts; /* each counts its own pictures */
    struct limits_rates rates;
    int64_t wall_offset_ms; /* what the wall clock was ahead of ours at the start */

    char day[LIMITS_DAY_SIZE];
    uint64_t used; /* pictures counted on it */

    int64_t *sent_ms; /* of the last per_minute requests, a ring; NULL: no limit */
    size_t next;      /* where the next one goes: the oldest of them */
};

int64_t limits_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The local time @now_ms, by the clock as it was at the start. */
static void local_time(const struct limits *limits, int64_t now_ms, struct tm *tm)
{
    time_t seconds = (time_t)((now_ms + limits->wall_offset_ms) / 1000);

    localtime_r(&seconds, tm);
}

static void day_of(const struct limits *limits, int64_t now_ms, char day[LIMITS_DAY_SIZE])
{
    struct tm tm;

    local_time(limits, now_ms, &tm);
    if (!strftime(day, LIMITS_DAY_SIZE, "%Y-%m-%d", &tm))
        day[0] = '\0';
}

/* When the day after that of @now_ms begins, as seconds since the epoch. */
static time_t next_day(const struct limits *limits, int64_t now_ms)
{
    struct tm tm;

    local_time(limits, now_ms, &tm);
    tm.tm_mday++;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

/* Begin to count for the day of @now_ms. */
static int load_day(struct limits *limits, int64_t now_ms)
{
    day_of(limits, now_ms, limits->day);
    accounts_turn_day(limits->accounts, limits->day);
    return daybook_open(limits->usage_fd, limits->day, limits->accounts, &limits->used);
}

int limits_create(const struct store *store, struct accounts *accounts,
                  const struct limits_rates *rates, int64_t wall_ms, int64_t now_ms,
                  struct limits **ret_limits)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    int error = 0;

    if (!limits)
        return -ENOMEM;
    limits->usage_fd = store->usage_fd;
    limits->accounts = accounts;
    limits->rates = *rates;
    limits->wall_offset_ms = wall_ms - now_ms;
    if (rates->per_minute) {
        limits->sent_ms = calloc(rates->per_minute, sizeof(*limits->sent_ms));
        error = limits->sent_ms ? 0 : -ENOMEM;
    }
    for (uint64_t i = 0; !error && i < rates->per_minute; i++)
        limits->sent_ms[i] = now_ms - MINUTE_MS;
    if (!error)
        error = load_day(limits, now_ms);
    if (error) {
        limits_destroy(limits);
        return error;
    }
    *ret_limits = limits;
    return 0;
}

void limits_destroy(struct limits *limits)
{
    if (!limits)
        return;
    free(limits->sent_ms);
    free(limits);
}

/*
 * A day has passed: the next one begins with nothing, as this process is the only one that counts
 * and no day but today is ever written to.
 */
static void turn_day(struct limits *limits, int64_t now_ms)
{
    char day[LIMITS_DAY_SIZE];

    day_of(limits, now_ms, day);
    if (strcmp(day, limits->day) > 0) {
        memcpy(limits->day, day, sizeof(day));
        limits->used = 0;
        accounts_turn_day(limits->accounts, day);
    }
}

/* Until the next day begins. */
static int64_t day_left_ms(const struct limits *limits, int64_t now_ms)
{
    return (int64_t)next_day(limits, now_ms) * 1000 - (now_ms + limits->wall_offset_ms);
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
    if (!limit)
        return UINT64_MAX;
    return used < limit ? limit - used : 0;
}

int64_t limits_wait_ms(struct limits *limits, int64_t now_ms)
{
    int64_t wait_ms = limits_left(limits, now_ms) ? 0 : day_left_ms(limits, now_ms);

    if (limits->sent_ms && limits->sent_ms[limits->next] + MINUTE_MS - now_ms > wait_ms)
        wait_ms = limits->sent_ms[limits->next] + MINUTE_MS - now_ms;
    return wait_ms;
}

int64_t limits_user_wait_ms(struct limits *limits, const struct account *account, int64_t now_ms)
{
    return limits_user_left(limits, account, now_ms) ? 0 : day_left_ms(limits, now_ms);
}

void limits_take(struct limits *limits, struct account *account, int64_t now_ms,
                 char ret_day[LIMITS_DAY_SIZE])
{
    turn_day(limits, now_ms);
    limits->used++;
    accounts_count_add(&account->pictures, limits->day, 1);
    memcpy(ret_day, limits->day, LIMITS_DAY_SIZE);
    if (!limits->sent_ms)
        return;
    limits->sent_ms[limits->next] = now_ms;
    limits->next = (limits->next + 1) % limits->rates.per_minute;
}

void limits_give_back(struct limits *limits, struct account *account, const char *day)
{
    if (limits->used && strcmp(day, limits->day) == 0)
        limits->used--;
    accounts_count_drop(&account->pictures, day);
}

uint64_t limits_left(struct limits *limits, int64_t now_ms)
{
    turn_day(limits, now_ms);
    return left_of(limits->rates.per_day, limits->used);
}

uint64_t limits_user_left(struct limits *limits, const struct account *account, int64_t now_ms)
{
    turn_day(limits, now_ms);
    return left_of(limits->rates.per_user_and_day,
                   accounts_count_on(&account->pictures, limits->day));
}

int limits_note(const struct limits *limits, const char *day, char sign, const char *id, uid_t uid)
{
    if (!limits->rates.per_day && !limits->rates.per_user_and_day)
        return 0;
    return daybook_note(limits->usage_fd, day, sign, id, uid);
}

int limits_refuse(struct limits *limits, bool is_user, int64_t now_ms, struct failure *failure)
{
    const char *name = is_user ? "user_images_per_day" : "images_per_day";
    time_t opens = next_day(limits, now_ms);
    struct tm tm;
    char when[64] = "";

    if (!localtime_r(&opens, &tm) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm))
        when[0] = '\0';
    failure_advise(failure, "Save the prompt again then, or %s %s.",
                   is_user ? "ask the administrator to raise" : "raise", name);
    return failure_set(failure, -EDQUOT,
                       "The limit of %" PRIu64 " pictures a day%s (%s) is reached. "
                       "It opens again at %s.",
                       is_user ? limits->rates.per_user_and_day : limits->rates.per_day,
                       is_user ? " for each user" : "", name, when);
}

void limits_day(struct limits *limits, int64_t now_ms, char ret_day[LIMITS_DAY_SIZE])
{
    turn_day(limits, now_ms);
    memcpy(ret_day, limits->day, LIMITS_DAY_SIZE);
}

int limits_describe(struct limits *limits, const uid_t *only, int64_t now_ms, struct buf *text)
{
    uint64_t limit = only ? limits->rates.per_user_and_day : limits->rates.per_day;
    const struct account *account = only ? accounts_find(limits->accounts, *only) : NULL;
    uint64_t used;
    int error;

    turn_day(limits, now_ms);
    used = account ? accounts_count_on(&account->pictures, limits->day) : only ? 0 : limits->used;
    error = buf_printf(text, "Pictures today: %" PRIu64, used);
    if (!error && limit)
        error = buf_printf(text, " of %" PRIu64, limit);
    return error ? error : buf_append_text(text, "\n");
}
