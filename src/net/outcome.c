/* SPDX-License-Identifier: MIT */
#include "net/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_SIZE 512

/* The failure as it grows. */
struct verdict {
    int error;
    bool permanent;         /* the same again would fail the same way, whatever was sent */
    char words[WORDS_SIZE]; /* a sentence */
    const char *advice;
};

static void say(struct verdict *verdict, int error, const char *format, ...) printf_like_(3, 4);

static void say(struct verdict *verdict, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(verdict->words, sizeof(verdict->words), format, arguments);
    va_end(arguments);
    verdict->error = error;
}

/* libcurl's text in brackets, with its blank before, without its full stop; nothing where it has
 * none. */
struct bracket {
    char text[CURL_ERROR_SIZE + 4];
};

static struct bracket bracketed(const char *detail)
{
    struct bracket bracket = {""};
    int length = (int)strnlen(detail, CURL_ERROR_SIZE);

    while (length && strchr(". ", detail[length - 1]))
        length--;
    if (length)
        snprintf(bracket.text, sizeof(bracket.text), " (%.*s)", length, detail);
    return bracket;
}

/* "0.3 s", "600 s" */
struct seconds {
    char text[32];
};

static struct seconds seconds(int64_t ms)
{
    struct seconds seconds;

    if (ms < 10000)
        snprintf(seconds.text, sizeof(seconds.text), "%" PRId64 ".%" PRId64 " s", ms / 1000,
                 ms % 1000 / 100);
    else
        snprintf(seconds.text, sizeof(seconds.text), "%" PRId64 " s", (ms + 500) / 1000);
    return seconds;
}

static void describe_certificate(const struct outcome *outcome, struct verdict *verdict)
{
    verdict->permanent = true;
    if (outcome->code == CURLE_PEER_FAILED_VERIFICATION) {
        say(verdict, -EPROTO, "The certificate of %s cannot be trusted%s.", outcome->label,
            bracketed(outcome->detail).text);
        verdict->advice = "Check the address, and the clock of this machine. Where the certificate "
                          "is by an authority of your own, name its file in ca_file.";
    } else {
        say(verdict, -EPROTO, "No secure connection to %s: ca_file cannot be used%s.",
            outcome->label, bracketed(outcome->detail).text);
        verdict->advice = "ca_file must name a readable file of certificates in PEM form.";
    }
}

static void describe_no_connection(const struct outcome *outcome, struct verdict *verdict)
{
    char reason[128];

    switch (outcome->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        describe_certificate(outcome, verdict);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        say(verdict, -EHOSTUNREACH, "No connection to %s: could not resolve host.", outcome->label);
        break;
    case CURLE_URL_MALFORMAT: /* it was read as a URL, but cannot be asked of a name server */
        verdict->permanent = true;
        say(verdict, -EINVAL, "No connection to %s: that cannot be the name of a host.",
            outcome->label);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        say(verdict, -EHOSTUNREACH, "No connection to %s: could not resolve the proxy.",
            outcome->label);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        say(verdict, -ETIMEDOUT, "No connection to %s within %s.", outcome->label,
            seconds(outcome->limit_ms).text);
        break;
    case CURLE_SSL_CONNECT_ERROR:
        say(verdict, -EPROTO, "No secure connection to %s%s.", outcome->label,
            bracketed(outcome->detail).text);
        break;
    case CURLE_OUT_OF_MEMORY:
        say(verdict, -ENOMEM, "No connection to %s: not enough memory.", outcome->label);
        break;
    default:
        if (outcome->system_errno)
            say(verdict, -outcome->system_errno, "No connection to %s: %s.", outcome->label,
                strerror_r(outcome->system_errno, reason, sizeof(reason)));
        else
            say(verdict, -ECONNREFUSED, "No connection to %s%s.", outcome->label,
                bracketed(outcome->detail).text);
    }
}

