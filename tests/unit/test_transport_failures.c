/* SPDX-License-Identifier: MIT
 *
 * Exchanges that break, at every step: whether the call may be repeated, whether it may have been
 * charged, the sentence, and that no body ever leaves this machine a second time unasked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

/* How the second request of a connection fares; the first is answered. */
enum second { SECOND_CLOSED, SECOND_RESET };

static void serve_once_then_break(struct peer_connection *connection)
{
    const enum second *second = connection->context;

    if (!peer_read(connection))
        return;
    peer_answer(connection, "200 OK", "", "hello");
    if (peer_read(connection) && *second == SECOND_RESET)
        peer_reset(connection);
}

/*
 * libcurl by itself would send such a request again on a new connection and report success; the
 * server has the first body whole, and would charge twice.
 */
static void a_reused_connection_that_breaks_is_no_reason_to_send_again(void **state)
{
    static enum second seconds[] = {SECOND_CLOSED, SECOND_RESET};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct client client;

        world_open(&world, serve_once_then_break, &seconds[i]);
        client_init(&client, &world, "/x");
        client_set_body(&client, NULL, 200000);
        client_run(&client);
        assert_int_equal(client.result.error, 0);
        client_run(&client);
        assert_failure(&client, &world, -EIO, CHARGE_POSSIBLE, false, "",
                       " closed the connection without an answer.");
        assert_true(client.result.body_handed_over);
        assert_true(client.result.connected);
        assert_int_equal(client.result.http_status, 0);
        assert_int_equal(peer_connections(world.peer), 1);
        assert_int_equal(peer_bodies(world.peer), 2);
        client_fini(&client);
        world_close(&world);
    }
}

/* Answer the first request of each connection once both are there, and close on the second. */
static void serve_pair_then_close(struct peer_connection *connection)
{
    pthread_barrier_t *both = connection->context;

    if (!peer_read(connection))
        return;
    pthread_barrier_wait(both);
    peer_answer(connection, "200 OK", "", "hello");
    peer_read(connection);
}

/* Here libcurl would go on with the other connection, and without a body would need no rewind. */
static void nor_is_it_where_another_connection_stands(void **state)
{
    static const char *const bodies[] = {"body", ""};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pthread_barrier_t both;
        struct world world;
        struct client clients[2];

        pthread_barrier_init(&both, NULL, 2);
        world_open(&world, serve_pair_then_close, &both);
        for (size_t j = 0; j < 2; j++) {
            client_init(&clients[j], &world, "/x");
            client_set_body(&clients[j], bodies[i], 0);
            client_submit(&clients[j]);
        }
        client_wait(&clients[0], 1);
        client_wait(&clients[1], 1);
        client_run(&clients[0]);
        assert_failure(&clients[0], &world, -EIO, CHARGE_POSSIBLE, false, "",
                       " closed the connection without an answer.");
        client_fini(&clients[0]);
        client_fini(&clients[1]);
        transport_destroy(world.transport);
        world.transport = NULL;
        peer_wait_closed(world.peer, 2);
        assert_int_equal(peer_connections(world.peer), 2);
        assert_int_equal(peer_requests(world.peer), 3);
        world_close(&world);
        pthread_barrier_destroy(&both);
    }
}

/* Without a body there is nothing that libcurl would have to rewind. */
static void an_empty_body_is_not_sent_again_either(void **state)
{
    static enum second second = SECOND_CLOSED;
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_once_then_break, &second);
    client_init(&client, &world, "/x");
    client_set_body(&client, "", 0);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    client_run(&client);
    assert_failure(&client, &world, -EIO, CHARGE_POSSIBLE, false, "",
                   " closed the connection without an answer.");
    assert_int_equal(peer_connections(world.peer), 1);
    assert_int_equal(peer_requests(world.peer), 2);
    client_fini(&client);
    world_close(&world);
}

static void serve_once(struct peer_connection *connection)
{
    if (peer_read(connection))
        peer_answer(connection, "200 OK", "", "hello");
}

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_once, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 1000);
    for (unsigned i = 1; i <= 3; i++) {
        client_run(&client);
        assert_int_equal(client.result.error, 0);
        peer_wait_closed(world.peer, i);
    }
    assert_int_equal(peer_connections(world.peer), 3);
    assert_int_equal(peer_bodies(world.peer), 3);
    client_fini(&client);
    world_close(&world);
}

