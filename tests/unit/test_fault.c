/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/fault.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define WALL_MS (784111777LL * 1000) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define KEY     "sk-canary-0123456789"

static struct failure describe(struct fault_answer answer, const char *body, bool complete,
                               bool retry_server_errors)
{
    const struct fault_context context = {
        .wall_ms = WALL_MS,
        .body_complete = complete,
        .retry_server_errors = retry_server_errors,
        .key = KEY,
    };
    struct failure failure;

    answer.body = body;
    answer.body_length = body ? strlen(body) : 0;
    assert_int_equal(fault_from_answer(&answer, &context, &failure), 0);
    assert_int_equal(failure.http_status, answer.http_status);
    assert_null(strstr(failure.text, KEY));
    return failure;
}

/* The decision table of API.md, section 4, row by row. */
struct decision_row {
    int status;
    const char *body;
    bool retry;        /* once the whole request was sent */
    bool retry_early;  /* before that */
    bool retry_server; /* where the operator says that 5xx are not charged */
    bool pause;
    enum charge charge;
    int error;
    const char *text;
};

#define PER_DAY                                                                                 \
    "{\"error\":{\"message\":\"Quota exceeded\",\"details\":[{\"@type\":\"type.googleapis.com/" \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"                                   \
    "\"GenerateRequestsPerDayPerProjectPerModel\",\"quotaValue\":\"100\"}]}]}}"
#define ZERO                                                                                      \
    "{\"error\":{\"message\":\"Quota exceeded\",\"details\":[{\"@type\":\"type.googleapis.com/"   \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"PerMinute\",\"quotaValue\":\"0\"}]" \
    "}]}}"
#define PER_MINUTE                                                                                 \
    "{\"error\":{\"message\":\"Slow down\",\"details\":[{\"@type\":\"type.googleapis.com/"         \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"PerMinute\",\"quotaValue\":\"10\"}]" \
    "}]}}"

static const struct decision_row decision_rows[] = {
    {400, NULL, false, false, false, false, CHARGE_NONE, -EINVAL,
     "The API refused the request (HTTP 400)."},
    {401, NULL, false, false, false, false, CHARGE_NONE, -EACCES,
     "The API does not accept the key (HTTP 401)."},
    {402, NULL, false, false, false, true, CHARGE_NONE, -EDQUOT,
     "The account has no credit left (HTTP 402)."},
    {403, NULL, false, false, false, false, CHARGE_NONE, -EACCES,
     "The API does not allow this request (HTTP 403)."},
    {404, NULL, false, false, false, false, CHARGE_NONE, -ENOENT,
     "The API does not know this model or address (HTTP 404)."},
    {413, NULL, false, false, false, false, CHARGE_NONE, -E2BIG,
     "The request is too large for the API (HTTP 413)."},
    {422, NULL, false, false, false, false, CHARGE_NONE, -EINVAL,
     "The API refused the request (HTTP 422)."},
    {451, NULL, false, false, false, false, CHARGE_NONE, -EPERM,
     "The API refused the request for legal reasons (HTTP 451)."},
    {429, NULL, true, true, true, false, CHARGE_NONE, -EAGAIN,
     "The API's rate limit is reached (HTTP 429)."},
    {429, PER_MINUTE, true, true, true, false, CHARGE_NONE, -EAGAIN,
     "The API's rate limit is reached: Slow down."},
    {429, PER_DAY, false, false, false, false, CHARGE_NONE, -EDQUOT,
     "The quota of the account is used up: Quota exceeded."},
    {429, ZERO, false, false, false, false, CHARGE_NONE, -EDQUOT,
     "The quota of the account is used up: Quota exceeded."},
    {429, "{\"error\":{\"message\":\"No.\",\"code\":\"insufficient_user_quota\"}}", false, false,
     false, false, CHARGE_NONE, -EDQUOT, "The quota of the account is used up: No."},
    {429, "{\"error\":{\"message\":\"Insufficient balance\"}}", false, false, false, false,
     CHARGE_NONE, -EDQUOT, "The quota of the account is used up: Insufficient balance."},
    {403, "{\"error\":{\"message\":\"No\",\"type\":\"insufficient_quota\"}}", false, false, false,
     false, CHARGE_NONE, -EDQUOT, "The quota of the account is used up: No."},
    {503, NULL, true, true, true, false, CHARGE_NONE, -EBUSY, "The API is overloaded (HTTP 503)."},
    {503, "{\"error\":{\"message\":\"Deadline expired before operation could complete.\"}}", false,
     true, true, false, CHARGE_POSSIBLE, -ETIMEDOUT,
     "The API gave up before it was done: Deadline expired before operation could complete."},
    {500, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 500)."},
    {502, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 502)."},
    {504, NULL, false, true, true, false, CHARGE_POSSIBLE, -ETIMEDOUT,
     "The API gave up before it was done (HTTP 504)."},
    {520, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 520)."},
    {521, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 521)."},
    {522, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 522)."},
    {523, NULL, false, true, true, false, CHARGE_POSSIBLE, -EREMOTEIO,
     "The API failed while it worked on the request (HTTP 523)."},
    {524, NULL, false, true, true, false, CHARGE_POSSIBLE, -ETIMEDOUT,
     "The API gave up before it was done (HTTP 524)."},
    {408, NULL, false, true, true, false, CHARGE_POSSIBLE, -ETIMEDOUT,
     "The API gave up before it was done (HTTP 408)."},
    {499, NULL, false, true, true, false, CHARGE_POSSIBLE, -ETIMEDOUT,
     "The API gave up before it was done (HTTP 499)."},
    {301, NULL, false, false, false, false, CHARGE_NONE, -EREMCHG,
     "The base URL redirects (HTTP 301)."},
    {204, NULL, false, false, false, false, CHARGE_POSSIBLE, -EPROTO,
     "The answer has a status that the API never gives (HTTP 204)."},
    {999, NULL, false, false, false, false, CHARGE_POSSIBLE, -EPROTO,
     "The answer has a status that the API never gives (HTTP 999)."},
};

