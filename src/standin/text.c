/* SPDX-License-Identifier: MIT */
#include "standin/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

void text_init(struct text *text, size_t max)
{
    *text = (struct text){.max = max};
}

void text_fini(struct text *text)
{
    free(text->data);
    text_init(text, text->max);
}

/* Make room for @extra more bytes and the NUL. */
static int reserve(struct text *text, size_t extra)
{
    size_t size = text->size ? text->size : FIRST_SIZE;
    char *data;

    if (text->error)
        return text->error;
    if (extra > text->max - text->length)
        return text->error = -EFBIG;
    if (text->data && text->length + extra < text->size)
        return 0;
    while (size <= text->length + extra)
        size *= 2;
    data = realloc(text->data, size);
    if (!data)
        return text->error = -ENOMEM;
    text->data = data;
    text->size = size;
    return 0;
}

void text_add(struct text *text, const void *data, size_t length)
{
    if (reserve(text, length))
        return;
    if (length)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_vprintf(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0 || reserve(text, (size_t)length))
        return;
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    text->length += (size_t)length;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vprintf(text, format, arguments);
    va_end(arguments);
}

void text_escape(struct text *text, const char *string)
{
    static const char short_escapes[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                         ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    const char *plain = string; /* start of what needs no escape */

    for (; *string; string++) {
        unsigned char byte = (unsigned char)*string;

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        text_add(text, plain, (size_t)(string - plain));
        plain = string + 1;
        if (byte < sizeof(short_escapes) && short_escapes[byte])
            text_printf(text, "\\%c", short_escapes[byte]);
        else
            text_printf(text, "\\u%04x", byte);
    }
    text_add(text, plain, (size_t)(string - plain));
}

void text_json(struct text *text, const char *string)
{
    if (!string) {
        text_puts(text, "null");
        return;
    }
    text_puts(text, "\"");
    text_escape(text, string);
    text_puts(text, "\"");
}

char *text_steal(struct text *text)
{
    char *data;

    if (!text->data)
        text_add(text, "", 0);
    data = text->error ? NULL : text->data;
    if (!data)
        free(text->data);
    text_init(text, text->max);
    return data;
}
