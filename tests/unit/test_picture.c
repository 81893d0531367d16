/* SPDX-License-Identifier: MIT
 *
 * Pictures by URL: what is sent for them, where they may lead, and what their failures mean. An
 * answer of the API must not be able to make this machine talk to its own network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_client.h"

/* The one sentence in front of every other. */
#define FAILED "The picture could not be fetched. "

static const struct transport_options usual = {
    .connect_timeout_ms = 10000,
    .timeout_ms = WORLD_TIMEOUT_MS,
    .max_response_bytes = WORLD_MAX_RESPONSE,
    .user_agent = "easelfs-test",
};

static void picture_init(struct client *client, struct world *world, const char *url)
{
    client_init(client, world, url);
    client->call.kind = TRANSPORT_PICTURE;
}

static void assert_failed(const struct client *client, int error, bool refetch, const char *text)
{
    char whole[1024];

    snprintf(whole, sizeof(whole), FAILED "%s", text);
    client_assert_failure(client, error, CHARGE_CERTAIN, false, whole);
    assert_int_equal(client->result.refetch, refetch);
}

static void serve_hello(struct peer_connection *connection)
{
    char expected[256];

    while (peer_read(connection)) {
        snprintf(expected, sizeof(expected),
                 "GET /x.png?Signature=a%%2Fb HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                 "User-Agent: easelfs-test\r\nAccept: */*\r\n\r\n",
                 peer_port(connection->peer));
        if (strncmp(connection->head, "POST", 4) != 0 && strcmp(connection->head, expected) != 0)
            peer_answer(connection, "400 Bad", "", connection->head);
        else
            peer_answer(connection, "200 OK", "Content-Type: image/png\r\n", "picture");
    }
}

static void a_picture_of_the_base_itself_is_fetched_apart(void **state)
{
    struct world world;
    struct client call;
    struct client picture;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&call, &world, "/x");
    client_set_body(&call, "body", 0);
    call.headers[1] = "Authorization: Bearer key";
    call.call.header_count = 2;
    client_run(&call);
    assert_int_equal(call.result.error, 0);

    picture_init(&picture, &world, "/x.png?Signature=a%2Fb");
    client_run(&picture);
    assert_int_equal(picture.result.error, 0);
    assert_int_equal(picture.begins, 1);
    assert_int_equal(picture.length, 7);
    assert_string_equal(picture.result.content_type, "image/png");
    assert_string_equal(buf_text(&picture.answer), "picture");
    assert_int_equal(peer_connections(world.peer), 2);
    peer_wait_closed(world.peer, 1);

    client_run(&picture);
    assert_int_equal(picture.result.error, 0);
    assert_int_equal(peer_connections(world.peer), 3);

    client_run(&call);
    assert_int_equal(call.result.error, 0);
    assert_int_equal(peer_connections(world.peer), 3);
    client_fini(&call);
    client_fini(&picture);
    world_close(&world);
}

/* A proxy would dial itself, and could dial anything. */
static void a_picture_is_never_fetched_by_a_proxy(void **state)
{
    struct transport_options options = usual;
    struct peer *proxy = peer_start(serve_hello, NULL);
    char url[64];
    struct world world;
    struct client client;

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", peer_port(proxy));
    setenv("http_proxy", url, 1);
    setenv("all_proxy", url, 1);
    options.base_url = "http://api.invalid";
    world_open_with(&world, serve_hello, NULL, options, "127.0.0.1");
    picture_init(&client, &world, "/x.png?Signature=a%2Fb");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_string_equal(buf_text(&client.answer), "picture");
    assert_int_equal(peer_connections(proxy), 0);
    client_fini(&client);
    world_close(&world);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    peer_stop(proxy);
}

static void serve_nothing(struct peer_connection *connection)
{
    (void)connection;
}

/* RELIABILITY.md, finding 5, and more: all of them lead to this machine or to its network. */
static const char *const forbidden[] = {
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "some.localhost",
    "%31%32%37.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::10.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::f5ff:fffe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "169.254.169.254",
    "100.100.100.200",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
};

static void no_picture_leads_into_this_network(void **state)
{
    struct peer *inside = peer_start(serve_nothing, NULL);
    char url[128];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        snprintf(url, sizeof(url), "http://%s:%u/x", forbidden[i], peer_port(inside));
        picture_init(&client, &world, url);
        client_run(&client);
        if (client.result.error != -EACCES)
            print_message("%s: %s\n", url, client.result.failure.text);
        assert_int_equal(client.result.error, -EACCES);
        assert_int_equal(client.result.failure.charge, CHARGE_CERTAIN);
        assert_false(client.result.failure.retry);
        assert_false(client.result.refetch);
        assert_false(client.result.connected);
        assert_non_null(strstr(client.result.failure.text, "which is not on the public network."));
        assert_string_equal(client.result.failure.advice,
                            "Where that is right, allow it with result_hosts.");
        client_fini(&client);
    }
    assert_int_equal(peer_connections(inside), 0);
    assert_int_equal(peer_connections(world.peer), 0);
    world_close(&world);
    peer_stop(inside);
}

static void the_sentence_names_host_and_address(void **state)
{
    char url[128];
    char text[256];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    /* The same port, another name: only the text of the base is the base. */
    snprintf(url, sizeof(url), "http://some.localhost:%u/?secret", peer_port(world.peer));
    picture_init(&client, &world, url);
    client_run(&client);
    snprintf(text, sizeof(text),
             "The picture's link leads to some.localhost:%u (127.0.0.1), which is not on the "
             "public network.",
             peer_port(world.peer));
    if (strstr(client.result.failure.text, "(::1)"))
        snprintf(text, sizeof(text),
                 "The picture's link leads to some.localhost:%u (::1), which is not on the "
                 "public network.",
                 peer_port(world.peer));
    assert_failed(&client, -EACCES, false, text);
    assert_int_equal(peer_connections(world.peer), 0);
    client_fini(&client);
    world_close(&world);
}

static void result_hosts_opens_what_it_names(void **state)
{
    static const struct {
        const char *rule;
        const char *host;
        bool allowed;
    } rows[] = {
        {"127.0.0.0/8", "127.0.0.1", true},   {"127.0.0.0/8", "localhost", true},
        {"localhost", "localhost", true},     {"localhost", "127.0.0.1", false},
        {"*.localhost", "a.localhost", true}, {"*.localhost", "localhost", false},
    };
    char url[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *inside = peer_start(serve_nothing, NULL);
        struct world world;
        struct client client;

        world_open_with(&world, serve_hello, NULL, usual, rows[i].rule);
        snprintf(url, sizeof(url), "http://%s:%u/", rows[i].host, peer_port(inside));
        picture_init(&client, &world, url);
        client_run(&client);
        assert_int_equal(client.result.connected, rows[i].allowed);
        assert_int_equal(peer_connections(inside), rows[i].allowed ? 1 : 0);
        client_fini(&client);
        world_close(&world);
        peer_stop(inside);
    }
}

static const struct {
    const char *url;
    int error;
    const char *text;
} unusable[] = {
    {"file:///etc/passwd", -EINVAL, "The URL cannot be used: it is neither https nor http."},
    {"gopher://127.0.0.1/", -EINVAL, "The URL cannot be used: it is neither https nor http."},
    {"ftp://127.0.0.1/x.png", -EINVAL, "The URL cannot be used: it is neither https nor http."},
    {"http://user:secret@127.0.0.1/", -EINVAL,
     "The URL cannot be used: it has a user or a password in it."},
    {"http://user@127.0.0.1/", -EINVAL,
     "The URL cannot be used: it has a user or a password in it."},
    {"http://", -EINVAL, "The URL cannot be used: its host makes no sense."},
    {"http://[::1/", -EINVAL, "The URL cannot be used: its host makes no sense."},
    {"http://127.0.0.1:99999/", -EINVAL, "The URL cannot be used: it is malformed."},
    {"http://127.0.0.1/a\nb", -EINVAL, "The URL cannot be used: it is malformed."},
};

static void what_is_no_link_is_not_followed(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
        picture_init(&client, &world, unusable[i].url);
        client_run(&client);
        assert_failed(&client, unusable[i].error, false, unusable[i].text);
        client_fini(&client);
    }
    picture_init(&client, &world, "/x.png");
    client.headers[0] = "Authorization: Bearer key";
    client.call.header_count = 1;
    client_run(&client);
    assert_failed(&client, -EINVAL, false, "A picture is fetched without headers and body.");
    client_fini(&client);
    assert_int_equal(peer_connections(world.peer), 0);
    world_close(&world);
}

static void plain_http_needs_a_base_of_plain_http(void **state)
{
    struct transport_options options = usual;
    struct world world;
    struct client client;

    (void)state;
    options.base_url = "https://127.0.0.1";
    world_open_with(&world, serve_hello, NULL, options, "127.0.0.1");
    picture_init(&client, &world, "/x.png");
    client_run(&client);
    assert_int_equal(client.result.error, -EACCES);
    assert_non_null(strstr(client.result.failure.text, " is not https, while the API itself is."));
    assert_int_equal(peer_connections(world.peer), 0);
    client_fini(&client);
    world_close(&world);
}

/* "/STATUS" is answered by it. */
static void serve_status(struct peer_connection *connection)
{
    char status[8];

    if (peer_read(connection)) {
        snprintf(status, sizeof(status), "%.3s", connection->head + strlen("GET /"));
        peer_answer(connection, status, "", "<html>no picture</html>");
    }
}

static void a_status_that_is_not_200_is_no_picture(void **state)
{
    static const struct {
        int status;
        int error;
        bool refetch;
    } rows[] = {
        {401, -EACCES, false}, {403, -EACCES, false}, {404, -EACCES, false}, {410, -EACCES, false},
        {400, -EIO, false},    {204, -EIO, false},    {206, -EIO, false},    {302, -EIO, false},
        {408, -EIO, true},     {429, -EIO, true},     {500, -EIO, true},     {503, -EIO, true},
    };
    char path[16];
    char text[256];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_status, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *label = world.base + strlen("http://");

        snprintf(path, sizeof(path), "/%d", rows[i].status);
        picture_init(&client, &world, path);
        client_run(&client);
        if (rows[i].error == -EACCES)
            snprintf(text, sizeof(text),
                     "The picture's link has expired or was refused: %s answered %d.", label,
                     rows[i].status);
        else
            snprintf(text, sizeof(text), "%s answered %d instead of the picture.", label,
                     rows[i].status);
        assert_failed(&client, rows[i].error, rows[i].refetch, text);
        assert_int_equal(client.result.http_status, rows[i].status);
        assert_int_equal(client.begins, 0);
        assert_int_equal(client.answer_length, 0);
        client_fini(&client);
    }
    world_close(&world);
}

