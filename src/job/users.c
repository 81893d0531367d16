/* SPDX-License-Identifier: MIT */
#include "job/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_COUNT 4096

LIST_HEAD(bucket, user);

struct users {
    struct bucket buckets[BUCKET_COUNT];
    size_t count;
    char day[USERS_DAY_SIZE]; /* the last one that began */
};

int users_create(struct users **ret_users)
{
    struct users *users = calloc(1, sizeof(*users));

    if (!users)
        return -ENOMEM;
    *ret_users = users;
    return 0;
}

void users_destroy(struct users *users)
{
    if (!users)
        return;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        struct user *user;

        while ((user = LIST_FIRST(&users->buckets[i]))) {
            LIST_REMOVE(user, link);
            free(user);
        }
    }
    free(users);
}

/* Ids come in rows, those of subordinate users, too. */
static size_t bucket_of(uid_t uid)
{
    return uid % BUCKET_COUNT;
}

struct user *users_find(const struct users *users, uid_t uid)
{
    struct user *user;

    LIST_FOREACH(user, &users->buckets[bucket_of(uid)], link)
    {
        if (user->uid == uid)
            break;
    }
    return user;
}

/* Whether nothing is lost with it. */
static bool is_idle(const struct users *users, const struct user *user)
{
    return !user->job_count && !users_count_on(&user->pictures, users->day) &&
           !users_count_on(&user->tokens, users->day);
}

static void forget_idle(struct users *users)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        struct user *user = LIST_FIRST(&users->buckets[i]);

        while (user) {
            struct user *next = LIST_NEXT(user, link);

            if (is_idle(users, user)) {
                LIST_REMOVE(user, link);
                free(user);
                users->count--;
            }
            user = next;
        }
    }
}

int users_get(struct users *users, uid_t uid, struct user **ret_user)
{
    struct user *user = users_find(users, uid);

    if (user) {
        *ret_user = user;
        return 0;
    }
    if (users->count == USERS_MAX)
        forget_idle(users);
    if (users->count == USERS_MAX)
        return -EUSERS;
    user = calloc(1, sizeof(*user));
    if (!user)
        return -ENOMEM;
    user->uid = uid;
    LIST_INSERT_HEAD(&users->buckets[bucket_of(uid)], user, link);
    users->count++;
    *ret_user = user;
    return 0;
}

int users_each(const struct users *users, int (*visit)(const struct user *user, void *context),
               void *context)
{
    int error = 0;

    for (size_t i = 0; !error && i < BUCKET_COUNT; i++) {
        const struct user *user;

        LIST_FOREACH(user, &users->buckets[i], link)
        {
            error = visit(user, context);
            if (error)
                break;
        }
    }
    return error;
}

size_t users_count(const struct users *users)
{
    return users->count;
}

void users_turn_day(struct users *users, const char *day)
{
    memcpy(users->day, day, USERS_DAY_SIZE);
}

void users_count_add(struct users_count *counted, const char *day, uint64_t count)
{
    if (strcmp(counted->day, day) != 0) {
        memcpy(counted->day, day, USERS_DAY_SIZE);
        counted->count = 0;
    }
    counted->count += count;
}

void users_count_drop(struct users_count *counted, const char *day)
{
    if (counted->count && strcmp(counted->day, day) == 0)
        counted->count--;
}

uint64_t users_count_on(const struct users_count *counted, const char *day)
{
    return strcmp(counted->day, day) == 0 ? counted->count : 0;
}
