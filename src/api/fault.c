/* SPDX-License-Identifier: MIT */
#include "api/fault.h"

#include <errno.h>
#include <string.h>

#include "api/duration.h"
#include "api/fault_body.h"
#include "api/fault_internal.h"
#include "api/plain.h"
#include "api/sentence.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  60000
#define SPREAD_MS        1000 /* over which jobs that were told the same wait are spread */

struct status_row {
    int first, last; /* HTTP status */
    enum sentence sentence;
};

/* API.md, section 4. The first row that fits counts. */
static const struct status_row status_rows[] = {
    {300, 399, SENTENCE_REDIRECT},       {401, 401, SENTENCE_BAD_KEY},
    {402, 402, SENTENCE_NO_CREDIT},      {403, 403, SENTENCE_FORBIDDEN},
    {404, 404, SENTENCE_NOT_FOUND},      {408, 408, SENTENCE_SERVER_TIMEOUT},
    {413, 413, SENTENCE_TOO_LARGE},      {429, 429, SENTENCE_RATE_LIMIT},
    {451, 451, SENTENCE_LEGAL},          {499, 499, SENTENCE_SERVER_TIMEOUT},
    {400, 499, SENTENCE_BAD_REQUEST},    {503, 503, SENTENCE_OVERLOADED},
    {504, 504, SENTENCE_SERVER_TIMEOUT}, {524, 524, SENTENCE_SERVER_TIMEOUT},
    {500, 599, SENTENCE_SERVER_FAILED},
};

enum sentence fault_sentence(int status, const struct fault_body *body)
{
    enum sentence sentence = SENTENCE_UNKNOWN_STATUS;

    for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
        if (status >= status_rows[i].first && status <= status_rows[i].last) {
            sentence = status_rows[i].sentence;
            break;
        }
    }
    if (sentence == SENTENCE_OVERLOADED && body->deadline_expired)
        return SENTENCE_SERVER_TIMEOUT;
    if (sentence == SENTENCE_RATE_LIMIT && body->out_of_quota)
        return SENTENCE_QUOTA;
    if (sentence == SENTENCE_FORBIDDEN && body->out_of_quota)
        return SENTENCE_QUOTA;
    if ((sentence == SENTENCE_BAD_REQUEST || sentence == SENTENCE_FORBIDDEN) &&
        body->key_is_invalid)
        return SENTENCE_BAD_KEY;
    return sentence;
}

/* Where a redirect leads, without what may be a secret: user, query and fragment. */
static void copy_location(const char *location, const char *key, char *to, size_t size)
{
    const char *scheme = strstr(location, "://");
    const char *host = scheme ? scheme + 3 : location;
    const char *at = memchr(host, '@', strcspn(host, "/?#"));
    char shown[512];
    size_t length = scheme ? (size_t)(host - location) : 0;

    if (length > sizeof(shown) / 2)
        length = 0;
    memcpy(shown, location, length);
    host = at ? at + 1 : host;
    for (const char *end = host + strcspn(host, "?#"); host < end && length < sizeof(shown);)
        shown[length++] = *host++;
    plain_copy(shown, length, key, to, size);
}

/* The longer of what the body and the header ask for. */
static int64_t least_wait(const struct fault_answer *answer, const struct fault_context *context,
                          const struct fault_body *body)
{
    const char *header = answer->retry_after ? answer->retry_after : "";
    int64_t wait_ms = 0;

    duration_parse_retry_after(header, strlen(header), context->wall_ms, &wait_ms);
    return wait_ms > body->retry_delay_ms ? wait_ms : body->retry_delay_ms;
}

static bool is_ambiguous(enum sentence sentence)
{
    return sentence == SENTENCE_SERVER_FAILED || sentence == SENTENCE_SERVER_TIMEOUT;
}

int fault_from_answer(const struct fault_answer *answer, const struct fault_context *context,
                      struct failure *ret_failure)
{
    struct fault_body body = {0};
    struct failure failure;
    enum sentence sentence;
    const char *id = answer->request_id ? answer->request_id : "";
    int error = 0;

    if (answer->body_length)
        error = fault_body_read(answer->body, answer->body_length, context->key, &body);
    if (error)
        return error;
    failure_init(&failure);
    failure.http_status = answer->http_status;
    sentence = fault_sentence(answer->http_status, &body);
    if (sentence == SENTENCE_REDIRECT)
        copy_location(answer->location ? answer->location : "", context->key, body.message,
                      sizeof(body.message));
    if (is_ambiguous(sentence) && !context->body_complete)
        sentence = SENTENCE_SERVER_FAILED_EARLY;
    sentence_tell(&failure, sentence, body.message);
    if (is_ambiguous(sentence) && context->retry_server_errors)
        failure.retry = true;
    if (failure.retry)
        failure.retry_after_ms = least_wait(answer, context, &body);
    plain_copy(id, strlen(id), context->key, failure.request_id, sizeof(failure.request_id));
    if (!*failure.request_id)
        memcpy(failure.request_id, body.request_id, sizeof(failure.request_id));
    *ret_failure = failure;
    return 0;
}

int64_t fault_retry_delay(unsigned attempt, uint32_t random, int64_t least_wait_ms)
{
    int64_t delay_ms = BACKOFF_FIRST_MS;

    while (attempt-- > 1 && delay_ms < BACKOFF_LAST_MS)
        delay_ms *= 2;
    if (delay_ms > BACKOFF_LAST_MS)
        delay_ms = BACKOFF_LAST_MS;
    delay_ms -= random % (uint32_t)(delay_ms / 2 + 1);
    if (delay_ms < least_wait_ms)
        delay_ms = least_wait_ms + random % SPREAD_MS;
    return delay_ms;
}
