/* SPDX-License-Identifier: MIT
 *
 * A URL taken apart: what is dialled, and what people are told was dialled. It is read by the
 * parser that also dials, so that both see the same host. Pure: nothing is resolved.
 */
#ifndef EASELFS_NET_TARGET_H
#define EASELFS_NET_TARGET_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/failure.h"

/** The longest URL in bytes: signed links of object stores reach some 3,000. */
#define TARGET_URL_MAX 16384

/** The longest host in bytes: a domain name (RFC 1035). */
#define TARGET_HOST_MAX 253

struct target {
    CURLU *url;                          /* owned; all of it */
    bool https;                          /* else http */
    unsigned port;                       /* given, or the scheme's */
    char host[TARGET_HOST_MAX + 1];      /* as in the URL; an IPv6 address without its brackets */
    char label[TARGET_HOST_MAX + 3 + 6]; /* for people: "host", or "host:port" where not usual */
};

/**
 * Take @text apart. Only http and https, with a host, without user or password.
 *
 * @ret_target  written on success; the caller calls target_fini()
 *
 * @return 0, -ENOMEM, or -EINVAL with a sentence in @failure that quotes no more than the host.
 */
int target_parse(const char *text, struct target *ret_target, struct failure *failure);

/** The same for @location, which may be relative, out of an answer from @from. */
int target_follow(const struct target *from, const char *location, struct target *ret_target,
                  struct failure *failure);

/** Free; a zeroed or finished target is fine. */
void target_fini(struct target *target);

/** Whether scheme, host and port are the same. */
bool target_has_same_origin(const struct target *left, const struct target *right);

/** Whether the host is this machine by its text: localhost, 127.0.0.0/8 or ::1. */
bool target_is_loopback(const struct target *target);

#define cleanup_target cleanup_(target_fini)

#endif
