/* SPDX-License-Identifier: MIT */
#include "job/starts.h"

#define NEVER INT64_MAX

/* Jobs whose inputs are being frozen at a time: the pool has answers to receive, too. */
#define STARTING_MAX 16

void starts_add(struct job *job)
{
    struct account *account = job->account;

    if (TAILQ_EMPTY(&account->waiting))
        TAILQ_INSERT_TAIL(&job->jobs->starting, account, start_link);
    TAILQ_INSERT_TAIL(&account->waiting, job, account_link);
}

void starts_remove(struct job *job)
{
    struct account *account = job->account;

    TAILQ_REMOVE(&account->waiting, job, account_link);
    if (TAILQ_EMPTY(&account->waiting))
        TAILQ_REMOVE(&job->jobs->starting, account, start_link);
}

/* When the directories of waiting jobs are quiet; many stand in the same one. */
struct quiet {
    const struct inode *workspace;
    int64_t since_ms; /* NEVER: a file is open for writing, whose close will kick us */
};

static int64_t quiet_since(struct inode *workspace, struct quiet *last)
{
    char name[NAME_MAX + 1];

    if (last->workspace != workspace) {
        last->workspace = workspace;
        last->since_ms = inode_open_writer_in(workspace, name)
                             ? NEVER
                             : atomic_load_explicit(&workspace->changed_ms, memory_order_relaxed);
    }
    return last->since_ms;
}

/* When @job may start. */
static int64_t ready_ms(const struct job *job, struct quiet *last)
{
    int64_t since_ms = quiet_since(job->workspace, last);

    if (since_ms == NEVER)
        return NEVER;
    if (since_ms < job->begun_ms)
        since_ms = job->begun_ms;
    return since_ms + (int64_t)job->jobs->setup.options->settle_ms;
}

/* One look at all that waits. */
struct look {
    struct jobs *jobs;
    int64_t now_ms;
    int64_t next_ms; /* when one of those that were passed over is ready */
    struct quiet last;
};

static bool may_begin(const struct job *job, struct look *look) requires_(job->jobs->mutex)
{
    int64_t at_ms;

    if (job->held || job->parked || !(job->committed || job->abandoned))
        return false;
    at_ms = job->abandoned ? look->now_ms : ready_ms(job, &look->last);
    if (at_ms > look->now_ms && at_ms < look->next_ms)
        look->next_ms = at_ms;
    return at_ms <= look->now_ms;
}

static void begin(struct job *job) requires_(job->jobs->mutex)
{
    job_hold(job);
    job->starting = true;
    job->jobs->starting_count++;
    job_continue(job, job_freeze);
}

/* Begin the account's next one that may begin, if any. */
static void begin_one(struct account *account, struct look *look) requires_(look->jobs->mutex)
{
    struct job *job = account->start_next;

    while (job && !may_begin(job, look))
        job = TAILQ_NEXT(job, account_link);
    account->start_next = job ? TAILQ_NEXT(job, account_link) : NULL;
    if (job)
        begin(job);
}

int64_t starts_begin(struct jobs *jobs, int64_t now_ms)
{
    struct look look = {.jobs = jobs, .now_ms = now_ms, .next_ms = NEVER};
    struct account *account;
    size_t left = 0; /* accounts that may have more */

    if (jobs->starting_count == STARTING_MAX)
        return NEVER; /* the next one that has started kicks us */
    TAILQ_FOREACH(account, &jobs->starting, start_link)
    {
        account->start_next = TAILQ_FIRST(&account->waiting); /* those listed have one */
        left++;
    }
    while (left && jobs->starting_count < STARTING_MAX) {
        account = TAILQ_FIRST(&jobs->starting);
        if (account->start_next) {
            begin_one(account, &look);
            left -= account->start_next == NULL;
        }
        TAILQ_REMOVE(&jobs->starting, account, start_link);
        TAILQ_INSERT_TAIL(&jobs->starting, account, start_link);
    }
    return look.next_ms;
}