static void describe_no_answer(const struct outcome *outcome, struct verdict *verdict)
{
    bool timed_out = outcome->code == CURLE_OPERATION_TIMEDOUT;
    struct seconds waited = seconds(outcome->limit_ms);
    struct bracket detail = bracketed(outcome->detail);

    if (!outcome->body_handed_over) {
        if (timed_out)
            say(verdict, -ETIMEDOUT, "The request could not be sent to %s whole within %s.",
                outcome->label, waited.text);
        else
            say(verdict, -EIO, "The connection to %s was lost while the request was sent%s.",
                outcome->label, detail.text);
        return;
    }
    switch (outcome->stop == STOP_RESENDING ? CURLE_GOT_NOTHING : outcome->code) {
    case CURLE_OPERATION_TIMEDOUT:
        say(verdict, -ETIMEDOUT, "No answer from %s after %s.", outcome->label, waited.text);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
        say(verdict, -EIO, "%s closed the connection without an answer.", outcome->label);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        say(verdict, -EPROTO, "What %s answered is not HTTP%s.", outcome->label, detail.text);
        break;
    default:
        say(verdict, -EIO, "The connection to %s was lost before an answer came%s.", outcome->label,
            detail.text);
    }
}

static void describe_cut(const struct outcome *outcome, struct verdict *verdict)
{
    char extent[64];

    if (outcome->expected >= 0)
        snprintf(extent, sizeof(extent), "%" PRIu64 " of %" PRId64 " bytes had come",
                 outcome->received, outcome->expected);
    else
        snprintf(extent, sizeof(extent), "%" PRIu64 " byte%s had come", outcome->received,
                 outcome->received == 1 ? "" : "s");
    if (outcome->code == CURLE_OPERATION_TIMEDOUT)
        say(verdict, -ETIMEDOUT, "The answer from %s was not complete after %s: %s.",
            outcome->label, seconds(outcome->limit_ms).text, extent);
    else if (outcome->code == CURLE_BAD_CONTENT_ENCODING)
        say(verdict, -EPROTO, "The answer from %s cannot be decompressed%s.", outcome->label,
            bracketed(outcome->detail).text);
    else
        say(verdict, -EIO, "The answer from %s ended early: %s.", outcome->label, extent);
}

static void describe_too_large(const struct outcome *outcome, struct verdict *verdict)
{
    uint64_t max = outcome->max_response_bytes;
    uint64_t mib = UINT64_C(1) << 20;
    bool round = max % mib == 0;

    say(verdict, -EFBIG, "The answer from %s is larger than %" PRIu64 " %s.", outcome->label,
        round ? max / mib : max, round ? "MiB" : "bytes");
    verdict->advice = "max_response sets the limit.";
    verdict->permanent = true;
}

static void describe_status(const struct outcome *outcome, struct verdict *verdict)
{
    int status = outcome->http_status;

    verdict->permanent = !(status == 408 || status == 429 || status >= 500);
    if (status == 401 || status == 403 || status == 404 || status == 410) {
        say(verdict, -EACCES, "The picture's link has expired or was refused: %s answered %d.",
            outcome->label, status);
        verdict->advice = "Write the prompt again for a new picture; it will be charged again.";
    } else {
        say(verdict, -EIO, "%s answered %d instead of the picture.", outcome->label, status);
    }
}

static void describe_blocked(const struct outcome *outcome, struct verdict *verdict)
{
    say(verdict, -EACCES,
        "The picture's link leads to %s (%s), which is not on the public network.", outcome->label,
        outcome->address);
    verdict->advice = "Where that is right, allow it with result_hosts.";
    verdict->permanent = true;
}

/* What is wrong with an answer that write() refused without a fault of a disk, or NULL. */
static const char *excess_of(int error)
{
    switch (error) {
    case -ELOOP:
        return "it is nested too deeply";
    case -E2BIG:
        return "it has too many pictures or long texts";
    case -EMSGSIZE:
        return "it is too large without its pictures and long texts";
    case -ENAMETOOLONG:
        return "a name or a number in it is too long";
    default:
        return NULL;
    }
}

