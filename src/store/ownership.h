/* SPDX-License-Identifier: MIT
 *
 * Who owns a file of the tree in a mount for several users. The files of the store are the daemon's
 * own, and only it may open them; whose they are for users, and with what rights, is an xattr of
 * each. The mount shows that, and the kernel checks by it. Symbolic links cannot carry one: they
 * belong to the owner of their directory.
 *
 * A file without it is the daemon's own.
 */
#ifndef EASELFS_STORE_OWNERSHIP_H
#define EASELFS_STORE_OWNERSHIP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/owner.h"

/** Never shown in the mount, and not to be set through it. */
#define OWNERSHIP_XATTR "user.easelfs.owner"

/** What is recorded of a file. */
struct ownership {
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permissions and the set-user-ID, set-group-ID and sticky bits */
};

/** The mode that a file of this type has in the store. Pure. */
mode_t ownership_store_mode(mode_t type);

/**
 * What a file that @maker makes in a directory of @parent is to have: @maker has its user, its
 * group and the mode that was asked for. A set-group-ID directory hands its group down. Any other
 * directory gets the group @daemon_gid, which may write to it: so results can enter. Pure.
 */
void ownership_inherit(const struct ownership *parent, const struct ownership *maker, mode_t type,
                       gid_t daemon_gid, struct ownership *ret_ownership);

/**
 * Read what is recorded of the file behind @fd, which may be an O_PATH descriptor.
 *
 * @return 0, -ENODATA where nothing is recorded, -EBADMSG where it cannot be understood, or the
 *         errno of getxattr(2)
 */
int ownership_get(int fd, struct ownership *ret_ownership);

/** Record @ownership. It is always of the same size. @return 0 or the errno of setxattr(2). */
int ownership_set(int fd, const struct ownership *ownership);

/**
 * Whether @reader may read what @own is recorded of. Of the groups of a user only the first is
 * known here: what is for another of them counts as not for that user. Pure.
 */
bool ownership_lets_read(const struct ownership *own, const struct owner *reader);

/** The same for the file behind @fd. One without a record is root's alone. */
bool ownership_may_read(int fd, const struct owner *reader);

/** Give @status, of the file behind @fd, the owner and mode that are recorded, if any are. */
void ownership_show(int fd, struct stat *status);

#endif
