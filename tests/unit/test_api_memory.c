/* SPDX-License-Identifier: MIT
 *
 * Every allocation of api/ fails once: the N-th for N = 1, 2, 3... until a run needs fewer. Each
 * run must say -ENOMEM, touch nothing it should not, and free all it has. The allocators are
 * wrapped by the linker (api.units.cmake), cJSON's by its hooks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/fault.h"
#include "api/lift.h"
#include "api/markdown.h"
#include "api/model_list.h"
#include "api/request.h"
#include "api/response.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "failing_memory.h"

static int sink_open(void *ctx, unsigned part, enum lift_encoding encoding)
{
    (void)ctx;
    (void)part;
    (void)encoding;
    return 0;
}

static int sink_write(void *ctx, unsigned part, const void *data, size_t length)
{
    (void)ctx;
    (void)part;
    (void)data;
    (void)length;
    return 0;
}

static int sink_close(void *ctx, unsigned part, const struct lift_part *info)
{
    (void)ctx;
    (void)part;
    (void)info;
    return 0;
}

static const struct lift_sink null_sink = {NULL, sink_open, sink_write, sink_close};
static const struct fault_context context = {.body_complete = true, .key = "key"};

static int64_t read_zeros(void *ctx, size_t index, uint64_t offset, void *buffer, size_t size)
{
    (void)ctx;
    (void)index;
    if (offset >= 10)
        return 0;
    size = size < 10 - offset ? size : 10 - (size_t)offset;
    memset(buffer, 0, size);
    return (int64_t)size;
}

static int make_request(void *none)
{
    static char instruction[] = "Paint";
    static char threshold[] = "OFF";
    static char number[] = "1.5";
    static char ratio[] = "16:9";
    const struct settings settings = {.value = {
                                          [SETTING_SYSTEM_INSTRUCTION] = instruction,
                                          [SETTING_SAFETY_HARASSMENT] = threshold,
                                          [SETTING_TEMPERATURE] = number,
                                          [SETTING_ASPECT_RATIO] = ratio,
                                      }};
    const struct request_reference references[] = {{"image/png", 10}, {"image/jpeg", 10}};
    const struct request_source source = {NULL, read_zeros};
    struct request *request = NULL;
    char buffer[100];
    int64_t length = 0;
    int error = request_create("a cat", &settings, references, 2, &source, &request);

    (void)none;
    if (error) {
        assert_null(request);
        return error;
    }
    do
        length = request_read(request, buffer, sizeof(buffer));
    while (length > 0);
    assert_true(request_is_complete(request));
    request_destroy(request);
    return (int)length;
}

static int make_url(void *none)
{
    cleanup_free char *url = NULL;

    (void)none;
    return request_url("https://host",
                       "a model/with a long name that makes the buffer grow twice "
                       "or so: ////////////////////////////////////////",
                       &url);
}

/* A body with all that can happen: parts of each kind, many of them, a remainder. */
static void make_body(struct buf *body)
{
    buf_append_text(body, "{\"candidates\":[{\"finishReason\":\"OTHER\",\"content\":{\"parts\":[");
    for (int i = 0; i < 9; i++) {
        buf_append_text(body, "{\"inlineData\":{\"data\":\"");
        for (int j = 0; j < 1100; j++)
            buf_append_text(body, i % 3 == 1 && j == 1050 ? "Zm*v" : "Zm9v");
        buf_append_text(body, "\"}},{\"text\":\"![a](data:image/png;base64,Zm9v)![b](https://h)\"}"
                              ",{\"url\":\"https://h\"},{\"inlineData\":{\"data\":\"Zm9v\"}},");
    }
    buf_append_text(body, "{}]}}],\"modelVersion\":\"m\",\"responseId\":\"r\"} tail");
}

static struct buf body;

static int lift_body(void *none)
{
    struct lift *lift = NULL;
    struct lift_result result;
    int error = lift_create(&null_sink, NULL, &lift);

    (void)none;
    for (size_t i = 0; i < body.length && !error; i += 1000)
        error = lift_feed(lift, body.data + i, body.length - i < 1000 ? body.length - i : 1000);
    if (!error)
        error = lift_finish(lift, &result);
    if (!error)
        assert_int_equal(result.verdict, LIFT_TRAILING);
    lift_destroy(lift);
    return error;
}

/* A body that ends in the middle of a string: the skeleton is completed and a part made. */
static int lift_cut_body(void *none)
{
    struct lift *lift = NULL;
    struct lift_result result;
    int error = lift_create(&null_sink, NULL, &lift);

    (void)none;
    if (!error)
        error = lift_feed(lift, "[{\"a\":\"b", 8);
    if (!error)
        error = lift_finish(lift, &result);
    if (!error)
        assert_string_equal(result.skeleton, "[{\"a\":\"\\u00010\"}]");
    lift_destroy(lift);
    return error;
}

static struct lift_result response_input;

static int parse_response(void *none)
{
    struct answer *answer = NULL;
    int error = response_parse(&response_input, &context, &answer);

    (void)none;
    assert_true(!error == (answer != NULL));
    response_destroy(answer);
    return error;
}

static void lift_input(const char *text, struct lift **ret_lift)
{
    assert_int_equal(lift_create(&null_sink, NULL, ret_lift), 0);
    assert_int_equal(lift_feed(*ret_lift, text, strlen(text)), 0);
    assert_int_equal(lift_finish(*ret_lift, &response_input), 0);
}

