/* SPDX-License-Identifier: MIT */
#include "job/numbering.h"

#include <errno.h>

#include "job/survey.h"

struct numbering {
    const struct inode *directory; /* held by the jobs that are delivered to it */
    unsigned delivery_count;
    unsigned highest; /* number that is taken or promised */
    struct numbering *next;
};

static struct numbering *find(struct jobs *jobs, const struct inode *directory)
    requires_(jobs->numbering_mutex)
{
    struct numbering *numbering = jobs->numberings;

    while (numbering && numbering->directory != directory)
        numbering = numbering->next;
    return numbering;
}

int numbering_enter(struct jobs *jobs, const struct inode *directory)
{
    struct numbering *made = calloc(1, sizeof(*made));
    struct numbering *numbering;

    if (!made)
        return -ENOMEM;
    mutex_lock(&jobs->numbering_mutex);
    numbering = find(jobs, directory);
    if (!numbering) {
        numbering = steal_ptr(made);
        numbering->directory = directory;
        numbering->next = jobs->numberings;
        jobs->numberings = numbering;
    }
    numbering->delivery_count++;
    mutex_unlock(&jobs->numbering_mutex);
    free(made);
    return 0;
}

void numbering_leave(struct jobs *jobs, const struct inode *directory)
{
    struct numbering **link;
    struct numbering *gone = NULL;

    mutex_lock(&jobs->numbering_mutex);
    for (link = &jobs->numberings; (*link)->directory != directory; link = &(*link)->next)
        continue;
    if (--(*link)->delivery_count == 0) {
        gone = *link;
        *link = gone->next;
    }
    mutex_unlock(&jobs->numbering_mutex);
    free(gone);
}

/* The highest number of a file in the directory. */
static unsigned highest_there(struct jobs *jobs, struct inode *directory)
{
    cleanup_free struct survey *survey = NULL;

    return survey_get(jobs, directory, &survey) ? 0 : survey->highest;
}

unsigned numbering_take(struct jobs *jobs, struct inode *directory)
{
    unsigned seen = highest_there(jobs, directory);
    struct numbering *numbering;
    unsigned number;

    mutex_lock(&jobs->numbering_mutex);
    numbering = find(jobs, directory);
    if (seen > numbering->highest)
        numbering->highest = seen;
    number = ++numbering->highest;
    mutex_unlock(&jobs->numbering_mutex);
    return number;
}
