/* SPDX-License-Identifier: MIT
 *
 * A secret taken out of texts. Servers repeat the key that they were sent, in errors, words and
 * links, and not always as it was. Pure; nothing is allocated and no copy of the secret made.
 */
#ifndef EASELFS_BASE_REDACT_H
#define EASELFS_BASE_REDACT_H

#include <stddef.h>

/** A secret that is shorter than this is found only as it is: encoded, it could be anything. */
#define REDACT_ENCODED_MIN 8

/**
 * Whether @text, @length bytes, begins with @secret: as it is; with some or all bytes as %XX; in
 * hexadecimal; or in base64 of either alphabet, with the up to two characters left out that it
 * shares with what is encoded before and after it.
 *
 * @secret  NULL or "": nothing does
 * @return how many bytes that takes up, or 0
 */
size_t redact_match(const char *text, size_t length, const char *secret);

/** Put asterisks in place of @secret wherever it is in the C string @text. Takes NULL for both. */
void redact(char *text, const char *secret);

#endif
