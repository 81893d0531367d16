/* SPDX-License-Identifier: MIT
 *
 * Launch: from a job whose turn has come to an answer on disk, or to the decision what becomes of
 * it without one. The rules of API.md, section 4, are kept here: on record as `sending`, and with
 * its picture reserved, before the first byte leaves; sent again only where it was certainly not
 * served, or where the user has allowed more.
 */
#ifndef EASELFS_JOB_LAUNCH_H
#define EASELFS_JOB_LAUNCH_H

#include <stdint.h>

struct job;

/** So often a job is sent before it is given up. */
#define LAUNCH_ATTEMPTS_MAX 5

/** What to tell where it may have been charged. */
#define LAUNCH_NOT_SENT_AGAIN                                                                      \
    "It was not sent again, so that nothing is paid for twice. Save the prompt again to try once " \
    "more."

/**
 * Whether a request of @bytes is not too long to be sent.
 *
 * @return 0, or -EFBIG with the sentence in the job's failure.
 */
int launch_check_length(struct job *job, uint64_t bytes);

#endif
