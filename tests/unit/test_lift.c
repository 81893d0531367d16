/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/lift.h"
#include "api_lifted.h"

struct skeleton_row {
    const char *body;
    enum lift_verdict verdict;
    const char *skeleton;
    const char *remainder;
};

/* No row has a string that is too long; but cut ones become parts, too. */
static const struct skeleton_row skeleton_rows[] = {
    {"{}", LIFT_WHOLE, "{}", ""},
    {" { \"a\" : [ 1 , -2.5e+3 , true,false,null ] }\r\n", LIFT_WHOLE,
     "{\"a\":[1,-2.5e+3,true,false,null]}", ""},
    {"\xef\xbb\xbf[]", LIFT_WHOLE, "[]", ""},
    {"[[],{},[{\"k\":\"v\"}],\"\"]", LIFT_WHOLE, "[[],{},[{\"k\":\"v\"}],\"\"]", ""},
    {"12", LIFT_WHOLE, "12", ""},
    {"\"x\"", LIFT_WHOLE, "\"x\"", ""},
    {"null\n", LIFT_WHOLE, "null", ""},
    {"{\"a\":1,\"a\":2}", LIFT_WHOLE, "{\"a\":1,\"a\":2}", ""},
    /* escapes */
    {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", LIFT_WHOLE,
     "[\"\\u0022\\u005c/\\u0008\\u000c\\u000a\\u000d\\u0009\"]", ""},
    {"[\"\\u0041\\u00e9\\u20AC\\ud83d\\udc08\"]", LIFT_WHOLE,
     "[\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88\"]", ""},
    {"[\"\\u0000x\"]", LIFT_WHOLE, "[\"\xef\xbf\xbdx\"]", ""},
    {"[\"\\ud83dx\",\"\\udc08\",\"\\ud83d\\ud83d\\udc08\",\"\\ud83d\\n\",\"\\ud83d\"]", LIFT_WHOLE,
     "[\"\xef\xbf\xbdx\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\xf0\x9f\x90\x88\","
     "\"\xef\xbf\xbd\\u000a\",\"\xef\xbf\xbd\"]",
     ""},
    {"[\"\\x\\u12g\\u1\"]", LIFT_WHOLE, "[\"\xef\xbf\xbdx\xef\xbf\xbdg\xef\xbf\xbd\"]", ""},
    {"[\"\\ud83d\\u12\"]", LIFT_WHOLE, "[\"\xef\xbf\xbd\xef\xbf\xbd\"]", ""},
    {"[\"\\ud83d\\x\"]", LIFT_WHOLE, "[\"\xef\xbf\xbd\xef\xbf\xbdx\"]", ""},
    {"[\"a\nb\tc\x7f\"]", LIFT_WHOLE, "[\"a\\u000ab\\u0009c\x7f\"]", ""},
    {"[\"\xff\xc3\"]", LIFT_WHOLE, "[\"\xff\xc3\"]", ""},
    {"{\"\\u0061\\n\":1}", LIFT_WHOLE, "{\"a\\u000a\":1}", ""},
    /* what looks like a marker */
    {"[\"\\u00010\"]", LIFT_WHOLE, "[\"\\u0001\\u00010\"]", ""},
    {"[\"\x01\x01"
     "7\"]",
     LIFT_WHOLE, "[\"\\u0001\\u0001\\u00017\"]", ""},
    {"[\"a\\u00010\"]", LIFT_WHOLE, "[\"a\\u00010\"]", ""},
    {"{\"\\u00010\":0}", LIFT_WHOLE, "{\"\\u00010\":0}", ""},
    /* scalars of other languages */
    {"[NaN,-Infinity,None,01,1.,+1]", LIFT_WHOLE,
     "[\"NaN\",\"-Infinity\",\"None\",\"01\",\"1.\",\"+1\"]", ""},
    /* cut */
    {"{", LIFT_CUT, "{}", ""},
    {"[", LIFT_CUT, "[]", ""},
    {"[1,", LIFT_CUT, "[1,null]", ""},
    {"[1", LIFT_CUT, "[\"1\"]", ""},
    {"[tru", LIFT_CUT, "[\"tru\"]", ""},
    {"{\"a", LIFT_CUT, "{\"a\":null}", ""},
    {"{\"a\"", LIFT_CUT, "{\"a\":null}", ""},
    {"{\"a\":", LIFT_CUT, "{\"a\":null}", ""},
    {"{\"a\":1", LIFT_CUT, "{\"a\":\"1\"}", ""},
    {"{\"a\":1 ", LIFT_CUT, "{\"a\":1}", ""},
    {"{\"a\":1,", LIFT_CUT, "{\"a\":1}", ""},
    {"{\"a\":[{\"b\":[\"c\"", LIFT_CUT, "{\"a\":[{\"b\":[\"c\"]}]}", ""},
    {"{\"a\":\"x", LIFT_CUT, "{\"a\":" M0 "}", ""},
    {"{\"a\":\"", LIFT_CUT, "{\"a\":" M0 "}", ""},
    {"\"x\\u00", LIFT_CUT, M0, ""},
    /* something behind */
    {"{} x", LIFT_TRAILING, "{}", "x"},
    {"{}{\"a\":1}", LIFT_TRAILING, "{}", "{\"a\":1}"},
    {"[1]]", LIFT_TRAILING, "[1]", "]"},
    {"12 13", LIFT_TRAILING, "12", "13"},
    {"\"x\" ,", LIFT_TRAILING, "\"x\"", ","},
    /* not JSON, from some byte on */
    {"", LIFT_NOT_JSON, "null", ""},
    {" \n\t", LIFT_NOT_JSON, "null", ""},
    {"<html>\n</html>", LIFT_NOT_JSON, "null", "<html>\n</html>"},
    {"Bad Gateway", LIFT_NOT_JSON, "null", "Bad Gateway"},
    {"tru", LIFT_NOT_JSON, "null", "tru"},
    {"\xef\xbbx", LIFT_NOT_JSON, "null", "\xef\xbbx"},
    {"\xef\xbb\xbf\xef", LIFT_NOT_JSON, "null", "\xef\xbb\xbf\xef"},
    {"{a:1}", LIFT_NOT_JSON, "{}", "a:1}"},
    {"{\"a\" 1}", LIFT_NOT_JSON, "{\"a\":null}", "1}"},
    {"{\"a\":1]", LIFT_NOT_JSON, "{\"a\":1}", "]"},
    {"[1}", LIFT_NOT_JSON, "[1]", "}"},
    {"[1 2]", LIFT_NOT_JSON, "[1]", "2]"},
    {"{\"a\":1,}", LIFT_NOT_JSON, "{\"a\":1}", "}"},
    {"[1,]", LIFT_NOT_JSON, "[1,null]", "]"},
    {"[:]", LIFT_NOT_JSON, "[]", ":]"},
    {"{\"a\":}", LIFT_NOT_JSON, "{\"a\":null}", "}"},
    {"{,}", LIFT_NOT_JSON, "{}", ",}"},
    {"'x'", LIFT_NOT_JSON, "null", "'x'"},
    {"data: {}", LIFT_NOT_JSON, "null", "data: {}"},
};

