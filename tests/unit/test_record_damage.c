/* SPDX-License-Identifier: MIT
 *
 * Damage to records. Promised: a text of which any single byte was changed, or whose end is
 * missing, or with something added, is -EBADMSG and nothing else: it is never taken for a record,
 * not even for a legal one. What has a right check and is no record of this version is -EBADMSG,
 * too. The record that is given back is not touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "record_sample.h"

static struct buf sample = {.max = RECORD_MAX_BYTES};

/* In a block of just that size, so that reading behind it is noticed; and nothing is given back. */
static int parse_block(const char *text, size_t length)
{
    struct record read = {.attempt_count = 77};
    char *block = malloc(length + 1);
    int error;

    assert_non_null(block);
    memcpy(block, text, length);
    block[length] = '\0';
    error = record_parse(block, length, &read);
    free(block);
    if (error)
        assert_int_equal(read.attempt_count, 77);
    else
        record_fini(&read);
    return error;
}

static void takes_the_whole(void **state)
{
    (void)state;
    assert_int_equal(parse_block(sample.data, sample.length), 0);
}

static void refuses_each_cut(void **state)
{
    (void)state;
    for (size_t length = 0; length < sample.length; length++)
        assert_int_equal(parse_block(sample.data, length), -EBADMSG);
}

static void refuses_each_changed_byte(void **state)
{
    struct record read;

    (void)state;
    for (size_t i = 0; i < sample.length; i++) {
        char old = sample.data[i];

        for (int change = 1; change < 256; change++) {
            sample.data[i] = (char)(old ^ change);
            if (record_parse(sample.data, sample.length, &read) != -EBADMSG)
                fail_msg("byte %zu, which is 0x%02x, may be 0x%02x", i, (unsigned char)old,
                         (unsigned char)sample.data[i]);
        }
        sample.data[i] = old;
    }
}

static void refuses_each_lost_byte(void **state)
{
    char *text = malloc(sample.length);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sample.length; i++) {
        memcpy(text, sample.data, i);
        memcpy(text + i, sample.data + i + 1, sample.length - i - 1);
        assert_int_equal(parse_block(text, sample.length - 1), -EBADMSG);
    }
    free(text);
}

static void refuses_more_at_the_end(void **state)
{
    cleanup_buf struct buf text = {.max = RECORD_MAX_BYTES};

    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;

        buf_clear(&text);
        assert_int_equal(buf_append(&text, sample.data, sample.length), 0);
        assert_int_equal(buf_append(&text, &byte, 1), 0);
        assert_int_equal(parse_block(text.data, text.length), -EBADMSG);
    }
}

static void refuses_a_changed_block(void **state)
{
    (void)state;
    for (size_t size = 512; size <= 4096; size *= 2) {
        char *text = malloc(sample.length);
        size_t start = sample.length / 3;

        assert_non_null(text);
        memcpy(text, sample.data, sample.length);
        memset(text + start, 0, size < sample.length - start ? size : sample.length - start);
        assert_int_equal(parse_block(text, sample.length), -EBADMSG);
        free(text);
    }
}

static void refuses_what_has_no_check(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "null",
        "{\"check\"",
        "{\"check\":",
        "{\"check\":\"",
        "{\"check\":\"0123456789abcde\"}",
        "{\"check\":\"0123456789abcdef",
        "{\"check\":\"0123456789abcdef0\"}",
        "{\"check\":1}",
        "[\"check\":\"0123456789abcdef\"]",
        "{\"version\":1,\"check\":\"0123456789abcdef\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(parse_block(texts[i], strlen(texts[i])), -EBADMSG);
}

/* A right check alone makes no record. */
static void refuses_checked_nonsense(void **state)
{
    static const char *const rests[] = {
        "", "}", "},", "}}", "]", ",}", ",\"version\":1}", ":1}", ",\"version\":1,\"id\":\"", "} x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        char text[128];
        size_t length = (size_t)snprintf(text, sizeof(text), CHECKED_START "%s", rests[i]);

        fix_check(text, length);
        assert_int_equal(parse_block(text, length), -EBADMSG);
    }
}

static void refuses_depth(void **state)
{
    cleanup_buf struct buf text = {.max = RECORD_MAX_BYTES};

    (void)state;
    assert_int_equal(buf_append_text(&text, CHECKED_START ",\"deep\":"), 0);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append_text(&text, "["), 0);
    fix_check(text.data, text.length);
    assert_int_equal(parse_block(text.data, text.length), -EBADMSG);
}

static int make_sample(void **state)
{
    cleanup_record struct record record = {0};

    (void)state;
    return sample_fill(&record) || record_format(&record, &sample);
}

static int free_sample(void **state)
{
    (void)state;
    buf_fini(&sample);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_whole),
        cmocka_unit_test(refuses_each_cut),
        cmocka_unit_test(refuses_each_changed_byte),
        cmocka_unit_test(refuses_each_lost_byte),
        cmocka_unit_test(refuses_more_at_the_end),
        cmocka_unit_test(refuses_a_changed_block),
        cmocka_unit_test(refuses_what_has_no_check),
        cmocka_unit_test(refuses_checked_nonsense),
        cmocka_unit_test(refuses_depth),
    };

    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
