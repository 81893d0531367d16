/* SPDX-License-Identifier: MIT
 *
 * The jobs: what the tree hands in (a prompt was written, renamed over, removed), what readers ask
 * (is anything unfinished, what came of it), and what happens in between by itself: settle, freeze,
 * send, receive, make visible. All functions may be called from every thread unless said otherwise.
 *
 * Owner of an unfinished job: struct jobs; a finished one is only a record in the store.
 */
#ifndef EASELFS_JOB_JOBS_H
#define EASELFS_JOB_JOBS_H

#include "base/buf.h"
#include "base/failure.h"
#include "base/pool.h"
#include "conf/key.h"
#include "conf/options.h"
#include "net/transport.h"
#include "store/imagetype.h"
#include "store/inode.h"
#include "store/record.h"
#include "store/store.h"

struct jobs;

/**
 * How results become visible: given by mount/, which does it through the mount so that watchers see
 * it. Called from the pool's threads; may wait, but not for a job.
 */
struct jobs_publisher {
    void *context;
    /**
     * Move @staged out of the staging directory to @name in the directory at @path below the root.
     *
     * @return 0; -EEXIST where @name is taken and @replace is false; another negative errno where
     *         it cannot be done through the mount now.
     */
    int (*publish)(void *context, const char *staged, const char *path, const char *name,
                   bool replace);
    /** Remove @name in the directory at @path. @return 0 or a negative errno. */
    int (*remove)(void *context, const char *path, const char *name);
    /** @name in @directory was changed behind the kernel's back: have it look again. */
    void (*invalidate)(void *context, struct inode *directory, const char *name);
    /** A job has ended, or is one of another directory: somebody may be waiting for that. Must not
     *  block. */
    void (*ended)(void *ended_context);
    void *ended_context;
};

/** All pointers stay the caller's and outlive the jobs. */
struct jobs_setup {
    const struct options *options;
    const struct model_list *models;
    const struct key *key; /* NULL: there is none, and no job is ever sent */
    const struct store *store;
    struct imagetype *imagetype;
    struct pool *pool;
    struct transport *transport;
    const char *base_url;
    struct jobs_publisher publisher;
};

/** Make the table and its scheduler thread, which does nothing before jobs_start(). */
int jobs_create(const struct jobs_setup *setup, struct jobs **ret_jobs);

/** Where things stand in the tree: given by tree/. Each gives an inode with a reference, or NULL.
 */
struct jobs_places {
    void *context;
    /** The directory at @path below the root. */
    struct inode *(*resolve)(void *context, const char *path);
    /** The top workspace in which what is @owner's can always be put, in the directory @model. */
    struct inode *(*resolve_top)(void *context, const char *model, const struct owner *owner);
};

/** Take up the unfinished jobs of the store and begin to work. Before the first prompt. */
int jobs_start(struct jobs *jobs, const struct jobs_places *places);

/**
 * Begin nothing new, and wait until what is in flight has ended: at most until @deadline_ms, or
 * until jobs_hurry(). What is in flight then becomes unknown. Call once, before jobs_destroy().
 */
void jobs_drain(struct jobs *jobs, int64_t deadline_ms);

/** Have jobs_drain() end at once. Safe in every thread. */
void jobs_hurry(struct jobs *jobs);

/**
 * Hand nothing to the transport any more. After this: pool_wait_idle(), transport_destroy(),
 * pool_wait_idle(), jobs_destroy().
 */
void jobs_close(struct jobs *jobs);

/** Free. The pool must be idle and the transport destroyed. Takes NULL. */
void jobs_destroy(struct jobs *jobs);

/**
 * Whether prompts can be accepted: 0, or with the sentence in @failure -ENOKEY, -EROFS (draining),
 * -EDQUOT (images_per_day is reached by what was asked for today and what waits), -ENOSPC (answers
 * need what the disk has left).
 */
int jobs_accepting(struct jobs *jobs, struct failure *failure);

