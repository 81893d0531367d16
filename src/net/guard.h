/* SPDX-License-Identifier: MIT
 *
 * Which URLs out of an answer may be fetched, and which addresses may be dialled for them, so that
 * an answer cannot make this machine talk to its own network. Pure: no I/O, no threads, no state.
 * Names are not resolved here; an address is judged when a socket is about to be connected to it.
 */
#ifndef EASELFS_NET_GUARD_H
#define EASELFS_NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/failure.h"

struct guard;
struct target;

/** The most entries of @result_hosts. */
#define GUARD_HOSTS_MAX 64

/**
 * @base_url      the API's; its own host and port may always be reached, and http URLs are accepted
 *                only where this one is http
 * @result_hosts  what may be reached besides the public network: "name", "*.name" (any name below
 *                it, not itself), "address", each also with ":port" (IPv6 then in brackets), and
 *                CIDR blocks. An address or block holds for whatever name leads there
 * @ret_guard     written on success; the caller calls guard_destroy()
 *
 * @return 0, -ENOMEM, or -EINVAL with a sentence in @failure that names the entry.
 */
int guard_create(const char *base_url, const char *const *result_hosts, size_t count,
                 struct guard **ret_guard, struct failure *failure);

/** Free; NULL is fine. */
void guard_destroy(struct guard *guard);

/**
 * Whether @target may be fetched as far as its text tells.
 *
 * @return 0, or -EACCES with a sentence in @failure that quotes no more than the host.
 */
int guard_check(const struct guard *guard, const struct target *target, struct failure *failure);

/**
 * Whether @address may be dialled for a URL whose host reads @host: it is global unicast, whatever
 * it is wrapped in; or host and port are the base's own; or result_hosts has it.
 */
bool guard_allows(const struct guard *guard, const struct sockaddr *address, const char *host);

static inline void guard_cleanup(struct guard **guard)
{
    guard_destroy(*guard);
}

#define cleanup_guard cleanup_(guard_cleanup)

#endif
