/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/ini_file.h"

/* What was handed over, one entry a line: "3 [section] key=value+". */
static int record(void *context, const struct ini_entry *entry, struct failure *failure)
{
    struct buf *seen = context;

    if (strcmp(entry->key, "wrong") == 0)
        return failure_set(failure, -EDOM, "%s is wrong.", entry->value);
    assert_int_equal(buf_printf(seen, "%u [%s] %s=%s%s\n", entry->line, entry->section, entry->key,
                                entry->value, entry->continued ? "+" : ""),
                     0);
    return 0;
}

static int parse(const char *text, size_t length, struct buf *seen, struct failure *failure)
{
    failure_init(failure);
    buf_init(seen, 1 << 20);
    return ini_file_parse("f.conf", text, length, record, seen, failure);
}

static void entries(void **state)
{
    static const struct {
        const char *text, *seen;
    } rows[] = {
        {"", ""},
        {"a = 1", "1 [] a=1\n"},
        {"a=1\nb : 2\r\n\n# c = 3\n; d = 4\ne =\n", "1 [] a=1\n2 [] b=2\n6 [] e=\n"},
        {"\xef\xbb\xbf"
         "a = 1\n",
         "1 [] a=1\n"},
        {"a = 1\n[s]\na = 2\n[model x/y]\nb = 3", "1 [] a=1\n3 [s] a=2\n5 [model x/y] b=3\n"},
        {"a = one\n  two\n\tthree\nb = 4\n", "1 [] a=one\ntwo\nthree+\n4 [] b=4\n"},
        {"a =\n one\n\n two\n", "1 [] a=one\ntwo+\n"},
        {"a = 1\na = 2\n", "1 [] a=1\n2 [] a=2\n"},
        {"a = 1 ; comment\nb = 1;2\nc = #3\n", "1 [] a=1\n2 [] b=1;2\n3 [] c=#3\n"},
        {"[s]\n  a = 1\n", "2 [s] a=1\n"},
        {"a = b = c\n", "1 [] a=b = c\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf seen;
        struct failure failure;

        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &seen, &failure), 0);
        assert_string_equal(buf_text(&seen), rows[i].seen);
    }
}

static void faults(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *seen, *sentence;
    } rows[] = {
        {"a = 1\nb\nc = 3\n", -EINVAL, "1 [] a=1\n",
         "f.conf:2: it is neither \"key = value\" nor \"[section]\"."},
        {"[s\na = 1\n", -EINVAL, "", "f.conf:1: it is neither \"key = value\" nor \"[section]\"."},
        {"a = 1\nwrong = x\nb = 2\n", -EDOM, "1 [] a=1\n", "f.conf:2: x is wrong."},
        {"a = 1\nwrong = x\n y\n", -EDOM, "1 [] a=1\n", "f.conf:2: x\ny is wrong."},
        {"\xff", -EINVAL, "", "f.conf: it is not UTF-8 text."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf seen;
        struct failure failure;

        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &seen, &failure), rows[i].error);
        assert_string_equal(failure.text, rows[i].sentence);
        assert_memory_equal(rows[i].seen, buf_text(&seen), seen.length);
    }
}

static void a_nul_is_refused(void **state)
{
    cleanup_buf struct buf seen;
    struct failure failure;

    (void)state;
    assert_int_equal(parse("a = 1\0\n", 7, &seen, &failure), -EINVAL);
    assert_int_equal(seen.length, 0);
}

