/* SPDX-License-Identifier: MIT */
#include "api/lift_internal.h"
#include "base/text.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void lift_string_start(struct lift *lift, bool is_key)
{
    lift->state = is_key ? LIFT_IN_KEY : LIFT_IN_STRING;
    lift->pending_length = 0;
    lift->target = LIFT_TO_PENDING;
    lift->is_marked = false;
    lift->escape = LIFT_PLAIN;
    lift->high = 0;
}

static int write_replacement(struct lift *lift)
{
    return lift_text_write(lift, replacement, sizeof(replacement) - 1);
}

static int write_code(struct lift *lift, unsigned code)
{
    char text[4];
    size_t length = 0;

    if (code < 0x80) {
        text[length++] = (char)code;
    } else if (code < 0x800) {
        text[length++] = (char)(0xc0 | code >> 6);
        text[length++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        text[length++] = (char)(0xe0 | code >> 12);
        text[length++] = (char)(0x80 | (code >> 6 & 0x3f));
        text[length++] = (char)(0x80 | (code & 0x3f));
    } else {
        text[length++] = (char)(0xf0 | code >> 18);
        text[length++] = (char)(0x80 | (code >> 12 & 0x3f));
        text[length++] = (char)(0x80 | (code >> 6 & 0x3f));
        text[length++] = (char)(0x80 | (code & 0x3f));
    }
    return lift_text_write(lift, text, length);
}

/* Something else than its other half came after a high surrogate. */
static int drop_high(struct lift *lift)
{
    if (!lift->high)
        return 0;
    lift->high = 0;
    return write_replacement(lift);
}

/* All four digits of \uXXXX are there. */
static int end_hex(struct lift *lift)
{
    unsigned code = lift->hex_code;
    unsigned high = lift->high;
    bool is_low = code >= 0xdc00 && code <= 0xdfff;
    int error;

    lift->escape = LIFT_PLAIN;
    if (high && is_low) {
        lift->high = 0;
        return write_code(lift, 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00));
    }
    error = drop_high(lift);
    if (error)
        return error;
    if (code >= 0xd800 && code <= 0xdbff) {
        lift->high = code;
        return 0;
    }
    return is_low || !code ? write_replacement(lift) : write_code(lift, code);
}

/* Take one more digit; what is none ends the escape as an invalid one and is looked at again. */
static int feed_hex(struct lift *lift, const char **text)
{
    int value = text_hex_digit(**text);
    int error;

    if (value < 0) {
        lift->escape = LIFT_PLAIN;
        error = drop_high(lift);
        return error ? error : write_replacement(lift);
    }
    (*text)++;
    lift->hex_code = lift->hex_code << 4 | (unsigned)value;
    return ++lift->hex_digits < 4 ? 0 : end_hex(lift);
}

/* The character that @c stands for, or 0. */
static char unescape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

static int feed_backslash(struct lift *lift, const char **text)
{
    char c = unescape(**text);
    int error;

    if (**text == 'u') {
        (*text)++;
        lift->escape = LIFT_HEX;
        lift->hex_digits = 0;
        lift->hex_code = 0;
        return 0;
    }
    lift->escape = LIFT_PLAIN;
    error = drop_high(lift);
    if (error)
        return error;
    if (!c)
        return write_replacement(lift);
    (*text)++;
    return lift_text_write(lift, &c, 1);
}

/* How many bytes stand for themselves. */
static size_t plain_length(const char *text, const char *end)
{
    const char *c = text;

    while (c < end && *c != '"' && *c != '\\' && *c)
        c++;
    return (size_t)(c - text);
}

/* Take bytes that are in no escape. @param ended set where the closing quote was taken */
static int feed_plain(struct lift *lift, const char **text, const char *end, bool *ended)
{
    size_t length = 0;
    int error = 0;

    if (lift->target == LIFT_TO_BYTES && !lift->high)
        error = lift_text_decode(lift, *text, (size_t)(end - *text), &length);
    *text += length;
    if (error || length)
        return error;
    if (**text == '\\') {
        (*text)++;
        lift->escape = LIFT_BACKSLASH;
        return 0;
    }
    error = drop_high(lift);
    if (error)
        return error;
    if (**text == '"' || !**text) {
        *ended = **text == '"';
        (*text)++;
        return *ended ? 0 : write_replacement(lift);
    }
    length = plain_length(*text, end);
    error = lift_text_write(lift, *text, length);
    *text += length;
    return error;
}

int lift_string_feed(struct lift *lift, const char **text, const char *end)
{
    bool ended = false;
    int error = 0;

    while (*text < end && !ended && !error) {
        switch (lift->escape) {
        case LIFT_PLAIN:
            error = feed_plain(lift, text, end, &ended);
            break;
        case LIFT_BACKSLASH:
            error = feed_backslash(lift, text);
            break;
        case LIFT_HEX:
            error = feed_hex(lift, text);
            break;
        }
    }
    return error || !ended ? error : lift_text_end(lift);
}
