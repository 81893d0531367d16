/* SPDX-License-Identifier: MIT
 *
 * Who makes a directory expects to find it empty: cp -r makes settings/ in it, and fails where that
 * is there already. LOOKUP does not say what it is for. So what is virtual is hidden from the
 * thread that made the directory while it is about to make something; where the system does not
 * tell in which call that thread is, always.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/keeper.h"
#include "tree/kind.h"

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

/* @return whether the thread is about to make a name, or nobody can tell. */
static bool is_making(const struct keeper *keeper, pid_t thread)
{
    char line[KEEPER_LINE_SIZE];
    unsigned long arguments[3];
    long number;

    if (!keeper_read(keeper, thread, KEEPER_SYSCALL, line))
        return true;
    return sscanf(line, "%ld %lx %lx %lx", &number, &arguments[0], &arguments[1], &arguments[2]) !=
               4 ||
           makes(number, arguments);
}

bool kind_is_maker(const struct tree *tree, const struct inode *directory,
                   const struct caller *caller)
{
    return caller->thread != 0 && atomic_load(&directory->maker) == caller->thread &&
           is_making(tree->setup.keeper, caller->thread);
}
