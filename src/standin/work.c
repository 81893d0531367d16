/* SPDX-License-Identifier: MIT */
#include "standin/work.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "standin/fault.h"
#include "standin/generate.h"
#include "standin/models.h"
#include "standin/transport.h"
#include "standin/wrap.h"

#define MAX_USED (4 << 20)  /* of a script's line and a prompt's list together */
#define MAX_KEY  (1u << 30) /* of a prompt that is counted: no request is longer */

static const struct directives no_directives;

/* The prompt without its token, and without space at its ends: what is painted. */
static int cut_token(struct exchange *exchange, const char *prompt, const struct token *token)
{
    size_t length = strlen(prompt);
    size_t start = token ? token->start : length;
    size_t end = token ? token->end : length;
    char *text = malloc(length + 1);
    size_t left = start + length - end;
    size_t skip = 0;

    if (!text)
        return -ENOMEM;
    memcpy(text, prompt, start);
    memcpy(text + start, prompt + end, length - end);
    while (left && isspace((unsigned char)text[left - 1]))
        left--;
    while (skip < left && isspace((unsigned char)text[skip]))
        skip++;
    memmove(text, text + skip, left - skip);
    text[left - skip] = '\0';
    free(exchange->text);
    exchange->text = text;
    return 0;
}

/* Which step of @list this request takes: counted by prompt, or by key where the list says so. */
static const struct directives *choose_step(const struct exchange *exchange,
                                            const struct directive_list *list, size_t by_text,
                                            size_t by_key)
{
    bool key = directive_word(&list->steps[0], D_PER, PER_TEXT) == PER_KEY &&
               exchange_header(exchange, "Idempotency-Key");

    return directive_list_step(list, key ? by_key : by_text);
}

static int read_token(struct exchange *exchange, const char *prompt, const struct token *token,
                      struct directive_list **ret_list)
{
    char reason[DIRECTIVE_REASON_SIZE];
    int error =
        directive_list_parse(prompt + token->list, token->list_end - token->list, ret_list, reason);

    if (error == -EINVAL)
        return refuse(&exchange->refusal, 400, "stand-in: %s", reason);
    return error;
}

/* What the log says was used: the script's line, the prompt's list, or both. */
static int note_used(struct exchange *exchange, const struct directive_list *list)
{
    const struct directive_list *line = exchange->script_line;
    struct text used;

    text_init(&used, MAX_USED);
    text_puts(&used, line ? line->source : "");
    text_puts(&used, line && list ? "; " : "");
    text_puts(&used, list ? list->source : "");
    exchange->used = text_steal(&used);
    return exchange->used ? 0 : -ENOMEM;
}

/* How often @name came before; @kind keeps prompts and keys apart. */
static size_t count_by(const struct exchange *exchange, char kind, const char *name)
{
    struct text key;
    size_t count;

    text_init(&key, MAX_KEY);
    text_printf(&key, "%c%s", kind, name);
    count = tally_next(exchange->server->tally, key.data ? key.data : "", key.length);
    text_fini(&key);
    return count;
}

int work_decide(struct exchange *exchange, const char *prompt)
{
    const char *key = exchange_header(exchange, "Idempotency-Key");
    size_t by_text = count_by(exchange, '=', prompt);
    size_t by_key = key ? count_by(exchange, ' ', key) : 0;
    struct directive_list *list = NULL;
    struct token token;
    bool has_token = token_find(prompt, &token);
    int error = 0;

    if (!has_token && strstr(prompt, "[[standin:"))
        return refuse(&exchange->refusal, 400, "stand-in: the token has no end");
    error = cut_token(exchange, prompt, has_token ? &token : NULL);
    if (!error && exchange->script_line)
        error = directives_merge(&exchange->directives,
                                 choose_step(exchange, exchange->script_line, by_text, by_key));
    if (!error && has_token)
        error = read_token(exchange, prompt, &token, &list);
    if (!error && list)
        error =
            directives_merge(&exchange->directives, choose_step(exchange, list, by_text, by_key));
    if (!error && (exchange->script_line || list))
        error = note_used(exchange, list);
    directive_list_free(list);
    exchange->variant =
        (size_t)directive_number(&exchange->directives, D_VARIANT, (int64_t)by_text);
    exchange->decided = true;
    return error;
}