static void describe_handler(const struct outcome *outcome, struct verdict *verdict)
{
    const char *excess = outcome->stop == STOP_STORING ? excess_of(outcome->stop_error) : NULL;
    char reason[128];

    verdict->permanent = true;
    if (excess) {
        say(verdict, outcome->stop_error, "The answer from %s is not one that the API gives: %s.",
            outcome->label, excess);
        return;
    }
    say(verdict, outcome->stop_error, "%s: %s.",
        outcome->stop == STOP_READING ? "The request could not be read"
                                      : "The answer could not be stored",
        strerror_r(-outcome->stop_error, reason, sizeof(reason)));
}

static void describe_stop(const struct outcome *outcome, struct verdict *verdict)
{
    switch (outcome->stop) {
    case STOP_CANCELLED:
        say(verdict, -ECANCELED, "Cancelled.");
        verdict->permanent = true;
        break;
    case STOP_READING:
    case STOP_STORING:
        describe_handler(outcome, verdict);
        break;
    case STOP_RESENDING:
        describe_no_answer(outcome, verdict);
        break;
    case STOP_TOO_LARGE:
        describe_too_large(outcome, verdict);
        break;
    case STOP_HEAD:
        say(verdict, -EPROTO, "The header lines of the answer from %s are too long.",
            outcome->label);
        verdict->permanent = true;
        break;
    case STOP_BLOCKED:
        describe_blocked(outcome, verdict);
        break;
    case STOP_STATUS:
        describe_status(outcome, verdict);
        break;
    default:
        say(verdict, -ELOOP, "%s redirects once too often.", outcome->label);
        verdict->permanent = true;
    }
}

static void describe(const struct outcome *outcome, struct verdict *verdict)
{
    if (outcome->stop != STOP_NONE)
        describe_stop(outcome, verdict);
    else if (outcome->http_status)
        describe_cut(outcome, verdict);
    else if (outcome->connected)
        describe_no_answer(outcome, verdict);
    else
        describe_no_connection(outcome, verdict);
}

/* What a POST cost that was answered, as far as the status alone tells. */
static enum charge charge_of_status(const struct outcome *outcome)
{
    int status = outcome->http_status;

    switch (status) {
    case 400:
    case 401:
    case 402:
    case 403:
    case 404:
    case 413:
    case 429:
    case 451:
        return CHARGE_NONE;
    default:
        if (status < 300)
            return CHARGE_CERTAIN;
        return status < 400 || !outcome->body_handed_over ? CHARGE_NONE : CHARGE_POSSIBLE;
    }
}

static enum charge charge_of(const struct outcome *outcome)
{
    if (outcome->kind == TRANSPORT_PICTURE)
        return CHARGE_CERTAIN;
    if (!outcome->post)
        return CHARGE_NONE;
    if (outcome->http_status)
        return charge_of_status(outcome);
    return outcome->body_handed_over ? CHARGE_POSSIBLE : CHARGE_NONE;
}

/* Of an API call: nothing was done with it, or doing it again costs nothing. */
static bool is_repeatable(const struct outcome *outcome)
{
    if (!outcome->post)
        return true;
    if (outcome->http_status == 0 || outcome->http_status >= 500)
        return !outcome->body_handed_over;
    return outcome->http_status == 429;
}

void outcome_describe(const struct outcome *outcome, struct failure *failure, bool *ret_refetch)
{
    bool picture = outcome->kind == TRANSPORT_PICTURE;
    struct verdict verdict = {
        .permanent = outcome->stop == STOP_LOCAL && failure->error != -ENOMEM,
    };

    failure->charge = charge_of(outcome);
    failure->http_status = outcome->http_status;
    if (outcome->stop == STOP_LOCAL)
        say(&verdict, failure->error, "%.*s", WORDS_SIZE - 1, failure->text);
    else
        describe(outcome, &verdict);
    failure_set(failure, verdict.error, "%s%s", picture ? "The picture could not be fetched. " : "",
                verdict.words);
    if (verdict.advice)
        failure_advise(failure, "%s", verdict.advice);
    failure->retry = !picture && !verdict.permanent && is_repeatable(outcome);
    *ret_refetch = picture && !verdict.permanent;
}
