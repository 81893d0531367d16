/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SIZE 128

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Make room for @extra more bytes and the NUL. */
static int reserve(struct buf *buf, size_t extra)
{
    size_t size = buf->size ? buf->size : FIRST_SIZE;
    char *data;

    if (extra > buf->max - buf->length)
        return -EFBIG;
    if (buf->length + extra < buf->size)
        return 0;
    while (size <= buf->length + extra)
        size *= 2;
    data = realloc(buf->data, size);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->size = size;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t length)
{
    int error = reserve(buf, length);

    if (error)
        return error;
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
    return 0;
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

/* Most texts fit into the room that is there; where one does not, it is formatted again. */
int buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
    size_t room = buf->size ? buf->size - buf->length : 0;
    va_list again;
    int length;
    int error;

    va_copy(again, arguments);
    length = vsnprintf(room ? buf->data + buf->length : NULL, room, format, again);
    va_end(again);
    error = length < 0 ? -EINVAL : reserve(buf, (size_t)length);
    if (error) {
        if (room)
            buf->data[buf->length] = '\0';
        return error;
    }
    if ((size_t)length >= room)
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, arguments);
    buf->length += (size_t)length;
    return 0;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    int error;

    va_start(arguments, format);
    error = buf_vprintf(buf, format, arguments);
    va_end(arguments);
    return error;
}

int buf_append_escaped(struct buf *buf, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    int error = 0;

    while (*text && !error) {
        size_t length = strspn(text, unreserved);

        error = buf_append(buf, text, length);
        text += length;
        if (*text && !error)
            error = buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text++);
    }
    return error;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_steal(struct buf *buf)
{
    char *data = buf->data;

    buf_init(buf, buf->max);
    return data;
}
