/* SPDX-License-Identifier: MIT
 *
 * The FUSE session: mount, serve, end. Signals are taken by a thread of their own: the first
 * SIGTERM, SIGINT or SIGHUP ends the mount and lets what is in flight finish, the second one does
 * not wait for that.
 */
#ifndef EASELFS_MOUNT_SESSION_H
#define EASELFS_MOUNT_SESSION_H

#include "conf/options.h"
#include "mount/mount.h"

struct keeper;
struct session;

struct session_setup {
    const struct options *options;
    const char *source; /* what df and mount show as the device: the API's URL */
    const struct keeper *keeper;
    struct mount *mount; /* filled in before session_start() */
};

/** Block, in this thread and all that it starts, the signals that a session handles. Call first. */
void session_block_signals(void);

/**
 * Mount. Nothing is served yet, and no thread started: what needs privileges is over.
 *
 * @return 0, or a negative errno with the sentence in @failure.
 */
int session_create(const struct session_setup *setup, struct session **ret_session,
                   struct failure *failure);

/**
 * Start the publisher and the thread that takes signals, of which the second one hurries @jobs.
 *
 * @return 0, or a negative errno with the sentence in @failure.
 */
int session_start(struct session *session, struct jobs *jobs, struct failure *failure);

/**
 * Where it is mounted: one place or, of a mount that was handed over, perhaps several that it may
 * be. @return how many there are in @ret_places, which the session owns.
 */
size_t session_places(const struct session *session, const char *const **ret_places);

/** Serve until a signal comes or somebody unmounts; at the end the mount is gone. @return 0 or
 *  a negative errno. */
int session_serve(struct session *session);

/** Takes NULL. */
void session_destroy(struct session *session);

#endif