static void decides_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(decision_rows) / sizeof(decision_rows[0]); i++) {
        const struct decision_row *row = &decision_rows[i];
        const struct fault_answer answer = {.http_status = row->status};
        struct failure failure = describe(answer, row->body, true, false);
        struct failure early = describe(answer, row->body, false, false);
        struct failure server = describe(answer, row->body, true, true);

        if (strcmp(failure.text, row->text) != 0)
            fail_msg("%d: %s", row->status, failure.text);
        assert_int_equal(failure.error, row->error);
        assert_int_equal(failure.retry, row->retry);
        assert_int_equal(failure.pause, row->pause);
        assert_int_equal(failure.charge, row->charge);
        assert_true(strlen(failure.advice) > 10);
        assert_int_equal(early.retry, row->retry_early);
        if (row->retry_early)
            assert_int_equal(early.charge, CHARGE_NONE);
        assert_int_equal(server.retry, row->retry_server);
        assert_int_equal(server.charge, row->charge);
    }
}

/* Where the words come from: every shape of API.md, section 4. */
struct shape_row {
    int status;
    const char *body;
    const char *text;
    const char *request_id;
};

static const struct shape_row shape_rows[] = {
    {400,
     "{\"error\":{\"code\":400,\"message\":\"Invalid argument\",\"status\":\"INVALID_ARGUMENT\"}}",
     "The API refused the request: Invalid argument.", ""},
    {400, "[{\"error\":{\"code\":400,\"message\":\"In an array!\"}}]",
     "The API refused the request: In an array!", ""},
    {400,
     "{\"error\":{\"message\":\"Bad thing (request id: 20260521abc)\",\"type\":\"new_api_error\","
     "\"param\":\"\",\"code\":\"bad\"}}",
     "The API refused the request: Bad thing.", "20260521abc"},
    {400, "{\"error\":{\"message\":\"a (Request ID: x-1 ) b\"}}",
     "The API refused the request: a b.", "x-1"},
    {400, "{\"error\":{\"message\":\"a (request id: x-1\"}}", "The API refused the request: a.",
     "x-1"},
    {400, "{\"error\":{\"message\":\"a\"},\"request_id\":\"r_9\"}",
     "The API refused the request: a.", "r_9"},
    {400, "{\"error\":\"just text\"}", "The API refused the request: just text.", ""},
    {401, "{\"error\":\"Unauthorized\",\"message\":\"Token expired\"}",
     "The API does not accept the key: Token expired.", ""},
    {403, "{\"success\":false,\"code\":\"E12\",\"message\":\"Not for you\"}",
     "The API does not allow this request: Not for you.", ""},
    {429, "{\"code\":429,\"msg\":\"Too fast\"}", "The API's rate limit is reached: Too fast.", ""},
    {404, "{\"detail\":\"Not Found\"}", "The API does not know this model or address: Not Found.",
     ""},
    {400, "{\"errors\":[{\"message\":\"first\"},{\"message\":\"second\"}]}",
     "The API refused the request: first.", ""},
    {500, "{\"error\":{\"error\":{\"message\":\"deep\"}}}",
     "The API failed while it worked on the request: deep.", ""},
    {503, "{\"error\":{\"status\":\"UNAVAILABLE\"}}", "The API is overloaded: UNAVAILABLE.", ""},
    {400, "{\"error\":{\"code\":\"bad_thing\",\"message\":\"\"}}",
     "The API refused the request: bad_thing.", ""},
    {400, "\"only a string\"", "The API refused the request: only a string.", ""},
    /* JSON in a string, unwrapped once */
    {400, "{\"error\":{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"inner words\\\"}}\"}}",
     "The API refused the request: inner words.", ""},
    {400,
     "{\"error\":{\"message\":\"got status: 400. [{\\\"error\\\":{\\\"message\\\":\\\"inner "
     "(request id: q7)\\\"}}]\"}}",
     "The API refused the request: inner.", "q7"},
    {400,
     "{\"error\":{\"message\":\"{\\\"message\\\":\\\"{\\\\\\\"message\\\\\\\":1}\\\"}\",\"type\":"
     "\"wrapped\"}}",
     "The API refused the request: wrapped.", ""},
    {400, "{\"error\":{\"message\":\"Unknown {name} in the template\"}}",
     "The API refused the request: Unknown {name} in the template.", ""},
    {400, "{\"error\":{\"message\":\"prefix {\\\"a\\\":1}\"}}",
     "The API refused the request: prefix.", ""},
    {400, "{\"error\":{\"message\":\"{'python': 'dict'}\",\"status\":\"BAD\"}}",
     "The API refused the request: BAD.", ""},
    {400, "{\"error\":{\"message\":\"[GoogleError]: oops\"}}",
     "The API refused the request: [GoogleError]: oops.", ""},
    /* pages: their title, never the page */
    {502, "<html>\r\n<head><title>502 Bad Gateway</title></head><body><h1>x</h1></body></html>",
     "The API failed while it worked on the request: 502 Bad Gateway.", ""},
    {403, "<!DOCTYPE html><HTML><TITLE lang=\"en\">\n Attention\n Required! </TITLE><p>...",
     "The API does not allow this request: Attention Required!", ""},
    {502, "<html><body><h1>It broke</h1></body></html>",
     "The API failed while it worked on the request (HTTP 502).", ""},
    {502, "<html><title>", "The API failed while it worked on the request (HTTP 502).", ""},
    {400, "{\"error\":{\"message\":\"<html><title>Inner page</title><body>x\"}}",
     "The API refused the request: Inner page.", ""},
    {400, "{\"error\":{\"message\":\"see <a href='x'>this</a><br/>now\"}}",
     "The API refused the request: see this now.", ""},
    {400, "{\"error\":{\"message\":\"1 < 2 and 3 > 2\"}}",
     "The API refused the request: 1 < 2 and 3 > 2.", ""},
    /* neither JSON nor a page */
    {502, "error code: 1015", "The API failed while it worked on the request: error code: 1015.",
     ""},
    {502, "data: {\"error\":{\"message\":\"in a stream\"}}\n\n",
     "The API failed while it worked on the request: in a stream.", ""},
    {502, "", "The API failed while it worked on the request (HTTP 502).", ""},
    {502, " \n", "The API failed while it worked on the request (HTTP 502).", ""},
    {502, "{}", "The API failed while it worked on the request (HTTP 502).", ""},
    {502, "null", "The API failed while it worked on the request (HTTP 502).", ""},
    {502, "[]", "The API failed while it worked on the request (HTTP 502).", ""},
    {502, "{\"error\":null,\"message\":7,\"code\":{}}",
     "The API failed while it worked on the request (HTTP 502).", ""},
    /* a body that is cut is read as far as it goes */
    {400, "{\"error\":{\"message\":\"whole words\",\"details\":[{\"a\":\"b",
     "The API refused the request: whole words.", ""},
    {400, "{\"error\":{\"message\":\"half a wor", "The API refused the request: half a wor.", ""},
    /* what must not be shown */
    {400, "{\"error\":{\"message\":\"a\\u001b[31mb\\u0007\\r\\n\\tc\\u009bd\"}}",
     "The API refused the request: a [31mb c d.", ""},
    {401, "{\"error\":{\"message\":\"Bad key " KEY ", sorry\"}}",
     "The API does not accept the key: Bad key [key], sorry.", ""},
    {400, "{\"error\":{\"message\":\"d\xc3\xa9j\xc3\xa0 \xff vu\"}}",
     "The API refused the request: d\xc3\xa9j\xc3\xa0 vu.", ""},
    {400,
     "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"details\":[{\"@type\":"
     "\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}",
     "The API does not accept the key: API key not valid.", ""},
};

