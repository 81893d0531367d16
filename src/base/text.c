/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

struct utf8_form {
    unsigned char first_low, first_high;   /* range of the lead byte */
    unsigned char second_low, second_high; /* range of the byte after it */
    unsigned char length;
};

/* RFC 3629, section 4, the ABNF as a table. */
static const struct utf8_form utf8_forms[] = {
    {0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct utf8_form *find_form(unsigned char first)
{
    for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(utf8_forms[0]); i++) {
        if (first >= utf8_forms[i].first_low && first <= utf8_forms[i].first_high)
            return &utf8_forms[i];
    }
    return NULL;
}

/* How many of @length bytes fit @form, at most the form's own length. */
static size_t match_form(const struct utf8_form *form, const unsigned char *bytes, size_t length)
{
    size_t matched = 1;

    while (matched < form->length && matched < length) {
        unsigned char low = matched == 1 ? form->second_low : 0x80;
        unsigned char high = matched == 1 ? form->second_high : 0xbf;
        if (bytes[matched] < low || bytes[matched] > high)
            break;
        matched++;
    }
    return matched;
}

size_t text_utf8_prefix(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t done = 0;

    while (done < length) {
        const struct utf8_form *form = find_form(bytes[done]);
        if (!form || match_form(form, bytes + done, length - done) < form->length)
            break;
        done += form->length;
    }
    return done;
}

bool text_utf8_is_incomplete(const char *text, size_t length)
{
    const struct utf8_form *form = length ? find_form((unsigned char)text[0]) : NULL;

    return form && length < form->length &&
           match_form(form, (const unsigned char *)text, length) == length;
}

bool text_is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!strchr(" \t\r\n\v\f", text[i]) || text[i] == '\0')
            return false;
    }
    return true;
}

static bool is_control(const unsigned char *bytes, size_t length)
{
    if (length == 1)
        return (bytes[0] < 0x20 && bytes[0] != '\t' && bytes[0] != '\n') || bytes[0] == 0x7f;
    return length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

void text_make_printable(char *text, char replacement)
{
    unsigned char *from = (unsigned char *)text;
    unsigned char *to = from;
    size_t left = strlen(text);

    while (left) {
        const struct utf8_form *form;
        size_t length;
        bool valid;

        if (*from >= 0x20 && *from < 0x7f) { /* nearly all there is */
            *to++ = *from++;
            left--;
            continue;
        }
        form = find_form(*from);
        length = form ? form->length : 1;
        valid = form && match_form(form, from, left) == length;

        if (!valid)
            length = 1;
        if (!valid || is_control(from, length)) {
            *to++ = (unsigned char)replacement;
        } else {
            memmove(to, from, length);
            to += length;
        }
        from += length;
        left -= length;
    }
    *to = '\0';
}

void text_lower(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Compare two runs of digits by value; both are moved to their ends. */
static int compare_numbers(const char **left, const char **right)
{
    const char *a = *left;
    const char *b = *right;
    size_t a_length = 0;
    size_t b_length = 0;

    a += strspn(a, "0");
    b += strspn(b, "0");
    while (is_digit(a[a_length]))
        a_length++;
    while (is_digit(b[b_length]))
        b_length++;
    *left = a + a_length;
    *right = b + b_length;
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return memcmp(a, b, a_length);
}

int text_natural_compare(const char *left, const char *right)
{
    const char *a = left;
    const char *b = right;

    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            int order = compare_numbers(&a, &b);
            if (order)
                return order;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    if ((unsigned char)*a != (unsigned char)*b)
        return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    return strcmp(left, right);
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
