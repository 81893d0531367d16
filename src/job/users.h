/* SPDX-License-Identifier: MIT
 *
 * The users whose jobs there are or were today: what each has asked for and used. A user is known
 * from the first job on, as long as there is something to be known; what it is counted by belongs
 * to job/limits, job/history and job/turns.
 *
 * No lock of its own: everything under one lock.
 */
#ifndef EASELFS_JOB_USERS_H
#define EASELFS_JOB_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

/** "2026-11-22" and its NUL: a local day, as job/limits counts them. */
#define USERS_DAY_SIZE 16

/** So many are known at most: a machine has fewer, unless somebody makes them up. */
#define USERS_MAX 65536

/** What was counted on one day: nothing on any other. */
struct users_count {
    char day[USERS_DAY_SIZE];
    uint64_t count;
};

struct user {
    uid_t uid;
    LIST_ENTRY(user) link;       /* private to the table */
    size_t job_count;            /* unfinished jobs that point here */
    struct users_count pictures; /* asked for, by job/limits */
    struct users_count tokens;   /* used, by job/history */
};

struct users;

int users_create(struct users **ret_users);

/** Takes NULL. */
void users_destroy(struct users *users);

/**
 * The user @uid, who becomes known. Valid until another one is, unless its job_count says that it
 * is in use.
 *
 * @return 0, -ENOMEM, or -EUSERS where there are USERS_MAX that cannot be forgotten.
 */
int users_get(struct users *users, uid_t uid, struct user **ret_user);

/** The same, or NULL where it is not known. */
struct user *users_find(const struct users *users, uid_t uid);

/** Call @visit for each, until it returns other than 0. @return what it returned last, or 0. */
int users_each(const struct users *users, int (*visit)(const struct user *user, void *context),
               void *context);

/** How many are known. */
size_t users_count(const struct users *users);

/** On @day begins another one: what was counted on an earlier one may be forgotten. */
void users_turn_day(struct users *users, const char *day);

/** Count @count more on @day. */
void users_count_add(struct users_count *counted, const char *day, uint64_t count);

/** Count one less, where it was that day. */
void users_count_drop(struct users_count *counted, const char *day);

/** What was counted on @day. */
uint64_t users_count_on(const struct users_count *counted, const char *day);

#endif
