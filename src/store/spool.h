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

/** Make the job's directory and save its record. @return 0 or a negative errno (nothing is left). */
int spool_create(const struct store *store, const struct record *record);

/** Save the record of an unfinished job. @return 0 or a negative errno (the old one stays). */
int spool_save(const struct store *store, const struct record *record);

/** Open the directory of an unfinished job. @return descriptor or a negative errno. */
int spool_open(const struct store *store, const char *id);

/**
 * The job is over: save its record and move it to done/. Its files are removed, unless @keep_files:
 * an answer that was paid for and could not be understood.
 */
int spool_finish(const struct store *store, const struct record *record, bool keep_files);

/** Remove an unfinished job that came to nothing. */
int spool_discard(const struct store *store, const char *id);

/** Read the record of a job, finished or not. @return as record_parse(), or errno of open(2). */
int spool_load(const struct store *store, const char *id, struct record *ret_record);

/** Set the directory of an unfinished job aside in corrupt/. @return 0 or a negative errno. */
int spool_set_aside(const struct store *store, const char *id);

/**
 * Call @visit for the id of each unfinished job, in the order of their commits.
 *
 * @return 0, or a negative errno of reading the directory.
 */
int spool_list(const struct store *store, void (*visit)(void *context, const char *id),
               void *context);

#endif
