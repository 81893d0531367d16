/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void the_longest_prefix_that_is_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t length, valid;
    } rows[] = {
        {"", 0, 0},
        {"abc", 3, 3},
        {"a\0b", 3, 1},
        {"\x01\x7f", 2, 2},
        {"\xc2\x80\xdf\xbf", 4, 4},
        {"\xc1\xbf", 2, 0}, /* overlong */
        {"\xc0\x80", 2, 0}, /* overlong NUL */
        {"\xe0\xa0\x80", 3, 3},
        {"\xe0\x9f\xbf", 3, 0}, /* overlong */
        {"\xed\x9f\xbf", 3, 3}, /* the last before the surrogates */
        {"\xed\xa0\x80", 3, 0}, /* the first surrogate */
        {"\xee\x80\x80", 3, 3}, /* the first behind them */
        {"\xef\xbf\xbf", 3, 3},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, 0}, /* one above */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\x80", 1, 0},
        {"\xff", 1, 0},
        {"ab\xe2\x82", 4, 2}, /* cut off */
        {"ab\xe2\x82z", 5, 2},
        {"\xe2\x82\xac", 2, 0}, /* the length ends inside */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_utf8_prefix(rows[i].text, rows[i].length), rows[i].valid);
}

static void what_may_begin_a_longer_sequence(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        bool incomplete;
    } rows[] = {
        {"", 0, false},         {"a", 1, false},        {"\xc2", 1, true},
        {"\xc2\x80", 2, false}, {"\xe2", 1, true},      {"\xe2\x82", 2, true},
        {"\xe2\x41", 2, false}, {"\xe0\x9f", 2, false}, {"\xf0\x9f\x98", 3, true},
        {"\xf4\x90", 2, false}, {"\x80", 1, false},     {"\xc1", 1, false},
        {"\xf5", 1, false},     {"\0", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_utf8_is_incomplete(rows[i].text, rows[i].length), rows[i].incomplete);
}

static void blank_texts(void **state)
{
    (void)state;
    assert_true(text_is_blank("", 0));
    assert_true(text_is_blank(" \t\r\n\v\f", 6));
    assert_false(text_is_blank(" a", 2));
    assert_false(text_is_blank("\0", 1));
    assert_false(text_is_blank("\xc2\xa0", 2)); /* a no-break space is something */
    assert_true(text_is_blank(" a", 1));
}

static void text_made_printable(void **state)
{
    static const struct {
        const char *text, *printable;
    } rows[] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"\x1b[31mred\r\x07", "?[31mred??"},
        {"\x7f\x01\x1f", "???"},
        {"\xc2\x9b"
         "1m",
         "?1m"},                  /* CSI in eight bits */
        {"\xc2\xa0", "\xc2\xa0"}, /* the first behind C1 */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff\xe2\x82", "???"},
        {"a\xc0\x80z", "a??z"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_free char *text = strdup(rows[i].text);

        assert_non_null(text);
        text_make_printable(text, '?');
        assert_string_equal(text, rows[i].printable);
    }
}

static void text_in_lower_case(void **state)
{
    char text[] = "@AZ[`az{ \xc3\x89 09.X";

    (void)state;
    text_lower(text, strlen(text) - 1);
    assert_string_equal(text, "@az[`az{ \xc3\x89 09.X");
    text_lower(text, strlen(text));
    assert_string_equal(text, "@az[`az{ \xc3\x89 09.x");
}

/* Each name before all that follow, whichever side it stands on. */
static void hexadecimal_digits(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    (void)state;
    for (int c = -128; c < 128; c++) {
        const char *at = c ? strchr(digits, c) : NULL;
        int value = at ? (int)(at - digits) : -1;

        assert_int_equal(text_hex_digit((char)c), value > 15 ? value - 6 : value);
    }
}

static void natural_order(void **state)
{
    static const char *const names[] = {
        "",
        "01",
        "1",
        "2",
        "10",
        "A",
        "a",
        "a0",
        "a00",
        "a1",
        "a1b",
        "a02",
        "a2",
        "a02b1",
        "a2b01",
        "a10",
        "a99999999999999999999998",
        "a99999999999999999999999",
        "b",
        "cat",
        "cat.jpg",
        "cat2",
        "cat2.jpg",
        "cat10",
        "\xc3\xa9",
    };
    size_t count = sizeof(names) / sizeof(names[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(text_natural_compare(names[i], names[i]), 0);
        for (size_t j = i + 1; j < count; j++) {
            assert_true(text_natural_compare(names[i], names[j]) < 0);
            assert_true(text_natural_compare(names[j], names[i]) > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_that_is_utf8),
        cmocka_unit_test(what_may_begin_a_longer_sequence),
        cmocka_unit_test(blank_texts),
        cmocka_unit_test(text_made_printable),
        cmocka_unit_test(text_in_lower_case),
        cmocka_unit_test(hexadecimal_digits),
        cmocka_unit_test(natural_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