static void finds_the_words_in_every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shape_rows) / sizeof(shape_rows[0]); i++) {
        const struct shape_row *row = &shape_rows[i];
        const struct fault_answer answer = {.http_status = row->status};
        struct failure failure = describe(answer, row->body, true, false);

        if (strcmp(failure.text, row->text) != 0 ||
            strcmp(failure.request_id, row->request_id) != 0)
            fail_msg("%s:\n%s\n%s", row->body, failure.text, failure.request_id);
    }
}

static void waits_as_long_as_it_is_told_to(void **state)
{
    static const struct {
        int status;
        const char *header, *delay;
        int64_t wait_ms;
    } rows[] = {
        {429, NULL, NULL, 0},
        {429, "7", NULL, 7000},
        {429, NULL, "1.173612231s", 1174},
        {429, "7", "39s", 39000},
        {429, "40", "39s", 40000},
        {429, "Sun, 06 Nov 1994 08:50:37 GMT", NULL, 60000},
        {429, "nonsense", "nonsense", 0},
        {503, "3", NULL, 3000},
        {500, "3", NULL, 0}, /* not tried again, so there is nothing to wait for */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fault_answer answer = {.http_status = rows[i].status,
                                            .retry_after = rows[i].header};
        cleanup_buf struct buf body;
        struct failure failure;
        buf_init(&body, 4096);
        if (rows[i].delay)
            buf_printf(&body,
                       "{\"error\":{\"details\":[{\"@type\":\"type.googleapis.com/"
                       "google.rpc.RetryInfo\",\"retryDelay\":\"%s\"}]}}",
                       rows[i].delay);
        failure = describe(answer, buf_text(&body), true, false);
        assert_int_equal(failure.retry_after_ms, rows[i].wait_ms);
    }
}

