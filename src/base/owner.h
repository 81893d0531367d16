/* SPDX-License-Identifier: MIT
 *
 * Whose something is: a file, an open handle, a job.
 */
#ifndef EASELFS_BASE_OWNER_H
#define EASELFS_BASE_OWNER_H

#include <sys/types.h>

struct owner {
    uid_t uid;
    gid_t gid;
};

#endif