static void expect_row(const struct skeleton_row *row, const struct lifted *lifted)
{
    assert_int_equal(lifted->feed_error, 0);
    assert_int_equal(lifted->finish_error, 0);
    if (lifted->result.verdict != row->verdict ||
        strcmp(lifted->result.skeleton, row->skeleton) != 0)
        fail_msg("%s: verdict %d, skeleton %s", row->body, lifted->result.verdict,
                 lifted->result.skeleton);
    assert_int_equal(lifted->result.skeleton_length, strlen(row->skeleton));
    assert_int_equal(lifted->result.total_bytes, strlen(row->body));
    assert_string_equal(lifted->result.remainder, row->remainder);
    assert_int_equal(lifted->result.remainder_length, strlen(row->remainder));
    if (*row->remainder) {
        expect_part(lifted, 0, LIFT_REMAINDER, row->remainder, strlen(row->remainder));
        assert_true(lifted->result.parts[0].complete);
    }
}

static void every_chunking_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(skeleton_rows) / sizeof(skeleton_rows[0]); i++) {
        const struct skeleton_row *row = &skeleton_rows[i];
        size_t length = strlen(row->body);
        for (size_t split = 0; split <= length; split++) {
            cleanup_lifted struct lifted lifted =
                lift_pieces(row->body, length, split, SIZE_MAX, NULL);
            expect_row(row, &lifted);
        }
        for (size_t step = 1; step < 4; step++) {
            cleanup_lifted struct lifted lifted = lift_pieces(row->body, length, 0, step, NULL);
            expect_row(row, &lifted);
        }
    }
}