static void the_id_of_a_header_comes_first(void **state)
{
    const char *body = "{\"error\":{\"message\":\"a (request id: of-the-body)\"}}";
    struct fault_answer answer = {.http_status = 400, .request_id = "of-the-header"};
    struct failure failure = describe(answer, body, true, false);

    (void)state;
    assert_string_equal(failure.request_id, "of-the-header");
    assert_string_equal(failure.text, "The API refused the request: a.");
    answer.request_id = "";
    failure = describe(answer, body, true, false);
    assert_string_equal(failure.request_id, "of-the-body");
    answer.request_id = "a" KEY "b\x1b";
    failure = describe(answer, body, true, false);
    assert_string_equal(failure.request_id, "a[key]b");
}

static void a_redirect_is_shown_without_its_secrets(void **state)
{
    static const struct {
        const char *location, *text;
    } rows[] = {
        {"https://other.example/v1", "The base URL redirects to https://other.example/v1."},
        {"https://user:pass@other:8443/a?key=secret#x",
         "The base URL redirects to https://other:8443/a."},
        {"/login?next=secret", "The base URL redirects to /login."},
        {"https://h?a@b", "The base URL redirects to https://h."},
        {"https://h/" KEY, "The base URL redirects to https://h/[key]."},
        {"", "The base URL redirects (HTTP 307)."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fault_answer answer = {.http_status = 307, .location = rows[i].location};
        struct failure failure = describe(answer, "<html>page</html>", true, false);
        assert_string_equal(failure.text, rows[i].text);
    }
}

/* Neither a long message nor a long body makes the text long, or cuts a character in two. */
static void texts_are_bounded(void **state)
{
    static const size_t lengths[] = {300, 465, 476, 477, 478, 479, 1000, 4096, 4097, 70000};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t shift = 0; shift < 3; shift++) {
            const struct fault_answer answer = {.http_status = 400};
            cleanup_buf struct buf body;
            struct failure failure;
            size_t length;
            buf_init(&body, 1 << 20);
            buf_printf(&body, "{\"error\":{\"message\":\"%.*s", (int)shift, "xxx");
            while (body.length < lengths[i])
                buf_append_text(&body, "\xe2\x82\xac");
            buf_append_text(&body, "\"}}");
            failure = describe(answer, body.data, true, false);
            length = strlen(failure.text);
            assert_true(length < 540);
            assert_int_equal(failure.text[length - 1], '.');
            assert_null(strchr(failure.text, '?'));
            if (lengths[i] > 500)
                assert_string_equal(failure.text + length - 6, "\xe2\x82\xac...");
        }
    }
}