/**
 * Whether the limits for each user let @uid ask for one more picture: to be found out before
 * anything of a prompt is written. Nothing is reserved by it; jobs_register() looks again.
 *
 * @return 0, or -EDQUOT with the sentence in @failure: which limit, and when it opens again
 */
int jobs_check_user(struct jobs *jobs, uid_t uid, struct failure *failure);

/** A prompt as the tree hands it in. All of it stays the caller's. */
struct jobs_prompt {
    struct owner owner;      /* whose job it is: who opened the file to write it, or renamed it */
    struct inode *file;      /* the prompt file; jobs_refuse() does without */
    struct inode *workspace; /* where it stands */
    const char *name;        /* what it is called */
    const char *text;        /* its content, already durable as a file; checked by the callee */
    size_t length;
};

/**
 * FLUSH of a changed prompt file: make its job durable. It starts only once it is committed.
 *
 * @return 0; -EILSEQ, -EFBIG, -EINVAL for the text, with the sentence in @failure; -EDQUOT as
 *         jobs_accepting() and jobs_check_user(), likewise; or the errno of what the store refused
 * (-ENOSPC, -EIO...), likewise.
 */
int jobs_register(struct jobs *jobs, const struct jobs_prompt *prompt, struct failure *failure);

/**
 * The last writer is gone, or the file was renamed over: commit what it holds now. Registers first
 * where that was not done. Same text as of a job of this prompt that has not started: same job,
 * which stays its owner's.
 *
 * @return as jobs_register(); on success @ret_id names the job.
 */
int jobs_commit(struct jobs *jobs, const struct jobs_prompt *prompt, char ret_id[RECORD_ID_SIZE],
                struct failure *failure);

/** What was registered and not committed is taken back: its writer was killed, or it is blank. */
void jobs_abandon(struct jobs *jobs, struct inode *prompt);

/** A prompt file was removed: cancel its jobs that were not sent, and try no other again. */
void jobs_cancel(struct jobs *jobs, struct inode *prompt);

/**
 * A prompt was refused before it became a job: say so in its error file and record it as failed.
 *
 * @return 0 with the id of the record, or a negative errno.
 */
int jobs_refuse(struct jobs *jobs, const struct jobs_prompt *prompt, const struct failure *failure,
                char ret_id[RECORD_ID_SIZE]);

/** Something was closed or changed that jobs may be waiting for. Cheap; any thread. */
void jobs_kick(struct jobs *jobs);

/**
 * A user has made, removed or renamed @name in @directory, or told it to be a result or none: what
 * jobs remember of the directory may not be so any more. Cheap; any thread.
 */
void jobs_name_changed(struct jobs *jobs, struct inode *directory, const char *name);

/** A directory was moved or removed, perhaps with jobs: who waits for them looks again. */
void jobs_moved(struct jobs *jobs);

/** Whether a job of @workspace or below (of its prompt @name, unless NULL) is unfinished. */
bool jobs_unfinished(struct jobs *jobs, struct inode *workspace, const char *name);

/**
 * Append the status of all jobs below @directory as text for people.
 *
 * @param only of this user's jobs; NULL: of everybody's
 *
 * @return 0 or as buf_append().
 */
int jobs_status(struct jobs *jobs, struct inode *directory, const uid_t *only, struct buf *text);

/**
 * A number that changes with all that jobs_status() and jobs_use() tell, but for what time and the
 * network change by themselves: seconds, bytes, and which file is still open.
 */
uint64_t jobs_change_count(const struct jobs *jobs);

/** Append what was used today and since the mount, by @only as above. @return as above. */
int jobs_use(struct jobs *jobs, const uid_t *only, struct buf *text);

/**
 * Append the names of the results of the job @id that are still in @directory_fd, each after
 * @prefix, a line each. Sets @ret_failed where the job ended with a failure. Reads the disk.
 */
int jobs_results(struct jobs *jobs, int directory_fd, const char *id, const char *prefix,
                 struct buf *lines, bool *ret_failed);

#endif
