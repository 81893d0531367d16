/* SPDX-License-Identifier: MIT
 *
 * A growing string with a maximum, for log lines, error bodies and the JSON between the pictures.
 * Errors are sticky: after the first one nothing is appended any more and `error` says why, so that
 * a writer of fifty lines is checked once, at its end. It knows JSON's string escapes and nothing
 * else of any format.
 */
#ifndef STANDIN_TEXT_H
#define STANDIN_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct text {
    char *data;    /* NUL-terminated; NULL until the first byte; owned */
    size_t length; /* bytes used, without the NUL */
    size_t size;   /* bytes allocated */
    size_t max;    /* length never exceeds this */
    int error;     /* 0, -ENOMEM or -EFBIG; sticky */
};

/** Make an empty string of at most @max bytes. Allocates nothing. */
void text_init(struct text *text, size_t max);

/** Free the content. The string may be used again, with the same maximum. */
void text_fini(struct text *text);

/** Append @length bytes. */
void text_add(struct text *text, const void *data, size_t length);

/** Append a C string. */
void text_puts(struct text *text, const char *string);

/** Append formatted text. */
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/** Append @string escaped for the inside of a JSON string. */
void text_escape(struct text *text, const char *string);

/** Append @string as a JSON string with its quotes. NULL becomes `null`. */
void text_json(struct text *text, const char *string);

/** Take the content out: the caller frees it. "" where nothing was appended; NULL after an error.
 */
char *text_steal(struct text *text);

#endif
