/* SPDX-License-Identifier: MIT
 *
 * The store: one directory that holds everything easelfs keeps. It belongs to one user and is used
 * by one daemon at a time.
 *
 *   lock           who uses it (flock; the text is for people)
 *   format         "easelfs store 1"
 *   tree/MODEL/    what is seen in the mount
 *   jobs/ID/       the spool: jobs that are not finished
 *   done/ID/       records of finished jobs
 *   staging/       results that are complete and not yet visible
 *   usage/DAY      how many pictures were asked for on that day (job/limits)
 *   models         the API's list of models as it was last read (models.h)
 *   corrupt/       what could not be read, set aside
 */
#ifndef EASELFS_STORE_STORE_H
#define EASELFS_STORE_STORE_H

#include "base/failure.h"

/** The descriptors belong to the store and are valid until store_close(). */
struct store {
    int root_fd;
    int tree_fd;
    int jobs_fd;
    int done_fd;
    int staging_fd;
    int corrupt_fd;
    int usage_fd;
    int lock_fd;
};

/** The xattr by which a result is known, whatever its name: the job's id. */
#define STORE_XATTR_JOB "user.easelfs.job"

/**
 * On a prompt file, never shown in the mount: the id of the job of its last commit. Absent: its
 * content was never committed as it is.
 */
#define STORE_XATTR_COMMIT "user.easelfs.commit"

/**
 * Open the store at @path, making what is missing, and lock it.
 *
 * @return 0, or a negative errno with the sentence in @failure: -EBUSY where another daemon uses
 *         it, -EPERM where it belongs to or can be written by others, -EOPNOTSUPP where its file
 *         system has no extended attributes, -EPROTO where it is of a newer version.
 */
int store_open(const char *path, struct store **ret_store, struct failure *failure);

/** Unlock and free. Takes NULL. */
void store_close(struct store *store);

#endif
