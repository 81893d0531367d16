/* SPDX-License-Identifier: MIT
 *
 * Which names are prompts, and what the files are called that come of them: tables, and names as
 * long as a file system takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "job/naming.h"

/* What follows a stem in the longest case: "-4294967295" comes with it, then this. */
#define LONGEST_ENDING ".error.txt"

static void knows_prompts(void **state)
{
    static const struct {
        const char *name;
        bool is_prompt, is_numbered;
    } names[] = {
        {"prompt", true, true},
        {"prompt.txt", true, true},
        {"cat.prompt", true, false},
        {"a b\n.prompt", true, false},
        {"prompt.prompt", true, false},
        {"prompt.txt.prompt", true, false},
        {"-.prompt", true, false},
        {".prompt", false, false},
        {".cat.prompt", false, false},
        {"..prompt", false, false},
        {"", false, false},
        {"prompt.", false, false},
        {"prompt.md", false, false},
        {"Prompt", false, false},
        {"PROMPT.TXT", false, false},
        {"cat.Prompt", false, false},
        {"cat.prompt~", false, false},
        {"cat.prompt.swp", false, false},
        {"cat.prompt.txt", false, false},
        {"promptx", false, false},
        {"xprompt", false, false},
        {"prompt.txt ", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(naming_is_prompt(names[i].name), names[i].is_prompt);
        assert_int_equal(naming_is_numbered(names[i].name), names[i].is_numbered);
    }
}

static void makes_stems(void **state)
{
    static const struct {
        const char *name;
        unsigned index;
        const char *stem;
    } stems[] = {
        {"cat.prompt", 1, "cat"},
        {"cat.prompt", 2, "cat-2"},
        {"cat.prompt", 10, "cat-10"},
        {"cat.prompt", UINT_MAX, "cat-4294967295"},
        {"cat.prompt", 0, "cat"},
        {"a.b.prompt", 1, "a.b"},
        {"prompt.prompt", 1, "prompt"},
        {"%s.prompt", 2, "%s-2"},
        {"prompt", 1, "prompt"},
        {"prompt.txt", 2, "prompt-2"},
        {"caf\xc3\xa9.prompt", 1, "caf\xc3\xa9"},
    };
    char stem[NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
        naming_stem(stems[i].name, stems[i].index, stem);
        assert_string_equal(stem, stems[i].stem);
    }
}

static void makes_error_files(void **state)
{
    static const char *const names[][2] = {
        {"prompt", "prompt.error.txt"},  {"prompt.txt", "prompt.error.txt"},
        {"cat.prompt", "cat.error.txt"}, {"a.b.prompt", "a.b.error.txt"},
        {"%n.prompt", "%n.error.txt"},
    };
    char name[NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        naming_error_file(names[i][0], name);
        assert_string_equal(name, names[i][1]);
        assert_false(naming_is_prompt(name));
    }
}

/* A prompt of @length bytes: @unit as often as it fits, then ".prompt". */
static void make_long_name(const char *unit, size_t length, char name[NAME_MAX + 1])
{
    size_t at = 0;

    while (at + strlen(unit) + strlen(".prompt") <= length) {
        memcpy(name + at, unit, strlen(unit));
        at += strlen(unit);
    }
    memcpy(name + at, ".prompt", sizeof(".prompt"));
}

/* However long the prompt's name is: every name fits, begins with its stem and is whole UTF-8. */
static void cuts_long_names(void **state)
{
    static const char *const units[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x88"};
    char name[NAME_MAX + 1];
    char stem[NAME_MAX + 1];
    char error_file[NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t unit = strlen(units[i]);

        for (size_t length = 200; length <= NAME_MAX; length++) {
            make_long_name(units[i], length, name);
            assert_true(naming_is_prompt(name));
            naming_stem(name, UINT_MAX, stem);
            assert_true(strlen(stem) + strlen(LONGEST_ENDING) <= NAME_MAX);
            assert_true(strlen(stem) + unit > (length < 230 ? length - 7 + 11 - unit : 223));
            assert_int_equal(text_utf8_prefix(stem, strlen(stem)), strlen(stem));
            assert_int_equal((strlen(stem) - strlen("-4294967295")) % unit, 0);
            naming_error_file(name, error_file);
            assert_true(strncmp(error_file, stem, strlen(stem) - strlen("-4294967295")) == 0);
            assert_string_equal(error_file + strlen(stem) - strlen("-4294967295"), ".error.txt");
        }
    }
}

/* Names need not be UTF-8, and what comes of them is still no hidden file. */
static void cuts_names_that_are_no_text(void **state)
{
    char name[NAME_MAX + 1];
    char stem[NAME_MAX + 1];

    (void)state;
    make_long_name("\x80", NAME_MAX, name);
    naming_stem(name, 1, stem);
    assert_true(strlen(stem) >= 220);
    assert_true(strlen(stem) <= 223);
    assert_int_equal(strncmp(stem, name, strlen(stem)), 0);
}

static void numbers(void **state)
{
    static const struct {
        const char *name;
        unsigned number;
    } names[] = {
        {"0001.png", 1},
        {"0001.txt", 1},
        {"0001.", 1},
        {"0042.error.txt", 42},
        {"9999.jpg", 9999},
        {"10000.jpg", 10000},
        {"00012.png", 12},
        {"999999999.png", 999999999},
        {"000000007.png", 7},
        {"0000.png", 0},
        {"001.png", 0},
        {"1000000000.png", 0},
        {"0000000001.png", 0},
        {"0001", 0},
        {"0001-2.png", 0},
        {"a0001.png", 0},
        {".0001.png", 0},
        {" 0001.png", 0},
        {"-001.png", 0},
        {"+0001.png", 0},
        {"0x01.png", 0},
        {"", 0},
        {".", 0},
        {"99999999999999999999.png", 0},
    };
    static const char *const stems[][2] = {{"1", "0001"}, {"10000", "10000"}, {"42", "0042"}};
    char stem[NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(naming_number_of(names[i].name), names[i].number);
    for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
        unsigned number = 0;

        assert_int_equal(sscanf(stems[i][0], "%u", &number), 1);
        naming_number_stem(number, stem);
        assert_string_equal(stem, stems[i][1]);
    }
    for (unsigned number = 1; number <= 999999999; number = number * 3 + 1) {
        char name[NAME_MAX + 8];

        naming_number_stem(number, stem);
        snprintf(name, sizeof(name), "%s.png", stem);
        assert_int_equal(naming_number_of(name), number);
    }
}

static void waits_for_prompts(void **state)
{
    static const char *const names[][2] = {
        {".prompt.wait", "prompt"},
        {".prompt.txt.wait", "prompt.txt"},
        {".cat.prompt.wait", "cat.prompt"},
        {"..wait", NULL},
        {".wait", NULL},
        {"prompt.wait", NULL},
        {".cat.wait", NULL},
        {"..prompt.wait", NULL},
        {".prompt.waits", NULL},
        {".prompt", NULL},
        {"", NULL},
    };
    char prompt_name[NAME_MAX + 1];
    char name[NAME_MAX + 3];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool waits = naming_waited_prompt(names[i][0], prompt_name);

        assert_int_equal(waits, names[i][1] != NULL);
        if (waits)
            assert_string_equal(prompt_name, names[i][1]);
    }
    for (int length = NAME_MAX; length <= NAME_MAX + 1; length++) {
        memset(name, 'x', sizeof(name));
        name[0] = '.';
        snprintf(name + length - 12, 13, ".prompt.wait");
        assert_int_equal(naming_waited_prompt(name, prompt_name), length == NAME_MAX);
    }
    assert_int_equal(strlen(prompt_name), NAME_MAX - 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_prompts),
        cmocka_unit_test(makes_stems),
        cmocka_unit_test(makes_error_files),
        cmocka_unit_test(cuts_long_names),
        cmocka_unit_test(cuts_names_that_are_no_text),
        cmocka_unit_test(numbers),
        cmocka_unit_test(waits_for_prompts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
