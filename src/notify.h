/* SPDX-License-Identifier: MIT
 *
 * What a service manager is told, by the protocol of sd_notify(3): one datagram for each message to
 * the socket in NOTIFY_SOCKET. Without one, and where nobody reads it, nothing happens. Nothing
 * here waits. Used by one thread at a time.
 */
#ifndef EASELFS_NOTIFY_H
#define EASELFS_NOTIFY_H

#include <stdint.h>

/** Take NOTIFY_SOCKET out of the environment: no child is to speak for this process. Call once. */
void notify_open(void);

/** READY=1: the mount can be used. @status: a line for people. */
void notify_ready(const char *status);

/** STOPPING=1, and that it may take @limit_ms. @status: a line for people. */
void notify_stopping(const char *status, int64_t limit_ms);

#endif
