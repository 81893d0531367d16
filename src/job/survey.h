/* SPDX-License-Identifier: MIT
 *
 * What jobs have to know of a workspace as a whole: the highest number of a result in it, and which
 * files may be references. Reading a directory of ten thousand results for that takes longer than
 * all else that publishing one does, so it is remembered until a user changes a name in there.
 *
 * All functions may be called from every thread.
 */
#ifndef EASELFS_JOB_SURVEY_H
#define EASELFS_JOB_SURVEY_H

#include "job/job.h"

struct survey {
    uint64_t version; /* of the directory's names */
    unsigned highest; /* number of a file, naming_number_of() */
    size_t size;      /* of names, in bytes */
    char names[];     /* of regular files that are neither hidden, nor prompts, nor results, each
                         with its NUL, in no order */
};

/**
 * Look at @directory, or remember. The caller frees @ret_survey with free(3).
 *
 * @return 0, -ENOMEM, -EFBIG where there are names of more than 64 MiB, or the errno of reading it
 */
int survey_get(struct jobs *jobs, struct inode *directory, struct survey **ret_survey);

/** The result @name was made visible in @directory. */
void survey_published(struct jobs *jobs, struct inode *directory, const char *name);

#endif
