/* SPDX-License-Identifier: MIT
 *
 * The file `answer` in a job's spool directory: what lift made of the answer, so that it can be
 * understood again after a restart. Text, one line for the body, one a part, then the skeleton:
 *
 *   easelfs answer 1 VERDICT TOTAL_BYTES PART_COUNT
 *   ENCODING BYTES COMPLETE DAMAGED DAMAGED_OFFSET REST MIME
 *   ...
 *   {"candidates":...
 *
 * MIME is "-" where there is none. Numbers are decimal, enums as numbers of api/lift.h.
 */
#ifndef EASELFS_JOB_ANSWERFILE_H
#define EASELFS_JOB_ANSWERFILE_H

#include "api/lift.h"

/** A loaded answer; free with answerfile_unload(). */
struct answerfile {
    struct lift_result result;
    char *text;
    struct lift_part *parts;
};

/** Make the parts and the answer in the directory @spool_fd durable. @return 0 or negative errno. */
int answerfile_save(int spool_fd, const struct lift_result *result);

/** @return 0, -EBADMSG where it is not such a file, or the errno of reading it. */
int answerfile_load(int spool_fd, struct answerfile *ret_answer);

void answerfile_unload(struct answerfile *answer);

#endif
