/* SPDX-License-Identifier: MIT
 *
 * The options of an easy handle: what this program asks of libcurl, and what it forbids. All rules
 * of API.md, sections 1 and 5, that are an option stand in exchange_setup.c.
 */
#ifndef EASELFS_NET_EXCHANGE_SETUP_H
#define EASELFS_NET_EXCHANGE_SETUP_H

#include <curl/curl.h>

#include "base/failure.h"
#include "net/exchange.h"

/**
 * Set all options of @easy but the URL, the callbacks and the total time-out.
 *
 * @ret_headers  written on success; the caller frees the list once @easy is gone
 *
 * @return 0, -ENOMEM, or -EINVAL where a header line cannot be one.
 */
int exchange_setup(CURL *easy, const struct exchange_settings *settings,
                   const struct transport_call *call, struct curl_slist **ret_headers,
                   struct failure *failure);

#endif
