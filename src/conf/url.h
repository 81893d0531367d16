/* SPDX-License-Identifier: MIT
 *
 * The base URL of the API: what it may be, and the one form in which the rest of the program sees
 * it. Pure: no I/O, nothing is resolved.
 */
#ifndef EASELFS_CONF_URL_H
#define EASELFS_CONF_URL_H

#include <stdbool.h>

#include "base/failure.h"

/** The longest base URL. */
#define URL_MAX_BYTES 1024

/** The vendor whose API is spoken where nothing is configured. */
extern const char url_default[];

/**
 * Check a base URL and bring it into its normal form: "https://host[:port][/path]", scheme and host
 * in lower case, without a trailing "/", "/v1beta" or default port.
 *
 * Refused: any scheme but https, and http where the host is not this machine and @allow_http is
 * false; user, password, query and fragment (a key in a URL ends up in logs and process lists);
 * blanks, control characters, "." and ".." in the path. Sentences never quote the URL's query or
 * user, as a key may be in them.
 *
 * @ret_url  written on success; the caller frees it
 *
 * @return 0, -EINVAL with a sentence, or -ENOMEM.
 */
int url_normalise(const char *text, bool allow_http, char **ret_url, struct failure *failure);

/** Whether the host of a normal URL is this machine: localhost, 127.0.0.0/8 or ::1. */
bool url_is_loopback(const char *url);

/** Whether the host of a normal URL is Google's own: under googleapis.com. */
bool url_is_google(const char *url);

#endif
