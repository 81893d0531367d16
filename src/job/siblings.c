/* SPDX-License-Identifier: MIT */
#include "job/siblings.h"

#include <errno.h>
#include <string.h>

#include "store/spool.h"

/* Make the sibling @id. @return 0 also where it was made before. */
static int create_one(struct job *job, const char *id, struct job_list *siblings)
{
    struct jobs *jobs = job->jobs;
    cleanup_record struct record record = {0};
    struct job *sibling;
    struct inode *prompt;
    int error;

    if (spool_has(jobs->setup.store, id))
        return 0;
    error = record_copy(&job->record, &record);
    if (error)
        return error;
    memcpy(record.id, id, RECORD_ID_SIZE);
    record.state = JOB_QUEUED;
    error = spool_clone(jobs->setup.store, job->record.id, &record);
    if (error)
        return error;
    mutex_lock(&jobs->mutex); /* another file may take its place */
    prompt = job->prompt ? inode_ref(job->prompt) : NULL;
    mutex_unlock(&jobs->mutex);
    error = job_create(jobs, &record, job->workspace, prompt, &sibling);
    inode_unref(prompt);
    if (error) {
        spool_discard(jobs->setup.store, id);
        return error;
    }
    sibling->model = job->model;
    sibling->committed = true;
    sibling->begun_ms = job->begun_ms;
    TAILQ_INSERT_TAIL(siblings, sibling, link);
    return 0;
}

static void discard(struct job_list *siblings)
{
    struct job *job;

    while ((job = TAILQ_FIRST(siblings))) {
        TAILQ_REMOVE(siblings, job, link);
        spool_discard(job->jobs->setup.store, job->record.id);
        job_destroy(job);
    }
}

int siblings_create(struct job *job, struct job_list *ret_siblings)
{
    unsigned count = settings_count(&job->record.settings);
    int error = 0;

    TAILQ_INIT(ret_siblings);
    if (record_sibling_index(job->record.id) != 0)
        return 0;
    for (unsigned i = 1; !error && i < count; i++) {
        char id[RECORD_ID_SIZE];

        record_sibling_id(job->record.id, i, id);
        error = create_one(job, id, ret_siblings);
    }
    if (error)
        discard(ret_siblings);
    return error;
}

void siblings_enqueue(struct jobs *jobs, struct job_list *siblings)
{
    struct job *job;

    while ((job = TAILQ_FIRST(siblings))) {
        TAILQ_REMOVE(siblings, job, link);
        job_insert(job);
    }
    jobs->kicked = true;
    cond_broadcast(&jobs->changed);
}

void siblings_cancel(struct jobs *jobs, struct job_list *siblings)
{
    struct job *job;

    while ((job = TAILQ_FIRST(siblings))) {
        TAILQ_REMOVE(siblings, job, link);
        mutex_lock(&jobs->mutex);
        job_hold(job);
        job_insert(job);
        mutex_unlock(&jobs->mutex);
        job_finish(job, JOB_CANCEL);
    }
}
