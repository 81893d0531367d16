/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>

#include "harden.h"
#include "models_ask.h"
#include "store/store.h"

/* Long enough for an API that answers slowly, short enough to be waited for. */
#define LIMIT_MS 60000

/* What the list means for `models = auto`; other models are not looked for in it, as a list need
 * not be complete. */
static enum exit_status judge_models(const struct models_answer *answer,
                                     const struct failure *failure, struct buf *report)
{
    const struct model_offer *offer = &answer->offer;

    if (failure->error) {
        buf_printf(report, "models   %s\n", failure->text);
        return EXIT_STATUS_FAILURE;
    }
    buf_printf(report, "models   the API lists %zu%s, %zu of them make pictures%s\n", offer->listed,
               answer->more ? " and more" : "", offer->count + offer->left_over,
               offer->count ? ":" : "");
    for (size_t i = 0; i < offer->count; i++)
        buf_printf(report, "         %s\n", offer->names[i]);
    return offer->count ? EXIT_STATUS_OK : EXIT_STATUS_FAILURE;
}

static enum exit_status judge(const struct models_question *question,
                              const struct models_answer *answer, const struct failure *failure,
                              struct buf *report)
{
    int status = answer->http_status;

    if (!status) {
        buf_printf(report, "API      %s\n", failure->text);
        return EXIT_STATUS_FAILURE;
    }
    buf_printf(report, "API      %s answers (HTTP/%s, status %d, %lld ms)\n", question->base_url,
               answer->http_version, status, (long long)answer->elapsed_ms);
    if (status == 401 || status == 403) {
        if (question->key)
            buf_append_text(report, "API key  refused by the API\n");
        return EXIT_STATUS_KEY;
    }
    if (status / 100 == 3) {
        buf_printf(report, "API      %s Use that URL.\n", failure->text);
        return EXIT_STATUS_CONFIG;
    }
    return question->options->models.automatic ? judge_models(answer, failure, report)
                                               : EXIT_STATUS_OK;
}

static enum exit_status check_api(const struct options *options, const struct key *key,
                                  struct buf *report)
{
    cleanup_models_answer struct models_answer answer = {.page_count = 0};
    const struct models_question question = {
        .options = options,
        .base_url = options->url,
        .key = key,
        .pages_max = options->models.automatic ? MODELS_PAGES_MAX : 1,
        .attempts_max = 1,
        .limit_ms = LIMIT_MS,
    };
    struct failure failure;

    failure_init(&failure);
    models_ask(&question, &answer, &failure);
    return judge(&question, &answer, &failure, report);
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

enum exit_status check_all(const struct options *options, const struct key *key, struct buf *report)
{
    enum exit_status first = EXIT_STATUS_OK;
    enum exit_status status;

    if (!options->models.automatic)
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
    harden_report(options, report);
    status = check_api(options, key, report);
    return first == EXIT_STATUS_OK ? status : first;
}
