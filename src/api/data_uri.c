/* SPDX-License-Identifier: MIT */
#include "api/data_uri.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool begins_with(const char *text, size_t length, const char *expected)
{
    return length >= strlen(expected) && !strncasecmp(text, expected, strlen(expected));
}

static char to_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_mime_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$&^_.+-/", c));
}

void data_uri_copy_mime(const char *text, size_t length, char mime[LIFT_MIME_SIZE])
{
    mime[0] = '\0';
    if (length >= LIFT_MIME_SIZE || !memchr(text, '/', length))
        return;
    for (size_t i = 0; i < length; i++) {
        mime[i] = to_lower(text[i]);
        if (!is_mime_character(mime[i])) {
            mime[0] = '\0';
            return;
        }
    }
    mime[length] = '\0';
}

size_t data_uri_prefix(const char *text, size_t length, char mime[LIFT_MIME_SIZE])
{
    static const char encoding[] = ";base64";
    const char *start = text;
    const char *end = text + (length < DATA_URI_PREFIX_MAX ? length : DATA_URI_PREFIX_MAX);
    const char *comma;
    const char *semicolon;

    while (start < end && *start && strchr(" \t\r\n", *start))
        start++;
    if (!begins_with(start, (size_t)(end - start), "data:"))
        return 0;
    start += strlen("data:");
    comma = memchr(start, ',', (size_t)(end - start));
    if (!comma || (size_t)(comma - start) < strlen(encoding) ||
        !begins_with(comma - strlen(encoding), strlen(encoding), encoding))
        return 0;
    semicolon = memchr(start, ';', (size_t)(comma - start));
    data_uri_copy_mime(start, (size_t)(semicolon - start), mime);
    return (size_t)(comma + 1 - text);
}
