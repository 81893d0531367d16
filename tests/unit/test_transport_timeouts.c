/* SPDX-License-Identifier: MIT
 *
 * Other sides that cannot be reached or do not answer: how long is waited for what, and what that
 * means for the call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_client.h"

static const char *label(const struct world *world)
{
    return world->base + strlen("http://");
}

/* "%s" in @format is the peer's host and port. */
static void assert_failure(const struct client *client, const struct world *world, int error,
                           enum charge charge, bool retry, const char *before, const char *after)
{
    char text[512];

    snprintf(text, sizeof(text), "%s%s%s", before, label(world), after);
    client_assert_failure(client, error, charge, retry, text);
}

static void serve_close(struct peer_connection *connection)
{
    peer_read(connection);
}

/* So long that nothing else can take it, also where the machine stands still for a while. */
#define PATIENCE_MS 5000

static void open_impatient(struct world *world, peer_serve *serve, void *context)
{
    const struct transport_options options = {
        .connect_timeout_ms = 60000,
        .timeout_ms = PATIENCE_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };

    world_open_with(world, serve, context, options, NULL);
}

static void serve_silence(struct peer_connection *connection)
{
    if (peer_read(connection)) {
        peer_send(connection, connection->context);
        peer_wait_end(connection);
    }
}

/* Take the head and nothing of the body, so that it cannot leave whole, until the test is over. */
static void serve_unread(struct peer_connection *connection)
{
    if (peer_read_head(connection))
        sem_wait(connection->context);
}

static void assert_waited(const struct client *client, int64_t ms)
{
    assert_true(client->result.elapsed_ms >= ms);
    assert_true(client->result.elapsed_ms < ms + 30000);
    assert_int_equal(client->result.error, -ETIMEDOUT);
}

/* The three of them wait at the same time. */
static void a_time_out_says_what_was_waited_for(void **state)
{
    static char nothing[] = "";
    static char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234";
    struct world worlds[3];
    struct client clients[3];
    sem_t over;

    (void)state;
    sem_init(&over, 0, 0);
    open_impatient(&worlds[0], serve_silence, nothing);
    open_impatient(&worlds[1], serve_silence, head);
    open_impatient(&worlds[2], serve_unread, &over);
    for (size_t i = 0; i < 3; i++) {
        client_init(&clients[i], &worlds[i], "/x");
        client_set_body(&clients[i], i < 2 ? "body" : NULL, 64 * 1024 * 1024);
        client_submit(&clients[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        client_wait(&clients[i], 1);
        assert_waited(&clients[i], PATIENCE_MS);
    }
    sem_post(&over);
    assert_failure(&clients[0], &worlds[0], -ETIMEDOUT, CHARGE_POSSIBLE, false, "No answer from ",
                   " after 5.0 s.");
    assert_failure(&clients[1], &worlds[1], -ETIMEDOUT, CHARGE_CERTAIN, false, "The answer from ",
                   " was not complete after 5.0 s: 4 of 9 bytes had come.");
    assert_failure(&clients[2], &worlds[2], -ETIMEDOUT, CHARGE_NONE, true,
                   "The request could not be sent to ", " whole within 5.0 s.");
    for (size_t i = 0; i < 3; i++) {
        client_fini(&clients[i]);
        world_close(&worlds[i]);
    }
    sem_destroy(&over);
}

/* A listener that never accepts, its queue being full: a further connection gets no answer. */
static int make_deaf(struct sockaddr_in *address, int fillers[], size_t count)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    for (size_t i = 0; i < count; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (const struct sockaddr *)address, sizeof(*address));
    }
    return fd;
}

static void without_a_connection_nothing_was_sent(void **state)
{
    struct transport_options options = {
        .connect_timeout_ms = 300,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };
    struct sockaddr_in address;
    int fillers[4];
    int fd = make_deaf(&address, fillers, 4);
    char base[64];
    char text[128];
    struct world world;
    struct client client;

    (void)state;
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", ntohs(address.sin_port));
    options.base_url = base;
    world_open_with(&world, serve_close, NULL, options, NULL);
    client_init(&client, &world, base);
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_waited(&client, 300);
    snprintf(text, sizeof(text), "No connection to %s within 0.3 s.", base + strlen("http://"));
    client_assert_failure(&client, -ETIMEDOUT, CHARGE_NONE, true, text);
    assert_false(client.result.connected);
    client_fini(&client);
    world_close(&world);

    options.connect_timeout_ms = 60000;
    world_open_with(&world, serve_close, NULL, options, NULL);
    client_init(&client, &world, base);
    client_set_body(&client, "body", 0);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0); /* the port stays its own */
    client_run(&client);
    snprintf(text, sizeof(text), "No connection to %s: Connection refused.",
             base + strlen("http://"));
    client_assert_failure(&client, -ECONNREFUSED, CHARGE_NONE, true, text);
    assert_false(client.result.connected);
    client_fini(&client);
    world_close(&world);
    for (size_t i = 0; i < 4; i++)
        close(fillers[i]);
    close(fd);
}

/* Over TLS calls wait for the first one's connection, as they may share it; but not for ever. */
static void calls_do_not_time_out_one_after_the_other(void **state)
{
    struct transport_options options = {
        .connect_timeout_ms = 2000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };
    struct sockaddr_in address;
    int fillers[4];
    int fd = make_deaf(&address, fillers, 4);
    char base[64];
    struct world world;
    struct client clients[20];

    (void)state;
    snprintf(base, sizeof(base), "https://127.0.0.1:%u", ntohs(address.sin_port));
    options.base_url = base;
    world_open_with(&world, serve_close, NULL, options, NULL);
    for (size_t i = 0; i < 20; i++) {
        client_init(&clients[i], &world, base);
        client_set_body(&clients[i], "body", 0);
        client_submit(&clients[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        client_wait(&clients[i], 1);
        assert_true(clients[i].result.elapsed_ms < 20000); /* one by one it would be 40 s */
        client_assert_failure(&clients[i], -ETIMEDOUT, CHARGE_NONE, true,
                              clients[i].result.failure.text);
        client_fini(&clients[i]);
    }
    for (size_t i = 0; i < 4; i++)
        close(fillers[i]);
    close(fd);
    world_close(&world);
}

static void a_host_that_is_unknown_was_not_reached(void **state)
{
    const struct transport_options options = {
        .connect_timeout_ms = 60000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
        .base_url = "https://api.invalid",
    };
    struct world world;
    struct client client;

    (void)state;
    world_open_with(&world, serve_close, NULL, options, NULL);
    client_init(&client, &world, "https://api.invalid/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    client_assert_failure(&client, -EHOSTUNREACH, CHARGE_NONE, true,
                          "No connection to api.invalid: could not resolve host.");
    assert_false(client.result.connected);
    client_fini(&client);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_out_says_what_was_waited_for),
        cmocka_unit_test(without_a_connection_nothing_was_sent),
        cmocka_unit_test(calls_do_not_time_out_one_after_the_other),
        cmocka_unit_test(a_host_that_is_unknown_was_not_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
