/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/buf.h"
#include "base/cleanup.h"

/* Files in memory; a read gives at most @step bytes. */
struct files {
    const char *data[REQUEST_REFERENCES_MAX];
    uint64_t length[REQUEST_REFERENCES_MAX];
    size_t step;
    size_t largest_read;
    int error; /* what every read returns */
};

static int64_t read_file(void *ctx, size_t index, uint64_t offset, void *buffer, size_t size)
{
    struct files *files = ctx;
    uint64_t left = files->length[index] - offset;

    if (files->error)
        return files->error;
    if (size > files->largest_read)
        files->largest_read = size;
    if (files->step && size > files->step)
        size = files->step;
    size = left < size ? (size_t)left : size;
    memcpy(buffer, files->data[index] + offset, size);
    return (int64_t)size;
}

/* Read the whole body with a buffer of @size bytes, which ASan watches. */
static int read_body(struct request *request, size_t size, struct buf *body)
{
    cleanup_free char *buffer = malloc(size);

    for (;;) {
        int64_t length = request_read(request, buffer, size);
        assert_int_equal(request_is_complete(request),
                         request_position(request) == request_length(request));
        if (length <= 0)
            return (int)length;
        assert_true((uint64_t)length == size ||
                    request_position(request) == request_length(request));
        assert_int_equal(buf_append(body, buffer, (size_t)length), 0);
        assert_int_equal(request_position(request), body->length);
    }
}

static void expect_body(const char *prompt, const struct settings *settings,
                        const struct request_reference *references, size_t count,
                        struct files *files, const char *expected)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 16, 100, 65536};
    struct request_source source = {files, read_file};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        cleanup_buf struct buf body;
        struct request *request = NULL;
        buf_init(&body, 1 << 20);
        assert_int_equal(request_create(prompt, settings, references, count, &source, &request), 0);
        assert_int_equal(request_length(request), strlen(expected));
        assert_false(request_is_complete(request));
        assert_int_equal(read_body(request, sizes[i], &body), 0);
        assert_string_equal(buf_text(&body), expected);
        assert_true(request_is_complete(request));
        assert_int_equal(request_read(request, &source, sizeof(source)), 0);
        request_destroy(request);
    }
}

static void set(struct settings *settings, enum setting setting, const char *value)
{
    settings->value[setting] = strdup(value);
    assert_non_null(settings->value[setting]);
}

static void clear(struct settings *settings)
{
    for (int i = 0; i < SETTING_MAX; i++)
        free(settings->value[i]);
}

static void prompt_alone(void **state)
{
    const struct settings settings = {{NULL}};

    (void)state;
    expect_body("a cat", &settings, NULL, 0, NULL,
                "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a cat\"}]}],"
                "\"generationConfig\":{\"responseModalities\":[\"IMAGE\",\"TEXT\"],"
                "\"imageConfig\":{}}}");
}

static void every_setting_at_its_place(void **state)
{
    static const char *const values[SETTING_MAX] = {
        [SETTING_ASPECT_RATIO] = "16:9",
        [SETTING_IMAGE_SIZE] = "2K",
        [SETTING_COUNT_OF_PICTURES] = "3",
        [SETTING_REFERENCES] = "none",
        [SETTING_TEMPERATURE] = "1.0",
        [SETTING_TOP_P] = "0.95",
        [SETTING_TOP_K] = "40",
        [SETTING_SEED] = "-7",
        [SETTING_MAX_OUTPUT_TOKENS] = "8192",
        [SETTING_RESPONSE_MODALITIES] = "IMAGE",
        [SETTING_SYSTEM_INSTRUCTION] = "Paint \"oil\"",
        [SETTING_SAFETY_HARASSMENT] = "BLOCK_ONLY_HIGH",
        [SETTING_SAFETY_HATE_SPEECH] = "BLOCK_NONE",
        [SETTING_SAFETY_SEXUALLY_EXPLICIT] = "OFF",
        [SETTING_SAFETY_DANGEROUS_CONTENT] = "BLOCK_LOW_AND_ABOVE",
    };
    struct settings settings = {{NULL}};

    (void)state;
    for (int i = 0; i < SETTING_MAX; i++)
        set(&settings, (enum setting)i, values[i]);
    expect_body(
        "x", &settings, NULL, 0, NULL,
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]}],"
        "\"systemInstruction\":{\"parts\":[{\"text\":\"Paint \\\"oil\\\"\"}]},"
        "\"safetySettings\":["
        "{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"BLOCK_ONLY_HIGH\"},"
        "{\"category\":\"HARM_CATEGORY_HATE_SPEECH\",\"threshold\":\"BLOCK_NONE\"},"
        "{\"category\":\"HARM_CATEGORY_SEXUALLY_EXPLICIT\",\"threshold\":\"OFF\"},"
        "{\"category\":\"HARM_CATEGORY_DANGEROUS_CONTENT\",\"threshold\":\"BLOCK_LOW_AND_ABOVE\"}],"
        "\"generationConfig\":{\"responseModalities\":[\"IMAGE\"],\"temperature\":1.0,"
        "\"topP\":0.95,\"topK\":40,\"seed\":-7,\"maxOutputTokens\":8192,"
        "\"imageConfig\":{\"aspectRatio\":\"16:9\",\"imageSize\":\"2K\"}}}");
    clear(&settings);
}

