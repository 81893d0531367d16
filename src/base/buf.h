/* SPDX-License-Identifier: MIT
 *
 * A byte buffer that grows up to a maximum given when it is made. It is always followed by a NUL,
 * so that its data can be read as a C string.
 */
#ifndef EASELFS_BASE_BUF_H
#define EASELFS_BASE_BUF_H

#include <stddef.h>
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/log.h"

struct buf {
    char *data;    /* NULL until the first byte; owned */
    size_t length; /* bytes used, without the NUL */
    size_t size;   /* bytes allocated */
    size_t max;    /* length never exceeds this */
};

/** Make an empty buffer that holds at most @max bytes. Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

/** Free the data. The buffer may be used again, with the same maximum. */
void buf_fini(struct buf *buf);

/** Drop the content, keep the memory. */
void buf_clear(struct buf *buf);

/**
 * Append @length bytes.
 *
 * @return 0, -ENOMEM, or -EFBIG where the maximum would be passed (then nothing was appended).
 */
int buf_append(struct buf *buf, const void *data, size_t length);

/** Append a C string. Errors as buf_append(). */
int buf_append_text(struct buf *buf, const char *text);

/** Append formatted text. Errors as buf_append(). */
int buf_printf(struct buf *buf, const char *format, ...) printf_like_(2, 3);
int buf_vprintf(struct buf *buf, const char *format, va_list arguments) printf_like_(2, 0);

/** Append @text for a part of a URL: what RFC 3986 does not call unreserved as "%XX". */
int buf_append_escaped(struct buf *buf, const char *text);

/** The content as a C string; "" where there is none. Valid until the next change. */
const char *buf_text(const struct buf *buf);

/** Take the content out: the caller frees it. NULL where nothing was ever appended. */
char *buf_steal(struct buf *buf);

#define cleanup_buf cleanup_(buf_fini)

#endif
