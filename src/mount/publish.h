/* SPDX-License-Identifier: MIT
 *
 * The publisher: results enter the mount through the mount, by renameat2(2) out of a directory that
 * only this thread can look up, so that everyone who watches the workspace sees one MOVED_TO of a
 * complete file.
 *
 * Such a rename waits for the directory's lock in the kernel, which other requests may hold. If the
 * daemon is killed meanwhile, the thread must not keep the FUSE connection alive, or neither it nor
 * the user's processes could ever be killed: so it has a descriptor table of its own, without
 * /dev/fuse. And it opens the mountpoint afresh each time, since a descriptor kept on it would make
 * unmounting fail with EBUSY.
 */
#ifndef EASELFS_MOUNT_PUBLISH_H
#define EASELFS_MOUNT_PUBLISH_H

#include <fuse_lowlevel.h>

#include "job/jobs.h"
#include "mount/handed.h"
#include "tree/tree.h"

struct publisher;

#define PUBLISHER_NAME_SIZE 32

/** Make it; nothing can be published before publisher_start(). @return 0 or -ENOMEM. */
int publisher_create(struct publisher **ret_publisher);

/**
 * Start the thread for the mount of @tree at @mountpoint, an absolute path, or at one of @handed,
 * which outlives the publisher; NULL: it was not handed over. Call after the session was mounted
 * and before it is served.
 *
 * @return 0, the errno of looking at the mountpoint, or that of pthread_create(3).
 */
int publisher_start(struct publisher *publisher, struct fuse_session *session,
                    const char *mountpoint, const struct handed *handed, struct tree *tree);

/** The name of the staging directory in the root, and the thread that may look it up. */
const char *publisher_staging_name(const struct publisher *publisher);
pid_t publisher_thread(const struct publisher *publisher);

/** The mount is gone: what is asked for now gives -ENOTCONN. Ends the thread. */
void publisher_stop(struct publisher *publisher);

/** After publisher_stop(), where it was started. Takes NULL. */
void publisher_destroy(struct publisher *publisher);

/** The functions of struct jobs_publisher; @context is the struct publisher. */
int publisher_publish(void *context, const char *staged, const char *path, const char *name,
                      bool replace);
int publisher_remove(void *context, const char *path, const char *name);
void publisher_invalidate(void *context, struct inode *directory, const char *name);

/** That of tree_set_watcher(): the kernel forgets the attributes of @inode, and nothing else. */
void publisher_forget_attributes(void *context, struct inode *inode);

#endif
