/* SPDX-License-Identifier: MIT
 *
 * Reads of wait files that block. A blocked read takes no thread: its request is kept here and
 * answered by the waiters' own thread once what it waits for is over, or when the reader is
 * interrupted (which ends the read, never a job). Polls likewise.
 */
#ifndef EASELFS_MOUNT_WAITERS_H
#define EASELFS_MOUNT_WAITERS_H

#include <fuse_lowlevel.h>

#include "tree/tree.h"

struct waiters;

/** So many reads may be blocked at a time. */
#define WAITERS_MAX 10000

/** Start the thread. @return 0, -ENOMEM, or the errno of pthread_create(3). */
int waiters_create(struct waiters **ret_waiters);

/** The tree to ask; before the first read. */
void waiters_set_tree(struct waiters *waiters, struct tree *tree);

/**
 * Leave no read blocked for longer: the kernel would take the daemon for dead. It then ends with
 * EINTR, as by a signal, so that cat, shells and Python read again. Any thread.
 *
 * @patience_ms 0: there is no need
 */
void waiters_set_patience(struct waiters *waiters, int64_t patience_ms);

/** Answer all that is blocked with ESHUTDOWN and end the thread. Once. */
void waiters_stop(struct waiters *waiters);

/** After waiters_stop(). Takes NULL. */
void waiters_destroy(struct waiters *waiters);

/**
 * A read of a wait file: the reply comes now or later. EAGAIN for @nonblock where it is not over,
 * EINTR when interrupted, ENOENT once its directory was removed, EUSERS where WAITERS_MAX wait,
 * EIO behind the names where a job failed.
 */
void waiters_read(struct waiters *waiters, fuse_req_t req, struct handle *handle, size_t size,
                  off_t offset, bool nonblock);

/** A poll of a wait file; takes @poll_handle, which may be NULL. */
void waiters_poll(struct waiters *waiters, fuse_req_t req, const struct handle *handle,
                  struct fuse_pollhandle *poll_handle);

/** @handle is being closed: nobody polls it any more. */
void waiters_forget(struct waiters *waiters, const struct handle *handle);

/** A job ended, or a directory was moved or removed: look again. Never blocks. @context is the
 * struct waiters. */
void waiters_kick(void *context);

#endif
