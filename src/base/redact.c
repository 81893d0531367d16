/* SPDX-License-Identifier: MIT */
#include "base/redact.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

static bool is_hex_of(const char *digits, char c)
{
    int high = text_hex_digit(digits[0]);

    return high >= 0 && (high << 4 | text_hex_digit(digits[1])) == (unsigned char)c;
}

/* @return 0 to 63, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static size_t match_escaped(const char *text, size_t length, const char *secret, bool escapes)
{
    size_t at = 0;

    for (; *secret; secret++) {
        if (at < length && text[at] == *secret)
            at++;
        else if (escapes && length - at >= 3 && text[at] == '%' &&
                 is_hex_of(text + at + 1, *secret))
            at += 3;
        else
            return 0;
    }
    return at;
}

static size_t match_hex(const char *text, size_t length, const char *secret, size_t secret_length)
{
    if (length / 2 < secret_length)
        return 0;
    for (size_t i = 0; i < secret_length; i++) {
        if (!is_hex_of(text + 2 * i, secret[i]))
            return 0;
    }
    return 2 * secret_length;
}

/* The six bits at @bit of @secret. */
static int six_bits(const char *secret, size_t secret_length, size_t bit)
{
    size_t byte = bit / 8;
    unsigned high = (unsigned char)secret[byte];
    unsigned low = byte + 1 < secret_length ? (unsigned char)secret[byte + 1] : 0;

    return (int)((high << 8 | low) >> (10 - bit % 8) & 0x3f);
}

/* @bit: where in the secret the first character begins that has nothing else in it. */
static size_t match_base64(const char *text, size_t length, const char *secret,
                           size_t secret_length, size_t bit)
{
    size_t count = 0;

    for (; bit + 6 <= 8 * secret_length; bit += 6, count++) {
        if (count == length || sextet(text[count]) != six_bits(secret, secret_length, bit))
            return 0;
    }
    return count;
}

size_t redact_match(const char *text, size_t length, const char *secret)
{
    size_t secret_length = secret ? strlen(secret) : 0;
    bool encoded = secret_length >= REDACT_ENCODED_MIN;
    size_t matched = 0;

    if (!secret_length)
        return 0;
    matched = match_escaped(text, length, secret, encoded);
    if (!matched && encoded)
        matched = match_hex(text, length, secret, secret_length);
    for (size_t bit = 0; !matched && encoded && bit <= 4; bit += 2)
        matched = match_base64(text, length, secret, secret_length, bit);
    return matched;
}

void redact(char *text, const char *secret)
{
    size_t length = text ? strlen(text) : 0;
    size_t matched;

    for (size_t i = 0; secret && i < length; i += matched ? matched : 1) {
        matched = redact_match(text + i, length - i, secret);
        memset(text + i, '*', matched);
    }
}
