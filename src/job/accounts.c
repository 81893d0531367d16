/* SPDX-License-Identifier: MIT */
#include "job/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_COUNT 4096

LIST_HEAD(bucket, account);

struct accounts {
    struct bucket buckets[BUCKET_COUNT];
    size_t count;
    char day[ACCOUNTS_DAY_SIZE]; /* the last one that began */
};

int accounts_create(struct accounts **ret_accounts)
{
    struct accounts *accounts = calloc(1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    *ret_accounts = accounts;
    return 0;
}

void accounts_destroy(struct accounts *accounts)
{
    if (!accounts)
        return;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        struct account *account;

        while ((account = LIST_FIRST(&accounts->buckets[i]))) {
            LIST_REMOVE(account, link);
            free(account);
        }
    }
    free(accounts);
}

/* Ids come in rows, those of subordinate accounts, too. */
static size_t bucket_of(uid_t uid)
{
    return uid % BUCKET_COUNT;
}

struct account *accounts_find(const struct accounts *accounts, uid_t uid)
{
    struct account *account;

    LIST_FOREACH(account, &accounts->buckets[bucket_of(uid)], link)
    {
        if (account->uid == uid)
            break;
    }
    return account;
}

/* Whether nothing is lost with it. */
static bool is_idle(const struct accounts *accounts, const struct account *account)
{
    return !account->job_count && !accounts_count_on(&account->pictures, accounts->day) &&
           !accounts_count_on(&account->tokens, accounts->day);
}

static void forget_idle(struct accounts *accounts)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        struct account *account = LIST_FIRST(&accounts->buckets[i]);

        while (account) {
            struct account *next = LIST_NEXT(account, link);

            if (is_idle(accounts, account)) {
                LIST_REMOVE(account, link);
                free(account);
                accounts->count--;
            }
            account = next;
        }
    }
}

int accounts_get(struct accounts *accounts, uid_t uid, struct account **ret_account)
{
    struct account *account = accounts_find(accounts, uid);

    if (account) {
        *ret_account = account;
        return 0;
    }
    if (accounts->count == ACCOUNTS_MAX)
        forget_idle(accounts);
    if (accounts->count == ACCOUNTS_MAX)
        return -EUSERS;
    account = calloc(1, sizeof(*account));
    if (!account)
        return -ENOMEM;
    account->uid = uid;
    TAILQ_INIT(&account->waiting);
    LIST_INSERT_HEAD(&accounts->buckets[bucket_of(uid)], account, link);
    accounts->count++;
    *ret_account = account;
    return 0;
}

int accounts_each(const struct accounts *accounts,
                  int (*visit)(const struct account *account, void *context), void *context)
{
    int error = 0;

    for (size_t i = 0; !error && i < BUCKET_COUNT; i++) {
        const struct account *account;

        LIST_FOREACH(account, &accounts->buckets[i], link)
        {
            error = visit(account, context);
            if (error)
                break;
        }
    }
    return error;
}

size_t accounts_count(const struct accounts *accounts)
{
    return accounts->count;
}

void accounts_turn_day(struct accounts *accounts, const char *day)
{
    snprintf(accounts->day, sizeof(accounts->day), "%s", day);
}

void accounts_count_add(struct accounts_count *counted, const char *day, uint64_t count)
{
    if (strcmp(counted->day, day) != 0) {
        snprintf(counted->day, sizeof(counted->day), "%s", day);
        counted->count = 0;
    }
    counted->count += count;
}

void accounts_count_drop(struct accounts_count *counted, const char *day)
{
    if (counted->count && strcmp(counted->day, day) == 0)
        counted->count--;
}

uint64_t accounts_count_on(const struct accounts_count *counted, const char *day)
{
    return strcmp(counted->day, day) == 0 ? counted->count : 0;
}
