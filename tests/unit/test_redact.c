/* SPDX-License-Identifier: MIT
 *
 * A secret is found in texts however it is written, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/redact.h"

#define SECRET "canary-9f27c1d4e8b35a60"
#define STARS  "***********************"

static const struct {
    const char *text;
    const char *redacted;
} cases[] = {
    {"", ""},
    {"A cat.", "A cat."},
    {SECRET, STARS},
    {"it was " SECRET ".", "it was " STARS "."},
    {SECRET SECRET, STARS STARS},
    {"canary-9f27c1d4e8b35a6", "canary-9f27c1d4e8b35a6"},
    {"canary-9f27c1d4e8b35a61", "canary-9f27c1d4e8b35a61"},
    {"canary-canary-9f27c1d4e8b35a60", "canary-" STARS},
    {"canary%2D9f27c1d4e8b35a60", STARS "**"},
    {"canary%2d9f27c1d4e8b35a60", STARS "**"},
    {"canary%2e9f27c1d4e8b35a60", "canary%2e9f27c1d4e8b35a60"},
    {"canary%2", "canary%2"},
    {"%63%61%6e%61%72%79%2d%39%66%32%37%63%31%64%34%65%38%62%33%35%61%36%30", STARS STARS STARS},
    {"63616e6172792d39663237633164346538623335613630!", STARS STARS "!"},
    {"63616E6172792D39663237633164346538623335613630", STARS STARS},
    {"63616E6172792D3966323763316434653862333561363",
     "63616E6172792D3966323763316434653862333561363"},
    /* base64 of SECRET, of "x" SECRET, of "xx" SECRET "yy" */
    {"Y2FuYXJ5LTlmMjdjMWQ0ZThiMzVhNjA=", "******************************A="},
    {"eGNhbmFyeS05ZjI3YzFkNGU4YjM1YTYw", "eG******************************"},
    {"eHhjYW5hcnktOWYyN2MxZDRlOGIzNWE2MHl5", "eHh******************************Hl5"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "%s", cases[i].text);
        redact(text, SECRET);
        assert_string_equal(text, cases[i].redacted);
    }
}

static void both_alphabets_of_base64(void **state)
{
    char text[] = "Pz8/Pj4+Pz8/ Pz8_Pj4-Pz8_";

    (void)state;
    redact(text, "?\?\?>>>?\?\?");
    assert_string_equal(text, "************ ************");
}

static void a_short_secret_is_found_as_it_is(void **state)
{
    char text[] = "sevenup %73evenup 736576656e7570 c2V2ZW51cA==";

    (void)state;
    redact(text, "sevenup");
    assert_string_equal(text, "******* %73evenup 736576656e7570 c2V2ZW51cA==");
}

static void nothing_to_hide(void **state)
{
    char text[] = "A cat.";

    (void)state;
    redact(text, NULL);
    redact(text, "");
    redact(NULL, SECRET);
    assert_string_equal(text, "A cat.");
    assert_int_equal(redact_match(text, sizeof(text) - 1, NULL), 0);
}

/* With every byte at which a text can end: a sanitizer sees one that is read behind it. */
static void texts_that_end_within(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t length = 0; length < strlen(cases[i].text); length++) {
            cleanup_free char *copy = malloc(length ? length : 1);

            assert_non_null(copy);
            memcpy(copy, cases[i].text, length);
            assert_true(redact_match(copy, length, SECRET) <= length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(both_alphabets_of_base64),
        cmocka_unit_test(a_short_secret_is_found_as_it_is),
        cmocka_unit_test(nothing_to_hide),
        cmocka_unit_test(texts_that_end_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
