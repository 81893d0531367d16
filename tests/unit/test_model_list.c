/* SPDX-License-Identifier: MIT
 *
 * The API's list of models: the shapes it comes in, which models on it are taken, what stands in
 * its place, and every maximum with a list at it and one above.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "api/model_list.h"
#include "base/buf.h"
#include "conf/models.h"

#define KEY   "sk-canary"
#define IMAGE "gemini-9-image"

struct page {
    struct model_offer offer;
    struct failure failure;
    int error;
};

static void page_fini(struct page *page)
{
    model_offer_fini(&page->offer);
}

#define cleanup_page cleanup_(page_fini)

static void read_more(struct page *page, const char *body)
{
    failure_init(&page->failure);
    page->error = model_list_read(body, strlen(body), KEY, false, &page->offer, &page->failure);
}

static struct page read_page(const char *body)
{
    struct page page = {.error = 0};

    read_more(&page, body);
    return page;
}

/* The names with a blank after each. */
static void expect_names(const struct page *page, const char *names, size_t listed)
{
    cleanup_buf struct buf found = {.max = 65536};

    assert_int_equal(page->error, 0);
    for (size_t i = 0; i < page->offer.count; i++)
        assert_int_equal(buf_printf(&found, "%s ", page->offer.names[i]), 0);
    assert_string_equal(buf_text(&found), names);
    assert_int_equal(page->offer.listed, listed);
}

