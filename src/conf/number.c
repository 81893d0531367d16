/* SPDX-License-Identifier: MIT */
#include "conf/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && is_digit(text[count]))
        count++;
    return count;
}

/* The value of @length digits; INT64_MAX where it is that or more. */
static int64_t digits_value(const char *text, size_t length)
{
    int64_t value = 0;

    for (size_t i = 0; i < length; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[i] - '0', &value))
            return INT64_MAX;
    }
    return value;
}

int number_parse(const char *text, size_t length, int64_t low, int64_t high, int64_t *ret_value)
{
    bool negative = length && text[0] == '-';
    const char *digits = text + negative;
    size_t count = length - negative;
    int64_t value;

    if (!count || count_digits(digits, count) != count)
        return -EINVAL;
    value = digits_value(digits, count);
    if (value == INT64_MAX)
        return -ERANGE;
    if (negative)
        value = -value;
    if (value < low || value > high)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

/* The value of the decimals behind the point, in millionths. */
static int parse_decimals(const char *text, size_t length, int64_t *ret_millionths)
{
    int64_t value = 0;
    int64_t unit = NUMBER_ONE / 10;

    for (size_t i = 0; i < length; i++) {
        if (i >= NUMBER_DECIMALS && text[i] != '0')
            return -EINVAL;
        value += unit * (text[i] - '0');
        unit /= 10;
    }
    *ret_millionths = value;
    return 0;
}

int number_parse_decimal(const char *text, size_t length, int64_t high, int64_t *ret_millionths)
{
    size_t whole = count_digits(text, length);
    size_t point = whole < length && text[whole] == '.';
    const char *decimals = text + whole + point;
    size_t count = count_digits(decimals, length - whole - point);
    int64_t fraction;
    int64_t value;

    if (whole + point + count != length || whole + count == 0 || (point && count == 0))
        return -EINVAL;
    if (parse_decimals(decimals, count, &fraction) < 0)
        return -EINVAL;
    value = digits_value(text, whole);
    if (__builtin_mul_overflow(value, NUMBER_ONE, &value) ||
        __builtin_add_overflow(value, fraction, &value) || value > high)
        return -ERANGE;
    *ret_millionths = value;
    return 0;
}

void number_format_decimal(int64_t millionths, char text[NUMBER_TEXT_SIZE])
{
    int length = snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64 ".%06" PRId64, millionths / NUMBER_ONE,
                          millionths % NUMBER_ONE);

    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
}

static const struct {
    char letter;
    int shift;
} suffixes[] = {{'G', 30}, {'M', 20}, {'K', 10}};

#define SUFFIX_COUNT (sizeof(suffixes) / sizeof(suffixes[0]))

/* Bits to shift by for "", "K", "KB", "KiB" and so on; negative where it is none of them. */
static int parse_suffix(const char *text, size_t length)
{
    if (length == 0)
        return 0;
    if (!(length == 1 || (length == 2 && strncasecmp(text + 1, "B", 1) == 0) ||
          (length == 3 && strncasecmp(text + 1, "iB", 2) == 0)))
        return -EINVAL;
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        if (strncasecmp(text, &suffixes[i].letter, 1) == 0)
            return suffixes[i].shift;
    }
    return -EINVAL;
}

int number_parse_bytes(const char *text, size_t length, int64_t low, int64_t high,
                       int64_t *ret_value)
{
    size_t digits = count_digits(text, length);
    int shift = parse_suffix(text + digits, length - digits);
    int64_t value;

    if (!digits || shift < 0)
        return -EINVAL;
    value = digits_value(text, digits);
    if (__builtin_mul_overflow(value, (int64_t)1 << shift, &value) || value < low || value > high)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

void number_format_bytes(int64_t bytes, char text[NUMBER_TEXT_SIZE])
{
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        int64_t unit = (int64_t)1 << suffixes[i].shift;

        if (bytes && bytes % unit == 0) {
            snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64 "%c", bytes / unit, suffixes[i].letter);
            return;
        }
    }
    snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64, bytes);
}
