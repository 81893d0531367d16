/* SPDX-License-Identifier: MIT */
#include "standin/fault.h"

#include <errno.h>
#include <string.h>

#define MAX_ERROR  (1 << 20)
#define JSON_TYPE  "application/json; charset=UTF-8"
#define RPC        "type.googleapis.com/google.rpc."
#define QUOTA_NAME "GenerateRequestsPer%sPerProjectPerModel-FreeTier"

/* How the statuses are called and explained where nothing else is said. */
static const struct {
    unsigned status;
    const char *name; /* Google's */
    const char *code; /* a gateway's */
    const char *message;
} usual[] = {
    {400, "INVALID_ARGUMENT", "invalid_request", "Request contains an invalid argument."},
    {401, "UNAUTHENTICATED", "invalid_api_key", "API key not valid. Please pass a valid API key."},
    {402, "RESOURCE_EXHAUSTED", "insufficient_user_quota", "Your prepayment credits are depleted."},
    {403, "PERMISSION_DENIED", "access_denied", "The caller does not have permission"},
    {404, "NOT_FOUND", "model_not_found", "The model is not found."},
    {408, "CANCELLED", "request_timeout", "The request timed out."},
    {413, "INVALID_ARGUMENT", "request_too_large", "Request payload size exceeds the limit."},
    {429, "RESOURCE_EXHAUSTED", "rate_limit_exceeded",
     "You exceeded your current quota, please check your plan and billing details."},
    {451, "FAILED_PRECONDITION", "content_policy_violation", "Unavailable for legal reasons."},
    {499, "CANCELLED", "client_closed_request", "The operation was cancelled."},
    {500, "INTERNAL", "internal_error", "An internal error has occurred. Please retry."},
    {502, "UNAVAILABLE", "bad_response_status_code", "Bad gateway"},
    {503, "UNAVAILABLE", "model_overloaded", "The model is overloaded. Please try again later."},
    {504, "DEADLINE_EXCEEDED", "upstream_timeout",
     "Deadline expired before operation could complete."},
    {0, "UNKNOWN", "upstream_error", "Something went wrong."},
};

/* An error on its way into a shape. */
struct error {
    unsigned status;
    const char *message;
    const char *name;
    const char *code;
    const struct directives *directives;
};

static void resolve(struct error *error, const char *message)
{
    size_t i = 0;

    while (usual[i].status && usual[i].status != error->status)
        i++;
    if (!message)
        message = usual[i].message;
    if (directive_word(error->directives, D_QUOTA, 0) == QUOTA_INSUFFICIENT) {
        error->code = "insufficient_user_quota";
        message = "The account has insufficient quota.";
    } else {
        error->code = usual[i].code;
    }
    error->message = directive_text(error->directives, D_MESSAGE, message);
    error->name = directive_text(error->directives, D_CODE, usual[i].name);
    error->code = directive_text(error->directives, D_CODE, error->code);
}

static void write_quota(const struct error *error, struct text *text)
{
    int quota = directive_word(error->directives, D_QUOTA, 0);
    const char *unit = quota == QUOTA_PERDAY ? "Day" : "Minute";

    text_printf(text,
                "{\"@type\":\"" RPC "QuotaFailure\",\"violations\":[{\"quotaMetric\":"
                "\"generativelanguage.googleapis.com/generate_content_free_tier_requests\","
                "\"quotaId\":\"" QUOTA_NAME "\",\"quotaValue\":\"%s\"}]}",
                unit, quota == QUOTA_ZERO ? "0" : "10");
}

static void write_details(const struct error *error, struct text *text)
{
    const char *reason = directive_text(error->directives, D_REASON, NULL);
    const char *retry = directive_text(error->directives, D_RETRY_INFO, NULL);
    int quota = directive_word(error->directives, D_QUOTA, 0);
    bool limits = quota && quota != QUOTA_INSUFFICIENT;

    if (!reason && !retry && !limits)
        return;
    text_puts(text, ",\"details\":[");
    if (reason) {
        text_puts(text, "{\"@type\":\"" RPC "ErrorInfo\",\"reason\":");
        text_json(text, reason);
        text_puts(text, ",\"domain\":\"googleapis.com\"}");
        text_puts(text, limits || retry ? "," : "");
    }
    if (limits) {
        write_quota(error, text);
        text_puts(text, retry ? "," : "");
    }
    if (retry) {
        text_puts(text, "{\"@type\":\"" RPC "RetryInfo\",\"retryDelay\":");
        text_json(text, retry);
        text_puts(text, "}");
    }
    text_puts(text, "]");
}

static void write_google(const struct error *error, struct text *text)
{
    text_printf(text, "{\"error\":{\"code\":%u,\"message\":", error->status);
    text_json(text, error->message);
    text_puts(text, ",\"status\":");
    text_json(text, error->name);
    write_details(error, text);
    text_puts(text, "}}");
}

