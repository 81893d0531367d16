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
 *
 * A job that is not queued nor merely waiting is held by one thread or task, which alone may touch
 * its record and its flight. Where its step cannot be done for a reason of this machine (a full
 * disk, a directory that may not be written to), it is parked: nobody holds it, and the scheduler
 * has the same step tried again after a while. So no job is ever lost, and none blocks the others.
 */
#ifndef EASELFS_JOB_JOB_H
#define EASELFS_JOB_JOB_H

#include <sys/queue.h>

#include "base/mutex.h"
#include "job/history.h"
#include "job/jobs.h"
#include "job/limits.h"
#include "job/recover.h"
#include "job/turns.h"
#include "job/accounts.h"

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
struct prompt; /* conf/prompt.h */

struct job {
    struct jobs *jobs;
    struct inode *workspace; /* held */
    struct inode *top;       /* held: a top workspace, results' last resort; NULL: there is none */
    const struct model *model;
    struct account *account; /* its owner, who is known as long as there is such a job */

    /* Belongs to whoever holds the job. Others may read its id, prompt_name and, in state waiting,
       prompt under the mutex. */
    struct record record;
    struct flight *flight; /* while it is being sent or its answer understood */
    struct pool_task task; /* its next step: calls step */
    void (*step)(struct job *job);
    bool keep_files;           /* when it is over: its answer could not be understood */
    enum job_event end;        /* what job_fail() was told */
    char day[LIMITS_DAY_SIZE]; /* for which a picture is reserved, while in flight */
    bool is_counted;           /* and that is on disk */

    /* Protected by jobs->mutex. */
    TAILQ_ENTRY(job) link;
    TAILQ_ENTRY(job) account_link; /* in state waiting: among those of its account */
    struct turns_item turn;        /* queued, not held, and to be sent when its turn comes */
    struct heap_node delay;        /* queued, not held, and not to be sent before not_before_ms */
    enum job_state state;
    struct inode *prompt;  /* held; compared, never followed; NULL after a restart */
    bool held;             /* a thread or task works on it */
    bool committed;        /* may start once its directory is quiet */
    bool starting;         /* its inputs are being frozen: a same text is a new picture now */
    bool abandoned;        /* to be dropped by its holder: it was taken back meanwhile */
    bool in_flight;        /* counted in jobs->in_flight_count */
    bool parked;           /* counted in jobs->parked_count */
    int64_t begun_ms;      /* when it was committed, clock_now_ms() */
    int64_t sent_ms;       /* when its last try began, clock_now_ms() */
    int64_t took_ms;       /* until its answer was there; 0: not yet */
    int64_t not_before_ms; /* queued or parked: the next try */
    int trouble;           /* the negative errno that its step met with last, or 0 */
    unsigned trouble_count;
    unsigned picture_count; /* pictures that it asks for: one, unless its siblings (job/siblings.h)
                               are not made yet, or it was refused */
    unsigned attempt_count; /* as in the record */
    const _Atomic uint64_t *bytes_sent, *bytes_received; /* of the call under way, or NULL */
};

struct numbering;

struct jobs {
    struct jobs_setup setup;
    const char *auth_header; /* "Authorization: Bearer KEY", the key's; NULL: no key */
    pthread_t scheduler;
    struct accounts *accounts; /* used under the mutex */
    struct limits *limits;     /* used under the mutex, but for limits_note() */
    struct history *history;   /* used under the mutex, but for history_note() */
    struct recovery recovery;  /* the scheduler's, from jobs_start() on */
    struct tidying *tidying;   /* the same, then: job/tidy.c */

    struct mutex mutex;
    struct cond changed; /* the scheduler has something to look at, or a held job was let go */
    struct job_list waiting guarded_by_(mutex);      /* state waiting */
    struct job_list queued guarded_by_(mutex);       /* state queued */
    struct turns *turns guarded_by_(mutex);          /* whose turn it is among these */
    struct heap delayed guarded_by_(mutex);          /* those of them that wait for the next try */
    struct account_list starting guarded_by_(mutex); /* who has waiting ones: job/starts */
    struct account_list shut guarded_by_(mutex);     /* who may not ask for more on shut_day */
    char shut_day[LIMITS_DAY_SIZE] guarded_by_(mutex);
    struct job_list working guarded_by_(mutex); /* sent, received, delivered, and over but not yet
                                                   on record as that */
    size_t unsent_count guarded_by_(mutex);     /* pictures that waiting and queued ones ask for */
    unsigned starting_count guarded_by_(mutex);
    unsigned
        in_flight_count guarded_by_(mutex); /* from before the first byte to the last picture */
    unsigned *model_in_flight_counts guarded_by_(mutex); /* the same for each model, owned */
    unsigned parked_count guarded_by_(mutex);
    int64_t paused_until_ms guarded_by_(mutex); /* credit is used up: nothing is sent; 0: no */
    bool probing guarded_by_(mutex);    /* after that: one at a time until one was not refused */
    bool recovering guarded_by_(mutex); /* jobs of the last run are not in the table yet */
    bool started guarded_by_(mutex);
    bool draining guarded_by_(mutex);
    bool hurry guarded_by_(mutex);
    bool closing guarded_by_(mutex);  /* nothing is handed to the transport any more */
    bool stopping guarded_by_(mutex); /* the scheduler is to end */
    bool kicked guarded_by_(mutex);
    uint64_t picture_count guarded_by_(mutex); /* pictures made visible since the mount */
    _Atomic uint64_t change_count;             /* jobs_change_count() */
    struct jobs_places places;                 /* set once by jobs_start() */