static int scan_markdown(void *none)
{
    static const char text[] = "![a](data:image/png;base64,Zm9vYmFy) ![b](https://host/p.png)";
    struct markdown *markdown = NULL;
    struct markdown_result found;
    int error = markdown_create(&null_sink, 0, &markdown);

    (void)none;
    if (!error)
        error = markdown_feed(markdown, text, strlen(text));
    if (!error)
        error = markdown_finish(markdown, &found);
    if (!error)
        assert_int_equal(found.count, 2);
    markdown_destroy(markdown);
    return error;
}

static int take_markdown(void *none)
{
    static char url[] = "https://host/p.png";
    const struct markdown_link links[] = {
        {.url = url, .part = LIFT_NONE},
        {.part = 1, .info = {.encoding = LIFT_BYTES, .complete = true}},
        {.part = 2, .info = {.encoding = LIFT_BYTES, .damaged = true}},
    };
    const struct markdown_result found = {links, 3};
    struct answer *answer = NULL;
    int error = response_parse(&response_input, &context, &answer);

    (void)none;
    if (!error)
        error = response_take_markdown(answer, &found);
    response_destroy(answer);
    return error;
}

static int describe_fault(void *none)
{
    cleanup_buf struct buf text = {.max = 20000};
    struct fault_answer answer = {.http_status = 429};
    struct failure failure = {.error = 77};
    unsigned saved = countdown;
    int error;

    (void)none;
    countdown = 0;
    buf_append_text(&text, "{\"error\":{\"message\":\"got {\\\"error\\\":{\\\"message\\\":\\\"inner"
                           "\\\"}}\",\"details\":[\"");
    for (int i = 0; i < 5000; i++)
        buf_append_text(&text, "?");
    buf_append_text(&text, "\"]}}");
    countdown = saved;
    answer.body = text.data;
    answer.body_length = text.length;
    error = fault_from_answer(&answer, &context, &failure);
    if (error)
        assert_int_equal(failure.error, 77);
    else
        assert_string_equal(failure.text, "The API's rate limit is reached: inner.");
    return error;
}

static void requests(void **state)
{
    (void)state;
    assert_true(fail_each(make_request, NULL) > 10);
    assert_true(fail_each(make_url, NULL) >= 1);
}

static void lifts(void **state)
{
    (void)state;
    assert_true(fail_each(lift_body, NULL) > 5);
    assert_true(fail_each(lift_cut_body, NULL) >= 3);
}

static void responses(void **state)
{
    static const char *const texts[] = {
        "{\"error\":{\"message\":\"{\\\"message\\\":\\\"inner\\\"}\",\"code\":402}}",
        "{\"candidates\":[{\"finishReason\":\"SAFETY\",\"finishMessage\":\"m\"},"
        "{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"trafficType\":\"t\"},"
        "\"promptFeedback\":{\"blockReason\":\"b\",\"blockReasonMessage\":\"m\"}}",
        "{\"choices\":[{\"message\":{\"content\":\"![](data:image/png;base64,Zm9v)\"}}]}",
    };
    struct lift *lift = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        lift_input(texts[i], &lift);
        assert_true(fail_each(parse_response, NULL) > 5);
        lift_destroy(lift);
    }
    lift_input(body.data, &lift);
    assert_true(fail_each(parse_response, NULL) > 100);
    lift_destroy(lift);
    lift_input("{}", &lift);
    assert_true(fail_each(take_markdown, NULL) > 4);
    lift_destroy(lift);
}

static void markdowns(void **state)
{
    (void)state;
    assert_true(fail_each(scan_markdown, NULL) >= 5);
}

static void faults(void **state)
{
    (void)state;
    assert_true(fail_each(describe_fault, NULL) > 10);
}

/* Two pages: the second has an error in its place where @wrong. */
static int read_pages(bool wrong)
{
    static const char first[] = "{\"models\":[{\"name\":\"models/a-image\"},\"b-image\"],"
                                "\"nextPageToken\":\"t\"}";
    const char *second = wrong ? "{\"error\":{\"message\":\"No\"}}" : "[\"c-image\",\"a-image\"]";
    cleanup_model_offer struct model_offer offer = {0};
    cleanup_free char *url = NULL;
    struct failure failure;
    int error;

    failure_init(&failure);
    error = model_list_read(first, strlen(first), "key", false, &offer, &failure);
    if (!error)
        error = model_list_url("https://host", offer.next, &url);
    if (!error)
        error = model_list_read(second, strlen(second), "key", false, &offer, &failure);
    return wrong && error == -EREMOTEIO ? 0 : error;
}

static int read_two_pages(void *none)
{
    (void)none;
    return read_pages(false);
}

static int read_a_page_and_an_error(void *none)
{
    (void)none;
    return read_pages(true);
}

static void model_lists(void **state)
{
    (void)state;
    assert_true(fail_each(read_two_pages, NULL) > 25);
    assert_true(fail_each(read_a_page_and_an_error, NULL) > 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),  cmocka_unit_test(lifts),  cmocka_unit_test(responses),
        cmocka_unit_test(markdowns), cmocka_unit_test(faults), cmocka_unit_test(model_lists),
    };
    int failed;

    hook_cjson();
    buf_init(&body, 1 << 20);
    make_body(&body);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&body);
    return failed;
}