static void a_string_at_the_limit_stays_and_one_above_leaves(void **state)
{
    (void)state;
    for (size_t length = LIFT_INLINE_MAX - 1; length <= LIFT_INLINE_MAX + 2; length++) {
        cleanup_buf struct buf body;
        cleanup_buf struct buf text;
        buf_init(&body, 1 << 20);
        buf_init(&text, 1 << 20);
        append_many(&text, ".", length);
        buf_printf(&body, "{\"data\":\"%s\"}", buf_text(&text));
        for (size_t step = 4090; step < 4120; step++) {
            cleanup_lifted struct lifted lifted =
                lift_pieces(body.data, body.length, 0, step, NULL);
            assert_int_equal(lifted.result.verdict, LIFT_WHOLE);
            if (length <= LIFT_INLINE_MAX) {
                assert_int_equal(lifted.result.part_count, 0);
                assert_string_equal(lifted.result.skeleton, body.data);
            } else {
                assert_int_equal(lifted.result.part_count, 1);
                assert_string_equal(lifted.result.skeleton, "{\"data\":" M0 "}");
                expect_part(&lifted, 0, LIFT_TEXT, text.data, text.length);
                assert_true(lifted.result.parts[0].complete);
                assert_false(lifted.result.parts[0].damaged);
            }
        }
    }
}

enum spelling {
    PLAIN,
    ESCAPED_SLASH,
    ESCAPED_ALL,
    ESCAPED_PADDING,
    LINES,
    CRLF_ESCAPED,
    RAW_LINES,
    URL_SAFE,
    NO_PADDING,
    DATA_URI,
    DATA_URI_PARAMETERS,
    DATA_URI_UPPER,
    SPELLINGS
};

static void append_spelled(struct buf *body, const struct sample *sample, enum spelling spelling)
{
    if (spelling == DATA_URI)
        append_many(body, "data:image/png;base64,", 1);
    if (spelling == DATA_URI_PARAMETERS)
        append_many(body, "data:image/png;name=\\\"a b\\\";base64,", 1);
    if (spelling == DATA_URI_UPPER)
        append_many(body, "DATA:Image/PNG;BASE64,", 1);
    for (size_t i = 0; i < sample->length; i++) {
        char c = sample->text[i];
        if (spelling == NO_PADDING && c == '=')
            break;
        if (i && i % 76 == 0 && (spelling == LINES || spelling == RAW_LINES))
            append_many(body, spelling == LINES ? "\\n" : "\r\n", 1);
        if (i && i % 64 == 0 && spelling == CRLF_ESCAPED)
            append_many(body, "\\r\\n", 1);
        if (spelling == ESCAPED_SLASH && c == '/')
            append_many(body, "\\/", 1);
        else if (spelling == ESCAPED_ALL || (spelling == ESCAPED_PADDING && c == '='))
            assert_int_equal(buf_printf(body, "\\u%04x", (unsigned)c), 0);
        else if (spelling == URL_SAFE && (c == '+' || c == '/'))
            append_many(body, c == '+' ? "-" : "_", 1);
        else
            assert_int_equal(buf_append(body, &c, 1), 0);
    }
}

