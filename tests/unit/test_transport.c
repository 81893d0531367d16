/* SPDX-License-Identifier: MIT
 *
 * What goes over the wire for an API call, and what comes back of it: requests byte by byte,
 * statuses, heads. How much of it may come is in test_transport_limits.c, and what happens to
 * exchanges that break in test_transport_failures.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "net_client.h"

/* Answer every request of a connection in the same way, until the other side closes. */
static void serve_hello(struct peer_connection *connection)
{
    while (peer_read(connection))
        peer_answer(connection, "200 OK", "Set-Cookie: a=b\r\n", "hello");
}

/* The peer's side of a test that looks at the request itself. */
struct seen {
    char heads[2][8192];
    char body[PEER_BODY_KEPT];
    uint64_t body_length;
};

static void serve_and_keep(struct peer_connection *connection)
{
    struct seen *seen = connection->context;

    for (unsigned i = 0; i < 2 && peer_read(connection); i++) {
        memcpy(seen->heads[i], connection->head, connection->head_length + 1);
        memcpy(seen->body, connection->body, connection->body_length);
        seen->body_length = connection->body_length;
        peer_answer(connection, "200 OK", "Set-Cookie: session=1; Path=/\r\n", "hello");
    }
    peer_wait_end(connection);
}

/* A home with a .netrc that knows the peer's host; it must never be read. */
static void make_netrc(char home[])
{
    const char *text = "default login someone password secret\n";
    char path[64];
    int fd;

    assert_non_null(mkdtemp(home));
    snprintf(path, sizeof(path), "%s/.netrc", home);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
    close(fd);
    setenv("HOME", home, 1);
}

static void remove_netrc(const char *home)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/.netrc", home);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(home), 0);
}

static void a_get_is_just_that(void **state)
{
    struct seen *seen = calloc(1, sizeof(*seen));
    char home[] = "/tmp/easelfs-test-XXXXXX";
    char expected[1024];
    struct world world;
    struct client client;

    (void)state;
    assert_non_null(seen);
    make_netrc(home);
    world_open(&world, serve_and_keep, seen);
    client_init(&client, &world, "/v1beta/models?pageSize=5");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.result.http_status, 200);
    assert_string_equal(client.result.http_version, "1.1");
    assert_true(client.result.connected);
    assert_int_equal(client.begins, 1);
    assert_int_equal(client.status, 200);
    assert_int_equal(client.length, 5);
    assert_string_equal(buf_text(&client.answer), "hello");
    assert_int_equal(atomic_load(&client.call.bytes_received), 5);
    assert_int_equal(atomic_load(&client.call.bytes_sent), 0);
    snprintf(expected, sizeof(expected),
             "GET /v1beta/models?pageSize=5 HTTP/1.1\r\n"
             "Host: %s\r\n"
             "User-Agent: easelfs-test\r\n"
             "Accept: */*\r\n"
             "Accept-Encoding: identity\r\n\r\n",
             world.base + strlen("http://"));
    assert_string_equal(seen->heads[0], expected);
    client_fini(&client);
    world_close(&world);
    remove_netrc(home);
    free(seen);
}

static void a_post_is_sent_as_asked_and_no_more(void **state)
{
    struct seen *seen = calloc(1, sizeof(*seen));
    char expected[1024];
    struct world world;
    struct client client;

    (void)state;
    assert_non_null(seen);
    world_open(&world, serve_and_keep, seen);
    client_init(&client, &world, "/v1beta/models/m:generateContent");
    client_set_body(&client, "{\"contents\":[]}", 0);
    client.headers[1] = "Authorization: Bearer key";
    client.call.header_count = 2;
    client_run(&client);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_true(client.result.body_handed_over);
    assert_int_equal(atomic_load(&client.call.bytes_sent), 15);
    snprintf(expected, sizeof(expected),
             "POST /v1beta/models/m:generateContent HTTP/1.1\r\n"
             "Host: %s\r\n"
             "User-Agent: easelfs-test\r\n"
             "Accept: */*\r\n"
             "Accept-Encoding: identity\r\n"
             "Content-Type: application/json\r\n"
             "Authorization: Bearer key\r\n"
             "Content-Length: 15\r\n\r\n",
             world.base + strlen("http://"));
    assert_string_equal(seen->heads[0], expected);
    assert_string_equal(seen->heads[1], expected); /* no cookie the second time */
    assert_int_equal(seen->body_length, 15);
    assert_memory_equal(seen->body, "{\"contents\":[]}", 15);
    client_fini(&client);
    world_close(&world);
    free(seen);
}

