/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/frontmatter.h"
#include "conf/models.h"
#include "conf/prompt.h"

static const struct model_profile *pro(void)
{
    return models_find_profile("gemini-3-pro-image-preview", false);
}

static int parse(const char *text, struct prompt *prompt, struct failure *failure)
{
    failure_init(failure);
    return prompt_parse(text, strlen(text), pro(), prompt, failure);
}

static void plain_texts(void **state)
{
    static const struct {
        const char *text, *sent;
    } rows[] = {
        {"A cat\n", "A cat"},
        {"A cat", "A cat"},
        {"A cat\r\n", "A cat"},
        {"A cat\r", "A cat\r"},
        {"A cat\n\n", "A cat\n"},
        {" A cat \n", " A cat "},
        {"\n\nA\tcat\r\nand a dog\n", "\n\nA\tcat\r\nand a dog"},
        {"\xef\xbb\xbf"
         "A cat\n",
         "\xef\xbb\xbf"
         "A cat"},
        {"---\nseed: 1\nA cat\n", "---\nseed: 1\nA cat"},
        {"---", "---"},
        {"--- \nA cat", "--- \nA cat"},
        {"--\nseed: 1\n--\nA cat", "--\nseed: 1\n--\nA cat"},
        {"----\nseed: 1\n---\nA cat", "----\nseed: 1\n---\nA cat"},
        {"\n---\nseed: 1\n---\nA cat", "\n---\nseed: 1\n---\nA cat"},
        {" ---\nseed: 1\n---\nA cat", " ---\nseed: 1\n---\nA cat"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_prompt struct prompt prompt = {0};
        struct failure failure;

        assert_int_equal(parse(rows[i].text, &prompt, &failure), 0);
        assert_int_equal(prompt.length, strlen(rows[i].sent));
        assert_memory_equal(prompt.text, rows[i].sent, prompt.length);
        for (int j = 0; j < SETTING_MAX; j++)
            assert_null(prompt.settings.value[j]);
    }
}

static void front_matter(void **state)
{
    static const char text[] = "--- \r\n"
                               "aspect_ratio: 16:9\r\n"
                               "  # a comment: with a colon\r\n"
                               "\r\n"
                               "count : 2\r\n"
                               "image_size: \"2K\"\r\n"
                               "system_instruction: 'Paint: in oil, \"slowly\"'\r\n"
                               "seed:\r\n"
                               "---\t\r\n"
                               "---\r\n"
                               "A cat\r\n";
    cleanup_prompt struct prompt prompt = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(parse(text, &prompt, &failure), 0);
    assert_int_equal(prompt.length, strlen("---\r\nA cat"));
    assert_memory_equal(prompt.text, "---\r\nA cat", prompt.length);
    assert_string_equal(prompt.settings.value[SETTING_ASPECT_RATIO], "16:9");
    assert_string_equal(prompt.settings.value[SETTING_COUNT_OF_PICTURES], "2");
    assert_string_equal(prompt.settings.value[SETTING_IMAGE_SIZE], "2K");
    assert_string_equal(prompt.settings.value[SETTING_SYSTEM_INSTRUCTION],
                        "Paint: in oil, \"slowly\"");
    assert_null(prompt.settings.value[SETTING_SEED]);
}

static void references_in_front_matter(void **state)
{
    static const struct {
        const char *lines, *normal;
    } rows[] = {
        {"references: none", "none"},
        {"references: cat.jpg, my dog.png", "cat.jpg\nmy dog.png"},
        {"references: [cat.jpg, dog.png]", "cat.jpg\ndog.png"},
        {"references:\n  - cat, one.jpg\n  -  'dog.png' \n- x\nseed: 1",
         "cat, one.jpg\ndog.png\nx"},
        {"references:\nseed: 1", NULL},
        {"references: \"a b.png\"", "a b.png"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_prompt struct prompt prompt = {0};
        struct failure failure;
        cleanup_buf struct buf text;
        const char *value;

        buf_init(&text, 1024);
        assert_int_equal(buf_printf(&text, "---\n%s\n---\nA cat", rows[i].lines), 0);
        assert_int_equal(parse(buf_text(&text), &prompt, &failure), 0);
        value = prompt.settings.value[SETTING_REFERENCES];
        if (rows[i].normal)
            assert_string_equal(value, rows[i].normal);
        else
            assert_null(value);
        assert_int_equal(prompt.length, 5);
    }
}

static void a_byte_order_mark_before_front_matter(void **state)
{
    cleanup_prompt struct prompt prompt = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf---\nseed: 1\n---\nA cat", &prompt, &failure), 0);
    assert_string_equal(prompt.settings.value[SETTING_SEED], "1");
    assert_int_equal(prompt.length, 5);
    assert_memory_equal(prompt.text, "A cat", 5);
}

static void wrong_front_matter(void **state)
{
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"---\nseeds: 1\n---\nA cat",
         "Line 2 of the front matter: there is no setting \"seeds\". The names are those of the "
         "files in settings/."},
        {"---\n\nSeed: 1\n---\nA cat",
         "Line 3 of the front matter: there is no setting \"Seed\". The names are those of the "
         "files in settings/."},
        {"---\nA picture\n---\nA cat", "Line 2 of the front matter: it is not \"key: value\"."},
        {"---\nseed: 1\nseed: 2\n---\nA cat",
         "Line 3 of the front matter: the same setting stands twice."},
        {"---\nreferences:\n- a\nimage_size: 2k\n---\nA cat",
         "Line 4 of the front matter: image_size: \"2k\" is not allowed (did you mean 2K?). "
         "Allowed: 1K, 2K."},
        {"---\nseed: 1\nreferences:\n- a\n- b/c\n---\nA cat",
         "Line 3 of the front matter: references: \"b/c\" is not the name of a file beside the "
         "prompt: no path, at most 255 bytes, one name a line."},
        {"---\n- a\n---\nA cat", "Line 2 of the front matter: it is not \"key: value\"."},
        {"---\n: 1\n---\nA cat",
         "Line 2 of the front matter: there is no setting \"\". The names are those of the files "
         "in settings/."},
        {"---\nseed: 1\n---\n \n", "The prompt has settings, but no text below them."},
        {"---\n---", "The prompt has settings, but no text below them."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prompt prompt = {.length = 4711};
        struct failure failure;

        assert_int_equal(parse(rows[i].text, &prompt, &failure), -EINVAL);
        assert_string_equal(failure.text, rows[i].sentence);
        assert_int_equal(prompt.length, 4711);
    }
}

static void a_list_of_references_has_a_limit(void **state)
{
    cleanup_buf struct buf text;
    struct prompt prompt;
    struct failure failure;

    (void)state;
    buf_init(&text, PROMPT_MAX_BYTES);
    assert_int_equal(buf_append_text(&text, "---\nreferences:\n"), 0);
    while (text.length < SETTINGS_VALUE_MAX_BYTES + 8192)
        assert_int_equal(buf_append_text(&text, "- some name of a file that is rather long\n"), 0);
    assert_int_equal(buf_append_text(&text, "---\nA cat"), 0);
    assert_int_equal(parse(buf_text(&text), &prompt, &failure), -EINVAL);
    assert_string_equal(failure.text + strlen("Line 396 "),
                        "of the front matter: the list of references is too long.");
}

static void blank_texts_ask_for_nothing(void **state)
{
    static const char *const texts[] = {"", "\n", " \t\r\n\n"};
    struct prompt prompt;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(parse(texts[i], &prompt, &failure), -ENODATA);
        assert_string_equal(failure.text, "The prompt is empty.");
    }
}

