/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mutex.h"
#include "net/guard.h"
#include "net/transport.h"
#include "store/store.h"

#define MODELS_PATH  "/v1beta/models?pageSize=1"
#define MAX_RESPONSE (4u << 20)

/* One GET, waited for. */
struct question {
    struct mutex mutex;
    struct cond answered;
    bool done; /* protected by mutex, as is result */
    struct transport_result result;
};

static int ignore_begin(void *context, int http_status, int64_t length)
{
    (void)context;
    (void)http_status;
    (void)length;
    return 0;
}

static int ignore_bytes(void *context, const char *data, size_t length)
{
    (void)context;
    (void)data;
    (void)length;
    return 0;
}

static void note_end(void *context, const struct transport_result *result)
{
    struct question *question = context;

    mutex_lock(&question->mutex);
    question->result = *result;
    question->done = true;
    cond_signal(&question->answered);
    mutex_unlock(&question->mutex);
}

static const struct transport_handler handler = {NULL, ignore_begin, ignore_bytes, note_end};

static void ask(struct transport *transport, const char *url, const char *header,
                struct transport_result *ret_result)
{
    const char *const headers[] = {header, "Accept: application/json"};
    struct question question = {.done = false};
    struct transport_call call = {
        .kind = TRANSPORT_API,
        .url = url,
        .headers = headers,
        .header_count = 2,
        .handler = &handler,
        .context = &question,
    };

    mutex_init(&question.mutex);
    cond_init(&question.answered);
    transport_submit(transport, &call);
    mutex_lock(&question.mutex);
    while (!question.done)
        cond_wait(&question.answered, &question.mutex);
    *ret_result = question.result;
    mutex_unlock(&question.mutex);
    cond_fini(&question.answered);
    mutex_fini(&question.mutex);
}

static enum exit_status judge(const struct transport_result *result, const char *url,
                              struct buf *report)
{
    if (result->error) {
        buf_printf(report, "API      %s\n", result->failure.text);
        return EXIT_STATUS_FAILURE;
    }
    buf_printf(report, "API      %s answers (HTTP/%s, status %d, %lld ms)\n", url,
               result->http_version, result->http_status, (long long)result->elapsed_ms);
    if (result->http_status == 401 || result->http_status == 403) {
        buf_append_text(report, "API key  refused by the API\n");
        return EXIT_STATUS_KEY;
    }
    if (result->http_status / 100 == 3) {
        buf_printf(report, "API      redirects to %s: use that URL\n", result->location);
        return EXIT_STATUS_CONFIG;
    }
    return EXIT_STATUS_OK;
}

static enum exit_status check_api(const struct options *options, const struct key *key,
                                  struct buf *report)
{
    struct transport_options transport_options = {
        .connect_timeout_ms = (int64_t)options->connect_timeout_s * 1000,
        .timeout_ms = (int64_t)options->timeout_s * 1000,
        .max_response_bytes = MAX_RESPONSE,
        .base_url = options->url,
        .ca_file = options->ca_file,
        .user_agent = "easelfs/" EASELFS_VERSION,
    };
    cleanup_free char *url = NULL;
    cleanup_free char *header = NULL;
    struct transport *transport = NULL;
    struct transport_result result;
    struct guard *guard = NULL;
    struct failure failure;
    enum exit_status status = EXIT_STATUS_FAILURE;
    const char *name = options->auth == AUTH_GOOG ? "x-goog-api-key: " : "Authorization: Bearer ";

    failure_init(&failure);
    if (asprintf(&url, "%s" MODELS_PATH, options->url) < 0)
        url = NULL;
    if (asprintf(&header, "%s%s", name, key ? key_text(key) : "none") < 0)
        header = NULL;
    if (url && header && guard_create(options->url, NULL, 0, &guard, &failure) == 0) {
        transport_options.guard = guard;
        if (transport_create(&transport_options, &transport, &failure) == 0) {
            ask(transport, url, header, &result);
            status = judge(&result, options->url, report);
        }
    }
    if (failure.error)
        buf_printf(report, "API      %s\n", failure.text);
    transport_destroy(transport);
    guard_destroy(guard);
    if (header)
        explicit_bzero(header, strlen(header));
    return status;
}

static enum exit_status check_store(const struct options *options, struct buf *report)
{
    struct store *store = NULL;
    struct failure failure;
    int error;

    failure_init(&failure);
    error = store_open(options->store, &store, &failure);
    store_close(store);
    if (error && error != -EBUSY) {
        buf_printf(report, "store    %s\n", failure.text);
        return EXIT_STATUS_STORE;
    }
    buf_printf(report, "store    %s%s\n", options->store, error ? " (mounted now)" : "");
    return EXIT_STATUS_OK;
}

enum exit_status check_all(const struct options *options, const struct key *key,
                           struct buf *report)
{
    enum exit_status first = EXIT_STATUS_OK;
    enum exit_status status;

    buf_printf(report, "models   %zu configured\n", options->models.count);
    if (!key) {
        buf_append_text(report, "API key  none: pictures can be looked at, prompts are refused\n");
        first = EXIT_STATUS_KEY;
    } else {
        buf_append_text(report, "API key  found\n");
    }
    status = check_store(options, report);
    if (first == EXIT_STATUS_OK)
        first = status;
    status = check_api(options, key, report);
    return first == EXIT_STATUS_OK ? status : first;
}
