/* SPDX-License-Identifier: MIT
 *
 * Finding the prompt in a request's body of which only the beginning has come: for the two faults
 * that happen before the rest comes (reset_mid_body_upload and early_answer).
 */
#ifndef STANDIN_EARLY_H
#define STANDIN_EARLY_H

#include <stdbool.h>
#include <stddef.h>

#define EARLY_MAX_BYTES (256 << 10) /* of a body that are looked through */

/**
 * Find the JSON string that holds a token with one of the two faults.
 *
 * @return the string's text, to be freed; NULL where there is none, or not all of it has come.
 */
char *early_text(const char *body, size_t length);

/** Whether @list, the text of a directive list, names one of the two faults. */
bool early_is_named(const char *list, size_t length);

#endif
