/* SPDX-License-Identifier: MIT */
#include "models.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "conf/url.h"
#include "models_ask.h"

#define FILE_NAME   "models"
#define FORMAT_LINE "easelfs models 1"
#define KEPT_MAX    (128 + URL_MAX_BYTES + MODELS_MAX * (MODEL_NAME_MAX_BYTES + 1))
#define PREFIX      "models = auto: "

/* The list in the store, taken apart: all point into @text. All zero: there is none. */
struct kept {
    char *text; /* owned */
    const char *time;
    const char *names[MODELS_MAX];
    size_t count;
};

static void kept_fini(struct kept *kept)
{
    free(kept->text);
}

#define cleanup_kept cleanup_(kept_fini)

/* The line at *@rest, which is cut off there. @return NULL at the end, and where no line end comes:
 * the file was written whole, so that it always has one. */
static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return line;
}

/* @return whether it is a list for @base_url. */
static bool parse_kept(struct kept *kept, const char *base_url)
{
    char *rest = kept->text;
    const char *format = next_line(&rest);
    const char *url = format ? next_line(&rest) : NULL;
    const char *name;

    kept->time = url ? next_line(&rest) : NULL;
    if (!kept->time || strcmp(format, FORMAT_LINE) != 0 || strcmp(url, base_url) != 0)
        return false;
    while ((name = next_line(&rest))) {
        if (kept->count == MODELS_MAX || !models_is_name(name, strlen(name)))
            return false;
        kept->names[kept->count++] = name;
    }
    return kept->count && !*rest;
}

static void read_kept(const struct store *store, const char *base_url, struct kept *ret_kept)
{
    cleanup_buf struct buf text = {.max = KEPT_MAX};
    cleanup_kept struct kept kept = {.text = NULL};
    int error = io_read_file(store->root_fd, FILE_NAME, &text);

    if (error && error != -ENOENT)
        log_warning("the list of models in the store cannot be read: %s", error_text(error));
    if (error || !text.length || text_utf8_prefix(text.data, text.length) != text.length)
        return;
    kept.text = buf_steal(&text);
    if (parse_kept(&kept, base_url)) {
        *ret_kept = kept;
        kept.text = NULL;
    }
}

static int format_kept(const struct model_offer *offer, const char *base_url, struct buf *text)
{
    char now[CLOCK_TEXT_SIZE];
    int error;

    clock_format(clock_wall_ms(), now);
    error = buf_printf(text, FORMAT_LINE "\n%s\n%s\n", base_url, now);
    for (size_t i = 0; i < offer->count && !error; i++)
        error = buf_printf(text, "%s\n", offer->names[i]);
    return error;
}

/* What fails here is not worth a mount: the API is asked again at the next start. */
static void keep(const struct store *store, const char *base_url, const struct model_offer *offer)
{
    cleanup_buf struct buf text = {.max = KEPT_MAX};
    int error = format_kept(offer, base_url, &text);

    if (!error)
        error = io_replace_file(store->root_fd, FILE_NAME, text.data, text.length, 0600);
    if (error)
        log_warning("the list of models cannot be kept in the store: %s", error_text(error));
}

static enum exit_status tell(enum exit_status status, struct failure *failure, int error,
                             const char *sentence, const char *advice)
{
    char text[FAILURE_TEXT_SIZE];

    memcpy(text, sentence, strlen(sentence) + 1);
    failure_set(failure, error, PREFIX "%s", text);
    failure_advise(failure, "%s", advice);
    return status;
}

static enum exit_status make_models(const struct options *options, const char *const names[],
                                    size_t count, struct model_list *ret_list,
                                    struct failure *failure)
{
    int error = options_make_models(options, names, count, ret_list);

    if (error)
        return tell(EXIT_STATUS_FAILURE, failure, error, error_text(error), "");
    return EXIT_STATUS_OK;
}

static enum exit_status judge(struct failure *failure)
{
    static const char mend[] = "Mend that, or name the models to mount in place of auto.";
    enum exit_status status = EXIT_STATUS_FAILURE;

    if (failure->http_status == 401 || failure->http_status == 403)
        status = EXIT_STATUS_KEY;
    if (failure->http_status / 100 == 3)
        status = EXIT_STATUS_CONFIG;
    return tell(status, failure, failure->error, failure->text,
                failure->error == -EINTR ? "" : mend);
}

/* The API was not to be had: what is kept, or why there is nothing. */
static enum exit_status fall_back(const struct options *options, const struct kept *kept,
                                  enum exit_status status, struct model_list *ret_list,
                                  struct failure *failure)
{
    if (!kept->text || failure->error == -EINTR)
        return status;
    log_warning("%s", failure->text);
    log_warning(PREFIX "the list of %s is used", kept->time);
    return make_models(options, kept->names, kept->count, ret_list, failure);
}

static enum exit_status accept_offer(const struct options *options,
                                     const struct models_answer *answer, const char *base_url,
                                     const struct store *store, struct model_list *ret_list,
                                     struct failure *failure)
{
    const struct model_offer *offer = &answer->offer;
    enum exit_status status;
    char sentence[128];

    if (!offer->count) {
        snprintf(sentence, sizeof(sentence),
                 "the API lists %zu models, and none that makes pictures.", offer->listed);
        return tell(EXIT_STATUS_FAILURE, failure, -ENODATA, sentence,
                    "Name the models to mount in place of auto.");
    }
    if (answer->more)
        log_warning(PREFIX "the API's list has more than %u pages; the rest is left out",
                    answer->page_count);
    if (offer->left_over)
        log_warning(PREFIX "only the first %d models are mounted; left out: %zu", MODELS_MAX,
                    offer->left_over);
    status =
        make_models(options, (const char *const *)offer->names, offer->count, ret_list, failure);
    if (status == EXIT_STATUS_OK)
        keep(store, base_url, offer);
    return status;
}

enum exit_status models_load(const struct options *options, const char *base_url,
                             const struct key *key, const struct store *store,
                             struct model_list *ret_list, struct failure *failure)
{
    cleanup_models_answer struct models_answer answer = {.page_count = 0};
    cleanup_kept struct kept kept = {.text = NULL};
    struct models_question question = {
        .options = options,
        .base_url = base_url,
        .key = key,
        .pages_max = MODELS_PAGES_MAX,
        .attempts_max = MODELS_ATTEMPTS_MAX,
    };
    enum exit_status status;

    read_kept(store, base_url, &kept);
    question.limit_ms = kept.text ? MODELS_KEPT_LIMIT_MS : MODELS_LIMIT_MS;
    if (!key && !options->demo)
        status = tell(EXIT_STATUS_KEY, failure, -ENOKEY,
                      "without a key the API cannot be asked for its models.",
                      "Set api_key_file, or name the models to mount in place of auto.");
    else if (models_ask(&question, &answer, failure) == 0)
        return accept_offer(options, &answer, base_url, store, ret_list, failure);
    else
        status = judge(failure);
    return fall_back(options, &kept, status, ret_list, failure);
}
