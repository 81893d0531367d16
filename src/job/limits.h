/* SPDX-License-Identifier: MIT
 *
 * How much may be asked for: requests in a minute, pictures in a day. The minute is forgotten with
 * the process. The day is kept in store/usage/, a file for each local day with a line for each
 * picture: "+ID UID" asked for by that account, "-ID UID" given back as it was certainly not made.
 * A line is durable before its request leaves, so that no crash opens a day again; one that falls
 * between line and request leaves the picture counted. A line that does not say whose it is, as
 * those of earlier versions and one that a crash has cut, counts for the daemon's own user.
 *
 * Clocks: all times given here are milliseconds of CLOCK_BOOTTIME (limits_now_ms()). The wall clock
 * is read once, at the start; from then on the day goes on with the time that has passed, so that
 * setting the clock opens nothing and closes nothing. Where the store knows days that are yet to
 * come, the clock was set back in between: what was counted on them counts for today, once.
 *
 * No lock of its own: functions with a struct limits that is not const are called under one lock,
 * the others from every thread.
 */
#ifndef EASELFS_JOB_LIMITS_H
#define EASELFS_JOB_LIMITS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/failure.h"
#include "job/accounts.h"
#include "store/store.h"

struct limits;

/** "2026-11-22" and its NUL. */
#define LIMITS_DAY_SIZE ACCOUNTS_DAY_SIZE

/** 0 = no limit. */
struct limits_rates {
    uint64_t per_minute;
    uint64_t per_day;
    uint64_t per_user_and_day;
};

/** Now, for the functions below. */
int64_t limits_now_ms(void);

/**
 * Read what was used today.
 *
 * @param accounts each counts its own pictures there; outlives the limits
 * @param wall_ms  the wall clock at @now_ms
 *
 * @return 0, -ENOMEM, or a negative errno of reading or writing store/usage.
 */
int limits_create(const struct store *store, struct accounts *accounts,
                  const struct limits_rates *rates, int64_t wall_ms, int64_t now_ms,
                  struct limits **ret_limits);

/** Takes NULL. */
void limits_destroy(struct limits *limits);

/** How long to wait until a request for a picture may be sent: 0 = now. */
int64_t limits_wait_ms(struct limits *limits, int64_t now_ms);

/** The same for what the user of @account may ask for, whatever the others do. */
int64_t limits_user_wait_ms(struct limits *limits, const struct account *account, int64_t now_ms);

/**
 * Count a request for @account that is about to be sent, whatever the limits. @ret_day: where
 * limits_note() and limits_give_back() are to note it.
 */
void limits_take(struct limits *limits, struct account *account, int64_t now_ms,
                 char ret_day[LIMITS_DAY_SIZE]);

/** A picture that was taken for @account on @day was certainly not made. Only counts; see
 * limits_note(). */
void limits_give_back(struct limits *limits, struct account *account, const char *day);

/** Pictures that may still be asked for today; UINT64_MAX where there is no limit. */
uint64_t limits_left(struct limits *limits, int64_t now_ms);

/** The same for what the user of @account may ask for. */
uint64_t limits_user_left(struct limits *limits, const struct account *account, int64_t now_ms);

/**
 * Make it durable that the job @id of the user @uid asked for a picture (@sign '+') or not after
 * all ('-'). Nothing is noted where there is no limit a day. @return 0 or a negative errno.
 */
int limits_note(const struct limits *limits, const char *day, char sign, const char *id, uid_t uid);

/**
 * Set @failure to -EDQUOT with a sentence: which limit, and when it opens again.
 *
 * @is_user the limit of each user, not that of all
 *
 * @return -EDQUOT
 */
int limits_refuse(struct limits *limits, bool is_user, int64_t now_ms, struct failure *failure);

/** The local day, as limits_take() would give it. */
void limits_day(struct limits *limits, int64_t now_ms, char ret_day[LIMITS_DAY_SIZE]);

/** Append what was used today (by @only, unless NULL), for people. @return 0 or as buf_append(). */
int limits_describe(struct limits *limits, const uid_t *only, int64_t now_ms, struct buf *text);

#endif
