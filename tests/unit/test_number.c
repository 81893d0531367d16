/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "conf/number.h"

static void integers(void **state)
{
    static const struct {
        const char *text;
        int error;
        int64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"7", 0, 7},
        {"007", 0, 7},
        {"-1", 0, -1},
        {"-0", 0, 0},
        {"100", 0, 100},
        {"101", -ERANGE, 0},
        {"-10", 0, -10},
        {"-11", -ERANGE, 0},
        {"9223372036854775806", -ERANGE, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"99999999999999999999999999", -ERANGE, 0},
        {"-99999999999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 4711;

        assert_int_equal(number_parse(rows[i].text, strlen(rows[i].text), -10, 100, &value),
                         rows[i].error);
        assert_int_equal(value, rows[i].error ? 4711 : rows[i].value);
    }
}

static void integers_end_where_the_length_says(void **state)
{
    int64_t value;

    (void)state;
    assert_int_equal(number_parse("1234", 2, 0, 100, &value), 0);
    assert_int_equal(value, 12);
}

static void decimals(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *normal;
    } rows[] = {
        {"0", 0, "0"},
        {"0.0", 0, "0"},
        {"1", 0, "1"},
        {"1.0", 0, "1"},
        {"01.50", 0, "1.5"},
        {"2", 0, "2"},
        {"2.0000000", 0, "2"},
        {"2.000001", -ERANGE, NULL},
        {"3", -ERANGE, NULL},
        {"99999999999999999999", -ERANGE, NULL},
        {"9223372036854", -ERANGE, NULL},
        {".5", 0, "0.5"},
        {"0.95", 0, "0.95"},
        {"0.000001", 0, "0.000001"},
        {"0.0000001", -EINVAL, NULL},
        {"1.", -EINVAL, NULL},
        {".", -EINVAL, NULL},
        {"", -EINVAL, NULL},
        {"-1", -EINVAL, NULL},
        {"0,5", -EINVAL, NULL},
        {"1e0", -EINVAL, NULL},
        {"nan", -EINVAL, NULL},
        {"1.2.3", -EINVAL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = rows[i].text;
        char normal[NUMBER_TEXT_SIZE];
        int64_t value;

        assert_int_equal(number_parse_decimal(text, strlen(text), 2 * (int64_t)NUMBER_ONE, &value),
                         rows[i].error);
        if (rows[i].error)
            continue;
        number_format_decimal(value, normal);
        assert_string_equal(normal, rows[i].normal);
    }
}

static void sizes_in_bytes(void **state)
{
    static const struct {
        const char *text;
        int error;
        int64_t value;
        const char *normal;
    } rows[] = {
        {"1024", 0, 1024, "1K"},        {"1025", 0, 1025, "1025"},
        {"20M", 0, 20971520, "20M"},    {"20m", 0, 20971520, "20M"},
        {"20MB", 0, 20971520, "20M"},   {"20MiB", 0, 20971520, "20M"},
        {"1536k", 0, 1572864, "1536K"}, {"1024M", 0, 1073741824, "1G"},
        {"2G", 0, 2147483648, "2G"},    {"2147483649", -ERANGE, 0, NULL},
        {"1023", -ERANGE, 0, NULL},     {"9223372036854775807G", -ERANGE, 0, NULL},
        {"20T", -EINVAL, 0, NULL},      {"20 M", -EINVAL, 0, NULL},
        {"20Mx", -EINVAL, 0, NULL},     {"M", -EINVAL, 0, NULL},
        {"-1K", -EINVAL, 0, NULL},      {"", -EINVAL, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = rows[i].text;
        char normal[NUMBER_TEXT_SIZE];
        int64_t value = 0;

        assert_int_equal(number_parse_bytes(text, strlen(text), 1024, 2147483648, &value),
                         rows[i].error);
        assert_int_equal(value, rows[i].value);
        if (rows[i].error)
            continue;
        number_format_bytes(value, normal);
        assert_string_equal(normal, rows[i].normal);
    }
}

static void zero_bytes_have_no_suffix(void **state)
{
    char text[NUMBER_TEXT_SIZE];

    (void)state;
    number_format_bytes(0, text);
    assert_string_equal(text, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(integers_end_where_the_length_says),
        cmocka_unit_test(decimals),
        cmocka_unit_test(sizes_in_bytes),
        cmocka_unit_test(zero_bytes_have_no_suffix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
