/* SPDX-License-Identifier: MIT */
#include "models_ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>

#include "api/fault.h"
#include "base/clock.h"
#include "net/guard.h"
#include "net/transport.h"

/* Of the time for all of it: one server that does not answer leaves time for another attempt. */
#define CONNECT_SHARE 3
#define CALL_SHARE    2

/* What lives as long as the asking. */
struct asking {
    const struct models_question *question;
    struct models_answer *answer;
    struct guard *guard;
    struct transport *transport;
    const char *header; /* holds the key, and is its own; NULL: there is none */
    int ended_fd;       /* an eventfd, written by done() */
    int signal_fd;
    int64_t deadline_ms;

    /* The transport's until ended_fd was written, then ours. */
    struct buf body;
    struct transport_result result;
};

static int take_status(void *context, int http_status, int64_t length)
{
    (void)context;
    (void)http_status;
    (void)length;
    return 0;
}

static int take_bytes(void *context, const char *data, size_t length)
{
    struct asking *asking = context;

    return buf_append(&asking->body, data, length);
}

static void take_end(void *context, const struct transport_result *result)
{
    struct asking *asking = context;

    asking->result = *result;
    eventfd_write(asking->ended_fd, 1);
}

static const struct transport_handler handler = {NULL, take_status, take_bytes, take_end};

static const char *key_or_null(const struct models_question *question)
{
    return question->key ? key_text(question->key) : NULL;
}

static int open_events(struct asking *asking)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    asking->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (asking->signal_fd < 0)
        return -errno;
    asking->ended_fd = eventfd(0, EFD_CLOEXEC);
    return asking->ended_fd < 0 ? -errno : 0;
}

static int64_t least(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static int build_net(struct asking *asking, struct failure *failure)
{
    const struct models_question *question = asking->question;
    const struct options *options = question->options;
    struct transport_options transport = {
        .connect_timeout_ms =
            least((int64_t)options->connect_timeout_s * 1000, question->limit_ms / CONNECT_SHARE),
        .timeout_ms = least((int64_t)options->timeout_s * 1000, question->limit_ms / CALL_SHARE),
        .max_response_bytes = MODEL_LIST_PAGE_MAX,
        .base_url = question->base_url,
        .ca_file = options->ca_file,
        .user_agent = "easelfs/" EASELFS_VERSION,
    };
    int error = guard_create(question->base_url, NULL, 0, &asking->guard, failure);

    transport.guard = asking->guard;
    return error ? error : transport_create(&transport, &asking->transport, failure);
}

static int begin(struct asking *asking, struct failure *failure)
{
    const struct models_question *question = asking->question;
    int error = open_events(asking);

    asking->header = key_header(question->key, question->options->auth, question->options->demo);
    return error ? failure_set_errno(failure, error, "models") : build_net(asking, failure);
}

static void end(struct asking *asking)
{
    transport_destroy(asking->transport);
    guard_destroy(asking->guard);
    cleanup_close_impl(&asking->signal_fd);
    cleanup_close_impl(&asking->ended_fd);
    buf_fini(&asking->body);
}

/* Take a signal. @return whether there was one. */
static bool is_interrupted(const struct asking *asking)
{
    struct signalfd_siginfo info;

    return read(asking->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

static int tell_late(const struct asking *asking, struct failure *failure)
{
    return failure_set(failure, -ETIMEDOUT,
                       "The API did not give its list of models within %lld seconds.",
                       (long long)asking->question->limit_ms / 1000);
}

static int tell_interrupted(struct failure *failure)
{
    return failure_set(failure, -EINTR, "Stopped while the API was asked for its list of models.");
}

/* Until @fd can be read (-1: only the time counts), a signal comes, or the time is @until_ms.
 * @return 0, -EINTR (the signal is taken), or -ETIMEDOUT. */
static int await(const struct asking *asking, int fd, int64_t until_ms)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                               {.fd = asking->signal_fd, .events = POLLIN}};
        int64_t left_ms = until_ms - clock_now_ms();

        if (left_ms <= 0)
            return -ETIMEDOUT;
        if (poll(fds, 2, (int)least(left_ms, INT32_MAX)) < 0)
            continue;
        if (fds[0].revents)
            return 0;
        if (fds[1].revents && is_interrupted(asking))
            return -EINTR;
    }
}

/* One exchange, whatever came of it. */
static int exchange(struct asking *asking, const char *url, struct failure *failure)
{
    const char *const headers[] = {"Accept: application/json", asking->header};
    struct transport_call call = {
        .kind = TRANSPORT_API,
        .url = url,
        .headers = headers,
        .header_count = asking->header ? 2 : 1,
        .handler = &handler,
        .context = asking,
    };
    eventfd_t count;
    int error;

    buf_clear(&asking->body);
    transport_submit(asking->transport, &call);
    error = await(asking, asking->ended_fd, asking->deadline_ms);
    if (error)
        transport_cancel(asking->transport, &call);
    eventfd_read(asking->ended_fd, &count);
    if (error == -EINTR)
        return tell_interrupted(failure);
    return error ? tell_late(asking, failure) : 0;
}

