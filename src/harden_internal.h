/* SPDX-License-Identifier: MIT
 *
 * The parts of harden.c that have files of their own.
 */
#ifndef EASELFS_HARDEN_INTERNAL_H
#define EASELFS_HARDEN_INTERNAL_H

#include "harden.h"

/** The version of Landlock that the kernel has and that is of use, or 0. */
int landlock_version(void);

/** Confine this thread and those it will start to the files it needs. @return 0 or negative errno.
 */
int landlock_confine(const struct harden_setup *setup, int version);

/** Whether the kernel filters system calls. */
bool seccomp_is_there(void);

/** Refuse, with EPERM, what no file system daemon calls. @return 0 or a negative errno. */
int seccomp_confine(void);

#endif
