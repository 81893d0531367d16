/* SPDX-License-Identifier: MIT
 *
 * An answer with an error status: whatever its headers and its body hold, the decision is one that
 * the table allows and the text is one that people can read.
 */
#include <errno.h>

#include "api/duration.h"
#include "api/fault.h"
#include "fuzz_common.h"

#define KEY "sk-canary-0123456789"

static const int statuses[] = {400, 401, 402, 403, 404, 413, 429, 451, 499, 408, 500, 502,
                               503, 504, 520, 524, 529, 301, 307, 204, 100, 0,   999, 418};

static void check_decision(const struct failure *failure, const struct fault_context *context)
{
    int status = failure->http_status;
    bool refused = status == 429 || status == 503;
    bool server = status >= 500 || status == 408 || status == 499;

    if (failure->retry)
        CHECK(refused || (server && (!context->body_complete || context->retry_server_errors)));
    if (status >= 400 && status < 500 && status != 408 && status != 499)
        CHECK(failure->charge == CHARGE_NONE);
    if (status >= 500 && status < 600 && status != 503 && context->body_complete)
        CHECK(failure->charge == CHARGE_POSSIBLE && failure->retry == context->retry_server_errors);
    CHECK(failure->charge != CHARGE_CERTAIN);
    CHECK(failure->pause == (status == 402));
    CHECK(failure->retry_after_ms <= DURATION_MAX_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t choice = input_byte(&input);
    const struct fault_context context = {
        .wall_ms = INT64_C(1767225600000),
        .body_complete = choice & 1,
        .retry_server_errors = choice & 2,
        .key = choice & 4 ? KEY : NULL,
    };
    struct fault_answer answer = {
        .http_status = statuses[input_byte(&input) % (sizeof(statuses) / sizeof(statuses[0]))],
    };
    char *headers[3] = {NULL, NULL, NULL};
    struct failure failure;
    struct buf body;

    for (int i = 0; i < 3 && choice & 8; i++)
        headers[i] = input_text(&input, 600);
    answer.retry_after = headers[0];
    answer.request_id = headers[1];
    answer.location = headers[2];
    buf_init(&body, 64 << 20);
    append_expanded(input, &body);
    answer.body = buf_text(&body);
    answer.body_length = body.length;
    CHECK(!fault_from_answer(&answer, &context, &failure));
    check_failure(&failure, choice & 4 ? KEY : "\x01");
    check_decision(&failure, &context);
    for (int i = 0; i < 3; i++)
        free(headers[i]);
    buf_fini(&body);
    return 0;
}
