/* SPDX-License-Identifier: MIT
 *
 * One call as libcurl sees it: an easy handle with its options, what its callbacks collect, and the
 * redirects of a picture. Knows nothing of other calls; used in the transport's thread only.
 */
#ifndef EASELFS_NET_EXCHANGE_H
#define EASELFS_NET_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "net/target.h"
#include "net/transport.h"

struct exchange;

/** The most bytes of header lines of all answers of one exchange. */
#define EXCHANGE_HEAD_MAX 262144

/** The most redirects that a picture may take. */
#define EXCHANGE_REDIRECTS_MAX 3

/* The same for all exchanges of a transport, which owns it. */
struct exchange_settings {
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    uint64_t max_response_bytes;
    struct target base;
    char *ca_file; /* or NULL */
    char *user_agent;
    const struct guard *guard;
};

/**
 * Make the handle of @call; nothing is sent. @settings and @call outlive the exchange.
 *
 * @return 0 with @ret_exchange, or a negative errno with a sentence.
 */
int exchange_create(const struct exchange_settings *settings, struct transport_call *call,
                    struct exchange **ret_exchange, struct failure *failure);

/** Free, with the handle, which must not be in a CURLM any more. NULL is fine. */
void exchange_destroy(struct exchange *exchange);

/** The handle, to be added to a CURLM. Its CURLOPT_PRIVATE is the call. */
CURL *exchange_handle(const struct exchange *exchange);

/**
 * The handle is out of the CURLM again: make it ready for the next hop of a redirect.
 *
 * @return whether there is one, so that the handle goes into the CURLM again.
 */
bool exchange_follow(struct exchange *exchange);

/** Whether it has no connection though the time for that is up. */
bool exchange_is_late(const struct exchange *exchange);

/** How it ended: libcurl said @code, or stop_error, where not 0, tells why it was stopped. */
void exchange_result(const struct exchange *exchange, CURLcode code, int stop_error,
                     struct transport_result *ret_result);

/** How a call ended that never had an exchange. @failure is complete but for the charge. */
void exchange_never_began(const struct transport_call *call, const struct failure *failure,
                          struct transport_result *ret_result);

#endif
