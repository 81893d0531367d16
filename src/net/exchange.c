/* SPDX-License-Identifier: MIT */
#include "net/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/exchange_setup.h"
#include "net/guard.h"
#include "net/head.h"
#include "net/outcome.h"

struct exchange {
    const struct exchange_settings *settings;
    struct transport_call *call;
    CURL *easy;
    struct curl_slist *headers;
    struct target target; /* of the present hop */
    unsigned redirects;
    int64_t started_ms;
    int64_t hop_started_ms;
    struct head head;               /* of the present answer */
    size_t head_bytes;              /* of all answers */
    int http_status;                /* of the final answer; 0 = its head is not complete */
    bool connected;                 /* a connection stood, for the present hop */
    uint64_t sent;                  /* bytes of the body that read() gave */
    uint64_t received;              /* bytes of the answer's body */
    enum stop stop;                 /* why a callback ended the exchange; the first reason stands */
    int stop_error;                 /* of a handler */
    int socket_errno;               /* socket(2) failed */
    char blocked[INET6_ADDRSTRLEN]; /* the last address that the guard refused; "" = none */
    struct failure failure;         /* STOP_LOCAL: a redirect that cannot be followed */
    char detail[CURL_ERROR_SIZE];
};

/* Have libcurl end the transfer for @stop: the callbacks return their failure value after this. */
static void stop(struct exchange *exchange, enum stop stop, int error)
{
    if (exchange->stop == STOP_NONE) {
        exchange->stop = stop;
        exchange->stop_error = error;
    }
}

static size_t on_read(char *buffer, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    struct transport_call *call = exchange->call;
    uint64_t left = call->body_length - exchange->sent;
    size_t room = size * count < left ? size * count : (size_t)left;
    ssize_t length;

    if (room == 0)
        return 0;
    length = call->handler->read(call->context, buffer, room);
    if (length <= 0 || (size_t)length > room) {
        stop(exchange, STOP_READING, length < 0 ? (int)length : -EIO);
        return CURL_READFUNC_ABORT;
    }
    exchange->sent += (uint64_t)length;
    atomic_store_explicit(&call->bytes_sent, exchange->sent, memory_order_relaxed);
    return (size_t)length;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A picture's answer: only a 200 is let through to the handler. @return whether it is one. */
static bool admit_picture(struct exchange *exchange, int status)
{
    if (is_redirect(status) && exchange->head.location)
        stop(exchange,
             exchange->redirects < EXCHANGE_REDIRECTS_MAX ? STOP_REDIRECT : STOP_REDIRECTED, 0);
    else if (status != 200)
        stop(exchange, STOP_STATUS, 0);
    return exchange->stop == STOP_NONE;
}

/* The empty line after a head. @return whether to go on. */
static bool end_head(struct exchange *exchange)
{
    const struct transport_call *call = exchange->call;
    long status = 0;
    int error;

    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return true;
    exchange->http_status = (int)status;
    if (call->kind == TRANSPORT_PICTURE && !admit_picture(exchange, exchange->http_status))
        return false;
    if (exchange->head.length > 0 &&
        (uint64_t)exchange->head.length > exchange->settings->max_response_bytes) {
        stop(exchange, STOP_TOO_LARGE, 0);
        return false;
    }
    error = call->handler->begin(call->context, exchange->http_status, exchange->head.length);
    if (error)
        stop(exchange, STOP_STORING, error);
    return !error;
}

static bool take_head_line(struct exchange *exchange, const char *line, size_t length)
{
    int error;

    if (exchange->http_status)
        return true; /* a trailer */
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        head_reset(&exchange->head);
    if (line[0] == '\r' || line[0] == '\n')
        return end_head(exchange);
    error = head_add_line(&exchange->head, line, length);
    if (error)
        stop(exchange, STOP_STORING, error);
    return !error;
}

static size_t on_header(char *line, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;

    exchange->head_bytes += length;
    if (exchange->head_bytes > EXCHANGE_HEAD_MAX) {
        stop(exchange, STOP_HEAD, 0);
        return 0;
    }
    return take_head_line(exchange, line, length) ? length : 0;
}

static size_t on_write(char *data, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    struct transport_call *call = exchange->call;
    size_t length = size * count;
    int error;

    if (length > exchange->settings->max_response_bytes - exchange->received) {
        stop(exchange, STOP_TOO_LARGE, 0);
        return length + 1;
    }
    exchange->received += length;
    atomic_store_explicit(&call->bytes_received, exchange->received, memory_order_relaxed);
    error = call->handler->write(call->context, data, length);
    if (error) {
        stop(exchange, STOP_STORING, error);
        return length + 1;
    }
    return length;
}

static void note_blocked(struct exchange *exchange, const struct sockaddr *address)
{
    const void *bytes =
        address->sa_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (!inet_ntop(address->sa_family, bytes, exchange->blocked, sizeof(exchange->blocked)))
        memcpy(exchange->blocked, "?", 2);
}

static bool may_dial(struct exchange *exchange, const struct sockaddr *address)
{
    if (exchange->call->kind != TRANSPORT_PICTURE ||
        guard_allows(exchange->settings->guard, address, exchange->target.host))
        return true;
    note_blocked(exchange, address);
    return false;
}

/*
 * Where a request broke, libcurl in some cases begins anew by itself: a reused connection was
 * closed, HTTP/2 was refused. It cannot rewind the body, but could send what is left of it, and a
 * body without bytes as a whole. So nothing is begun again once something may have been sent.
 */
static bool refuses_again(struct exchange *exchange)
{
    const struct transport_call *call = exchange->call;

    if (!exchange->connected || !call->has_body || (exchange->sent == 0 && call->body_length > 0))
        return false;
    stop(exchange, STOP_RESENDING, 0);
    return true;
}

static curl_socket_t on_open_socket(void *userdata, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct exchange *exchange = userdata;
    int fd;

    (void)purpose;
    if (refuses_again(exchange) || !may_dial(exchange, &address->addr))
        return CURL_SOCKET_BAD;
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    exchange->socket_errno = fd < 0 ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* A connection stands and the request is about to be sent. */
static int on_request(void *userdata, char *remote_ip, char *local_ip, int remote_port,
                      int local_port)
{
    struct exchange *exchange = userdata;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    if (refuses_again(exchange))
        return CURL_PREREQFUNC_ABORT;
    exchange->connected = true;
    return CURL_PREREQFUNC_OK;
}

static bool set_callbacks(struct exchange *exchange)
{
    CURL *easy = exchange->easy;

    return !curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange->call) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail) &&
           !curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read) &&
           !curl_easy_setopt(easy, CURLOPT_READDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) &&
           !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange) &&
           !curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request) &&
           !curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
}

