/* SPDX-License-Identifier: MIT
 *
 * The file `answer` in a job's spool directory: what lift made of the answer, so that it can be
 * understood again after a restart. Text, one line for the body, one a part, then the skeleton:
 *
 *   easelfs answer 2 CHECK
 *   VERDICT TOTAL_BYTES PART_COUNT
 *   ENCODING BYTES COMPLETE DAMAGED DAMAGED_OFFSET REST MIME
 *   ...
 *   {"candidates":...
 *
 * CHECK is the hash (base/hash.h) of all that follows it, in 16 hexadecimal digits: what is damaged
 * must not be tried again for ever. MIME is "-" where there is none. Numbers are decimal, enums as
 * numbers of api/lift.h. What is not JSON in the answer is in a part, as all that is long.
 *
 * The file appears by a rename once all parts are durable: that it is there means that the answer
 * was received, whatever the job's record says.
 */
#ifndef EASELFS_JOB_ANSWERFILE_H
#define EASELFS_JOB_ANSWERFILE_H

#include "api/lift.h"

/** A loaded answer; free with answerfile_unload(). */
struct answerfile {
    struct lift_result result;
    char *text;
    struct lift_part *parts;
    char *remainder;
};

/**
 * Make the parts and the answer of the job @id in the directory @spool_fd durable. Parts that may
 * be pictures are sealed on that occasion (job/staging.h): the same fsync does for both.
 *
 * @return 0 or a negative errno.
 */
int answerfile_save(int spool_fd, const char *id, const struct lift_result *result);

/** Whether there is one. */
bool answerfile_exists(int spool_fd);

/** @return 0, -EBADMSG where it is not such a file, or the errno of reading it. */
int answerfile_load(int spool_fd, struct answerfile *ret_answer);

void answerfile_unload(struct answerfile *answer);

#endif
