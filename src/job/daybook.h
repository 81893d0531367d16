/* SPDX-License-Identifier: MIT
 *
 * The files in store/usage/ in which job/limits keeps how many pictures were asked for on each
 * local day, and by whom (limits.h has their format). No lock, no state.
 */
#ifndef EASELFS_JOB_DAYBOOK_H
#define EASELFS_JOB_DAYBOOK_H

#include "job/accounts.h"

/**
 * Count what was asked for on @day, each user's share as pictures of that user. What was counted on
 * days yet to come is taken over by @day, and the oldest days are forgotten.
 *
 * @return 0 with @ret_count, or a negative errno.
 */
int daybook_open(int usage_fd, const char *day, struct accounts *accounts, uint64_t *ret_count);

/**
 * Note durably that the job @id of the user @uid asked for a picture (@sign '+') or not after all
 * ('-').
 *
 * @return 0 or a negative errno.
 */
int daybook_note(int usage_fd, const char *day, char sign, const char *id, uid_t uid);

#endif
