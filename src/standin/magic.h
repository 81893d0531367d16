/* SPDX-License-Identifier: MIT
 *
 * What the first bytes say a picture is.
 */
#ifndef STANDIN_MAGIC_H
#define STANDIN_MAGIC_H

#include <stdbool.h>
#include <stddef.h>

/** @return the MIME type as a constant; NULL where it is none that the API takes as a reference. */
const char *magic_mime(const unsigned char *bytes, size_t length);

/** Whether @mime is a label that the API takes. */
bool magic_is_accepted(const char *mime);

#endif
