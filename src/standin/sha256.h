/* SPDX-License-Identifier: MIT
 *
 * SHA-256 (FIPS 180-4) of bytes in memory. Names what was received in the log and picks the colours
 * of a painting; nothing secret depends on it.
 */
#ifndef STANDIN_SHA256_H
#define STANDIN_SHA256_H

#include <stddef.h>

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* with the NUL */

/** The digest of @length bytes. */
void sha256_digest(const void *data, size_t length, unsigned char digest[SHA256_SIZE]);

/** The same as lower-case hexadecimal text. */
void sha256_hex(const void *data, size_t length, char hex[SHA256_HEX_SIZE]);

#endif
