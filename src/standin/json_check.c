/* SPDX-License-Identifier: MIT */
#include "standin/json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct scan {
    const unsigned char *at;
    const unsigned char *end;
    unsigned depth;
    const char *fault; /* the first one; scanning stops there */
};

static bool fail(struct scan *scan, const char *fault)
{
    if (!scan->fault)
        scan->fault = fault;
    return false;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool accept(struct scan *scan, unsigned char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

/* One UTF-8 sequence of two to four bytes: the well-formed ones of Unicode's table 3-7. */
static bool utf8_sequence(struct scan *scan)
{
    unsigned char lead = *scan->at;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (lead < 0xc2 || lead > 0xf4 || (size_t)(scan->end - scan->at) < length)
        return fail(scan, "invalid UTF-8");
    if (scan->at[1] < low || scan->at[1] > high)
        return fail(scan, "invalid UTF-8");
    for (size_t i = 2; i < length; i++)
        if (scan->at[i] < 0x80 || scan->at[i] > 0xbf)
            return fail(scan, "invalid UTF-8");
    scan->at += length;
    return true;
}

static bool hex4(struct scan *scan, unsigned *ret_value)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        unsigned char byte;

        if (scan->at == scan->end)
            return fail(scan, "the string is not closed");
        byte = *scan->at;
        if (byte >= '0' && byte <= '9')
            value = value << 4 | (unsigned)(byte - '0');
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
            value = value << 4 | (unsigned)((byte | 0x20) - 'a' + 10);
        else
            return fail(scan, "a bad \\u escape");
        scan->at++;
    }
    *ret_value = value;
    return true;
}

/* After `\u`. */
static bool unicode_escape(struct scan *scan)
{
    unsigned value;
    unsigned second;

    if (!hex4(scan, &value))
        return false;
    if (value == 0)
        return fail(scan, "the character U+0000");
    if (value < 0xd800 || value > 0xdfff)
        return true;
    if (value > 0xdbff || !accept(scan, '\\') || !accept(scan, 'u'))
        return fail(scan, "a lone surrogate");
    if (!hex4(scan, &second))
        return false;
    if (second < 0xdc00 || second > 0xdfff)
        return fail(scan, "a lone surrogate");
    return true;
}

static bool escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return fail(scan, "the string is not closed");
    if (*scan->at == 'u') {
        scan->at++;
        return unicode_escape(scan);
    }
    if (!*scan->at || !strchr("\"\\/bfnrt", *scan->at))
        return fail(scan, "a bad escape");
    scan->at++;
    return true;
}

static bool string(struct scan *scan)
{
    if (!accept(scan, '"'))
        return fail(scan, "a string is expected");
    while (scan->at < scan->end) {
        unsigned char byte = *scan->at;

        if (byte == '"') {
            scan->at++;
            return true;
        }
        if (byte < 0x20)
            return fail(scan, "a raw control character");
        if (byte >= 0x80) {
            if (!utf8_sequence(scan))
                return false;
            continue;
        }
        scan->at++;
        if (byte == '\\' && !escape(scan))
            return false;
    }
    return fail(scan, "the string is not closed");
}

static bool digits(struct scan *scan)
{
    const unsigned char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start ? true : fail(scan, "a digit is expected");
}

static bool number(struct scan *scan)
{
    accept(scan, '-');
    if (!accept(scan, '0') && !digits(scan))
        return false;
    if (accept(scan, '.') && !digits(scan))
        return false;
    if (accept(scan, 'e') || accept(scan, 'E')) {
        if (!accept(scan, '+'))
            accept(scan, '-');
        return digits(scan);
    }
    return true;
}

static bool literal(struct scan *scan, const char *name)
{
    size_t length = strlen(name);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, name, length) != 0)
        return fail(scan, "a value is expected");
    scan->at += length;
    return true;
}

static bool value(struct scan *scan);

/* The rest of an object or array, up to @close. Recursion ends at JSON_CHECK_MAX_DEPTH. */
static bool members(struct scan *scan, unsigned char close)
{
    if (++scan->depth > JSON_CHECK_MAX_DEPTH)
        return fail(scan, "nested too deeply");
    skip_space(scan);
    if (!accept(scan, close)) {
        do {
            skip_space(scan);
            if (close == '}') {
                if (!string(scan))
                    return false;
                skip_space(scan);
                if (!accept(scan, ':'))
                    return fail(scan, "a colon is expected");
            }
            if (!value(scan))
                return false;
            skip_space(scan);
        } while (accept(scan, ','));
        if (!accept(scan, close))
            return fail(scan, "a comma or the end is expected");
    }
    scan->depth--;
    return true;
}

static bool value(struct scan *scan)
{
    skip_space(scan);
    if (scan->at == scan->end)
        return fail(scan, "a value is expected");
    switch (*scan->at) {
    case '{':
        scan->at++;
        return members(scan, '}');
    case '[':
        scan->at++;
        return members(scan, ']');
    case '"':
        return string(scan);
    case 't':
        return literal(scan, "true");
    case 'f':
        return literal(scan, "false");
    case 'n':
        return literal(scan, "null");
    default:
        return number(scan);
    }
}

const char *json_check(const char *text, size_t length, size_t *ret_offset)
{
    struct scan scan = {.at = (const unsigned char *)text,
                        .end = (const unsigned char *)text + length};

    if (value(&scan)) {
        skip_space(&scan);
        if (scan.at != scan.end)
            fail(&scan, "something follows the end");
    }
    if (scan.fault)
        *ret_offset = (size_t)((const char *)scan.at - text);
    return scan.fault;
}