static void each_setting_alone(void **state)
{
    static const struct {
        enum setting setting;
        const char *value, *before, *config;
    } rows[] = {
        {SETTING_IMAGE_SIZE, "4K", "", ",\"imageConfig\":{\"imageSize\":\"4K\"}}}"},
        {SETTING_SEED, "0", "", ",\"seed\":0,\"imageConfig\":{}}}"},
        {SETTING_TOP_P, "0.5", "", ",\"topP\":0.5,\"imageConfig\":{}}}"},
        {SETTING_SAFETY_HATE_SPEECH, "OFF",
         "\"safetySettings\":[{\"category\":\"HARM_CATEGORY_HATE_SPEECH\",\"threshold\":\"OFF\"}],",
         ",\"imageConfig\":{}}}"},
        {SETTING_SYSTEM_INSTRUCTION, "", "", ",\"imageConfig\":{}}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = {{NULL}};
        cleanup_buf struct buf expected;
        buf_init(&expected, 4096);
        set(&settings, rows[i].setting, rows[i].value);
        buf_printf(&expected,
                   "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]}],%s"
                   "\"generationConfig\":{\"responseModalities\":[\"IMAGE\",\"TEXT\"]%s",
                   rows[i].before, rows[i].config);
        expect_body("x", &settings, NULL, 0, NULL, buf_text(&expected));
        clear(&settings);
    }
}

static void references_follow_the_prompt_in_order(void **state)
{
    const struct settings settings = {{NULL}};
    const struct request_reference references[] = {
        {"image/jpeg", 6}, {"image/png", 4}, {"image/webp", 0}, {"image/heic", 5}};
    const char *expected =
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"both\"},"
        "{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"Zm9vYmFy\"}},"
        "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"Zm9vYg==\"}},"
        "{\"inlineData\":{\"mimeType\":\"image/webp\",\"data\":\"\"}},"
        "{\"inlineData\":{\"mimeType\":\"image/heic\",\"data\":\"Zm9vYmE=\"}}]}],"
        "\"generationConfig\":{\"responseModalities\":[\"IMAGE\",\"TEXT\"],\"imageConfig\":{}}}";

    (void)state;
    for (size_t step = 0; step < 8; step++) {
        struct files files = {
            .data = {"foobar", "foob", "", "fooba"}, .length = {6, 4, 0, 5}, .step = step};
        expect_body("both", &settings, references, 4, &files, expected);
    }
}

static void a_reference_is_never_held_whole(void **state)
{
    const struct settings settings = {{NULL}};
    const struct request_reference reference = {"image/png", 1000000};
    cleanup_free char *data = calloc(1, 1000000);
    struct files files = {.data = {data}, .length = {1000000}};
    struct request_source source = {&files, read_file};
    struct request *request = NULL;
    cleanup_buf struct buf body;

    (void)state;
    buf_init(&body, 2 << 20);
    assert_int_equal(request_create("x", &settings, &reference, 1, &source, &request), 0);
    assert_int_equal(read_body(request, 1 << 20, &body), 0);
    assert_int_equal(body.length, request_length(request));
    assert_true(files.largest_read <= 16384);
    request_destroy(request);
}

/* Every length that differs from the stated one is an error, and the body is never complete. */
static void a_wrong_size_is_an_error(void **state)
{
    const struct settings settings = {{NULL}};
    static const char data[] = "0123456789abcdef";

    (void)state;
    for (uint64_t stated = 0; stated < 16; stated++) {
        for (uint64_t actual = 0; actual < 16; actual++) {
            const struct request_reference reference = {"image/png", stated};
            struct files files = {.data = {data}, .length = {actual}};
            struct request_source source = {&files, read_file};
            struct request *request = NULL;
            cleanup_buf struct buf body;
            int result;
            buf_init(&body, 4096);
            assert_int_equal(request_create("x", &settings, &reference, 1, &source, &request), 0);
            result = read_body(request, 3, &body);
            assert_int_equal(result, stated == actual ? 0 : -EIO);
            assert_int_equal(request_is_complete(request), stated == actual);
            assert_int_equal(request_read(request, &body, sizeof(body)), result);
            request_destroy(request);
        }
    }
}

static void what_the_source_returns_is_final(void **state)
{
    const struct settings settings = {{NULL}};
    const struct request_reference reference = {"image/png", 5};
    struct files files = {.data = {"01234"}, .length = {5}, .error = -ESTALE};
    struct request_source source = {&files, read_file};
    struct request *request = NULL;
    cleanup_buf struct buf body;
    char buffer[64];

    (void)state;
    buf_init(&body, 4096);
    assert_int_equal(request_create("x", &settings, &reference, 1, &source, &request), 0);
    assert_int_equal(read_body(request, 5, &body), -ESTALE);
    files.error = 0;
    assert_int_equal(request_read(request, buffer, sizeof(buffer)), -ESTALE);
    assert_false(request_is_complete(request));
    request_destroy(request);
}

static int64_t read_too_much(void *ctx, size_t index, uint64_t offset, void *buffer, size_t size)
{
    (void)ctx;
    (void)index;
    (void)offset;
    (void)buffer;
    return (int64_t)size + 1;
}

static void a_source_that_claims_too_much_is_an_error(void **state)
{
    const struct settings settings = {{NULL}};
    const struct request_reference reference = {"image/png", 5};
    struct request_source source = {NULL, read_too_much};
    struct request *request = NULL;
    cleanup_buf struct buf body;

    (void)state;
    buf_init(&body, 4096);
    assert_int_equal(request_create("x", &settings, &reference, 1, &source, &request), 0);
    assert_int_equal(read_body(request, 4096, &body), -EIO);
    request_destroy(request);
}

static void no_room_is_an_error(void **state)
{
    const struct settings settings = {{NULL}};
    struct request *request = NULL;
    char buffer[1];

    (void)state;
    assert_int_equal(request_create("x", &settings, NULL, 0, NULL, &request), 0);
    assert_int_equal(request_read(request, buffer, 0), -EINVAL);
    request_destroy(request);
    request_destroy(NULL);
}

static void text_is_escaped_and_otherwise_as_it_was(void **state)
{
    static const struct {
        const char *prompt, *json;
    } rows[] = {
        {"\"\\/", "\\\"\\\\/"},
        {"a\nb\tc\rd\be\ff", "a\\nb\\tc\\rd\\be\\ff"},
        {"\x01\x1f\x7f", "\\u0001\\u001f\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88"},
        {"\xe2\x80\xa8", "\xe2\x80\xa8"},
        {"  two  ", "  two  "},
        {"%s\\u0041", "%s\\\\u0041"},
        {"", ""},
    };
    const struct settings settings = {{NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf expected;
        buf_init(&expected, 4096);
        buf_printf(&expected,
                   "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"%s\"}]}],"
                   "\"generationConfig\":{\"responseModalities\":[\"IMAGE\",\"TEXT\"],"
                   "\"imageConfig\":{}}}",
                   rows[i].json);
        expect_body(rows[i].prompt, &settings, NULL, 0, NULL, buf_text(&expected));
    }
}

static int try_setting(enum setting setting, const char *value)
{
    struct settings settings = {{NULL}};
    struct request *request = NULL;
    int error;

    set(&settings, setting, value);
    error = request_create("x", &settings, NULL, 0, NULL, &request);
    assert_true(error || request);
    assert_true(!error || !request);
    request_destroy(request);
    clear(&settings);
    return error;
}

static int try_reference(const char *mime, uint64_t size)
{
    const struct settings settings = {{NULL}};
    const struct request_reference reference = {mime, size};
    struct request_source source = {NULL, read_file};
    struct request *request = NULL;
    int error = request_create("x", &settings, &reference, 1, &source, &request);

    request_destroy(request);
    return error;
}

static void what_is_not_well_formed_is_refused(void **state)
{
    static const char *const bad_numbers[] = {"1.",  "+1", ".5", "1e",    "01",  "0x1", "NaN",
                                              "1,5", "1 ", " 1", "1\"}}", "--1", "-",   "1e+"};
    static const char *const good_numbers[] = {"0",   "-0",   "10",        "1.50",
                                               "1e3", "1E-3", "2147483647"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad_numbers) / sizeof(bad_numbers[0]); i++)
        assert_int_equal(try_setting(SETTING_TEMPERATURE, bad_numbers[i]), -EINVAL);
    for (size_t i = 0; i < sizeof(good_numbers) / sizeof(good_numbers[0]); i++)
        assert_int_equal(try_setting(SETTING_TEMPERATURE, good_numbers[i]), 0);
    assert_int_equal(try_setting(SETTING_RESPONSE_MODALITIES, "IMAGE,"), -EINVAL);
    assert_int_equal(try_setting(SETTING_RESPONSE_MODALITIES, ",IMAGE"), -EINVAL);
    assert_int_equal(try_setting(SETTING_RESPONSE_MODALITIES, "IMAGE\",\"X"), -EINVAL);
    assert_int_equal(try_setting(SETTING_SYSTEM_INSTRUCTION, "\xff"), -EILSEQ);
    assert_int_equal(try_setting(SETTING_ASPECT_RATIO, "\xc3"), -EILSEQ);
    assert_int_equal(try_reference("image/png", 1), 0);
    assert_int_equal(try_reference("image/x\"y", 1), -EINVAL);
    assert_int_equal(try_reference("image", 1), -EINVAL);
    assert_int_equal(try_reference(NULL, 1), -EINVAL);
    assert_int_equal(try_reference("image/png", REQUEST_REFERENCE_MAX), 0);
    assert_int_equal(try_reference("image/png", REQUEST_REFERENCE_MAX + 1), -EFBIG);
}

static void a_prompt_that_is_not_utf8_is_refused(void **state)
{
    const struct settings settings = {{NULL}};
    struct request *request = NULL;

    (void)state;
    assert_int_equal(request_create("a\xed\xa0\x80", &settings, NULL, 0, NULL, &request), -EILSEQ);
    assert_int_equal(request_create("\xc0\x80", &settings, NULL, 0, NULL, &request), -EILSEQ);
    assert_null(request);
}

static void limits_hold_at_the_limit_and_not_above(void **state)
{
    const struct settings settings = {{NULL}};
    struct request_reference references[REQUEST_REFERENCES_MAX + 1];
    struct request_source source = {NULL, read_file};
    struct request *request = NULL;
    size_t frame;
    char *prompt;

    (void)state;
    for (size_t i = 0; i <= REQUEST_REFERENCES_MAX; i++)
        references[i] = (struct request_reference){"image/png", 1};
    assert_int_equal(
        request_create("x", &settings, references, REQUEST_REFERENCES_MAX + 1, &source, &request),
        -E2BIG);
    assert_int_equal(
        request_create("x", &settings, references, REQUEST_REFERENCES_MAX, &source, &request), 0);
    request_destroy(request);

    assert_int_equal(request_create("", &settings, NULL, 0, NULL, &request), 0);
    frame = (size_t)request_length(request);
    request_destroy(request);
    prompt = calloc(1, REQUEST_TEXT_MAX);
    memset(prompt, 'x', REQUEST_TEXT_MAX - frame);
    assert_int_equal(request_create(prompt, &settings, NULL, 0, NULL, &request), 0);
    assert_int_equal(request_length(request), REQUEST_TEXT_MAX);
    request_destroy(request);
    request = NULL;
    prompt[REQUEST_TEXT_MAX - frame] = 'x';
    assert_int_equal(request_create(prompt, &settings, NULL, 0, NULL, &request), -EFBIG);
    assert_null(request);
    free(prompt);
}

static void expect_url(const char *base, const char *model, const char *expected)
{
    cleanup_free char *url = NULL;

    assert_int_equal(request_url(base, model, &url), 0);
    assert_string_equal(url, expected);
}

static void url_escapes_the_model(void **state)
{
    char *url = NULL;

    (void)state;
    expect_url("https://octopusx.ai", "gemini-3-pro-image-preview",
               "https://octopusx.ai/v1beta/models/gemini-3-pro-image-preview:generateContent");
    expect_url("https://host:8443/gate//", "a/b",
               "https://host:8443/gate/v1beta/models/a%2Fb:"
               "generateContent");
    expect_url("http://h", "A9-._~", "http://h/v1beta/models/A9-._~:generateContent");
    expect_url("http://h", "a b:c?d#e%f&\xc3\xa9",
               "http://h/v1beta/models/a%20b%3Ac%3Fd%23e%25f%26%C3%A9:generateContent");
    expect_url("http://h", "..", "http://h/v1beta/models/..:generateContent");
    assert_int_equal(request_url("", "m", &url), -EINVAL);
    assert_int_equal(request_url("//", "m", &url), -EINVAL);
    assert_int_equal(request_url("http://h", "", &url), -EINVAL);
    assert_null(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt_alone),
        cmocka_unit_test(every_setting_at_its_place),
        cmocka_unit_test(each_setting_alone),
        cmocka_unit_test(references_follow_the_prompt_in_order),
        cmocka_unit_test(a_reference_is_never_held_whole),
        cmocka_unit_test(a_wrong_size_is_an_error),
        cmocka_unit_test(what_the_source_returns_is_final),
        cmocka_unit_test(a_source_that_claims_too_much_is_an_error),
        cmocka_unit_test(no_room_is_an_error),
        cmocka_unit_test(text_is_escaped_and_otherwise_as_it_was),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(a_prompt_that_is_not_utf8_is_refused),
        cmocka_unit_test(limits_hold_at_the_limit_and_not_above),
        cmocka_unit_test(url_escapes_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
