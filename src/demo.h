/* SPDX-License-Identifier: MIT
 *
 * The stand-in API as a child process, for --demo. It ends with us, however we end: it reads a pipe
 * whose other end closes with this process.
 */
#ifndef EASELFS_DEMO_H
#define EASELFS_DEMO_H

#include "base/failure.h"

#define DEMO_URL_SIZE 64

struct demo {
    int pid;      /* 0: not started */
    int stdin_fd; /* its end keeps the stand-in alive; -1: none */
    char url[DEMO_URL_SIZE];
};

/** Start easelfs-standin, from beside this program or from PATH. @return 0 or a negative errno. */
int demo_start(struct demo *ret_demo, struct failure *failure);

/** End it and wait for that. */
void demo_stop(struct demo *demo);

#endif