/* Point the handle at the present target, with what is left of the time. */
static bool set_hop(struct exchange *exchange)
{
    int64_t left = exchange->settings->timeout_ms - (clock_now_ms() - exchange->started_ms);

    return !curl_easy_setopt(exchange->easy, CURLOPT_CURLU, exchange->target.url) &&
           !curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, left > 1 ? (long)left : 1L);
}

/* Where the call may go at all, before anything is resolved. */
static int check_call(const struct exchange *exchange, struct failure *failure)
{
    const struct transport_call *call = exchange->call;

    if (call->kind == TRANSPORT_PICTURE) {
        if (call->header_count || call->has_body)
            return failure_set(failure, -EINVAL, "A picture is fetched without headers and body.");
        return guard_check(exchange->settings->guard, &exchange->target, failure);
    }
    if (!target_has_same_origin(&exchange->target, &exchange->settings->base))
        return failure_set(failure, -EINVAL, "A call to the API may go to %s only, not to %s.",
                           exchange->settings->base.label, exchange->target.label);
    if (call->has_body && call->body_length > INT64_MAX)
        return failure_set(failure, -EFBIG, "The request is too large.");
    return 0;
}

static void exchange_cleanup(struct exchange **exchange)
{
    exchange_destroy(*exchange);
}

int exchange_create(const struct exchange_settings *settings, struct transport_call *call,
                    struct exchange **ret_exchange, struct failure *failure)
{
    cleanup_(exchange_cleanup) struct exchange *exchange = calloc(1, sizeof(*exchange));
    int error;

    if (exchange)
        exchange->easy = curl_easy_init();
    if (!exchange || !exchange->easy)
        return failure_set_errno(failure, -ENOMEM, "HTTP request");
    exchange->settings = settings;
    exchange->call = call;
    exchange->started_ms = exchange->hop_started_ms = clock_now_ms();
    head_reset(&exchange->head);
    error = target_parse(call->url, &exchange->target, failure);
    if (!error)
        error = check_call(exchange, failure);
    if (!error)
        error = exchange_setup(exchange->easy, settings, call, &exchange->headers, failure);
    if (error)
        return error;
    if (!set_callbacks(exchange) || !set_hop(exchange))
        return failure_set_errno(failure, -ENOMEM, "HTTP request");
    *ret_exchange = steal_ptr(exchange);
    return 0;
}

void exchange_destroy(struct exchange *exchange)
{
    if (!exchange)
        return;
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    target_fini(&exchange->target);
    head_fini(&exchange->head);
    free(exchange);
}

CURL *exchange_handle(const struct exchange *exchange)
{
    return exchange->easy;
}

