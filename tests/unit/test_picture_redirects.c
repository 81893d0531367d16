/* SPDX-License-Identifier: MIT
 *
 * Redirects of a picture's link: how many are followed, and that each is checked like the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_client.h"

static void picture_init(struct client *client, struct world *world, const char *url)
{
    client_init(client, world, url);
    client->call.kind = TRANSPORT_PICTURE;
}

static void serve_nothing(struct peer_connection *connection)
{
    (void)connection;
}

/*
 * "/N/..." redirects N times by itself and then answers; "/to" redirects to the context, a URL. The
 * body of a redirect is endless: nobody may read it.
 */
static void serve_redirects(struct peer_connection *connection)
{
    static const char *const statuses[] = {"301 A", "302 B", "303 C", "307 D", "308 E"};
    char head[512];
    long count;

    if (!peer_read(connection))
        return;
    count = strtol(connection->head + strlen("GET /"), NULL, 10);
    if (strncmp(connection->head, "GET /to", 7) == 0) {
        snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n",
                 (const char *)connection->context);
    } else if (count > 0) {
        snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nLocation: ../%ld/x\r\n\r\n",
                 statuses[connection->number % 5], count - 1);
    } else {
        peer_answer(connection, "200 OK", "", "picture");
        return;
    }
    peer_send(connection, head);
    while (peer_send(connection, "not to be read "))
        ;
}

static void a_picture_may_move_three_times(void **state)
{
    char text[128];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_redirects, NULL);
    for (unsigned i = 0; i < 2; i++) { /* more than once: all five statuses */
        picture_init(&client, &world, "/3/x");
        client_run(&client);
        assert_int_equal(client.result.error, 0);
        assert_int_equal(client.begins, 1);
        assert_string_equal(buf_text(&client.answer), "picture");
        assert_int_equal(peer_connections(world.peer), 4 * (i + 1));
        client_fini(&client);
    }
    picture_init(&client, &world, "/4/x");
    client_run(&client);
    snprintf(text, sizeof(text), "The picture could not be fetched. %s redirects once too often.",
             world.base + strlen("http://"));
    client_assert_failure(&client, -ELOOP, CHARGE_CERTAIN, false, text);
    assert_false(client.result.refetch);
    assert_int_equal(client.begins, 0);
    assert_int_equal(peer_connections(world.peer), 12);
    client_fini(&client);
    world_close(&world);
}

static void a_redirect_is_checked_like_the_first_link(void **state)
{
    static const struct {
        const char *before; /* the port of a listener, if @port, and "/x" */
        bool port;
        int error;
        const char *text;
    } rows[] = {
        {"file:///etc", false, -EINVAL, "neither https nor http."},
        {"ftp://127.0.0.1", false, -EINVAL, "neither https nor http."},
        {"//user:secret@127.0.0.1", false, -EINVAL, "a user or a password in it."},
        {"http://169.254.169.254", false, -EACCES, "169.254.169.254 (169.254.169.254)"},
        {"http://127.0.0.1:", true, -EACCES, "not on the public network."},
        {"http://localhost:", true, -EACCES, "not on the public network."},
        {"//[::ffff:127.0.0.1]:", true, -EACCES, "not on the public network."},
    };
    struct peer *inside = peer_start(serve_nothing, NULL);
    char location[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct client client;

        snprintf(location, sizeof(location), "%s%.0u/x", rows[i].before,
                 rows[i].port ? peer_port(inside) : 0);
        world_open(&world, serve_redirects, location);
        picture_init(&client, &world, "/to");
        client_run(&client);
        assert_int_equal(client.result.error, rows[i].error);
        assert_non_null(strstr(client.result.failure.text, rows[i].text));
        assert_int_equal(client.result.failure.charge, CHARGE_CERTAIN);
        assert_int_equal(client.begins, 0);
        assert_int_equal(peer_connections(world.peer), 1);
        client_fini(&client);
        world_close(&world);
    }
    assert_int_equal(peer_connections(inside), 0);
    peer_stop(inside);
}

/* The hop before it had a connection; this one has none, and that is what is told. */
static void a_redirect_to_nobody(void **state)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(nobody);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, and never listening */
    const struct transport_options options = {
        .connect_timeout_ms = 10000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };
    struct world world;
    struct client client;
    char location[64];
    char text[128];

    (void)state;
    assert_int_equal(bind(fd, (const struct sockaddr *)&nobody, sizeof(nobody)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&nobody, &length), 0);
    snprintf(location, sizeof(location), "http://127.0.0.1:%u/x", ntohs(nobody.sin_port));
    snprintf(text, sizeof(text),
             "The picture could not be fetched. No connection to 127.0.0.1:%u: Connection refused.",
             ntohs(nobody.sin_port));
    world_open_with(&world, serve_redirects, location, options, "127.0.0.1");
    picture_init(&client, &world, "/to");
    client_run(&client);
    client_assert_failure(&client, -ECONNREFUSED, CHARGE_CERTAIN, false, text);
    assert_true(client.result.refetch);
    assert_int_equal(client.begins, 0);
    assert_int_equal(peer_connections(world.peer), 1);
    client_fini(&client);
    world_close(&world);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_may_move_three_times),
        cmocka_unit_test(a_redirect_is_checked_like_the_first_link),
        cmocka_unit_test(a_redirect_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
