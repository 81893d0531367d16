/* SPDX-License-Identifier: MIT
 *
 * The spool: a directory per job in store/jobs/ with the record and the job's files, and the
 * directories of finished jobs in store/done/. Every change of a record is durable when the call
 * returns. Calls for different jobs may run in different threads; those for one job are the
 * caller's to keep apart.
 */
#ifndef EASELFS_STORE_SPOOL_H
#define EASELFS_STORE_SPOOL_H

#include "store/record.h"
#include "store/store.h"

/** Make the job's directory and save its record. @return 0 or a negative errno (nothing is left).
 */
int spool_create(const struct store *store, const struct record *record);

/**
 * Make the directory of the unfinished job @record, durably, with all the files of the unfinished
 * job @from_id, as links: none of them may be changed afterwards. All or nothing.
 *
 * @return 0 or a negative errno: -EEXIST where it is there already.
 */
int spool_clone(const struct store *store, const char *from_id, const struct record *record);

/** Whether there is, or was and is kept, a job with that id. */
bool spool_has(const struct store *store, const char *id);

/** Save the record of an unfinished job. @return 0 or a negative errno (the old one stays). */
int spool_save(const struct store *store, const struct record *record);

/** Open the directory of an unfinished job. @return descriptor or a negative errno. */
int spool_open(const struct store *store, const char *id);

/**
 * The job is over: save its record and move it to done/. Its files are removed, unless @keep_files:
 * an answer that was paid for and could not be understood.
 *
 * This may be undone by a power loss where the job is done: what is in the store then leads to the
 * same end once more, as its results have left the staging directory. Any other end is durable.
 *
 * @return 0 or a negative errno (the job is unfinished as before).
 */
int spool_finish(const struct store *store, const struct record *record, bool keep_files);

/** Remove an unfinished job that came to nothing. */
int spool_discard(const struct store *store, const char *id);

/**
 * Remove a job whose spool_create() was cut off by a crash: there is nothing but, perhaps, the
 * beginning of its record.
 *
 * @return 0, or a negative errno: -ENOTEMPTY where there is more.
 */
int spool_discard_unborn(const struct store *store, const char *id);

/** Read the record of a job, finished or not. @return as record_parse(), or errno of open(2). */
int spool_load(const struct store *store, const char *id, struct record *ret_record);

/**
 * Set the directory of an unfinished job aside in corrupt/, with @reason in a file of that name.
 *
 * @return 0 or a negative errno.
 */
int spool_set_aside(const struct store *store, const char *id, const char *reason);

/** Ids, in the order of their commits. All zero is an empty list. */
struct spool_ids {
    char (*ids)[RECORD_ID_SIZE]; /* owned */
    size_t count;
};

void spool_ids_fini(struct spool_ids *ids);

#define cleanup_spool_ids cleanup_(spool_ids_fini)

/** All unfinished jobs. Call before any is made. @return 0, -ENOMEM, or a negative errno of reading
 * the directory. */
int spool_list(const struct store *store, struct spool_ids *ret_ids);

/** The finished jobs that were committed before @wall_ms. Errors as spool_list(). */
int spool_list_finished(const struct store *store, int64_t wall_ms, struct spool_ids *ret_ids);

/** Remove the record of a finished job, and what is kept with it. @return 0 or a negative errno. */
int spool_forget(const struct store *store, const char *id);

#endif
