/* SPDX-License-Identifier: MIT
 *
 * The judgement of an exchange that failed: the rules that hold whatever the error was, and the
 * sentences that no server on loopback brings about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "net/outcome.h"

static const struct outcome usual = {
    .kind = TRANSPORT_API,
    .stop = STOP_NONE,
    .stop_error = -ENOSPC,
    .code = CURLE_RECV_ERROR,
    .detail = "detail",
    .label = "api.example",
    .address = "10.0.0.1",
    .post = true,
    .expected = -1,
    .max_response_bytes = 256 * 1024 * 1024,
    .limit_ms = 600000,
};

static struct failure judge(const struct outcome *outcome, bool *ret_refetch)
{
    struct failure failure;

    failure_init(&failure);
    if (outcome->stop == STOP_LOCAL)
        failure_set(&failure, -EINVAL, "It could not begin.");
    outcome_describe(outcome, &failure, ret_refetch);
    return failure;
}

static void assert_text(const struct outcome *outcome, int error, const char *text)
{
    bool refetch;
    struct failure failure = judge(outcome, &refetch);

    assert_string_equal(failure.text, text);
    assert_int_equal(failure.error, error);
}

/* Whatever libcurl says, and whyever it was stopped. */
static void assert_rules(const struct outcome *outcome)
{
    bool refetch;
    struct failure failure = judge(outcome, &refetch);
    size_t length = strlen(failure.text);

    assert_true(failure.error < 0);
    assert_true(length > 0 && failure.text[length - 1] == '.');
    assert_int_equal(failure.http_status, outcome->http_status);
    if (outcome->kind == TRANSPORT_PICTURE) {
        assert_int_equal(failure.charge, CHARGE_CERTAIN);
        assert_false(failure.retry);
        return;
    }
    assert_false(refetch);
    if (!outcome->post)
        assert_int_equal(failure.charge, CHARGE_NONE);
    else if (outcome->http_status == 200 || outcome->http_status == 201)
        assert_int_equal(failure.charge, CHARGE_CERTAIN);
    else if (!outcome->body_handed_over)
        assert_int_equal(failure.charge, CHARGE_NONE);
    else if (outcome->http_status == 0 || outcome->http_status == 504)
        assert_int_equal(failure.charge, CHARGE_POSSIBLE);
    if (failure.charge != CHARGE_NONE)
        assert_false(failure.retry);
}

static void what_may_have_been_charged_is_never_repeated(void **state)
{
    static const int statuses[] = {0, 200, 201, 307, 400, 402, 408, 429, 504};

    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
            struct outcome outcome = usual;

            outcome.kind = bits & 1 ? TRANSPORT_PICTURE : TRANSPORT_API;
            outcome.post = bits & 2;
            outcome.connected = bits & 4;
            outcome.body_handed_over = outcome.connected && (bits & 8);
            outcome.http_status = statuses[i];
            for (int code = 1; code < CURL_LAST; code++) {
                outcome.code = (CURLcode)code;
                assert_rules(&outcome);
            }
            for (int stop = STOP_LOCAL; stop <= STOP_REDIRECTED; stop++) {
                outcome.stop = (enum stop)stop;
                assert_rules(&outcome);
            }
        }
    }
}

