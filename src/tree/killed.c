/* SPDX-License-Identifier: MIT
 *
 * Whether who closes a file does so because a signal ended it: what was written until
 * then is not meant to be sent.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "tree/kind.h"

/* "/proc/2147483647/statm" */
#define STATM_PATH_SIZE 32
/* Its first number is enough. */
#define STATM_SIZE 32

/* Of /proc/PID/stat: the task is on its way out (linux/sched.h). */
#define PF_EXITING 0x4ul

/* Whether a task has given up its memory. */
static bool has_no_memory(pid_t thread)
{
    char path[STATM_PATH_SIZE];
    char line[STATM_SIZE];
    cleanup_fclose FILE *file = NULL;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)thread);
    file = fopen(path, "re");
    return file && fgets(line, sizeof(line), file) && strncmp(line, "0 ", 2) == 0;
}

/*
 * Whether the task that closes its descriptor was killed by a signal: the kernel closes a dying
 * task's files as if it had ended by itself, and only the signal in its exit code tells. For a task
 * of another user an unprivileged daemon sees 0 there, and takes the close for a normal one.
 *
 * Of a task in execve(2), which closes descriptors too, reading `stat` waits until that is over: it
 * waits for us. Such a task has memory; a dying one has given it up before it closes its files.
 */
bool kind_is_killed(const struct tree *tree, pid_t thread)
{
    char line[KEEPER_LINE_SIZE];
    unsigned long flags = 0;
    int exit_code = 0;
    const char *at;

    if (!thread || !has_no_memory(thread) ||
        !keeper_read(tree->setup.keeper, thread, KEEPER_STAT, line))
        return false;
    at = strrchr(line, ')'); /* the name before it may hold anything */
    if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %lu", &flags) != 1 || !(flags & PF_EXITING))
        return false;
    at = strrchr(line, ' ');
    return at && sscanf(at, " %d", &exit_code) == 1 && (exit_code & 0x7f) != 0;
}
