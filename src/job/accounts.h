/* SPDX-License-Identifier: MIT
 *
 * An account for each user who has jobs, or had some today: what was asked for and used. It is made
 * for the first job, and kept as long as there is something in it.
 *
 * No lock of its own: everything under one lock.
 */
#ifndef EASELFS_JOB_ACCOUNTS_H
#define EASELFS_JOB_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

/** "2026-11-22" and its NUL: a local day, as job/limits counts them. */
#define ACCOUNTS_DAY_SIZE 16

/** So many are known at most: a machine has fewer, unless somebody makes them up. */
#define ACCOUNTS_MAX 65536

/** What was counted on one day: nothing on any other. */
struct accounts_count {
    char day[ACCOUNTS_DAY_SIZE];
    uint64_t count;
};

struct job;
struct turns_user;
TAILQ_HEAD(job_list, job);

struct account {
    uid_t uid;
    LIST_ENTRY(account) link;        /* private to the table */
    size_t job_count;                /* unfinished jobs that point here */
    struct turns_user *queue;        /* of them, what is queued (job/turns); NULL: there are none */
    uint64_t served;                 /* the last turn, as long as there are none */
    struct job_list waiting;         /* of them, those in state waiting, the oldest first */
    struct job *start_next;          /* where job/starts has come to among them */
    TAILQ_ENTRY(account) start_link; /* the accounts with waiting ones, by turns */
    bool is_shut;                    /* listed as one who may not ask for more today */
    TAILQ_ENTRY(account) shut_link;  /* of these */
    size_t unsent_count;             /* pictures of those that are not sent yet */
    size_t unfinished_count;         /* pictures of all of them */
    struct accounts_count pictures;  /* asked for, by job/limits */
    struct accounts_count tokens;    /* used, by job/history */
};

TAILQ_HEAD(account_list, account);

struct accounts;

int accounts_create(struct accounts **ret_accounts);

/** Takes NULL. */
void accounts_destroy(struct accounts *accounts);

/**
 * The account of the user @uid, made where there is none. Valid until the next one is made; longer
 * only where its job_count says that it is in use.
 *
 * @return 0, -ENOMEM, or -EUSERS where there are ACCOUNTS_MAX that hold something.
 */
int accounts_get(struct accounts *accounts, uid_t uid, struct account **ret_account);

/** The same, or NULL where it is not known. */
struct account *accounts_find(const struct accounts *accounts, uid_t uid);

/** Call @visit for each, until it returns other than 0. @return what it returned last, or 0. */
int accounts_each(const struct accounts *accounts,
                  int (*visit)(const struct account *account, void *context), void *context);

/** How many are known. */
size_t accounts_count(const struct accounts *accounts);

/** On @day begins another one: what was counted on an earlier one may be forgotten. */
void accounts_turn_day(struct accounts *accounts, const char *day);

/** Count @count more on @day. */
void accounts_count_add(struct accounts_count *counted, const char *day, uint64_t count);

/** Count one less, where it was that day. */
void accounts_count_drop(struct accounts_count *counted, const char *day);

/** What was counted on @day. */
uint64_t accounts_count_on(const struct accounts_count *counted, const char *day);

#endif
