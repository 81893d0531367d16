/* SPDX-License-Identifier: MIT
 *
 * The thread, and the inbox by which calls reach it. A call is in one of three states:
 *
 *     IDLE --submit--> SUBMITTED --taken--> ACTIVE --over--> IDLE, then done()
 *
 * It is linked in the inbox while SUBMITTED, and while ACTIVE and asked to stop. All that is
 * guarded by the inbox lock, which is held for these few assignments only. A call has left the
 * inbox when its done() is called, in which its owner may free it.
 */
#include "net/transport.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "net/exchange.h"
#include "net/loop.h"
#include "net/target.h"
#include "net/wiping.h"

/* How often expire() looks. */
#define EXPIRE_INTERVAL_MS 1000

TAILQ_HEAD(call_list, transport_call);

struct transport {
    struct exchange_settings settings; /* constant */
    struct loop *loop;
    pthread_t thread;
    struct call_list active; /* by active_link; the thread's own */
    int64_t expired_ms;      /* when expire() was last called; the thread's own */
    struct mutex inbox_lock;
    struct call_list inbox guarded_by_(inbox_lock);
    bool stopping guarded_by_(inbox_lock);
};

static void settings_fini(struct exchange_settings *settings)
{
    target_fini(&settings->base);
    free(settings->ca_file);
    free(settings->user_agent);
}

/* Give the call back to its owner. */
static void finish(struct transport *transport, struct transport_call *call,
                   const struct transport_result *result)
{
    mutex_lock(&transport->inbox_lock);
    if (call->stop)
        TAILQ_REMOVE(&transport->inbox, call, link);
    call->stop = false;
    call->state = TRANSPORT_IDLE;
    mutex_unlock(&transport->inbox_lock);
    call->handler->done(call->context, result);
}

/* End a call that has no exchange. */
static void fail(struct transport *transport, struct transport_call *call,
                 const struct failure *failure)
{
    struct transport_result result;

    exchange_never_began(call, failure, &result);
    finish(transport, call, &result);
}

/* End a call that is under way: libcurl said @code, or @stop_error says why it is stopped. */
static void end(struct transport *transport, struct transport_call *call, CURLcode code,
                int stop_error)
{
    struct exchange *exchange = call->exchange;
    struct transport_result result;

    curl_multi_remove_handle(loop_multi(transport->loop), exchange_handle(exchange));
    exchange_result(exchange, code, stop_error, &result);
    exchange_destroy(exchange);
    call->exchange = NULL;
    TAILQ_REMOVE(&transport->active, call, active_link);
    finish(transport, call, &result);
}

static void begin(struct transport *transport, struct transport_call *call)
{
    struct failure failure;

    failure_init(&failure);
    if (exchange_create(&transport->settings, call, &call->exchange, &failure)) {
        fail(transport, call, &failure);
        return;
    }
    TAILQ_INSERT_TAIL(&transport->active, call, active_link);
    if (curl_multi_add_handle(loop_multi(transport->loop), exchange_handle(call->exchange)))
        end(transport, call, CURLE_OUT_OF_MEMORY, 0);
}

static void cancel(struct transport *transport, struct transport_call *call)
{
    struct failure failure;

    if (call->exchange) {
        end(transport, call, CURLE_OK, -ECANCELED);
        return;
    }
    failure_init(&failure);
    failure_set(&failure, -ECANCELED, "Cancelled.");
    fail(transport, call, &failure);
}

/*
 * The next call out of the inbox, now ACTIVE. @ret_stop: it is to end. A call that is to end stays
 * marked, but is linked no more.
 */
static struct transport_call *take(struct transport *transport, bool *ret_stop)
{
    struct transport_call *call;

    mutex_lock(&transport->inbox_lock);
    call = TAILQ_FIRST(&transport->inbox);
    if (call) {
        TAILQ_REMOVE(&transport->inbox, call, link);
        *ret_stop = call->stop || transport->stopping;
        call->stop = false;
        call->state = TRANSPORT_ACTIVE;
    }
    mutex_unlock(&transport->inbox_lock);
    return call;
}

static void serve_inbox(struct transport *transport)
{
    struct transport_call *call;
    bool stop;

    while ((call = take(transport, &stop))) {
        if (stop)
            cancel(transport, call);
        else
            begin(transport, call);
    }
}

/* What libcurl has finished. */
static void collect(struct transport *transport)
{
    CURLM *multi = loop_multi(transport->loop);
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        struct transport_call *call = NULL;

        /* The message is gone once the handle is out of the CURLM. */
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(multi, easy);
        if (!exchange_follow(call->exchange))
            end(transport, call, code, 0);
        else if (curl_multi_add_handle(multi, easy))
            end(transport, call, CURLE_OUT_OF_MEMORY, 0);
    }
}

/*
 * libcurl does not count the connect time-out while a call waits to share the connection that
 * another one is making (CURLOPT_PIPEWAIT): with a server that does not answer they would run into
 * it one after the other.
 */
