/* SPDX-License-Identifier: MIT
 *
 * One job: its states as a pure machine, and the struct that the files of this folder share.
 *
 *            FREEZE            SEND              ARRIVE             DELIVER
 *   waiting ---------> queued ---------> sending ---------> received ---------> done
 *      |                 |  ^             |  |  |               |
 *      | CANCEL          |  | NOT_SERVED  |  |  | AMBIGUOUS     | FAIL
 *      v                 v  +-------------+  |  v               v
 *   cancelled <----------+              FAIL |  unknown       failed
 *      (FAIL from waiting and queued, too)   +----------------->
 *
 * What each state promises about the disk is said at enum job_state (store/record.h).
 */
#ifndef EASELFS_JOB_JOB_H
#define EASELFS_JOB_JOB_H

#include <sys/queue.h>

#include "base/mutex.h"
#include "job/jobs.h"

enum job_event {
    JOB_FREEZE,     /* the directory is quiet and the inputs were copied */
    JOB_SEND,       /* its turn has come */
    JOB_NOT_SERVED, /* certainly not done by the API: to be tried again */
    JOB_ARRIVE,     /* the answer is on disk */
    JOB_DELIVER,    /* its pictures are visible */
    JOB_FAIL,       /* certainly over, without a picture */
    JOB_AMBIGUOUS,  /* nobody on this side can know */
    JOB_CANCEL,     /* taken back by the user */
    JOB_EVENT_COUNT
};

/**
 * The state after @event. Pure.
 *
 * @return 0 with @ret_state, or -EPROTO where @event cannot happen in @state.
 */
int job_next_state(enum job_state state, enum job_event event, enum job_state *ret_state);

/** Whether nothing can happen to a job in this state any more. */
bool job_state_is_final(enum job_state state);

struct flight; /* job/flight.h */

struct job {
    struct jobs *jobs;
    struct inode *workspace; /* held */
    struct inode *top;       /* held: the model's directory, where results go as a last resort */
    struct inode *prompt;    /* held; compared, never followed */
    const struct model *model;

    /* Belongs to whoever holds the job (see held); id, prompt_name and, in state waiting, prompt
       may be read under the mutex by others. */
    struct record record;
    struct flight *flight; /* while it is being sent or its answer understood */
    struct pool_task task; /* its next step: calls step */
    void (*step)(struct job *job);

    /* Protected by jobs->mutex. */
    TAILQ_ENTRY(job) link;
    enum job_state state;
    bool held;             /* a thread or task works on it */
    bool committed;        /* may start once its directory is quiet */
    bool starting;         /* its inputs are being frozen: a same text is a new picture now */
    bool abandoned;        /* to be dropped by its holder: it was taken back meanwhile */
    int64_t begun_ms;      /* when it was committed, clock_now_ms() */
    int64_t not_before_ms; /* queued: the next try */
    const _Atomic uint64_t *bytes_sent, *bytes_received; /* of the call under way, or NULL */
};

TAILQ_HEAD(job_list, job);

struct delivery_entry;

struct jobs {
    struct jobs_setup setup;
    char *auth_header; /* "Authorization: Bearer KEY"; NULL: no key. Wiped when freed */
    pthread_t scheduler;

    struct mutex mutex;
    struct cond changed; /* the scheduler has something to look at, or a held job was let go */
    struct job_list waiting guarded_by_(mutex); /* state waiting */
    struct job_list queued guarded_by_(mutex);  /* state queued, in the order of their turn */
    struct job_list working guarded_by_(mutex); /* being frozen, sent, received, delivered */
    unsigned in_flight_count guarded_by_(mutex);
    int64_t paused_until_ms guarded_by_(mutex); /* credit is used up: nothing is sent */
    bool started guarded_by_(mutex);
    bool draining guarded_by_(mutex);
    bool hurry guarded_by_(mutex);
    bool closing guarded_by_(mutex);  /* nothing is handed to the transport any more */
    bool stopping guarded_by_(mutex); /* the scheduler is to end */
    bool kicked guarded_by_(mutex);
    uint64_t picture_count guarded_by_(mutex); /* pictures made visible since the mount */
    struct inode *(*resolve)(void *context, const char *path);
    void *resolve_context;

    struct mutex delivery_mutex;
    struct delivery_entry *deliveries guarded_by_(delivery_mutex); /* job/delivery.c */
};

/** Move @job to the state that @event leads to; list and record follow. */
void job_apply(struct job *job, enum job_event event) requires_(job->jobs->mutex);

/** Make a job around @record, whose content is taken over. Not in any list yet. */
struct job *job_create(struct jobs *jobs, struct record *record, struct inode *workspace,
                       struct inode *prompt);

/** Free a job that is in no list. Takes NULL. */
void job_destroy(struct job *job);

/**
 * End a job that its holder has brought to its last state: record to done/, waiters told, job
 * freed. @keep_files: its answer could not be understood. Not under the mutex.
 */
void job_finish(struct job *job, enum job_event event, bool keep_files);

/** Have @run work on the job in the pool. The caller holds the job and loses it. */
void job_continue(struct job *job, void (*run)(struct job *job));

/** The steps, each in the pool (job/freeze.c, flight.c, harvest.c, delivery.c). */
void job_freeze(struct job *job);
void job_launch(struct job *job);
void job_harvest(struct job *job);
void job_deliver(struct job *job);

/** End a job that was being sent when the daemon ended (the failure is in its record). */
void job_fail_unknown(struct job *job);

/** End a job that was refused before it was registered (the failure is in its record). */
void job_fail_refused(struct job *job);

/** The model of @workspace, by the directory below the root; NULL where that was removed. */
const struct model *jobs_model_of(struct jobs *jobs, struct inode *workspace);

/** End @job with its record.failure: as failed or unknown, with an error file. */
void job_fail(struct job *job, enum job_event event, bool keep_files);

#endif