static void every_spelling_gives_the_same_bytes(void **state)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 1000, 4096, 16384, SIZE_MAX};
    static struct sample sample;

    (void)state;
    for (size_t size = 19998; size <= 20000; size++) {
        make_sample(&sample, size);
        for (int spelling = PLAIN; spelling < SPELLINGS; spelling++) {
            cleanup_buf struct buf body;
            buf_init(&body, 1 << 20);
            append_many(&body, "{\"parts\":[{\"inlineData\":{\"data\":\"", 1);
            append_spelled(&body, &sample, (enum spelling)spelling);
            append_many(&body, "\",\"mimeType\":\"image/png\"}}]}", 1);
            for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
                cleanup_lifted struct lifted lifted =
                    lift_pieces(body.data, body.length, 0, steps[s], NULL);
                assert_int_equal(lifted.result.verdict, LIFT_WHOLE);
                assert_int_equal(lifted.result.part_count, 1);
                expect_part(&lifted, 0, LIFT_BYTES, sample.data, size);
                assert_true(lifted.result.parts[0].complete);
                assert_false(lifted.result.parts[0].damaged);
                assert_int_equal(lifted.result.parts[0].rest, LIFT_NONE);
                assert_string_equal(lifted.result.parts[0].mime,
                                    spelling >= DATA_URI ? "image/png" : "");
                assert_string_equal(lifted.result.skeleton,
                                    "{\"parts\":[{\"inlineData\":{\"data\":" M0
                                    ",\"mimeType\":\"image/png\"}}]}");
            }
        }
    }
}

struct data_uri_row {
    const char *prefix; /* as JSON */
    enum lift_encoding encoding;
    const char *mime;
};

static void data_uris_are_told_by_their_prefix(void **state)
{
    static const struct data_uri_row rows[] = {
        {"data:;base64,", LIFT_BYTES, ""},
        {"data:image/svg+xml;charset=utf-8;base64,", LIFT_BYTES, "image/svg+xml"},
        {" \\ndata:image/jpeg;base64,", LIFT_BYTES, "image/jpeg"},
        {"data:nonsense;base64,", LIFT_BYTES, ""},
        {"data:image/\\u0001;base64,", LIFT_BYTES, ""},
        {"data:image/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;base64,", LIFT_BYTES,
         "image/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"data:image/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;base64,",
         LIFT_BYTES, ""},
        {"data:image/png,", LIFT_TEXT, ""},
        {"data:image/png;base64", LIFT_TEXT, ""},
        {"xdata:image/png;base64,", LIFT_TEXT, ""},
        {"https://host/?data:image/png;base64,", LIFT_TEXT, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct sample sample;
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        make_sample(&sample, 5000);
        buf_init(&body, 1 << 20);
        buf_printf(&body, "{\"text\":\"%s%s\"}", rows[i].prefix, sample.text);
        lifted = lift_all(body.data, body.length);
        assert_int_equal(lifted.result.parts[0].encoding, rows[i].encoding);
        assert_string_equal(lifted.result.parts[0].mime, rows[i].mime);
        if (rows[i].encoding == LIFT_BYTES)
            expect_part(&lifted, 0, LIFT_BYTES, sample.data, 5000);
    }
}

static void text_is_never_taken_for_base64(void **state)
{
    static const char *const keys[] = {"text", "content", "message"};
    cleanup_buf struct buf words;

    (void)state;
    buf_init(&words, 1 << 20);
    append_many(&words, "words and words\n", 400);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        buf_init(&body, 1 << 20);
        buf_printf(&body, "{\"%s\":\"%s\"}", keys[i], words.data);
        lifted = lift_all(body.data, body.length);
        expect_part(&lifted, 0, LIFT_TEXT, words.data, words.length);
    }
    for (int nested = 0; nested < 2; nested++) {
        static struct sample sample;
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        make_sample(&sample, 6000);
        buf_init(&body, 1 << 20);
        buf_printf(&body, nested ? "{\"text\":[\"%s\"]}" : "{\"text\":1,\"data\":\"%s\"}",
                   sample.text);
        lifted = lift_all(body.data, body.length);
        expect_part(&lifted, 0, LIFT_BYTES, sample.data, 6000);
    }
}

