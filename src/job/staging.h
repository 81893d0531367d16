/* SPDX-License-Identifier: MIT
 *
 * store/staging: files that are complete and durable and not yet visible. A file leaves it by the
 * rename that makes it visible, so that being there means "not yet".
 *
 *   ID.N.EXT       result N, from 1 on: another link to the file in the spool
 *   ID.words.txt   the model's words
 *   ID.error.txt   why there is no picture
 */
#ifndef EASELFS_JOB_STAGING_H
#define EASELFS_JOB_STAGING_H

#include <stdbool.h>
#include <stddef.h>

#include "store/record.h"
#include "store/store.h"

#define STAGING_NAME_SIZE 64
/** The mode of what is given out. */
#define STAGING_MODE  0444
#define STAGING_WORDS "words.txt"
#define STAGING_ERROR "error.txt"

void staging_result_name(const char *id, size_t number, const char *extension,
                         char name[STAGING_NAME_SIZE]);

/** The name of the job's words or error text (STAGING_WORDS, STAGING_ERROR). */
void staging_text_name(const char *id, const char *what, char name[STAGING_NAME_SIZE]);

/** Make the file @fd one of the job @id: known by its xattr, and durable. */
int staging_mark(int fd, const char *id);

/**
 * Stage the file @name in @spool_fd, which is marked, as @staged. That name is durable once the
 * caller has synced the staging directory.
 *
 * @return 0 or a negative errno.
 */
int staging_add(const struct store *store, int spool_fd, const char *name, const char *staged);

/**
 * The file behind @fd, which is marked, is complete: nobody writes to it any more. With @owner it
 * is recorded to be that user's, durably; NULL: owners are not recorded.
 *
 * @return 0 or a negative errno.
 */
int staging_close(int fd, const struct owner *owner);

/** Stage a text of the job @id, marked and closed as above. @return 0 or a negative errno. */
int staging_write(const struct store *store, const char *id, const struct owner *owner,
                  const char *what, const char *text, size_t length);

/** Whether @staged is still there. */
bool staging_has(const struct store *store, const char *staged);

/** Remove the texts of a job that is over. */
void staging_forget_texts(const struct store *store, const char *id);

/** Remove the results of a job that failed: what they link to is kept with its record. */
void staging_forget_results(const struct store *store, const struct record *record);

/** Remove the texts of all jobs that are over. What was paid for is left alone. */
void staging_sweep(const struct store *store);

#endif
