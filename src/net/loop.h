/* SPDX-License-Identifier: MIT
 *
 * Drives a CURLM from one thread: epoll tells which sockets are ready, so that an event costs the
 * same with one call under way as with a thousand. Other threads only wake it.
 */
#ifndef EASELFS_NET_LOOP_H
#define EASELFS_NET_LOOP_H

#include <curl/curl.h>

struct loop;

/** @return 0 with @ret_loop, -ENOMEM, or the negative errno of epoll_create1(2) or eventfd(2). */
int loop_create(struct loop **ret_loop);

/** Free, with the CURLM, which must be empty. NULL is fine. */
void loop_destroy(struct loop *loop);

/** The handle to add to and to read messages from, in the loop's thread. */
CURLM *loop_multi(const struct loop *loop);

/** Wait at most @max_ms (-1 = for ever) until something is to be done, and let libcurl do it. */
void loop_turn(struct loop *loop, int max_ms);

/** Have the present or next loop_turn() return soon. Any thread, never blocks. */
void loop_wake(struct loop *loop);

#endif