static bool is_json(const struct exchange *exchange)
{
    static const char wanted[] = "application/json";
    const char *type = exchange_header(exchange, "Content-Type");

    return type && !strncasecmp(type, wanted, sizeof(wanted) - 1) &&
           (!type[sizeof(wanted) - 1] || strchr("; ", type[sizeof(wanted) - 1]));
}

/* Whether the request may be read at all. @return 0 or -EINVAL with a refusal. */
static int check_call(struct exchange *exchange)
{
    struct refusal *refusal = &exchange->refusal;

    if (exchange->route.kind == ROUTE_UNKNOWN)
        return refuse(refusal, 404, "The requested URL was not found on this server.");
    if (exchange->route.kind != ROUTE_PICTURE && !exchange->key_ok)
        return refuse(refusal, 401, "API key not valid. Please pass a valid API key.");
    if (exchange->body_bytes > exchange->server->options->max_body)
        return refuse(refusal, 413, "Request payload size exceeds the limit: %zu bytes.",
                      exchange->server->options->max_body);
    if (exchange->route.kind == ROUTE_GENERATE && !is_json(exchange))
        return refuse(refusal, 400, "The Content-Type must be application/json.");
    return 0;
}

static int read_call(struct exchange *exchange)
{
    const struct request_rules rules = {.profile = model_profile(exchange->route.model),
                                        .require_image_config =
                                            exchange->server->options->require_image_config};
    int error = request_read(exchange->data ? exchange->data : "", exchange->length, &rules,
                             &exchange->request, &exchange->refusal);

    free(exchange->data);
    exchange->data = NULL;
    return error;
}

/* Everything up to the decision. @return 0, -EINVAL with a refusal, or a failure of our own. */
static int understand(struct exchange *exchange)
{
    enum route_kind kind = exchange->route.kind;
    const char *prompt;
    int error = check_call(exchange);

    if (error || kind == ROUTE_PICTURE)
        return error;
    if (kind == ROUTE_GENERATE && exchange->complete)
        error = read_call(exchange);
    if (error || exchange->decided)
        return error;
    prompt = kind == ROUTE_GENERATE ? exchange->request.prompt : exchange->target;
    return work_decide(exchange, prompt ? prompt : "");
}

static int make_generated(struct exchange *exchange, struct answer *answer)
{
    const struct order order = {.model = exchange->route.model,
                                .request = &exchange->request,
                                .directives = &exchange->directives,
                                .text = exchange->text,
                                .variant = exchange->variant,
                                .number = exchange->number,
                                .origin = exchange->origin,
                                .cache = exchange->server->cache,
                                .gallery = exchange->server->gallery};

    return generate(&order, answer);
}

/* The status that will be answered, known before the answer is made so that the log can say it. */
static unsigned planned_status(const struct exchange *exchange)
{
    const struct directives *directives = &exchange->directives;

    if (exchange->refusal.status)
        return exchange->refusal.status;
    if (directive_given(directives, D_REDIRECT))
        return (unsigned)directive_number(directives, D_REDIRECT, 302);
    return (unsigned)directive_number(directives, D_STATUS, 200);
}

static int make_directed(struct exchange *exchange, struct answer *answer)
{
    const struct directives *directives = &exchange->directives;
    unsigned status = planned_status(exchange);
    int error;

    if (directive_given(directives, D_REDIRECT))
        error = fault_write_redirect(status, directive_text(directives, D_REDIRECT, ""), answer);
    else if (status >= 300)
        error = fault_write(status, NULL, directives, answer);
    else if (exchange->route.kind == ROUTE_MODELS)
        error = models_answer_list(exchange->route.query, directives, answer);
    else if (exchange->route.kind == ROUTE_MODEL)
        error = models_answer_one(exchange->route.model, directives, answer);
    else
        error = make_generated(exchange, answer);
    if (!error && status < 300 && answer->status == 200)
        answer->status = status;
    if (!error)
        error = wrap_body(directive_word(directives, D_WRAP, 0), answer);
    return error ? error : fault_add_headers(directives, answer);
}