static void lines_have_a_limit(void **state)
{
    char text[INI_FILE_LINE_MAX_BYTES + 8] = "a=";
    cleanup_buf struct buf seen;
    struct failure failure;

    (void)state;
    memset(text + 2, 'v', INI_FILE_LINE_MAX_BYTES - 1);
    memcpy(text + INI_FILE_LINE_MAX_BYTES, "\nb=2", 5);
    assert_int_equal(parse(text, strlen(text), &seen, &failure), 0);
    assert_int_equal(seen.length,
                     strlen("1 [] a=") + INI_FILE_LINE_MAX_BYTES - 2 + strlen("\n2 [] b=2\n"));
    buf_fini(&seen);
    memcpy(text + INI_FILE_LINE_MAX_BYTES, "v\nb=2", 6);
    assert_int_equal(parse(text, strlen(text), &seen, &failure), -EINVAL);
    assert_string_equal(failure.text, "f.conf:1: the line is too long: 190 bytes at most. Go on in "
                                      "the next line, which begins with a space.");
}

static void sections_have_a_limit(void **state)
{
    char text[256];
    char name[INI_FILE_NAME_MAX_BYTES + 2];
    cleanup_buf struct buf seen;
    struct failure failure;

    (void)state;
    memset(name, 's', sizeof(name));
    name[INI_FILE_NAME_MAX_BYTES] = '\0';
    snprintf(text, sizeof(text), "[%s]\na=1", name);
    assert_int_equal(parse(text, strlen(text), &seen, &failure), 0);
    assert_non_null(strstr(buf_text(&seen), name));
    buf_fini(&seen);
    name[INI_FILE_NAME_MAX_BYTES] = 's';
    name[INI_FILE_NAME_MAX_BYTES + 1] = '\0';
    snprintf(text, sizeof(text), "a = 1\n [%s\n [%s]\n[%s]\na=1", name, name, name);
    assert_int_equal(parse(text, strlen(text), &seen, &failure), -EINVAL);
    assert_string_equal(failure.text,
                        "f.conf:4: the name in brackets is too long: 49 bytes at most.");
}

static void files_have_a_limit(void **state)
{
    static char text[INI_FILE_MAX_BYTES + 1];
    cleanup_buf struct buf seen;
    struct failure failure;

    (void)state;
    memset(text, '\n', sizeof(text));
    assert_int_equal(parse(text, INI_FILE_MAX_BYTES + 1, &seen, &failure), -EFBIG);
    assert_string_equal(failure.text, "f.conf: longer than 64 KiB.");
    memcpy(text + INI_FILE_MAX_BYTES - 3, "a=1", 3);
    assert_int_equal(parse(text, INI_FILE_MAX_BYTES, &seen, &failure), 0);
    assert_string_equal(buf_text(&seen), "65534 [] a=1\n");
}

static void what_is_printed_reads_back(void **state)
{
    char fits[INI_FILE_LINE_MAX_BYTES - 2];   /* "k=" and this are a full line */
    char longer[INI_FILE_LINE_MAX_BYTES - 1]; /* this is one with a space before it */
    const struct {
        const char *value, *text;
    } rows[] = {
        {"", "k =\n"},
        {"v", "k = v\n"},
        {";v", "k=;v\n"},
        {"#v", "k = #v\n"},
        {"a\nb = c\n[d]", "k = a\n b = c\n [d]\n"},
        {fits, NULL},
        {longer, NULL},
    };

    (void)state;
    memset(fits, 'v', sizeof(fits));
    fits[sizeof(fits) - 1] = '\0';
    memset(longer, 'v', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf text;
        cleanup_buf struct buf seen;
        cleanup_buf struct buf expected;
        struct failure failure;

        buf_init(&text, 1024);
        buf_init(&expected, 1024);
        assert_int_equal(ini_file_print("k", rows[i].value, &text), 0);
        if (rows[i].text)
            assert_string_equal(buf_text(&text), rows[i].text);
        assert_int_equal(parse(buf_text(&text), text.length, &seen, &failure), 0);
        assert_int_equal(buf_printf(&expected, "1 [] k=%s", rows[i].value), 0);
        assert_memory_equal(buf_text(&seen), buf_text(&expected), expected.length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries),
        cmocka_unit_test(faults),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(lines_have_a_limit),
        cmocka_unit_test(sections_have_a_limit),
        cmocka_unit_test(files_have_a_limit),
        cmocka_unit_test(what_is_printed_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
