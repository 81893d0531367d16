/* SPDX-License-Identifier: MIT
 *
 * The beginning of a data: URI (RFC 2397) whose data is base64. Private to api/.
 */
#ifndef EASELFS_API_DATA_URI_H
#define EASELFS_API_DATA_URI_H

#include <stddef.h>

#include "api/lift.h"

/** A prefix is never longer. */
#define DATA_URI_PREFIX_MAX 256

/**
 * Whether @text begins with `data:[MIME][;PARAMETERS];base64,` in upper or lower case, white space
 * before it included.
 *
 * @param mime set to MIME in lower case; "" where there is none or where it is not well-formed.
 *        Only written where the prefix is there.
 * @return the length of the prefix, or 0.
 */
size_t data_uri_prefix(const char *text, size_t length, char mime[LIFT_MIME_SIZE]);

/** Copy @text, @length bytes, to @mime in lower case; "" where it is no MIME type or too long. */
void data_uri_copy_mime(const char *text, size_t length, char mime[LIFT_MIME_SIZE]);

#endif