/* Damage at each place of a group, also where it is found only at the end. */
static void damaged_base64_is_kept_whole(void **state)
{
    static const size_t steps[] = {1, 5, 4096, SIZE_MAX};
    static struct sample sample;

    (void)state;
    make_sample(&sample, 9000);
    for (size_t place = 8000; place < 8010; place++) {
        for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
            cleanup_buf struct buf body;
            cleanup_buf struct buf rest;
            cleanup_lifted struct lifted lifted;
            buf_init(&body, 1 << 20);
            buf_init(&rest, 1 << 20);
            buf_printf(&body, "{\"data\":\"%.*s*\\\"%s\",\"b\":1}", (int)place, sample.text,
                       sample.text + place);
            buf_printf(&rest, "%.*s*\"%s", (int)(place % 4), sample.text + place / 4 * 4,
                       sample.text + place);
            lifted = lift_pieces(body.data, body.length, 0, steps[s], NULL);
            assert_int_equal(lifted.result.verdict, LIFT_WHOLE);
            assert_string_equal(lifted.result.skeleton, "{\"data\":" M0 ",\"b\":1}");
            assert_int_equal(lifted.result.part_count, 2);
            expect_part(&lifted, 0, LIFT_BYTES, sample.data, place / 4 * 3);
            expect_part(&lifted, 1, LIFT_REST, rest.data, rest.length);
            assert_true(lifted.result.parts[0].damaged);
            assert_int_equal(lifted.result.parts[0].damaged_offset, place);
            assert_int_equal(lifted.result.parts[0].rest, 1);
            assert_true(lifted.result.parts[1].complete);
            assert_false(lifted.result.parts[1].damaged);
        }
    }
}

static void base64_that_ends_within_a_group_is_damaged(void **state)
{
    static struct sample sample;
    cleanup_buf struct buf body;
    cleanup_lifted struct lifted lifted;

    (void)state;
    make_sample(&sample, 6000);
    buf_init(&body, 1 << 20);
    buf_printf(&body, "[\"%.*s\"]", 7997, sample.text);
    lifted = lift_all(body.data, body.length);
    assert_int_equal(lifted.result.part_count, 2);
    expect_part(&lifted, 0, LIFT_BYTES, sample.data, 5997);
    expect_part(&lifted, 1, LIFT_REST, sample.text + 7996, 1);
    assert_true(lifted.result.parts[0].damaged);
    assert_int_equal(lifted.result.parts[0].damaged_offset, 7997);
}

static void a_body_cut_in_a_part_keeps_what_came(void **state)
{
    static struct sample sample;

    (void)state;
    make_sample(&sample, 9000);
    for (size_t place = 8000; place < 8004; place++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        size_t tail = place % 4;
        buf_init(&body, 1 << 20);
        buf_printf(&body, "{\"a\":[{\"data\":\"%.*s", (int)place, sample.text);
        lifted = lift_all(body.data, body.length);
        assert_int_equal(lifted.result.verdict, LIFT_CUT);
        assert_string_equal(lifted.result.skeleton, "{\"a\":[{\"data\":" M0 "}]}");
        expect_part(&lifted, 0, LIFT_BYTES, sample.data, place / 4 * 3);
        assert_false(lifted.result.parts[0].complete);
        assert_false(lifted.result.parts[0].damaged);
        assert_true(lifted.parts->closed[0]);
        assert_int_equal(lifted.result.part_count, tail ? 2 : 1);
        if (tail) {
            expect_part(&lifted, 1, LIFT_REST, sample.text + 8000, tail);
            assert_int_equal(lifted.result.parts[0].rest, 1);
            assert_false(lifted.result.parts[1].complete);
        }
    }
}

static void a_short_string_that_is_cut_becomes_a_part(void **state)
{
    cleanup_lifted struct lifted lifted = lift_text("{\"data\":\"aGVsbG8g");

    (void)state;
    assert_int_equal(lifted.result.verdict, LIFT_CUT);
    assert_string_equal(lifted.result.skeleton, "{\"data\":" M0 "}");
    expect_part(&lifted, 0, LIFT_TEXT, "aGVsbG8g", 8);
    assert_false(lifted.result.parts[0].complete);
}