/* Make the answer and choose the fault to send it with. */
static int make_answer(struct exchange *exchange, int *fault, int64_t *argument)
{
    static const char invalid_key[] = "API_KEY_INVALID";
    struct answer *answer = &exchange->answer;
    const struct refusal *refusal = &exchange->refusal;
    struct directives details = {0};

    *fault = exchange->complete ? 0 : FAULT_EARLY_ANSWER;
    *argument = 0;
    answer_init(answer, 200);
    if (refusal->status == 401)
        details.values[D_REASON] =
            (struct directive_value){.given = true, .text = (char *)invalid_key};
    if (refusal->status)
        return fault_write(refusal->status, refusal->message, &details, answer);
    if (exchange->route.kind == ROUTE_PICTURE)
        return gallery_answer(exchange->server->gallery, exchange->route.picture, exchange->origin,
                              answer, fault, argument);
    if (exchange->complete) {
        *fault = directive_word(&exchange->directives, D_FAULT, 0);
        *argument = directive_number(&exchange->directives, D_FAULT, 0);
        if (*fault == FAULT_RESET_MID_BODY_UPLOAD || *fault == FAULT_EARLY_ANSWER)
            *fault = 0; /* the body ended before it was due */
    }
    return make_directed(exchange, answer);
}

static void give_back(struct exchange *exchange, enum stage stage)
{
    exchange->stage = stage;
    MHD_resume_connection(exchange->connection);
}

static void on_wire_done(struct wire_task *task, bool cancelled)
{
    struct exchange *exchange =
        (struct exchange *)((char *)task - offsetof(struct exchange, wire_task));
    bool sent = task->fd >= 0;

    give_back(exchange, cancelled || sent ? STAGE_CLOSING : STAGE_ANSWERING);
}

/* Pass the answer to whoever sends it, when its time has come. */
static void hand_on(struct exchange *exchange, bool raw)
{
    const struct options *options = exchange->server->options;
    int64_t usual =
        exchange->route.kind == ROUTE_GENERATE && !exchange->refusal.status ? options->delay_ms : 0;
    int64_t delay = directive_number(&exchange->directives, D_DELAY, usual);
    const int on = 1;

    if (!raw && !delay) {
        give_back(exchange, STAGE_ANSWERING);
        return;
    }
    if (raw)
        setsockopt(exchange->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* The clock cuts milliseconds off: one more, so that no answer is early. */
    delay += delay > 0;
    exchange->wire_task = (struct wire_task){.since_ms = exchange->received_ms,
                                             .due_ms = exchange->received_ms + delay,
                                             .fd = raw ? exchange->fd : -1,
                                             .plan = &exchange->plan,
                                             .done = on_wire_done};
    if (!wire_submit(exchange->server->wire, &exchange->wire_task))
        give_back(exchange, STAGE_CLOSING);
}

/* What the request asked of us could not be done (400) or failed (500): say so. */
static int excuse(struct exchange *exchange, int error)
{
    char message[100];

    answer_fini(&exchange->answer);
    snprintf(message, sizeof(message), "stand-in: %s", strerror(-error));
    return fault_write(error == -EINVAL || error == -ENAMETOOLONG ? 400 : 500, message,
                       &no_directives, &exchange->answer);
}

void work_run(struct pool_task *task, bool cancelled)
{
    struct exchange *exchange =
        (struct exchange *)((char *)task - offsetof(struct exchange, pool_task));
    bool raw = false;
    int64_t argument = 0;
    int fault = 0;
    int error;

    if (cancelled) {
        give_back(exchange, STAGE_CLOSING);
        return;
    }
    error = understand(exchange);
    if (!error || error == -EINVAL)
        error = journal_write(exchange->server->journal, exchange, planned_status(exchange),
                              &exchange->number);
    if (!error)
        error = make_answer(exchange, &fault, &argument);
    if (error)
        error = excuse(exchange, error);
    if (!error)
        error = body_seal(&exchange->answer.body);
    if (!error)
        error = transport_prepare(&exchange->answer, fault, argument, &exchange->plan, &raw,
                                  &exchange->chunked);
    if (error)
        give_back(exchange, STAGE_CLOSING);
    else
        hand_on(exchange, raw);
}