static void shapes(void **state)
{
    static const struct {
        const char *body;
        const char *names;
        size_t listed;
        const char *next; /* NULL: none */
    } rows[] = {
        {"{\"models\":[{\"name\":\"models/a-image\",\"supportedGenerationMethods\":"
         "[\"countTokens\",\"generateContent\"]},{\"name\":\"models/b\"}],\"nextPageToken\":\"t\"}",
         "a-image ", 2, "t"},
        {"{\"nextPageToken\":\"\",\"models\":[{\"name\":\"b-image\"},{\"name\":\"a-image\"}]}",
         "b-image a-image ", 2, NULL},
        {"{\"next_page_token\":\"t\",\"models\":[{\"name\":\"a-image\","
         "\"supported_generation_methods\":[\"predict\"]}]}",
         "", 1, "t"},
        {"{\"object\":\"list\",\"success\":true,\"data\":[{\"id\":\"google/a-image\",\"name\":"
         "\"Google: an image\",\"object\":\"model\"}]}",
         "google/a-image ", 1, NULL},
        {"{\"data\":[{\"name\":\"a-image\"}],\"models\":null}", "a-image ", 1, NULL},
        {"{\"models\":[{\"id\":\"a-image\"}]}", "a-image ", 1, NULL},
        {"[{\"name\":\"a-image\"},{\"id\":\"b-image\"}]", "a-image b-image ", 2, NULL},
        {"[{\"name\":\"a-image\"}]", "a-image ", 1, NULL},
        {"[{\"models\":[{\"name\":\"a-image\"}],\"nextPageToken\":\"t\"}]", "a-image ", 1, "t"},
        {"[{\"data\":[{\"id\":\"a-image\"}]}]", "a-image ", 1, NULL},
        {"[\"a-image\",\"models/b-image\"]", "a-image b-image ", 2, NULL},
        {"{\"models\":[\"a-image\"]}", "a-image ", 1, NULL},
        {" {\"models\": [] }\n", "", 0, NULL},
        {"[]", "", 0, NULL},
        {"{\"models\":[],\"nextPageToken\":\"\\u001b&=\\u00e9\"}", "", 0, "\x1b&=\xc3\xa9"},
        {"{\"models\":[null,1,true,[],{},{\"name\":null},{\"name\":1},{\"name\":[\"a-image\"]},"
         "{\"name\":\"\"},\"b-image\"],\"nextPageToken\":7}",
         "b-image ", 10, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_page struct page page = read_page(rows[i].body);

        expect_names(&page, rows[i].names, rows[i].listed);
        if (rows[i].next)
            assert_string_equal(page.offer.next, rows[i].next);
        else
            assert_null(page.offer.next);
    }
}

/* Which names, without methods, are those of models that make pictures. */
static void names_that_make_pictures(void **state)
{
    static const struct {
        const char *name;
        const char *taken; /* NULL: it is not */
    } rows[] = {
        {"gemini-3-pro-image-preview", "gemini-3-pro-image-preview"},
        {"models/gemini-2.5-flash-image", "gemini-2.5-flash-image"},
        {"models/models/x-image", "x-image"},
        {"Qwen-IMAGE-edit", "Qwen-IMAGE-edit"},
        {"image", "image"},
        {"imagen-4.0-generate-001", NULL},
        {"IMAGEN", NULL},
        {"imagen-image", "imagen-image"},
        {"imag", NULL},
        {"gemini-2.5-pro", NULL},
        {"text-embedding-004", NULL},
        {"permissive", NULL},
        {"auto", NULL},
        {"../image", NULL},
        {".image", NULL},
        {"a image", NULL},
        {"image\\n", NULL},
        {"\\u0001image", NULL},
        {"models/", NULL},
        {"an-image-of-" KEY, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[200];
        char names[100];
        cleanup_page struct page page = {.error = 0};

        snprintf(body, sizeof(body), "{\"data\":[{\"id\":\"%s\"}]}", rows[i].name);
        snprintf(names, sizeof(names), "%s%s", rows[i].taken ? rows[i].taken : "",
                 rows[i].taken ? " " : "");
        read_more(&page, body);
        expect_names(&page, names, 1);
    }
}

static void methods(void **state)
{
    static const struct {
        const char *methods;
        bool taken;
    } rows[] = {
        {"[\"generateContent\"]", true},
        {"[\"countTokens\",\"generateContent\",\"batchGenerateContent\"]", true},
        {"[\"predict\"]", false},
        {"[\"generateContentStream\"]", false},
        {"[\"generatecontent\"]", false},
        {"[null,7,{}]", false},
        {"[]", true},
        {"null", true},
        {"\"generateContent\"", true},
        {"{\"predict\":1}", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[500];
        cleanup_page struct page page = {.error = 0};

        /* Neither a profile nor "image" in the name makes up for the method. */
        snprintf(body, sizeof(body),
                 "{\"models\":[{\"name\":\"" IMAGE "\",\"supportedGenerationMethods\":%s},"
                 "{\"supportedGenerationMethods\":%s,\"name\":\"gemini-2.5-flash-image\"},"
                 "{\"supportedGenerationMethods\":%s,\"name\":\"gemini-2.5-pro\"}]}",
                 rows[i].methods, rows[i].methods, rows[i].methods);
        read_more(&page, body);
        expect_names(&page, rows[i].taken ? IMAGE " gemini-2.5-flash-image " : "", 3);
    }
}

static void pages_add_up(void **state)
{
    cleanup_page struct page page =
        read_page("{\"models\":[\"b-image\",\"a-image\",\"b-image\"],\"nextPageToken\":\"1\"}");

    (void)state;
    expect_names(&page, "b-image a-image ", 3);
    read_more(&page, "{\"models\":[\"c-image\",\"models/a-image\"],\"nextPageToken\":\"2\"}");
    expect_names(&page, "b-image a-image c-image ", 5);
    assert_string_equal(page.offer.next, "2");
    read_more(&page, "<html>");
    assert_int_equal(page.error, -EBADMSG);
    assert_null(page.offer.next);
    assert_int_equal(page.offer.count, 3);
    assert_int_equal(page.offer.listed, 5);
    read_more(&page, "{\"models\":[]}");
    expect_names(&page, "b-image a-image c-image ", 5);
}

#define NOT_JSON "What the API gave as its list of models is not JSON."
#define NO_LIST  "What the API gave as its list of models is none."
#define CUT      "The API's list of models broke off before it was complete."

static void no_list(void **state)
{
    static const struct {
        const char *body;
        int error;
        const char *text;
    } rows[] = {
        {"", -EBADMSG, NOT_JSON},
        {"<html><title>Log in</title></html>", -EBADMSG, NOT_JSON},
        {"{\"models\":[]} more", -EBADMSG, NOT_JSON},
        {"{\"models\":[\"a-image\"", -EBADMSG, CUT},
        {"{\"models\":[{\"name\":\"a-im", -EBADMSG, CUT},
        {"null", -EBADMSG, NO_LIST},
        {"7", -EBADMSG, NO_LIST},
        {"\"a-image\"", -EBADMSG, NO_LIST},
        {"{}", -EBADMSG, NO_LIST},
        {"{\"models\":{\"name\":\"a-image\"}}", -EBADMSG, NO_LIST},
        {"{\"models\":\"a-image\",\"data\":[]}", -EBADMSG, NO_LIST},
        {"{\"data\":null}", -EBADMSG, NO_LIST},
        {"{\"error\":{\"code\":401,\"message\":\"Who are you, " KEY "?\"}}", -EREMOTEIO,
         "The API answered with an error: Who are you, [key]?"},
        {"{\"success\":false,\"message\":\"No such group\",\"data\":[]}", -EREMOTEIO,
         "The API answered with an error: No such group."},
        {"[{\"error\":{\"message\":\"Gone\"}}]", -EREMOTEIO,
         "The API answered with an error: Gone."},
        {"{\"models\":[],\"nextPageToken\":\"a" KEY "\"}", -EBADMSG,
         "The API gives the key as the token of the next page of its list."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_page struct page page = read_page(rows[i].body);

        assert_int_equal(page.error, rows[i].error);
        assert_int_equal(page.failure.error, rows[i].error);
        assert_string_equal(page.failure.text, rows[i].text);
        assert_int_equal(page.offer.count, 0);
        assert_null(page.offer.next);
    }
}

/* A list of @count models of their own names. */
static void append_models(struct buf *body, size_t count)
{
    assert_int_equal(buf_append_text(body, "{\"models\":["), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_printf(body, "%s\"image-%zu\"", i ? "," : "", i), 0);
    assert_int_equal(buf_append_text(body, "]}"), 0);
}

static void as_many_as_can_be_mounted(void **state)
{
    (void)state;
    for (size_t count = MODELS_MAX; count <= MODELS_MAX + 1; count++) {
        cleanup_buf struct buf body = {.max = 65536};
        cleanup_page struct page page = {.error = 0};

        append_models(&body, count);
        read_more(&page, buf_text(&body));
        assert_int_equal(page.error, 0);
        assert_int_equal(page.offer.count, MODELS_MAX);
        assert_int_equal(page.offer.left_over, count - MODELS_MAX);
        assert_int_equal(page.offer.listed, count);
        assert_string_equal(page.offer.names[MODELS_MAX - 1], "image-255");
    }
}

static void append_many(struct buf *body, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_append_text(body, text), 0);
}

static void the_longest_name(void **state)
{
    (void)state;
    for (size_t length = MODEL_NAME_MAX_BYTES; length <= MODEL_NAME_MAX_BYTES + 1; length++) {
        cleanup_buf struct buf body = {.max = 65536};
        cleanup_page struct page page = {.error = 0};

        assert_int_equal(buf_append_text(&body, "{\"models\":[\"models/image"), 0);
        append_many(&body, "x", length - strlen("image"));
        assert_int_equal(buf_append_text(&body, "\"]}"), 0);
        read_more(&page, buf_text(&body));
        assert_int_equal(page.error, 0);
        assert_int_equal(page.offer.count, length == MODEL_NAME_MAX_BYTES ? 1 : 0);
    }
}

/* Also one that is long enough to leave the skeleton (api/lift.h). */
static void the_longest_token(void **state)
{
    static const size_t lengths[] = {MODEL_LIST_TOKEN_MAX, MODEL_LIST_TOKEN_MAX + 1, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        cleanup_buf struct buf body = {.max = 200000};
        cleanup_page struct page page = {.error = 0};

        assert_int_equal(buf_append_text(&body, "{\"models\":[\"image\"],\"nextPageToken\":\""), 0);
        append_many(&body, "t", lengths[i]);
        assert_int_equal(buf_append_text(&body, "\"}"), 0);
        read_more(&page, buf_text(&body));
        assert_int_equal(page.error, i ? -E2BIG : 0);
        assert_int_equal(page.offer.count, i ? 0 : 1);
        if (i)
            assert_string_equal(page.failure.text, "The token of the next page of the list is "
                                                   "longer than 2048 bytes.");
        else
            assert_int_equal(strlen(page.offer.next), MODEL_LIST_TOKEN_MAX);
    }
}

static void the_largest_page(void **state)
{
    (void)state;
    for (size_t excess = 0; excess <= 1; excess++) {
        cleanup_buf struct buf body = {.max = MODEL_LIST_PAGE_MAX + 1};
        cleanup_page struct page page = {.error = 0};

        assert_int_equal(buf_append_text(&body, "[\"image\""), 0);
        while (body.length < MODEL_LIST_PAGE_MAX - 3)
            assert_int_equal(buf_append_text(&body, ",7"), 0);
        while (body.length < MODEL_LIST_PAGE_MAX - 1 + excess)
            assert_int_equal(buf_append_text(&body, " "), 0);
        assert_int_equal(buf_append_text(&body, "]"), 0);
        read_more(&page, buf_text(&body));
        assert_int_equal(page.error, excess ? -E2BIG : 0);
        assert_int_equal(page.offer.count, excess ? 0 : 1);
        if (excess)
            assert_string_equal(page.failure.text, "A page of the API's list of models is larger "
                                                   "than 1048576 bytes.");
    }
}

/* Descriptions of any length are passed over; a list of too many such strings is none. */
static void long_strings(void **state)
{
    (void)state;
    for (size_t count = 3; count <= 257; count += 254) {
        cleanup_buf struct buf body = {.max = 2 * MODEL_LIST_PAGE_MAX};
        cleanup_page struct page page = {.error = 0};

        assert_int_equal(buf_append_text(&body, "{\"models\":["), 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(buf_printf(&body, "%s{\"description\":\"", i ? "," : ""), 0);
            append_many(&body, "word ", count == 3 ? 20000 : 820);
            assert_int_equal(buf_printf(&body, "\",\"name\":\"image-%zu\"}", i), 0);
        }
        assert_int_equal(buf_append_text(&body, "]}"), 0);
        read_more(&page, buf_text(&body));
        if (count == 3)
            expect_names(&page, "image-0 image-1 image-2 ", 3);
        else
            assert_int_equal(page.error, body.length > MODEL_LIST_PAGE_MAX ? -E2BIG : -EBADMSG);
    }
}

static void depth(void **state)
{
    cleanup_buf struct buf body = {.max = 65536};
    cleanup_page struct page page = {.error = 0};

    (void)state;
    append_many(&body, "[", 10000);
    read_more(&page, buf_text(&body));
    assert_int_equal(page.error, -EBADMSG);
    assert_string_equal(page.failure.text, NO_LIST);
}

static void urls(void **state)
{
    static const struct {
        const char *base, *token, *url;
    } rows[] = {
        {"https://h", NULL, "https://h/v1beta/models?pageSize=200"},
        {"http://h:80/a", "t", "http://h:80/a/v1beta/models?pageSize=200&pageToken=t"},
        {"https://h", "", "https://h/v1beta/models?pageSize=200&pageToken="},
        {"https://h", "a-b._~9Z", "https://h/v1beta/models?pageSize=200&pageToken=a-b._~9Z"},
        {"https://h", "a+/=&#%? \n\xc3\xa9",
         "https://h/v1beta/models?pageSize=200&pageToken=a%2B%2F%3D%26%23%25%3F%20%0A%C3%A9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_free char *url = NULL;

        assert_int_equal(model_list_url(rows[i].base, rows[i].token, &url), 0);
        assert_string_equal(url, rows[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(names_that_make_pictures),
        cmocka_unit_test(methods),
        cmocka_unit_test(pages_add_up),
        cmocka_unit_test(no_list),
        cmocka_unit_test(as_many_as_can_be_mounted),
        cmocka_unit_test(the_longest_name),
        cmocka_unit_test(the_longest_token),
        cmocka_unit_test(the_largest_page),
        cmocka_unit_test(long_strings),
        cmocka_unit_test(depth),
        cmocka_unit_test(urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