static void serve_close(struct peer_connection *connection)
{
    peer_read(connection);
}

static void serve_reset(struct peer_connection *connection)
{
    if (peer_read(connection))
        peer_reset(connection);
}

static void no_answer_may_have_been_charged(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_close, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_failure(&client, &world, -EIO, CHARGE_POSSIBLE, false, "",
                   " closed the connection without an answer.");
    assert_int_equal(peer_bodies(world.peer), 1);
    client_fini(&client);
    world_close(&world);

    world_open(&world, serve_reset, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_failure(&client, &world, -EIO, CHARGE_POSSIBLE, false, "The connection to ",
                   " was lost before an answer came (Recv failure: Connection reset by peer).");
    assert_int_equal(peer_bodies(world.peer), 1);
    client_fini(&client);
    world_close(&world);
}

static void a_get_may_always_be_repeated(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_close, NULL);
    client_init(&client, &world, "/x");
    client_run(&client);
    assert_failure(&client, &world, -EIO, CHARGE_NONE, true, "",
                   " closed the connection without an answer.");
    client_fini(&client);
    world_close(&world);
}

static void serve_half_then_reset(struct peer_connection *connection)
{
    if (peer_read_head(connection) && peer_read_part(connection, 1024 * 1024))
        peer_reset(connection);
}

static void half_a_request_is_not_served(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_half_then_reset, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 64 * 1024 * 1024); /* more than sockets hold */
    client_run(&client);
    client_assert_failure(&client, -EIO, CHARGE_NONE, true, client.result.failure.text);
    assert_non_null(strstr(client.result.failure.text, " was lost while the request was sent ("));
    assert_true(client.result.connected);
    assert_false(client.result.body_handed_over);
    assert_true(atomic_load(&client.call.bytes_sent) >= 1024 * 1024);
    assert_int_equal(peer_connections(world.peer), 1);
    assert_int_equal(peer_bodies(world.peer), 0);
    client_fini(&client);
    world_close(&world);
}

static void serve_refusal(struct peer_connection *connection)
{
    if (peer_read_head(connection)) {
        peer_answer(connection, "413 Too large", "Connection: close\r\n", "too large");
        peer_wait_end(connection);
    }
}

static void an_answer_may_come_before_the_request_is_whole(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_refusal, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 64 * 1024 * 1024);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.result.http_status, 413);
    assert_false(client.result.body_handed_over);
    assert_string_equal(buf_text(&client.answer), "too large");
    client_fini(&client);
    world_close(&world);
}

static void serve_text(struct peer_connection *connection)
{
    if (peer_read(connection))
        peer_send(connection, connection->context);
}

static void serve_text_then_reset(struct peer_connection *connection)
{
    if (peer_read(connection)) {
        peer_send(connection, connection->context);
        /* The rest of the answer is never sent, and a second request is not read. */
        peer_reset(connection);
    }
}

struct cut {
    const char *answer;
    int error;
    enum charge charge;
    bool retry;
    const char *before, *after;
};

static const struct cut cuts[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", -EIO, CHARGE_CERTAIN, false,
     "The answer from ", " ended early: 10 of 100 bytes had come."},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nff\r\nxyz", -EIO,
     CHARGE_CERTAIN, false, "The answer from ", " ended early: 8 bytes had come."},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat", -EIO, CHARGE_CERTAIN, false,
     "The answer from ", " ended early: 0 bytes had come."},
    {"HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 2\r\n\r\nno", -EPROTO,
     CHARGE_CERTAIN, false, "The answer from ",
     " cannot be decompressed (Unrecognized content encoding type. libcurl understands deflate, "
     "gzip, br, zstd content encodings)."},
    {"HTTP/1.1 429 Slow down\r\nContent-Length: 9\r\n\r\n1", -EIO, CHARGE_NONE, true,
     "The answer from ", " ended early: 1 of 9 bytes had come."},
    {"HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n1", -EIO, CHARGE_NONE, false, "The answer from ",
     " ended early: 1 of 9 bytes had come."},
    {"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n1", -EIO, CHARGE_POSSIBLE, false,
     "The answer from ", " ended early: 1 of 9 bytes had come."},
    {"HTTP/1.1 200 OK\r\nContent-Le", -EIO, CHARGE_POSSIBLE, false, "",
     " closed the connection without an answer."},
    {"HTTP/1.1 100 Continue\r\n\r\n", -EIO, CHARGE_POSSIBLE, false, "",
     " closed the connection without an answer."},
    {"SSH-2.0-OpenSSH_9.2\r\n", -EPROTO, CHARGE_POSSIBLE, false, "What ",
     " answered is not HTTP (Received HTTP/0.9 when not allowed)."},
};