/* A gateway's message, as a JSON string, with the request id where there is one. */
static void write_message(const struct error *error, struct text *text)
{
    const char *id = directive_text(error->directives, D_REQUEST_ID, NULL);

    text_puts(text, "\"");
    text_escape(text, error->message);
    if (id) {
        text_puts(text, " (request id: ");
        text_escape(text, id);
        text_puts(text, ")");
    }
    text_puts(text, "\"");
}

static void write_gateway(const struct error *error, struct text *text)
{
    text_puts(text, "{\"error\":{\"message\":");
    write_message(error, text);
    text_puts(text, ",\"type\":\"new_api_error\",\"param\":\"\",\"code\":");
    text_json(text, error->code);
    text_puts(text, "}}");
}

static void write_nested(const struct error *error, struct text *text)
{
    struct text inner;

    text_init(&inner, MAX_ERROR);
    write_google(error, &inner);
    text_printf(text, "{\"error\":{\"code\":%u,\"message\":", error->status);
    text_json(text, inner.data);
    text_puts(text, ",\"status\":");
    text_json(text, error->name);
    text_puts(text, "}}");
    text_fini(&inner);
}

static void write_html(const struct error *error, struct text *text)
{
    text_printf(text,
                "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\n<title>stand-in.example | %u: "
                "%s</title>\n<meta charset=\"UTF-8\">\n</head>\n<body>\n<h1>Error %u</h1>\n"
                "<p>Visit <a href=\"https://cdn.example/5xx\">cdn.example</a> for more.</p>\n"
                "<script>window.ray = \"0000\";</script>\n</body>\n</html>\n",
                error->status, error->message, error->status);
}

static void write_shape(const struct error *error, int shape, struct text *text)
{
    switch (shape) {
    case ERROR_GATEWAY:
        write_gateway(error, text);
        break;
    case ERROR_ARRAY:
        text_puts(text, "[");
        write_google(error, text);
        text_puts(text, "]");
        break;
    case ERROR_STRING:
        text_puts(text, "{\"error\":");
        text_json(text, error->code);
        text_puts(text, ",\"message\":");
        write_message(error, text);
        text_puts(text, "}");
        break;
    case ERROR_SUCCESS_FALSE:
        text_puts(text, "{\"success\":false,\"code\":");
        text_json(text, error->code);
        text_puts(text, ",\"message\":");
        write_message(error, text);
        text_puts(text, "}");
        break;
    case ERROR_MSG:
        text_printf(text, "{\"code\":%u,\"msg\":", error->status);
        write_message(error, text);
        text_puts(text, "}");
        break;
    case ERROR_NESTED:
        write_nested(error, text);
        break;
    case ERROR_HTML:
        write_html(error, text);
        break;
    case ERROR_TEXT:
        text_puts(text, error->message);
        break;
    case ERROR_EMPTY:
        break;
    default:
        write_google(error, text);
    }
}

int fault_write(unsigned status, const char *message, const struct directives *directives,
                struct answer *answer)
{
    struct error error = {.status = status, .directives = directives};
    int shape = directive_word(directives, D_ERROR, ERROR_GOOGLE);
    const char *type = shape == ERROR_HTML   ? "text/html; charset=UTF-8"
                       : shape == ERROR_TEXT ? "text/plain; charset=UTF-8"
                                             : JSON_TYPE;

    answer->status = status;
    resolve(&error, message);
    write_shape(&error, shape, &answer->body.text);
    if (answer->body.text.error)
        return -ENOMEM;
    return shape == ERROR_EMPTY ? 0 : answer_header(answer, "Content-Type", type);
}

int fault_write_redirect(unsigned status, const char *location, struct answer *answer)
{
    answer->status = status;
    return answer_header(answer, "Location", location);
}

/* `header="Name: value"`. */
static int add_given_header(const char *line, struct answer *answer)
{
    const char *colon = strchr(line, ':');
    char name[128];

    if (!colon || colon == line || (size_t)(colon - line) >= sizeof(name))
        return -EINVAL;
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = '\0';
    colon++;
    return answer_header(answer, name, colon + strspn(colon, " "));
}

int fault_add_headers(const struct directives *directives, struct answer *answer)
{
    const char *retry = directive_text(directives, D_RETRY_AFTER, NULL);
    const char *id = directive_text(directives, D_REQUEST_ID, NULL);
    const char *type = directive_text(directives, D_CONTENT_TYPE, NULL);
    const char *line = directive_text(directives, D_HEADER, NULL);
    int error = 0;

    if (retry)
        error = answer_header(answer, "Retry-After", retry);
    if (!error && id)
        error = answer_header(answer, "x-request-id", id);
    if (!error && type)
        error = answer_header(answer, "Content-Type", type);
    if (!error && line)
        error = add_given_header(line, answer);
    return error;
}
