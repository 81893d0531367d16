/* SPDX-License-Identifier: MIT
 *
 * Text from a server made fit for a sentence: one line of printable UTF-8 without markup, JSON or
 * the key. Private to api/.
 */
#ifndef EASELFS_API_PLAIN_H
#define EASELFS_API_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes that a server's words may take up in a sentence, with the NUL. */
#define PLAIN_SIZE 480

/**
 * Copy @text, @length bytes, to @to, @size bytes with the NUL. White space and what is not
 * printable become single spaces, tags are dropped, @key is replaced by "[key]" however it
 * is written (base/redact.h), and the text ends
 * where JSON begins. A text that does not fit is cut at a character and ends with "...".
 *
 * @param key NULL or "": none.
 */
void plain_copy(const char *text, size_t length, const char *key, char *to, size_t size);

/**
 * Whether @text is an HTML page; then its title is looked for.
 *
 * @param ret_title points into @text; the length is 0 where there is none.
 */
bool plain_html_title(const char *text, size_t length, const char **ret_title,
                      size_t *ret_title_length);

/** Like strstr(3), but with a length, and in ASCII upper and lower case are the same. */
const char *plain_find(const char *text, size_t length, const char *sought);

#endif