static void a_page_is_kept_whole_and_its_beginning_twice(void **state)
{
    static const char *const starts[] = {"<html>", "[1,2]<html>", "{\"a\":1}\n<"};

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        const char *start = strchr(starts[i], '<');
        for (size_t size = LIFT_REMAINDER_MAX - 1; size <= 20000; size += size < 5000 ? 1 : 7501) {
            cleanup_buf struct buf body;
            cleanup_lifted struct lifted lifted;
            size_t before = (size_t)(start - starts[i]);
            buf_init(&body, 1 << 20);
            append_many(&body, starts[i], 1);
            append_many(&body, "x", size - strlen(start));
            lifted = lift_pieces(body.data, body.length, 0, 1000, NULL);
            assert_int_equal(lifted.result.verdict, i ? LIFT_TRAILING : LIFT_NOT_JSON);
            expect_part(&lifted, 0, LIFT_REMAINDER, body.data + before, size);
            assert_int_equal(lifted.result.remainder_length,
                             size < LIFT_REMAINDER_MAX ? size : LIFT_REMAINDER_MAX);
            assert_memory_equal(lifted.result.remainder, body.data + before,
                                lifted.result.remainder_length);
            if (size > LIFT_REMAINDER_MAX + 1 && size < 5000)
                size = 4999;
        }
    }
}

static void base64_as_the_whole_body_is_kept(void **state)
{
    static struct sample sample;
    cleanup_lifted struct lifted lifted;

    (void)state;
    make_sample(&sample, 9000);
    lifted = lift_all(sample.text, sample.length);
    assert_int_equal(lifted.result.verdict, LIFT_NOT_JSON);
    expect_part(&lifted, 0, LIFT_REMAINDER, sample.text, sample.length);
    assert_string_equal(lifted.result.skeleton, "null");
}

static void markers_cannot_be_forged(void **state)
{
    static const char *const strings[] = {"\x01"
                                          "0",
                                          "\x01\x01"
                                          "0",
                                          "\x01",
                                          "\x01x",
                                          "",
                                          "0"};
    unsigned part = 77;

    (void)state;
    assert_true(lift_is_marker("\x01"
                               "12",
                               &part));
    assert_int_equal(part, 12);
    assert_true(lift_is_marker("\x01"
                               "255",
                               &part));
    assert_int_equal(part, 255);
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        char *inner;
        buf_init(&body, 100);
        buf_printf(&body, "[\"%s\"]", strings[i]);
        lifted = lift_all(body.data, body.length);
        assert_int_equal(lifted.result.part_count, 0);
        /* What a parser makes of the skeleton's escapes. */
        inner = strdup(strings[i][0] == '\x01' ? "\x01" : "");
        inner = realloc(inner, 16);
        memcpy(inner + strlen(inner), strings[i], strlen(strings[i]) + 1);
        assert_false(lift_is_marker(inner, &part));
        assert_string_equal(lift_string(inner), strings[i]);
        free(inner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunking_gives_the_same),
        cmocka_unit_test(a_string_at_the_limit_stays_and_one_above_leaves),
        cmocka_unit_test(every_spelling_gives_the_same_bytes),
        cmocka_unit_test(data_uris_are_told_by_their_prefix),
        cmocka_unit_test(text_is_never_taken_for_base64),
        cmocka_unit_test(damaged_base64_is_kept_whole),
        cmocka_unit_test(base64_that_ends_within_a_group_is_damaged),
        cmocka_unit_test(a_body_cut_in_a_part_keeps_what_came),
        cmocka_unit_test(a_short_string_that_is_cut_becomes_a_part),
        cmocka_unit_test(a_page_is_kept_whole_and_its_beginning_twice),
        cmocka_unit_test(base64_as_the_whole_body_is_kept),
        cmocka_unit_test(markers_cannot_be_forged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