    struct mutex numbering_mutex; /* also of every inode's survey: job/survey.c */
    struct numbering *numberings guarded_by_(numbering_mutex); /* job/numbering.c */
};

/**
 * Make a job around @record, whose content is taken over. Not in any list yet. Not under the mutex.
 *
 * @return 0; -ENOMEM, or -EUSERS as accounts_get(): then @record is left as it is
 */
int job_create(struct jobs *jobs, struct record *record, struct inode *workspace,
               struct inode *prompt, struct job **ret_job);

/** The owner to be recorded of what the job gives out; NULL: none is. Valid while @job is. */
const struct owner *job_recorded_owner(const struct job *job);

/** Where results of the record's owner can always be put, with a reference; NULL: nowhere. */
struct inode *job_find_top(struct jobs *jobs, const struct record *record);

/** Free a job that is in no list. Not under the mutex. Takes NULL. */
void job_destroy(struct job *job);

/** Put a job in the list of its state, or take it out. */
void job_insert(struct job *job) requires_(job->jobs->mutex);
void job_remove(struct job *job) requires_(job->jobs->mutex);

/** Move @job to the state that @event leads to; list and record follow. */
void job_apply(struct job *job, enum job_event event) requires_(job->jobs->mutex);

/** Nobody else works on @job from here on. It must not be held; it may be parked. */
void job_hold(struct job *job) requires_(job->jobs->mutex);

/** Others may have @job again, and the scheduler looks at it. */
void job_let_go(struct job *job) requires_(job->jobs->mutex);

/** Have @run work on the job in the pool. The caller holds the job and loses it. */
void job_continue(struct job *job, void (*run)(struct job *job));

/** Whether @error is this machine's trouble, so that the same may succeed later. */
bool job_is_passing(int error);

/**
 * Its step met with @error, which passes: have @step run after a while. The caller holds the job
 * and loses it.
 *
 * @what what could not be done, for the log: "its pictures cannot be made visible"
 */
void job_park(struct job *job, void (*step)(struct job *job), int error, const char *what);

/** Note that the job met with @error. @return how long to wait before the next try, in ms. */
int64_t job_trouble(struct job *job, int error) requires_(job->jobs->mutex);

/** Like job_park() without any trouble: @step is to run @delay_ms from now. */
void job_pause(struct job *job, void (*step)(struct job *job), int64_t delay_ms);

/** It takes a place in flight. */
void job_take_off(struct job *job) requires_(job->jobs->mutex);

/** Which of the models @job is for. */
size_t job_model_index(const struct job *job);

/** How many are in flight to the model of @job. */
unsigned *job_model_count(const struct job *job) requires_(job->jobs->mutex);

/** Its place in flight is free for the next one. Idempotent. */
void job_land(struct job *job);

/**
 * End a job that its holder has brought to its last state: record to done/, waiters told, job
 * freed. Not under the mutex.
 */
void job_finish(struct job *job, enum job_event event);

/**
 * End @job with its record.failure: as failed or unknown, with an error file. @keep_files: its
 * answer could not be understood.
 */
void job_fail(struct job *job, enum job_event event, bool keep_files);

/** The steps, each in the pool (job/freeze.c, launch.c, harvest.c, delivery.c). */
void job_freeze(struct job *job);
void job_launch(struct job *job);
void job_harvest(struct job *job);
void job_deliver(struct job *job);

/** End a job that was being sent when the daemon ended (the failure is in its record). */
void job_fail_unknown(struct job *job);

/** End a job that was refused before it was registered (the failure is in its record). */
void job_fail_refused(struct job *job);

/** Take the key out of what is told of a failure, where a server has put it in. */
void job_hide_key(struct job *job);

/** Save the record of an unfinished job, and where its workspace stands now. */
int job_save(struct job *job);

/**
 * Whether @job is one of @directory or of a directory below it. That of a workspace that was
 * removed is its model's, where its results go.
 */
bool job_is_below(const struct job *job, struct inode *directory);

/** @job, which waits, asks for that many pictures from now on. */
void job_set_picture_count(struct job *job, unsigned count) requires_(job->jobs->mutex);

/**
 * The settings in force for a prompt in @workspace: those of the configuration, the directories and
 * the prompt itself.
 *
 * @return 0, -ENOMEM, or the errno of reading them
 */
int job_gather_settings(const struct model *model, struct inode *workspace,
                        const struct prompt *prompt, struct settings *ret_settings);

#endif
