/* SPDX-License-Identifier: MIT
 *
 * Whether bytes are one JSON text by the letter of RFC 8259: valid UTF-8, no raw control character,
 * no lone surrogate, nothing after the end. cJSON, which then reads them, is lenient in all of
 * these. Two things more are refused, as Google's parser does or because nobody means them: the
 * character U+0000, and nesting deeper than 100.
 */
#ifndef STANDIN_JSON_CHECK_H
#define STANDIN_JSON_CHECK_H

#include <stddef.h>

#define JSON_CHECK_MAX_DEPTH 100

/**
 * Check @length bytes.
 *
 * @param ret_offset  where the first fault is; set on failure.
 * @return NULL where all is well, otherwise what is wrong, as a constant.
 */
const char *json_check(const char *text, size_t length, size_t *ret_offset);

#endif