static void backs_off_with_jitter(void **state)
{
    static const int64_t whole[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    (void)state;
    for (unsigned attempt = 1; attempt <= 8; attempt++) {
        int64_t most = whole[attempt - 1];
        assert_int_equal(fault_retry_delay(attempt, 0, 0), most);
        assert_int_equal(fault_retry_delay(attempt, (uint32_t)most / 2, 0), most - most / 2);
        assert_int_equal(fault_retry_delay(attempt, (uint32_t)most / 2 + 1, 0), most);
        for (uint32_t random = 0; random < 100000; random += 77) {
            int64_t delay = fault_retry_delay(attempt, random, 0);
            assert_true(delay >= most / 2 && delay <= most);
        }
    }
    assert_int_equal(fault_retry_delay(0, 0, 0), 1000);
    assert_int_equal(fault_retry_delay(UINT32_MAX, 0, 0), 60000);
    assert_int_equal(fault_retry_delay(1, 1234, 39000), 39234);
    assert_int_equal(fault_retry_delay(1, 0, 1000), 1000);
    assert_int_equal(fault_retry_delay(1, 5, 999), 1004);
}

static void every_charge_has_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(fault_charge_text(CHARGE_NONE), "It was not charged.");
    assert_string_equal(fault_charge_text(CHARGE_POSSIBLE), "It may have been charged.");
    assert_string_equal(fault_charge_text(CHARGE_CERTAIN), "It was charged.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_as_the_table_says),
        cmocka_unit_test(finds_the_words_in_every_shape),
        cmocka_unit_test(waits_as_long_as_it_is_told_to),
        cmocka_unit_test(the_id_of_a_header_comes_first),
        cmocka_unit_test(a_redirect_is_shown_without_its_secrets),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(backs_off_with_jitter),
        cmocka_unit_test(every_charge_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