/* Refuse what asks for leave, or does not say how long it is. */
static void serve_strictly(struct peer_connection *connection)
{
    while (peer_read_head(connection)) {
        bool plain = !strcasestr(connection->head, "\r\nexpect:") &&
                     !strcasestr(connection->head, "\r\ntransfer-encoding:");
        if (!plain || !peer_read_part(connection, 3 * 1024 * 1024 + 1))
            peer_answer(connection, "417 Expectation Failed", "", "");
        else
            peer_answer(connection, "200 OK", "", "");
    }
}

static void a_large_body_asks_for_no_leave(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_strictly, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 3 * 1024 * 1024 + 1);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.result.http_status, 200);
    assert_int_equal(atomic_load(&client.call.bytes_sent), 3 * 1024 * 1024 + 1);
    client_fini(&client);
    world_close(&world);
}

static void one_connection_serves_all(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    for (int i = 0; i < 20; i++) {
        client_run(&client);
        assert_int_equal(client.result.error, 0);
    }
    assert_int_equal(peer_connections(world.peer), 1);
    assert_int_equal(peer_bodies(world.peer), 20);
    client_fini(&client);
    world_close(&world);
}

/* What is sent is the context. */
static void serve_text(struct peer_connection *connection)
{
    if (peer_read(connection))
        peer_send(connection, connection->context);
}

static void interim_answers_are_skipped(void **state)
{
    static char answer[] = "HTTP/1.1 100 Continue\r\nX-Request-Id: no\r\n\r\n"
                           "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nRetry-After: 9\r\n\r\n"
                           "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nX-Request-Id: r-1\r\n\r\nno";
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_text, answer);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.begins, 1);
    assert_int_equal(client.status, 503);
    assert_int_equal(client.length, 2);
    assert_string_equal(client.result.request_id, "r-1");
    assert_string_equal(client.result.retry_after, "");
    client_fini(&client);
    world_close(&world);
}

static void an_empty_answer_begins_too(void **state)
{
    static char answer[] =
        "HTTP/1.1 429 Slow down\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        "cf-ray: ray\r\nX-Oneapi-Request-Id: one\x1b[31m\r\n"
        "Content-Type:text/html; charset=x\r\nContent-Length: 0\r\n\r\n";
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_text, answer);
    client_init(&client, &world, "/x");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.begins, 1);
    assert_int_equal(client.status, 429);
    assert_int_equal(client.length, 0);
    assert_int_equal(client.answer_length, 0);
    assert_string_equal(client.result.retry_after, "Wed, 21 Oct 2026 07:28:00 GMT");
    assert_string_equal(client.result.request_id, "one [31m");
    assert_string_equal(client.result.content_type, "text/html; charset=x");
    client_fini(&client);
    world_close(&world);
}

static void serve_drip(struct peer_connection *connection)
{
    const char *answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n";

    if (peer_read(connection)) {
        for (const char *byte = answer; *byte; byte++)
            peer_send_bytes(connection, byte, 1);
        peer_wait_end(connection);
    }
}

static void a_drip_is_an_answer(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_drip, NULL);
    client_init(&client, &world, "/x");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.begins, 1);
    assert_int_equal(client.length, -1);
    assert_string_equal(buf_text(&client.answer), "abcdefg");
    client_fini(&client);
    world_close(&world);
}

