/* SPDX-License-Identifier: MIT
 *
 * The maxima of an answer: its body, told beforehand or not and compressed or not, and its head.
 * Each is tried as it is and with one byte more, where that can be.
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

#include "base/io.h"
#include "net_client.h"

/* 4 MiB of zeros in 4 KiB. */
static void serve_bomb(struct peer_connection *connection)
{
    struct buf body;
    char head[128];

    buf_init(&body, 65536);
    assert_int_equal(io_read_file(AT_FDCWD, TEST_DATA "/zeros-4MiB.gz", &body), 0);
    if (peer_read(connection)) {
        snprintf(head, sizeof(head),
                 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 body.length);
        peer_send(connection, head);
        peer_send_bytes(connection, body.data, body.length);
        peer_wait_end(connection);
    }
    buf_fini(&body);
}

static void the_limit_counts_what_was_decompressed(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_bomb, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_int_equal(client.result.error, -EFBIG);
    assert_int_equal(client.result.failure.charge, CHARGE_CERTAIN);
    assert_true(client.answer_length <= WORLD_MAX_RESPONSE);
    assert_true(client.answer_length > WORLD_MAX_RESPONSE / 2);
    client_fini(&client);
    world_close(&world);
}

/* An answer of as many bytes as the path says, with its length told or not. */
static void serve_size(struct peer_connection *connection)
{
    static const char zeros[65536];
    size_t size;
    char head[128];

    if (!peer_read(connection))
        return;
    size = strtoul(connection->head + strlen("GET /x/"), NULL, 10);
    snprintf(head, sizeof(head), "HTTP/1.0 200 OK\r\n%s%zu\r\n\r\n",
             connection->head[5] == 'l' ? "Content-Length: " : "X-Length: ", size);
    peer_send(connection, head);
    while (size > 0) {
        size_t part = size < sizeof(zeros) ? size : sizeof(zeros);
        if (!peer_send_bytes(connection, zeros, part))
            return;
        size -= part;
    }
}

static void an_answer_has_a_maximum(void **state)
{
    static const char *const paths[] = {"/l/", "/n/"};
    char path[64];
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_size, NULL);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s%d", paths[i], WORLD_MAX_RESPONSE);
        client_init(&client, &world, path);
        client_run(&client);
        assert_int_equal(client.result.error, 0);
        assert_int_equal(client.answer_length, WORLD_MAX_RESPONSE);
        client_fini(&client);

        snprintf(path, sizeof(path), "%s%d", paths[i], WORLD_MAX_RESPONSE + 1);
        client_init(&client, &world, path);
        client_run(&client);
        client_assert_failure(&client, -EFBIG, CHARGE_NONE, false, client.result.failure.text);
        assert_non_null(strstr(client.result.failure.text, "is larger than 1 MiB."));
        assert_int_equal(client.begins, i); /* told beforehand: not a byte was taken */
        client_fini(&client);
    }
    world_close(&world);
}

/* Header lines of 1,000 bytes for ever. */
static void serve_endless_head(struct peer_connection *connection)
{
    char line[1001];

    memset(line, 'x', sizeof(line));
    memcpy(line, "X-Long: ", 8);
    memcpy(line + 998, "\r\n", 3);
    if (!peer_read(connection))
        return;
    peer_send(connection, "HTTP/1.1 200 OK\r\n");
    while (peer_send(connection, line))
        ;
}

/* And so with answers that are none. */
static void serve_endless_interim(struct peer_connection *connection)
{
    if (peer_read(connection)) {
        while (peer_send(connection, "HTTP/1.1 102 Processing\r\n\r\n"))
            ;
    }
}

static void a_head_has_a_maximum(void **state)
{
    peer_serve *const serves[] = {serve_endless_head, serve_endless_interim};
    char text[128];
    struct world world;
    struct client client;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world_open(&world, serves[i], NULL);
        client_init(&client, &world, "/x");
        client_set_body(&client, "body", 0);
        client_run(&client);
        snprintf(text, sizeof(text), "The header lines of the answer from %s are too long.",
                 world.base + strlen("http://"));
        client_assert_failure(&client, -EPROTO, CHARGE_POSSIBLE, false, text);
        assert_int_equal(client.begins, 0);
        client_fini(&client);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_counts_what_was_decompressed),
        cmocka_unit_test(an_answer_has_a_maximum),
        cmocka_unit_test(a_head_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
