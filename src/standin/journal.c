/* SPDX-License-Identifier: MIT */
#include "standin/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "standin/exchange.h"

#define MAX_LINE (256u << 20)

struct journal {
    int fd;                /* -1: nowhere */
    pthread_mutex_t mutex; /* guards count, and makes the lines' order that of their numbers */
    uint64_t count;
};

int journal_open(const char *path, struct journal **ret_journal)
{
    struct journal *journal = calloc(1, sizeof(*journal));

    if (!journal)
        return -ENOMEM;
    journal->fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (path && journal->fd < 0) {
        int error = -errno;

        free(journal);
        return error;
    }
    pthread_mutex_init(&journal->mutex, NULL);
    *ret_journal = journal;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    pthread_mutex_destroy(&journal->mutex);
    free(journal);
}

static void add_text(struct text *line, const char *name, const char *value)
{
    text_printf(line, ",\"%s\":", name);
    text_json(line, value);
}

static bool is_credential(const char *name)
{
    return !strcasecmp(name, "authorization") || !strcasecmp(name, "x-goog-api-key") ||
           !strcasecmp(name, "proxy-authorization") || !strcasecmp(name, "cookie");
}

static void add_headers(struct text *line, const struct exchange *exchange)
{
    const char *key = exchange->server->options->key;

    text_puts(line, ",\"headers\":[");
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct header *header = &exchange->headers[i];
        bool hidden = is_credential(header->name) || (key && strstr(header->value, key));

        text_puts(line, i ? ",[" : "[");
        text_json(line, header->name);
        text_puts(line, ",");
        text_json(line, hidden ? "(present)" : header->value);
        text_puts(line, "]");
    }
    text_puts(line, "]");
}

/* The target in two, without the value of a key that has no business there. */
static void add_target(struct text *line, const struct exchange *exchange)
{
    const char *query = exchange->route.query;
    bool key = strstr(query, "key=");
    size_t length = strcspn(exchange->target, "?");
    char *path = strndup(exchange->target, length);

    add_text(line, "path", path);
    free(path);
    add_text(line, "query", key ? "(a key)" : query);
}

static void add_references(struct text *line, const struct request *request)
{
    text_puts(line, ",\"references\":[");
    for (size_t i = 0; i < request->reference_count; i++)
        text_printf(line, "%s{\"mime\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\"}", i ? "," : "",
                    request->references[i].mime, blob_size(request->references[i].bytes),
                    request->references[i].sha256);
    text_puts(line, "]");
}

static void add_member(struct text *line, const struct request *request, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(request->root, name);
    char *json = item ? cJSON_PrintUnformatted(item) : NULL;

    text_printf(line, ",\"%s\":", name);
    text_puts(line, json ? json : "null");
    cJSON_free(json);
}

static void add_request(struct text *line, const struct exchange *exchange)
{
    const struct request *request = &exchange->request;

    add_text(line, "model", exchange->route.model);
    add_text(line, "prompt", request->prompt);
    text_printf(line, ",\"roles\":%s", request->roles.length ? request->roles.data : "[]");
    text_printf(line, ",\"parts\":%s", request->parts.length ? request->parts.data : "[]");
    add_references(line, request);
    add_member(line, request, "generationConfig");
    add_member(line, request, "systemInstruction");
    add_member(line, request, "safetySettings");
    add_text(line, "directive", exchange->used);
}

static void write_line(struct text *line, const struct exchange *exchange, unsigned status)
{
    static const char *const schemes[] = {"none", "bearer", "goog", "both"};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    add_text(line, "kind", route_name(exchange->route.kind));
    text_printf(line, ",\"complete\":%s", exchange->complete ? "true" : "false");
    text_printf(line, ",\"time_ms\":%lld",
                (long long)now.tv_sec * 1000 + (long long)now.tv_nsec / 1000000);
    text_printf(line, ",\"connection\":%llu,\"request\":%llu",
                (unsigned long long)exchange->connection_number,
                (unsigned long long)exchange->connection_request);
    add_text(line, "http", exchange->version);
    add_text(line, "method", exchange->method);
    add_target(line, exchange);
    add_text(line, "key", schemes[exchange->key_scheme]);
    text_printf(line, ",\"key_ok\":%s", exchange->key_ok ? "true" : "false");
    add_headers(line, exchange);
    add_text(line, "idempotency_key", exchange_header(exchange, "Idempotency-Key"));
    text_printf(line, ",\"body_bytes\":%zu", exchange->body_bytes);
    if (exchange->route.kind == ROUTE_GENERATE)
        add_request(line, exchange);
    text_printf(line, ",\"status\":%u", status);
    add_text(line, "problem", exchange->refusal.status ? exchange->refusal.message : NULL);
    text_puts(line, "}\n");
}

/* Number the line and write it in one call. */
static int append(struct journal *journal, const struct text *line, uint64_t *ret_number)
{
    char start[40];
    struct iovec vectors[2] = {{start, 0}, {line->data, line->length}};
    ssize_t written = 0;
    int error = 0;

    pthread_mutex_lock(&journal->mutex);
    *ret_number = ++journal->count;
    vectors[0].iov_len =
        (size_t)snprintf(start, sizeof(start), "{\"n\":%llu", (unsigned long long)journal->count);
    if (journal->fd >= 0)
        written = writev(journal->fd, vectors, 2);
    if (written < 0)
        error = -errno;
    else if (journal->fd >= 0 && (size_t)written != vectors[0].iov_len + vectors[1].iov_len)
        error = -ENOSPC;
    pthread_mutex_unlock(&journal->mutex);
    return error;
}

int journal_write(struct journal *journal, const struct exchange *exchange, unsigned status,
                  uint64_t *ret_number)
{
    struct text line;
    int error;

    text_init(&line, MAX_LINE);
    if (journal->fd >= 0)
        write_line(&line, exchange, status);
    error = line.error ? line.error : append(journal, &line, ret_number);
    text_fini(&line);
    return error;
}
