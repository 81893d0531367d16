/* SPDX-License-Identifier: MIT */
#include "standin/receive.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "standin/early.h"
#include "standin/work.h"

#define FIRST_BODY   4096
#define MAX_HOST     255
#define MAX_FORESEEN ((size_t)32 << 20) /* bytes taken at once because Content-Length says so */

struct exchange *receive_create(struct server *server, struct MHD_Connection *connection,
                                const char *target)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (!exchange)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    exchange->target = strdup(target);
    answer_init(&exchange->answer, 0);
    body_init(&exchange->plan.bytes);
    if (exchange->target)
        return exchange;
    free(exchange);
    return NULL;
}

void receive_destroy(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->header_count; i++) {
        free(exchange->headers[i].name);
        free(exchange->headers[i].value);
    }
    free(exchange->target);
    free(exchange->data);
    free(exchange->text);
    free(exchange->used);
    directives_fini(&exchange->directives);
    request_fini(&exchange->request);
    answer_fini(&exchange->answer);
    body_fini(&exchange->plan.bytes);
    free(exchange);
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->header_count; i++)
        if (!strcasecmp(exchange->headers[i].name, name))
            return exchange->headers[i].value;
    return NULL;
}

static enum MHD_Result keep_header(void *argument, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct exchange *exchange = argument;
    struct header *header = &exchange->headers[exchange->header_count];

    (void)kind;
    if (exchange->header_count == EXCHANGE_MAX_HEADERS)
        return MHD_NO;
    header->name = strdup(name);
    header->value = strdup(value ? value : "");
    if (!header->name || !header->value) {
        free(header->name);
        free(header->value);
        return MHD_NO;
    }
    exchange->header_count++;
    return MHD_YES;
}

/* Exactly one credential, and the right one where there is a right one. */
static void check_key(struct exchange *exchange)
{
    static const char bearer[] = "Bearer ";
    const char *wanted = exchange->server->options->key;
    const char *authorization = exchange_header(exchange, "Authorization");
    const char *goog = exchange_header(exchange, "x-goog-api-key");
    const char *given = goog;

    if (authorization && goog)
        exchange->key_scheme = KEY_BOTH;
    else if (authorization)
        exchange->key_scheme = KEY_BEARER;
    else if (goog)
        exchange->key_scheme = KEY_GOOG;
    if (authorization)
        given =
            strncmp(authorization, bearer, strlen(bearer)) ? NULL : authorization + strlen(bearer);
    if (!wanted)
        exchange->key_ok = true;
    else
        exchange->key_ok = exchange->key_scheme != KEY_BOTH && given && !strcmp(given, wanted);
}

/* The origin that the client used, so that the picture URLs it gets are on the host it knows. */
static void find_origin(struct exchange *exchange)
{
    const char *host = exchange_header(exchange, "Host");
    bool good = host && *host && strlen(host) <= MAX_HOST;

    for (const char *at = host; good && *at; at++)
        good = isalnum((unsigned char)*at) || strchr(".:-[]", *at);
    if (good)
        snprintf(exchange->origin, sizeof(exchange->origin), "http://%s", host);
    else
        snprintf(exchange->origin, sizeof(exchange->origin), "http://127.0.0.1:%u",
                 exchange->server->port);
}

void receive_headers(struct exchange *exchange, const char *method, const char *version)
{
    struct server *server = exchange->server;

    exchange->started = true;
    snprintf(exchange->method, sizeof(exchange->method), "%s", method);
    snprintf(exchange->version, sizeof(exchange->version), "%s", version);
    exchange->route = route_parse(method, exchange->target);
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, keep_header, exchange);
    exchange->fd = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                       ->connect_fd;
    check_key(exchange);
    find_origin(exchange);
    if (exchange->route.kind == ROUTE_GENERATE)
        exchange->script_line = script_next(server->script, SCRIPT_GENERATE);
    else if (exchange->route.kind == ROUTE_MODELS)
        exchange->script_line = script_next(server->script, SCRIPT_MODELS);
}

static int grow(struct exchange *exchange, size_t needed)
{
    const char *foreseen = exchange_header(exchange, "Content-Length");
    size_t size = exchange->size ? exchange->size : FIRST_BODY;
    char *data;

    if (needed <= exchange->size)
        return 0;
    if (!exchange->size && foreseen)
        size = strtoul(foreseen, NULL, 10);
    if (size > MAX_FORESEEN || size < FIRST_BODY)
        size = FIRST_BODY;
    while (size < needed)
        size *= 2;
    data = realloc(exchange->data, size);
    if (!data)
        return -ENOMEM;
    exchange->data = data;
    exchange->size = size;
    return 0;
}

int receive_body(struct exchange *exchange, const char *data, size_t length)
{
    int error;

    exchange->body_bytes += length;
    if (exchange->body_bytes > exchange->server->options->max_body ||
        exchange->route.kind != ROUTE_GENERATE)
        return 0; /* counted, not kept: it is refused once it is all read */
    error = grow(exchange, exchange->length + length);
    if (error)
        return error;
    memcpy(exchange->data + exchange->length, data, length);
    exchange->length += length;
    return 0;
}

int receive_early_fault(struct exchange *exchange, size_t *ret_bytes)
{
    const struct directives *directives = &exchange->directives;
    int fault;

    if (!exchange->decided && exchange->script_line && exchange->script_line->count == 1)
        directives = &exchange->script_line->steps[0];
    if (!exchange->decided && exchange->searched < EARLY_MAX_BYTES) {
        char *text = early_text(exchange->data, exchange->length);

        exchange->searched = exchange->length;
        if (text && !work_decide(exchange, text))
            directives = &exchange->directives;
        free(text);
    }
    fault = directive_word(directives, D_FAULT, 0);
    if (fault != FAULT_RESET_MID_BODY_UPLOAD && fault != FAULT_EARLY_ANSWER)
        return 0;
    *ret_bytes = (size_t)directive_number(directives, D_FAULT, 0);
    return fault;
}
