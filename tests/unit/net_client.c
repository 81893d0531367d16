/* SPDX-License-Identifier: MIT */
#include "net_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/guard.h"

#define LIMIT_MS 90000 /* more than a call takes at most */

void world_open_with(struct world *world, peer_serve *serve, void *context,
                     struct transport_options options, const char *result_host)
{
    struct failure failure;

    failure_init(&failure);
    world->peer = peer_start(serve, context);
    snprintf(world->base, sizeof(world->base), "http://127.0.0.1:%u", peer_port(world->peer));
    if (!options.base_url)
        options.base_url = world->base;
    assert_int_equal(
        guard_create(options.base_url, &result_host, result_host ? 1 : 0, &world->guard, &failure),
        0);
    options.guard = world->guard;
    assert_int_equal(transport_create(&options, &world->transport, &failure), 0);
}

void world_open(struct world *world, peer_serve *serve, void *context)
{
    const struct transport_options options = {
        .connect_timeout_ms = 10000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };

    world_open_with(world, serve, context, options, NULL);
}

void world_close(struct world *world)
{
    transport_destroy(world->transport);
    guard_destroy(world->guard);
    peer_stop(world->peer);
}

static ssize_t on_read(void *context, char *buffer, size_t size)
{
    struct client *client = context;
    uint64_t end = client->read_end ? client->read_end : client->call.body_length;
    uint64_t left = end - client->given;
    size_t length = size < left ? size : (size_t)left;

    if (client->read_error && client->given >= end / 2)
        return client->read_error;
    if (client->body)
        memcpy(buffer, client->body + client->given, length);
    else
        memset(buffer, 'x', length);
    client->given += length;
    return (ssize_t)length;
}

static int on_begin(void *context, int http_status, int64_t length)
{
    struct client *client = context;

    client->begins++;
    client->status = http_status;
    client->length = length;
    return client->begin_error;
}

static int on_write(void *context, const char *data, size_t length)
{
    struct client *client = context;

    client->answer_length += length;
    if (client->keep)
        assert_int_equal(buf_append(&client->answer, data, length), 0);
    return client->write_error;
}

static void on_done(void *context, const struct transport_result *result)
{
    struct client *client = context;

    client->result = *result;
    if (client->again > 0) {
        client->again--;
        client->given = 0;
        transport_submit(client->transport, &client->call);
    }
    mutex_lock(&client->mutex);
    client->done++;
    cond_broadcast(&client->changed);
    mutex_unlock(&client->mutex);
}

static const struct transport_handler handler = {
    .read = on_read,
    .begin = on_begin,
    .write = on_write,
    .done = on_done,
};

void client_init(struct client *client, struct world *world, const char *path)
{
    memset(client, 0, sizeof(*client));
    snprintf(client->url, sizeof(client->url), "%s%s", strstr(path, "://") ? "" : world->base,
             path);
    client->call.url = client->url;
    client->call.headers = client->headers;
    client->call.handler = &handler;
    client->call.context = client;
    client->keep = true;
    client->transport = world->transport;
    buf_init(&client->answer, 64 * 1024 * 1024);
    mutex_init(&client->mutex);
    cond_init(&client->changed);
}

void client_set_body(struct client *client, const char *body, uint64_t length)
{
    client->call.has_body = true;
    client->call.body_length = body ? strlen(body) : length;
    client->body = body;
    client->headers[0] = "Content-Type: application/json";
    client->call.header_count = 1;
}

void client_fini(struct client *client)
{
    buf_fini(&client->answer);
    cond_fini(&client->changed);
    mutex_fini(&client->mutex);
}

void client_submit(struct client *client)
{
    client->given = 0;
    client->begins = 0;
    client->answer_length = 0;
    buf_clear(&client->answer);
    transport_submit(client->transport, &client->call);
}

void client_wait(struct client *client, unsigned count)
{
    int64_t deadline_ms = clock_now_ms() + LIMIT_MS;

    mutex_lock(&client->mutex);
    while (client->done < count) {
        if (!cond_wait_until(&client->changed, &client->mutex, deadline_ms)) {
            fprintf(stderr, "a call does not end\n");
            abort();
        }
    }
    mutex_unlock(&client->mutex);
}

void client_run(struct client *client)
{
    unsigned before;

    mutex_lock(&client->mutex);
    before = client->done;
    mutex_unlock(&client->mutex);
    client_submit(client);
    client_wait(client, before + 1);
}

void client_assert_failure(const struct client *client, int error, enum charge charge, bool retry,
                           const char *text)
{
    const struct transport_result *result = &client->result;

    assert_string_equal(result->failure.text, text);
    assert_int_equal(result->error, error);
    assert_int_equal(result->failure.error, error);
    assert_int_equal(result->failure.charge, charge);
    assert_int_equal(result->failure.retry, retry);
    assert_int_equal(result->failure.http_status, result->http_status);
}