bool exchange_follow(struct exchange *exchange)
{
    struct target target;
    int error;

    if (exchange->stop != STOP_REDIRECT)
        return false;
    error = target_follow(&exchange->target, exchange->head.location, &target, &exchange->failure);
    if (!error) {
        target_fini(&exchange->target);
        exchange->target = target;
        error = guard_check(exchange->settings->guard, &target, &exchange->failure);
    }
    if (!error && !set_hop(exchange))
        error = failure_set_errno(&exchange->failure, -ENOMEM, "HTTP request");
    exchange->stop = error ? STOP_LOCAL : STOP_NONE;
    if (error)
        return false;
    exchange->redirects++;
    exchange->hop_started_ms = clock_now_ms();
    exchange->connected = false;
    exchange->http_status = 0;
    exchange->blocked[0] = '\0';
    return true;
}

bool exchange_is_late(const struct exchange *exchange)
{
    return !exchange->connected &&
           clock_now_ms() - exchange->hop_started_ms > exchange->settings->connect_timeout_ms;
}

static const char *http_version_text(CURL *easy)
{
    long version = 0;

    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
    case CURL_HTTP_VERSION_1_0:
        return "1.0";
    case CURL_HTTP_VERSION_1_1:
        return "1.1";
    case CURL_HTTP_VERSION_2_0:
        return "2";
    default:
        return "";
    }
}

static void fill_from_head(const struct exchange *exchange, struct transport_result *result)
{
    const struct head *head = &exchange->head;

    result->http_status = exchange->http_status;
    if (exchange->http_status == 0)
        return;
    snprintf(result->http_version, sizeof(result->http_version), "%s",
             http_version_text(exchange->easy));
    memcpy(result->retry_after, head->retry_after, sizeof(result->retry_after));
    memcpy(result->request_id, head->request_id, sizeof(result->request_id));
    memcpy(result->content_type, head->content_type, sizeof(result->content_type));
    if (head->location)
        head_copy_text(result->location, sizeof(result->location), head->location,
                       strlen(head->location));
}

static int system_errno(const struct exchange *exchange)
{
    long value = 0;

    if (exchange->socket_errno)
        return exchange->socket_errno;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &value);
    return (int)value;
}

static int64_t limit_ms(const struct exchange *exchange)
{
    const struct exchange_settings *settings = exchange->settings;

    if (exchange->connected || settings->timeout_ms < settings->connect_timeout_ms)
        return settings->timeout_ms;
    return settings->connect_timeout_ms;
}

static enum stop final_stop(const struct exchange *exchange, CURLcode code, int stop_error)
{
    if (stop_error)
        return STOP_CANCELLED;
    if (exchange->stop == STOP_NONE && code == CURLE_COULDNT_CONNECT && exchange->blocked[0])
        return STOP_BLOCKED;
    return exchange->stop;
}

void exchange_result(const struct exchange *exchange, CURLcode code, int stop_error,
                     struct transport_result *ret_result)
{
    const struct transport_call *call = exchange->call;
    struct transport_result *result = ret_result;
    struct outcome outcome = {
        .kind = call->kind,
        .stop = final_stop(exchange, code, stop_error),
        .stop_error = exchange->stop_error,
        .code = code == CURLE_OK && exchange->http_status == 0 ? CURLE_GOT_NOTHING : code,
        .system_errno = system_errno(exchange),
        .detail = exchange->stop == STOP_NONE ? exchange->detail : "",
        .label = exchange->target.label,
        .address = exchange->blocked,
        .post = call->has_body,
        .connected = exchange->connected,
        .http_status = exchange->http_status,
        .received = exchange->received,
        .expected = exchange->head.length,
        .max_response_bytes = exchange->settings->max_response_bytes,
        .limit_ms = limit_ms(exchange),
    };

    outcome.body_handed_over =
        exchange->connected && (!call->has_body || exchange->sent == call->body_length);
    memset(result, 0, sizeof(*result));
    result->failure = exchange->failure;
    result->connected = outcome.connected;
    result->body_handed_over = outcome.body_handed_over;
    result->elapsed_ms = clock_now_ms() - exchange->started_ms;
    fill_from_head(exchange, result);
    if (outcome.stop == STOP_NONE && outcome.code == CURLE_OK)
        return;
    outcome_describe(&outcome, &result->failure, &result->refetch);
    memcpy(result->failure.request_id, result->request_id, sizeof(result->failure.request_id));
    result->error = result->failure.error;
}

void exchange_never_began(const struct transport_call *call, const struct failure *failure,
                          struct transport_result *ret_result)
{
    struct outcome outcome = {
        .kind = call->kind,
        .stop = STOP_LOCAL,
        .post = call->has_body,
        .expected = -1,
    };

    memset(ret_result, 0, sizeof(*ret_result));
    ret_result->failure = *failure;
    outcome_describe(&outcome, &ret_result->failure, &ret_result->refetch);
    ret_result->error = ret_result->failure.error;
}
