/* SPDX-License-Identifier: MIT
 *
 * Failpoints: a name at every step that has to survive a crash or a disk's error, so that tests can
 * have the program die, or the step fail, exactly there. Only in builds with EASELFS_FAILPOINTS;
 * elsewhere nothing of them remains, not even the names (tests/rules/failpoints.sh).
 *
 * The variable EASELFS_FAIL chooses: NAME:WAY or NAME:WAY:HIT, several with commas between them.
 * WAY is kill (SIGKILL, before the step is done), EIO or ENOSPC (the step is not done, and fails
 * with that); HIT says which visit, and is 1 where it is left out. The log tells of each.
 */
#ifndef EASELFS_BASE_FAILPOINT_H
#define EASELFS_BASE_FAILPOINT_H

#ifdef EASELFS_FAILPOINTS
/** About to take the step @name. @return 0, or the negative errno it is to fail with. Any thread.
 */
int failpoint(const char *name);
#else
#define failpoint(name) 0
#endif

#endif
