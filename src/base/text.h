/* SPDX-License-Identifier: MIT
 *
 * Small facts about text: is it UTF-8, is it blank, is it fit to be shown.
 */
#ifndef EASELFS_BASE_TEXT_H
#define EASELFS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Length of the longest prefix of @text that is UTF-8 (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF) and has no NUL.
 */
size_t text_utf8_prefix(const char *text, size_t length);

/** Whether the @length bytes at @text, @length < 4, may begin a longer UTF-8 sequence. */
bool text_utf8_is_incomplete(const char *text, size_t length);

/** Whether there is nothing but spaces, tabs and line ends (true when empty). */
bool text_is_blank(const char *text, size_t length);

/**
 * Replace in place every control character (C0 but tab and newline, DEL, C1 in UTF-8), and every
 * byte that is not UTF-8, with @replacement. The length never grows.
 */
void text_make_printable(char *text, char replacement);

/** ASCII letters to lower case, in place and in every locale alike: for host names. */
void text_lower(char *text, size_t length);

/** The value of a hexadecimal digit of either case, 0 to 15; -1 where @c is none. */
int text_hex_digit(char c);

/**
 * Compare file names as people count: runs of digits by value, so that `cat2` comes before `cat10`.
 * A total order: names that are equal by value are ordered by their bytes.
 */
int text_natural_compare(const char *left, const char *right);

#endif
