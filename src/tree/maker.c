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

/* Whether a thread that is in this system call makes the name that it looks up. */
static bool makes(long number, const unsigned long arguments[3])
{
    switch (number) {
    case SYS_openat:
        return (arguments[2] & O_EXCL) != 0;
#ifdef SYS_open
    case SYS_open:
        return (arguments[1] & O_EXCL) != 0;
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
#endif
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_chdir:
    case SYS_truncate:
        return false;
    default: /* mkdir, link, rename... or what nobody has thought of */
        return true;
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