static void a_status_decides_what_a_cut_answer_cost(void **state)
{
    static const struct {
        int status;
        enum charge charge;
        bool retry;
    } rows[] = {
        {200, CHARGE_CERTAIN, false},  {204, CHARGE_CERTAIN, false},  {302, CHARGE_NONE, false},
        {400, CHARGE_NONE, false},     {401, CHARGE_NONE, false},     {402, CHARGE_NONE, false},
        {403, CHARGE_NONE, false},     {404, CHARGE_NONE, false},     {413, CHARGE_NONE, false},
        {429, CHARGE_NONE, true},      {451, CHARGE_NONE, false},     {408, CHARGE_POSSIBLE, false},
        {499, CHARGE_POSSIBLE, false}, {500, CHARGE_POSSIBLE, false}, {502, CHARGE_POSSIBLE, false},
        {503, CHARGE_POSSIBLE, false}, {504, CHARGE_POSSIBLE, false}, {524, CHARGE_POSSIBLE, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outcome outcome = usual;
        struct failure failure;
        bool refetch;

        outcome.connected = true;
        outcome.body_handed_over = true;
        outcome.http_status = rows[i].status;
        failure = judge(&outcome, &refetch);
        assert_int_equal(failure.charge, rows[i].charge);
        assert_int_equal(failure.retry, rows[i].retry);
    }
}

static void a_lack_of_memory_may_be_tried_again(void **state)
{
    struct outcome outcome = usual;
    struct failure failure;
    bool refetch;

    (void)state;
    outcome.stop = STOP_LOCAL;
    failure_init(&failure);
    failure_set_errno(&failure, -ENOMEM, "HTTP request");
    outcome_describe(&outcome, &failure, &refetch);
    assert_string_equal(failure.text, "HTTP request: Cannot allocate memory.");
    assert_true(failure.retry);
    assert_int_equal(failure.charge, CHARGE_NONE);

    outcome.kind = TRANSPORT_PICTURE;
    failure_init(&failure);
    failure_set_errno(&failure, -ENOMEM, "HTTP request");
    outcome_describe(&outcome, &failure, &refetch);
    assert_string_equal(failure.text, "The picture could not be fetched. HTTP request: Cannot "
                                      "allocate memory.");
    assert_false(failure.retry);
    assert_true(refetch);
}

static void sentences(void **state)
{
    struct outcome outcome = usual;

    (void)state;
    outcome.code = CURLE_COULDNT_RESOLVE_PROXY;
    assert_text(&outcome, -EHOSTUNREACH,
                "No connection to api.example: could not resolve the proxy.");
    outcome.code = CURLE_URL_MALFORMAT;
    assert_text(&outcome, -EINVAL,
                "No connection to api.example: that cannot be the name of a host.");
    outcome.code = CURLE_OUT_OF_MEMORY;
    assert_text(&outcome, -ENOMEM, "No connection to api.example: not enough memory.");
    outcome.code = CURLE_OPERATION_TIMEDOUT;
    outcome.limit_ms = 9999;
    assert_text(&outcome, -ETIMEDOUT, "No connection to api.example within 9.9 s.");
    outcome.limit_ms = 10000;
    assert_text(&outcome, -ETIMEDOUT, "No connection to api.example within 10 s.");
    outcome.code = CURLE_COULDNT_CONNECT;
    assert_text(&outcome, -ECONNREFUSED, "No connection to api.example (detail).");
    outcome.detail = "";
    assert_text(&outcome, -ECONNREFUSED, "No connection to api.example.");
    outcome.system_errno = ENETUNREACH;
    assert_text(&outcome, -ENETUNREACH, "No connection to api.example: Network is unreachable.");
    outcome.stop = STOP_TOO_LARGE;
    assert_text(&outcome, -EFBIG, "The answer from api.example is larger than 256 MiB.");
    outcome.max_response_bytes = 1000;
    assert_text(&outcome, -EFBIG, "The answer from api.example is larger than 1000 bytes.");
    outcome.stop = STOP_LOCAL;
    assert_text(&outcome, -EINVAL, "It could not begin.");
}

static void an_answer_beyond_its_readers_limits(void **state)
{
    static const struct {
        int error;
        const char *text;
    } rows[] = {
        {-ELOOP, "The answer from api.example is not one that the API gives: "
                 "it is nested too deeply."},
        {-E2BIG, "The answer from api.example is not one that the API gives: "
                 "it has too many pictures or long texts."},
        {-EMSGSIZE, "The answer from api.example is not one that the API gives: "
                    "it is too large without its pictures and long texts."},
        {-ENAMETOOLONG, "The answer from api.example is not one that the API gives: "
                        "a name or a number in it is too long."},
        {-ENOSPC, "The answer could not be stored: No space left on device."},
    };
    struct outcome outcome = usual;

    (void)state;
    outcome.http_status = 200;
    outcome.stop = STOP_STORING;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        outcome.stop_error = rows[i].error;
        assert_text(&outcome, rows[i].error, rows[i].text);
    }
    outcome.stop = STOP_READING;
    outcome.stop_error = -ELOOP;
    assert_text(&outcome, -ELOOP,
                "The request could not be read: Too many levels of symbolic links.");
}

static void what_libcurl_says_is_part_of_a_sentence(void **state)
{
    struct outcome outcome = usual;

    (void)state;
    outcome.connected = outcome.body_handed_over = true;
    outcome.http_status = 200;
    outcome.code = CURLE_BAD_CONTENT_ENCODING;
    outcome.detail = "Unrecognized. It knows gzip. ";
    assert_text(
        &outcome, -EPROTO,
        "The answer from api.example cannot be decompressed (Unrecognized. It knows gzip).");
    outcome.detail = ".";
    assert_text(&outcome, -EPROTO, "The answer from api.example cannot be decompressed.");
    outcome.code = CURLE_PARTIAL_FILE;
    outcome.received = 1;
    assert_text(&outcome, -EIO, "The answer from api.example ended early: 1 byte had come.");
    outcome.received = 2;
    assert_text(&outcome, -EIO, "The answer from api.example ended early: 2 bytes had come.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_have_been_charged_is_never_repeated),
        cmocka_unit_test(a_status_decides_what_a_cut_answer_cost),
        cmocka_unit_test(a_lack_of_memory_may_be_tried_again),
        cmocka_unit_test(sentences),
        cmocka_unit_test(an_answer_beyond_its_readers_limits),
        cmocka_unit_test(what_libcurl_says_is_part_of_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
