/* SPDX-License-Identifier: MIT */
#include "job/quota.h"

#include <errno.h>
#include <inttypes.h>

/* Whether @left is enough for @pictures behind the @waiting ones. */
static bool is_enough(uint64_t left, size_t waiting, unsigned pictures)
{
    return left >= waiting && left - waiting >= pictures;
}

bool quota_has_room(struct jobs *jobs, unsigned pictures)
{
    return is_enough(limits_left(jobs->limits, limits_now_ms()), jobs->unsent_count, pictures);
}

static int refuse_unfinished(uint64_t limit, struct failure *failure)
{
    failure_advise(failure, "Save the prompt again then, or ask the administrator to raise "
                            "user_unfinished_jobs.");
    return failure_set(failure, -EDQUOT,
                       "The limit of %" PRIu64 " unfinished pictures for each user "
                       "(user_unfinished_jobs) is reached. It opens again as soon as one of yours "
                       "is finished.",
                       limit);
}

static int check_user(struct jobs *jobs, const struct account *account, unsigned pictures,
                      struct failure *failure) requires_(jobs->mutex)
{
    uint64_t unfinished = jobs->setup.options->user_unfinished_jobs;
    int64_t now_ms = limits_now_ms();

    if (!is_enough(limits_user_left(jobs->limits, account, now_ms), account->unsent_count,
                   pictures))
        return limits_refuse(jobs->limits, true, now_ms, failure);
    if (unfinished && !is_enough(unfinished, account->unfinished_count, pictures))
        return refuse_unfinished(unfinished, failure);
    return 0;
}

int quota_check(struct jobs *jobs, const struct account *account, unsigned pictures,
                struct failure *failure)
{
    if (!quota_has_room(jobs, pictures))
        return limits_refuse(jobs->limits, false, limits_now_ms(), failure);
    return check_user(jobs, account, pictures, failure);
}

int quota_describe(struct jobs *jobs, uid_t only, struct buf *text)
{
    const struct account *account = accounts_find(jobs->accounts, only);
    uint64_t limit = jobs->setup.options->user_unfinished_jobs;

    if (!limit)
        return 0;
    return buf_printf(text, "Unfinished pictures: %zu of %" PRIu64 "\n",
                      account ? account->unfinished_count : 0, limit);
}

int jobs_check_user(struct jobs *jobs, uid_t uid, struct failure *failure)
{
    static const struct account nobody;
    const struct account *account;
    int error;

    mutex_lock(&jobs->mutex);
    account = accounts_find(jobs->accounts, uid);
    error = check_user(jobs, account ? account : &nobody, 1, failure);
    mutex_unlock(&jobs->mutex);
    return error;
}