static void note_answer(struct asking *asking)
{
    const struct transport_result *result = &asking->result;
    struct models_answer *answer = asking->answer;

    answer->http_status = result->http_status;
    answer->elapsed_ms = result->elapsed_ms;
    memcpy(answer->http_version, result->http_version, sizeof(answer->http_version));
}

/* What an answer with another status than 200 says. A GET costs nothing: it may be repeated after
 * errors of the server, too. */
static int tell_status(const struct asking *asking, struct failure *failure)
{
    const struct transport_result *result = &asking->result;
    const struct fault_context context = {
        .wall_ms = clock_wall_ms(),
        .body_complete = true,
        .retry_server_errors = true,
        .key = key_or_null(asking->question),
    };
    const struct fault_answer fault = {
        .http_status = result->http_status,
        .retry_after = result->retry_after,
        .request_id = result->request_id,
        .location = result->location,
        .body = asking->body.data,
        .body_length = asking->body.length,
    };
    int error = fault_from_answer(&fault, &context, failure);

    return error ? failure_set_errno(failure, error, "models") : failure->error;
}

static int ask_once(struct asking *asking, const char *url, struct failure *failure)
{
    const struct models_question *question = asking->question;
    int error;

    failure_init(failure);
    error = exchange(asking, url, failure);
    if (error)
        return error;
    note_answer(asking);
    if (asking->result.error) {
        *failure = asking->result.failure;
        return asking->result.error;
    }
    if (asking->result.http_status != 200)
        return tell_status(asking, failure);
    return model_list_read(buf_text(&asking->body), asking->body.length, key_or_null(question),
                           question->options->google, &asking->answer->offer, failure);
}

/* Wait before attempt number @attempt + 1. @return 0, -EINTR, or -ETIMEDOUT: there is no time for
 * it. */
static int back_off(const struct asking *asking, unsigned attempt, const struct failure *failure)
{
    uint32_t random = 0;
    int64_t until_ms = clock_now_ms();
    int error;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        random = (uint32_t)until_ms;
    until_ms += fault_retry_delay(attempt, random, failure->retry_after_ms);
    if (until_ms >= asking->deadline_ms)
        return -ETIMEDOUT;
    error = await(asking, -1, until_ms);
    return error == -ETIMEDOUT ? 0 : error;
}

static int read_page(struct asking *asking, const char *token, struct failure *failure)
{
    cleanup_free char *url = NULL;
    int error = model_list_url(asking->question->base_url, token, &url);

    if (error)
        return failure_set_errno(failure, error, "models");
    for (unsigned attempt = 1;; attempt++) {
        int wait_error;

        error = ask_once(asking, url, failure);
        if (!error || !failure->retry || attempt >= asking->question->attempts_max)
            return error;
        log_debug("the API's list of models, attempt %u: %s", attempt, failure->text);
        wait_error = back_off(asking, attempt, failure);
        if (wait_error == -EINTR)
            return tell_interrupted(failure);
        if (wait_error)
            return error;
    }
}

/* A token that leads to itself is the end: there are servers that know no pages but give one. */
static int read_pages(struct asking *asking, struct failure *failure)
{
    struct models_answer *answer = asking->answer;
    unsigned pages_max = asking->question->pages_max;
    cleanup_free char *token = NULL;

    if (pages_max > MODELS_PAGES_MAX)
        pages_max = MODELS_PAGES_MAX;
    for (;;) {
        int error = read_page(asking, token, failure);

        if (error)
            return error;
        answer->page_count++;
        if (!answer->offer.next || (token && strcmp(token, answer->offer.next) == 0))
            return 0;
        answer->more = answer->page_count >= pages_max;
        if (answer->more)
            return 0;
        free(token);
        token = steal_ptr(answer->offer.next);
    }
}

int models_ask(const struct models_question *question, struct models_answer *ret_answer,
               struct failure *failure)
{
    struct asking asking = {
        .question = question,
        .answer = ret_answer,
        .ended_fd = -1,
        .signal_fd = -1,
        .deadline_ms = clock_now_ms() + question->limit_ms,
        .body = {.max = MODEL_LIST_PAGE_MAX},
    };
    int error = begin(&asking, failure);

    if (!error)
        error = read_pages(&asking, failure);
    end(&asking);
    return error;
}

void models_answer_fini(struct models_answer *answer)
{
    model_offer_fini(&answer->offer);
}
