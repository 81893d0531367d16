/* SPDX-License-Identifier: MIT
 *
 * Who makes a directory expects to find it empty: cp -r makes settings/ in it, and fails where that
 * is there already. LOOKUP does not say what it is for. So what is virtual is hidden from the
 * thread that made the directory while it is about to make something; where the system does not
 * tell in which call that thread is, always.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/keeper.h"
#include "tree/kind.h"

/* After that long a thread that is still awake is not going to sleep: another one asked. */
#define AWAKE_MAX_MS 5000

/* Whether a thread that is in this system call makes the name that it looks up, or may be. */
static bool makes(long number, const unsigned long arguments[3])
{
    switch (number) {
    case SYS_openat:
        return (arguments[2] & O_EXCL) != 0;
#ifdef SYS_open
    case SYS_open:
        return (arguments[1] & O_EXCL) != 0;
    case SYS_mkdir:
    case SYS_mknod:
    case SYS_symlink:
    case SYS_link:
    case SYS_rename:
    case SYS_renameat:
#endif
    case SYS_mkdirat:
    case SYS_mknodat:
    case SYS_symlinkat:
    case SYS_linkat:
    case SYS_renameat2:
    case SYS_openat2:        /* its flags are in the caller's memory */
    case SYS_io_uring_enter: /* and so is all that is asked for here */
        return true;
    default:
        return false;
    }
}

/*
 * What /proc tells of the system call that @thread is in. It sleeps there until it has our answer,
 * but may not have had a processor to get as far: till then nothing is told.
 */
static bool read_call(const struct keeper *keeper, pid_t thread, char line[KEEPER_LINE_SIZE])
{
    for (int i = 0; keeper_read(keeper, thread, KEEPER_SYSCALL, line); i++) {
        if (i == AWAKE_MAX_MS || strcmp(line, "running\n") != 0)
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

/* @return whether the thread is about to make a name, or nobody can tell. */
static bool is_making(const struct keeper *keeper, pid_t thread)
{
    char line[KEEPER_LINE_SIZE];
    unsigned long arguments[3];
    long number;

    return !read_call(keeper, thread, line) ||
           sscanf(line, "%ld %lx %lx %lx", &number, &arguments[0], &arguments[1], &arguments[2]) !=
               4 ||
           makes(number, arguments);
}

bool kind_is_maker(const struct tree *tree, const struct inode *directory,
                   const struct caller *caller)
{
    return caller->thread != 0 && atomic_load(&directory->maker) == caller->thread &&
           is_making(tree->setup.keeper, caller->thread);
}
