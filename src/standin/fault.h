/* SPDX-License-Identifier: MIT
 *
 * Errors as APIs and gateways write them: Google's shape, those of new-api and its like, a CDN's
 * page. Faults of the transport are in transport.h.
 */
#ifndef STANDIN_FAULT_H
#define STANDIN_FAULT_H

#include "standin/answer.h"
#include "standin/directive.h"

/**
 * Write an error with @status as @directives shape it (error, message, code, reason, retry_info,
 * quota, request_id).
 *
 * @param message  the sentence where no directive gives one; NULL for the usual one of @status
 * @param answer   an empty one
 * @return 0 or -ENOMEM.
 */
int fault_write(unsigned status, const char *message, const struct directives *directives,
                struct answer *answer);

/**
 * Write a redirect.
 *
 * @return 0, -ENOMEM, or -EINVAL where a line ends within @location.
 */
int fault_write_redirect(unsigned status, const char *location, struct answer *answer);

/**
 * Add the headers that @directives ask for on any answer (retry_after, request_id, header,
 * content_type).
 *
 * @return 0, -ENOMEM, or -EINVAL where `header` is not "Name: value" or a line ends within it.
 */
int fault_add_headers(const struct directives *directives, struct answer *answer);

#endif