static void texts_that_are_not_utf8(void **state)
{
    static const char *const texts[] = {
        "\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80",
    };
    struct prompt prompt;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(parse(texts[i], &prompt, &failure), -EILSEQ);
        assert_string_equal(failure.text, "The prompt is not UTF-8 text.");
    }
    assert_int_equal(prompt_parse("a\0b", 3, pro(), &prompt, &failure), -EILSEQ);
}

static void texts_have_a_limit(void **state)
{
    char *text = malloc(PROMPT_MAX_BYTES + 1);
    cleanup_prompt struct prompt prompt = {0};
    struct failure failure;

    (void)state;
    assert_non_null(text);
    memset(text, 'p', PROMPT_MAX_BYTES + 1);
    assert_int_equal(prompt_parse(text, PROMPT_MAX_BYTES + 1, pro(), &prompt, &failure), -EFBIG);
    assert_string_equal(failure.text, "The prompt is longer than 64 KiB.");
    assert_int_equal(prompt_parse(text, PROMPT_MAX_BYTES, pro(), &prompt, &failure), 0);
    assert_int_equal(prompt.length, PROMPT_MAX_BYTES);
    free(text);
}

static void chunks(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        uint64_t offset;
        int error;
    } rows[] = {
        {"A cat", 5, 0, 0},
        {"", 0, 0, 0},
        {"\xe2\x82", 2, 0, 0},               /* the head of a character */
        {"\xac and", 5, 2, 0},               /* its tail */
        {"\xac and", 5, 0, -EILSEQ},         /* nothing can stand before the first byte */
        {"\x9f\x98\x80", 3, 1, 0},           /* a tail of three */
        {"\x80\x80\x80\x80", 4, 1, -EILSEQ}, /* of four: there is none */
        {"a\xf0\x9f\x98", 4, 0, 0},          /* a head of three */
        {"a\xf0\x9f\x98z", 5, 0, -EILSEQ},   /* cut in the middle, not at the end */
        {"\xff", 1, 7, -EILSEQ},
        {"a\xc0", 2, 0, -EILSEQ},
        {"a\xed\xa0", 3, 0, -EILSEQ}, /* a surrogate in the making */
        {"a\0b", 3, 0, -EILSEQ},
        {"\0", 1, 5, -EILSEQ},
        {"\x80\0", 2, 5, -EILSEQ},
        {"ab", 2, PROMPT_MAX_BYTES - 2, 0},
        {"ab", 2, PROMPT_MAX_BYTES - 1, -EFBIG},
        {"", 0, PROMPT_MAX_BYTES, 0},
        {"", 0, PROMPT_MAX_BYTES + 1, -EFBIG},
        {"a", 1, UINT64_MAX, -EFBIG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure failure;

        failure_init(&failure);
        assert_int_equal(
            prompt_check_chunk(rows[i].bytes, rows[i].length, rows[i].offset, &failure),
            rows[i].error);
        assert_int_equal(failure.error, rows[i].error);
    }
}

/* Whatever passes as a whole passes cut in two at any byte. */
static void a_good_text_passes_in_any_two_chunks(void **state)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbb\xbfz";
    size_t length = sizeof(text) - 1;
    struct failure failure;

    (void)state;
    for (size_t cut = 0; cut <= length; cut++) {
        assert_int_equal(prompt_check_chunk(text, cut, 0, &failure), 0);
        assert_int_equal(prompt_check_chunk(text + cut, length - cut, cut, &failure), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_texts),
        cmocka_unit_test(front_matter),
        cmocka_unit_test(references_in_front_matter),
        cmocka_unit_test(a_byte_order_mark_before_front_matter),
        cmocka_unit_test(wrong_front_matter),
        cmocka_unit_test(a_list_of_references_has_a_limit),
        cmocka_unit_test(blank_texts_ask_for_nothing),
        cmocka_unit_test(texts_that_are_not_utf8),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(chunks),
        cmocka_unit_test(a_good_text_passes_in_any_two_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