static void serve_cut(struct peer_connection *connection)
{
    if (peer_read(connection))
        peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234");
}

static void serve_too_much(struct peer_connection *connection)
{
    if (peer_read(connection)) {
        peer_send(connection, "HTTP/1.1 200 OK\r\n\r\n");
        while (peer_send(connection, "endless "))
            ;
    }
}

static void a_picture_that_is_cut_may_be_fetched_again(void **state)
{
    char text[128];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_cut, NULL);
    picture_init(&client, &world, "/x.png");
    client_run(&client);
    snprintf(text, sizeof(text), "The answer from %s ended early: 4 of 10 bytes had come.",
             world.base + strlen("http://"));
    assert_failed(&client, -EIO, true, text);
    client_fini(&client);
    world_close(&world);

    world_open(&world, serve_too_much, NULL);
    picture_init(&client, &world, "/x.png");
    client_run(&client);
    snprintf(text, sizeof(text), "The answer from %s is larger than 1 MiB.",
             world.base + strlen("http://"));
    assert_failed(&client, -EFBIG, false, text);
    client_fini(&client);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_of_the_base_itself_is_fetched_apart),
        cmocka_unit_test(a_picture_is_never_fetched_by_a_proxy),
        cmocka_unit_test(no_picture_leads_into_this_network),
        cmocka_unit_test(the_sentence_names_host_and_address),
        cmocka_unit_test(result_hosts_opens_what_it_names),
        cmocka_unit_test(what_is_no_link_is_not_followed),
        cmocka_unit_test(plain_http_needs_a_base_of_plain_http),
        cmocka_unit_test(a_status_that_is_not_200_is_no_picture),
        cmocka_unit_test(a_picture_that_is_cut_may_be_fetched_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