static void expire(struct transport *transport)
{
    struct transport_call *call = TAILQ_FIRST(&transport->active);
    int64_t now_ms = clock_now_ms();

    if (now_ms - transport->expired_ms < EXPIRE_INTERVAL_MS)
        return;
    transport->expired_ms = now_ms;
    while (call) {
        struct transport_call *next = TAILQ_NEXT(call, active_link);
        if (exchange_is_late(call->exchange))
            end(transport, call, CURLE_OPERATION_TIMEDOUT, 0);
        call = next;
    }
}

static bool is_stopping(struct transport *transport)
{
    bool stopping;

    mutex_lock(&transport->inbox_lock);
    stopping = transport->stopping;
    mutex_unlock(&transport->inbox_lock);
    return stopping;
}

static void *run(void *argument)
{
    struct transport *transport = argument;
    struct transport_call *call;

    while (!is_stopping(transport)) {
        serve_inbox(transport);
        loop_turn(transport->loop, TAILQ_EMPTY(&transport->active) ? -1 : EXPIRE_INTERVAL_MS);
        collect(transport);
        expire(transport);
    }
    while ((call = TAILQ_FIRST(&transport->active)))
        cancel(transport, call);
    serve_inbox(transport);
    return NULL;
}

/* With all signals blocked: they are for the threads that expect them, SIGPIPE for none. */
static int start_thread(struct transport *transport)
{
    sigset_t all;
    sigset_t old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&transport->thread, NULL, run, transport);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!error)
        pthread_setname_np(transport->thread, "transport");
    return -error;
}

static int copy_settings(const struct transport_options *options,
                         struct exchange_settings *settings, struct failure *failure)
{
    if (options->timeout_ms <= 0 || options->connect_timeout_ms <= 0 ||
        options->max_response_bytes == 0 || !options->guard || !options->user_agent)
        return failure_set(failure, -EINVAL, "The limits of the connection make no sense.");
    settings->connect_timeout_ms = options->connect_timeout_ms;
    settings->timeout_ms = options->timeout_ms;
    settings->max_response_bytes = options->max_response_bytes;
    settings->guard = options->guard;
    settings->user_agent = strdup(options->user_agent);
    if (options->ca_file)
        settings->ca_file = strdup(options->ca_file);
    if (!settings->user_agent || (options->ca_file && !settings->ca_file))
        return failure_set_errno(failure, -ENOMEM, "transport");
    return target_parse(options->base_url, &settings->base, failure);
}

/* All but the thread. */
static void dispose(struct transport *transport)
{
    loop_destroy(transport->loop);
    settings_fini(&transport->settings);
    mutex_fini(&transport->inbox_lock);
    free(transport);
    curl_global_cleanup();
}

static void dispose_cleanup(struct transport **transport)
{
    if (*transport)
        dispose(*transport);
}

int transport_create(const struct transport_options *options, struct transport **ret_transport,
                     struct failure *failure)
{
    cleanup_(dispose_cleanup) struct transport *transport = NULL;
    int error;

    if (wiping_init())
        return failure_set_errno(failure, -ENOMEM, "libcurl");
    transport = calloc(1, sizeof(*transport));
    if (!transport) {
        curl_global_cleanup();
        return failure_set_errno(failure, -ENOMEM, "transport");
    }
    mutex_init(&transport->inbox_lock);
    TAILQ_INIT(&transport->inbox);
    TAILQ_INIT(&transport->active);
    error = copy_settings(options, &transport->settings, failure);
    if (error)
        return error;
    error = loop_create(&transport->loop);
    if (!error)
        error = start_thread(transport);
    if (error)
        return failure_set_errno(failure, error, "transport");
    *ret_transport = steal_ptr(transport);
    return 0;
}

void transport_destroy(struct transport *transport)
{
    if (!transport)
        return;
    mutex_lock(&transport->inbox_lock);
    transport->stopping = true;
    mutex_unlock(&transport->inbox_lock);
    loop_wake(transport->loop);
    pthread_join(transport->thread, NULL);
    dispose(transport);
}

void transport_submit(struct transport *transport, struct transport_call *call)
{
    atomic_store_explicit(&call->bytes_sent, 0, memory_order_relaxed);
    atomic_store_explicit(&call->bytes_received, 0, memory_order_relaxed);
    mutex_lock(&transport->inbox_lock);
    call->state = TRANSPORT_SUBMITTED;
    TAILQ_INSERT_TAIL(&transport->inbox, call, link);
    mutex_unlock(&transport->inbox_lock);
    loop_wake(transport->loop);
}

void transport_cancel(struct transport *transport, struct transport_call *call)
{
    bool wake = false;

    mutex_lock(&transport->inbox_lock);
    if (call->state == TRANSPORT_ACTIVE && !call->stop) {
        TAILQ_INSERT_TAIL(&transport->inbox, call, link);
        wake = true;
    }
    call->stop = call->state != TRANSPORT_IDLE;
    mutex_unlock(&transport->inbox_lock);
    if (wake)
        loop_wake(transport->loop);
}