static void serve_gzip(struct peer_connection *connection)
{
    static const unsigned char body[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab,
        0x56, 0xca, 0xcf, 0x56, 0xb2, 0x2a, 0x29, 0x2a, 0x4d, 0xad, 0x05,
        0x00, 0x90, 0x5f, 0xd4, 0xa7, 0x0b, 0x00, 0x00, 0x00,
    };

    if (peer_read(connection)) {
        peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                              "Content-Length: 31\r\n\r\n");
        peer_send_bytes(connection, body, sizeof(body));
        peer_wait_end(connection);
    }
}

static void compression_that_nobody_asked_for_is_undone(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_gzip, NULL);
    client_init(&client, &world, "/x");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.length, -1);
    assert_string_equal(buf_text(&client.answer), "{\"ok\":true}");
    client_fini(&client);
    world_close(&world);
}

static void serve_nothing(struct peer_connection *connection)
{
    (void)connection;
}

static void serve_redirect(struct peer_connection *connection)
{
    char fields[256];
    char status[8];

    while (peer_read(connection)) {
        snprintf(fields, sizeof(fields), "Location: http://127.0.0.1:%u/elsewhere\r\n",
                 peer_port(connection->context));
        snprintf(status, sizeof(status), "%.3s", strchr(connection->head, '/') + 1);
        peer_answer(connection, status, fields, "moved");
    }
}

static void the_api_is_never_left_by_a_redirect(void **state)
{
    static const char *const paths[] = {"/301", "/302", "/303", "/307", "/308"};
    struct peer *other = peer_start(serve_nothing, NULL);
    char location[64];
    struct world world;
    struct client client;

    (void)state;
    snprintf(location, sizeof(location), "http://127.0.0.1:%u/elsewhere", peer_port(other));
    world_open(&world, serve_redirect, other);
    for (size_t i = 0; i < 5; i++) {
        client_init(&client, &world, paths[i]);
        client_set_body(&client, "body", 0);
        client_run(&client);
        assert_int_equal(client.result.error, 0);
        assert_int_equal(client.result.http_status, 301 + (int)i + (i > 2 ? 3 : 0));
        assert_string_equal(client.result.location, location);
        assert_string_equal(buf_text(&client.answer), "moved");
        client_fini(&client);
    }
    assert_int_equal(peer_connections(other), 0);
    assert_int_equal(peer_bodies(world.peer), 5);
    world_close(&world);
    peer_stop(other);
}

static void what_cannot_be_a_call_is_not_made(void **state)
{
    struct world world;
    struct client client;
    char text[160];

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "https://127.0.0.2/x");
    client_run(&client);
    snprintf(text, sizeof(text), "A call to the API may go to %s only, not to 127.0.0.2.",
             world.base + strlen("http://"));
    client_assert_failure(&client, -EINVAL, CHARGE_NONE, false, text);
    client_fini(&client);

    client_init(&client, &world, "file:///etc/passwd");
    client_run(&client);
    client_assert_failure(&client, -EINVAL, CHARGE_NONE, false,
                          "The URL cannot be used: it is neither https nor http.");
    client_fini(&client);

    client_init(&client, &world, "/x");
    client.headers[0] = "Authorization: Bearer a\r\nX: y";
    client.call.header_count = 1;
    client_run(&client);
    client_assert_failure(&client, -EINVAL, CHARGE_NONE, false,
                          "A header line of the request is malformed.");
    client_fini(&client);
    assert_int_equal(peer_connections(world.peer), 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_is_just_that),
        cmocka_unit_test(a_post_is_sent_as_asked_and_no_more),
        cmocka_unit_test(a_large_body_asks_for_no_leave),
        cmocka_unit_test(one_connection_serves_all),
        cmocka_unit_test(interim_answers_are_skipped),
        cmocka_unit_test(an_empty_answer_begins_too),
        cmocka_unit_test(a_drip_is_an_answer),
        cmocka_unit_test(compression_that_nobody_asked_for_is_undone),
        cmocka_unit_test(the_api_is_never_left_by_a_redirect),
        cmocka_unit_test(what_cannot_be_a_call_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