static void an_answer_that_is_cut_was_charged_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct world world;
        struct client client;

        world_open(&world, serve_text, (void *)cuts[i].answer);
        client_init(&client, &world, "/x");
        client_set_body(&client, "body", 0);
        client_run(&client);
        assert_failure(&client, &world, cuts[i].error, cuts[i].charge, cuts[i].retry,
                       cuts[i].before, cuts[i].after);
        assert_int_equal(client.begins, client.result.http_status ? 1 : 0);
        assert_int_equal(peer_bodies(world.peer), 1);
        client_fini(&client);
        world_close(&world);
    }
}

static void an_answer_that_is_reset_was_charged_for(void **state)
{
    static char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_text_then_reset, answer);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    /* The reset may overtake the head, which then was never seen here. */
    assert_int_equal(client.result.error, -EIO);
    assert_false(client.result.failure.retry);
    assert_int_equal(client.result.failure.charge,
                     client.result.http_status ? CHARGE_CERTAIN : CHARGE_POSSIBLE);
    assert_int_equal(peer_connections(world.peer), 1);
    assert_int_equal(peer_bodies(world.peer), 1);
    client_fini(&client);
    world_close(&world);
}

static void serve_hello(struct peer_connection *connection)
{
    while (peer_read(connection))
        peer_answer(connection, "200 OK", "", "hello");
}

static void a_handler_ends_the_call_with_its_own_error(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 1024 * 1024);
    client.read_error = -ESTALE;
    client_run(&client);
    client_assert_failure(&client, -ESTALE, CHARGE_NONE, false,
                          "The request could not be read: Stale file handle.");
    assert_int_equal(client.begins, 0);

    client.read_error = 0;
    client.read_end = 1024 * 1024 - 1;
    client_run(&client);
    client_assert_failure(&client, -EIO, CHARGE_NONE, false,
                          "The request could not be read: Input/output error.");
    assert_int_equal(peer_bodies(world.peer), 0);

    client.read_end = 0;
    client.begin_error = -EDQUOT;
    client_run(&client);
    client_assert_failure(&client, -EDQUOT, CHARGE_CERTAIN, false,
                          "The answer could not be stored: Disk quota exceeded.");
    assert_int_equal(client.answer_length, 0);

    client.begin_error = 0;
    client.write_error = -ENOSPC;
    client_run(&client);
    client_assert_failure(&client, -ENOSPC, CHARGE_CERTAIN, false,
                          "The answer could not be stored: No space left on device.");
    assert_int_equal(peer_bodies(world.peer), 2);
    client_fini(&client);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reused_connection_that_breaks_is_no_reason_to_send_again),
        cmocka_unit_test(nor_is_it_where_another_connection_stands),
        cmocka_unit_test(an_empty_body_is_not_sent_again_either),
        cmocka_unit_test(a_connection_closed_while_idle_is_replaced),
        cmocka_unit_test(no_answer_may_have_been_charged),
        cmocka_unit_test(a_get_may_always_be_repeated),
        cmocka_unit_test(half_a_request_is_not_served),
        cmocka_unit_test(an_answer_may_come_before_the_request_is_whole),
        cmocka_unit_test(an_answer_that_is_cut_was_charged_for),
        cmocka_unit_test(an_answer_that_is_reset_was_charged_for),
        cmocka_unit_test(a_handler_ends_the_call_with_its_own_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
