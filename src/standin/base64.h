/* SPDX-License-Identifier: MIT
 *
 * Base64: read by the letter (RFC 4648 section 4: alphabet, padding, zero rest bits), written in
 * every spelling that JSON writers and gateways have been seen to use.
 */
#ifndef STANDIN_BASE64_H
#define STANDIN_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "standin/body.h"

/**
 * Decode @length characters.
 *
 * @return 0; -EINVAL where they are not strict base64; -ENOMEM.
 */
int base64_decode(const char *text, size_t length, struct blob **ret_bytes);

/**
 * Encode @bytes for the inside of a JSON string.
 *
 * @param spelling  bits of enum base64_word, 0 for plain.
 * @return 0 or -ENOMEM.
 */
int base64_spell(const struct blob *bytes, int64_t spelling, struct blob **ret_text);

#endif
