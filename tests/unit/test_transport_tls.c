/* SPDX-License-Identifier: MIT
 *
 * TLS and HTTP/2: whom the transport trusts, and that HTTP/2, whose streams a server can refuse
 * and take back, never has a body sent twice. The other side is data/tls_peer.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "net/guard.h"
#include "net_client.h"

/* A certificate for "localhost" that nobody has signed, made once for all tests. */
static char directory[] = "/tmp/easelfs-test-XXXXXX";
static char certificate[64];
static char key[64];

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int make_certificate(void **state)
{
    const char *const arguments[] = {
        "openssl", "req", "-x509", "-newkey",       "rsa:2048", "-nodes",
        "-days",   "2",   "-subj", "/CN=localhost", "-addext",  "subjectAltName=DNS:localhost",
        "-keyout", key,   "-out",  certificate,     NULL,
    };
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error;

    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(certificate, sizeof(certificate), "%s/certificate.pem", directory);
    snprintf(key, sizeof(key), "%s/key.pem", directory);
    posix_spawn_file_actions_init(&actions);
    /* It draws its progress there. */
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return !error && wait_for(pid) == 0 ? 0 : -1;
}

static int remove_certificate(void **state)
{
    (void)state;
    unlink(certificate);
    unlink(key);
    return rmdir(directory);
}

struct tls_peer {
    pid_t pid;
    int input;   /* its standard input: closed, it ends */
    FILE *lines; /* its standard output */
    unsigned port;
};

static void tls_peer_start(struct tls_peer *peer, const char *protocol, const char *plan)
{
    const char *const arguments[] = {
        "python3",
        "-W",
        "ignore::DeprecationWarning",
        TEST_DATA "/tls_peer.py",
        certificate,
        key,
        protocol,
        plan,
        NULL,
    };
    posix_spawn_file_actions_t actions;
    int input[2];
    int output[2];

    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    assert_int_equal(
        posix_spawnp(&peer->pid, arguments[0], &actions, NULL, (char *const *)arguments, environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(input[0]);
    close(output[1]);
    peer->input = input[1];
    peer->lines = fdopen(output[0], "r");
    assert_non_null(peer->lines);
    assert_int_equal(fscanf(peer->lines, "port %u", &peer->port), 1);
}

/* End it, and count what it has said. */
static void tls_peer_stop(struct tls_peer *peer, unsigned *ret_connections, unsigned *ret_bodies)
{
    char line[64];

    *ret_connections = 0;
    *ret_bodies = 0;
    close(peer->input);
    while (fgets(line, sizeof(line), peer->lines)) {
        *ret_connections += strcmp(line, "connection\n") == 0;
        *ret_bodies += strncmp(line, "body ", 5) == 0;
    }
    fclose(peer->lines);
    assert_int_equal(wait_for(peer->pid), 0);
}

/* A world whose base is a TLS peer, by the name @host. */
static void open_tls(struct world *world, const struct tls_peer *peer, const char *host,
                     const char *ca_file)
{
    const char *local = "127.0.0.0/8";
    struct transport_options options = {
        .connect_timeout_ms = 10000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = 16 * 1024 * 1024,
        .user_agent = "easelfs-test",
        .ca_file = ca_file,
        .base_url = world->base,
    };
    struct failure failure;

    failure_init(&failure);
    memset(world, 0, sizeof(*world));
    snprintf(world->base, sizeof(world->base), "https://%s:%u", host, peer->port);
    assert_int_equal(guard_create(world->base, &local, 1, &world->guard, &failure), 0);
    options.guard = world->guard;
    assert_int_equal(transport_create(&options, &world->transport, &failure), 0);
}

static void close_tls(struct world *world)
{
    transport_destroy(world->transport);
    guard_destroy(world->guard);
}

static void client_init_post(struct client *client, struct world *world, uint64_t length)
{
    client_init(client, world, "/v1beta/models/m:generateContent");
    client_set_body(client, NULL, length);
    client->keep = false;
}

static void assert_distrusted(struct client *client, const struct world *world, const char *detail)
{
    char text[512];

    snprintf(text, sizeof(text), "The certificate of %s cannot be trusted (%s).",
             world->base + strlen("https://"), detail);
    client_assert_failure(client, -EPROTO, CHARGE_NONE, false, text);
    assert_false(client->result.connected);
    assert_non_null(strstr(client->result.failure.advice, "ca_file"));
}

static void only_a_trusted_certificate_will_do(void **state)
{
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;
    struct client client;

    (void)state;
    tls_peer_start(&peer, "http/1.1", "ok");
    open_tls(&world, &peer, "localhost", NULL);
    client_init_post(&client, &world, 10);
    client_run(&client);
    assert_distrusted(&client, &world, "SSL certificate problem: self-signed certificate");
    client_fini(&client);
    close_tls(&world);

    open_tls(&world, &peer, "127.0.0.1", certificate);
    client_init_post(&client, &world, 10);
    client_run(&client);
    assert_distrusted(&client, &world,
                      "SSL: no alternative certificate subject name matches target host name "
                      "'127.0.0.1'");
    client_fini(&client);
    close_tls(&world);

    open_tls(&world, &peer, "localhost", certificate);
    client_init_post(&client, &world, 10);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_string_equal(client.result.http_version, "1.1");
    assert_int_equal(client.answer_length, 5);
    client_fini(&client);
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(bodies, 1);
}

static void a_ca_file_must_be_one(void **state)
{
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;
    struct client client;

    (void)state;
    tls_peer_start(&peer, "http/1.1", "ok");
    open_tls(&world, &peer, "localhost", "/nonexistent/ca.pem");
    client_init_post(&client, &world, 10);
    client_run(&client);
    client_assert_failure(&client, -EPROTO, CHARGE_NONE, false, client.result.failure.text);
    assert_non_null(strstr(client.result.failure.text, ": ca_file cannot be used ("));
    client_fini(&client);
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(bodies, 0);
}

static void old_tls_is_not_spoken(void **state)
{
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;
    struct client client;

    (void)state;
    tls_peer_start(&peer, "tls1.1", "ok");
    open_tls(&world, &peer, "localhost", certificate);
    client_init_post(&client, &world, 10);
    client_run(&client);
    client_assert_failure(&client, -EPROTO, CHARGE_NONE, true, client.result.failure.text);
    assert_non_null(strstr(client.result.failure.text, "No secure connection to localhost:"));
    client_fini(&client);
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(connections, 0);
    assert_int_equal(bodies, 0);
}

#define STREAMS 50

static void http2_carries_many_calls_on_one_connection(void **state)
{
    struct client clients[STREAMS];
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;

    (void)state;
    tls_peer_start(&peer, "h2", "ok");
    open_tls(&world, &peer, "localhost", certificate);
    for (size_t i = 0; i < STREAMS; i++) {
        client_init_post(&clients[i], &world, 100000);
        client_submit(&clients[i]);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        client_wait(&clients[i], 1);
        assert_int_equal(clients[i].result.error, 0);
        assert_string_equal(clients[i].result.http_version, "2");
        assert_int_equal(clients[i].answer_length, 5);
        client_fini(&clients[i]);
    }
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(connections, 1);
    assert_int_equal(bodies, STREAMS);
}

/* Nor do calls queue for a connection that turns out to be HTTP/1.1. */
static void http1_has_a_connection_for_each_call(void **state)
{
    struct client clients[10];
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;

    (void)state;
    tls_peer_start(&peer, "http/1.1", "gather");
    open_tls(&world, &peer, "localhost", certificate);
    for (size_t i = 0; i < 10; i++) {
        client_init_post(&clients[i], &world, 1000);
        client_submit(&clients[i]);
    }
    for (size_t i = 0; i < 10; i++) {
        client_wait(&clients[i], 1);
        assert_int_equal(clients[i].result.error, 0);
        assert_string_equal(clients[i].result.http_version, "1.1");
        client_fini(&clients[i]);
    }
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(connections, 10);
    assert_int_equal(bodies, 10);
}

static void http2_moves_large_bodies_both_ways(void **state)
{
    struct client clients[3];
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;

    (void)state;
    tls_peer_start(&peer, "h2", "large");
    open_tls(&world, &peer, "localhost", certificate);
    for (size_t i = 0; i < 3; i++) {
        client_init_post(&clients[i], &world, 4 * 1024 * 1024);
        client_submit(&clients[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        client_wait(&clients[i], 1);
        assert_int_equal(clients[i].result.error, 0);
        assert_int_equal(clients[i].answer_length, 8 * 1024 * 1024);
        assert_int_equal(clients[i].length, -1);
        client_fini(&clients[i]);
    }
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(bodies, 3);
}

struct fault {
    const char *plan;
    enum charge charge; /* of the last request */
    unsigned bodies;    /* also how many requests are made */
};

static const struct fault faults[] = {
    {"refused", CHARGE_POSSIBLE, 1}, {"ok,refused", CHARGE_POSSIBLE, 2},
    {"http11", CHARGE_POSSIBLE, 1},  {"ok,http11", CHARGE_POSSIBLE, 2},
    {"goaway", CHARGE_POSSIBLE, 1},  {"ok,goaway", CHARGE_POSSIBLE, 2},
    {"drop", CHARGE_POSSIBLE, 1},    {"ok,drop", CHARGE_POSSIBLE, 2},
    {"half", CHARGE_CERTAIN, 1},     {"ok,half", CHARGE_CERTAIN, 2},
};

static void http2_never_has_a_body_sent_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        unsigned connections;
        unsigned bodies;
        struct tls_peer peer;
        struct world world;
        struct client client;

        tls_peer_start(&peer, "h2", faults[i].plan);
        open_tls(&world, &peer, "localhost", certificate);
        client_init_post(&client, &world, 200000);
        for (unsigned j = 0; j < faults[i].bodies; j++) {
            assert_int_equal(client.result.error, 0);
            client_run(&client);
        }
        client_assert_failure(&client, -EIO, faults[i].charge, false, client.result.failure.text);
        assert_true(client.result.body_handed_over);
        client_fini(&client);
        close_tls(&world);
        tls_peer_stop(&peer, &connections, &bodies);
        assert_int_equal(bodies, faults[i].bodies);
        assert_int_equal(connections, 1);
    }
}

static void a_picture_does_not_join_a_connection_of_http2(void **state)
{
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;
    struct client client;
    struct client picture;

    (void)state;
    tls_peer_start(&peer, "h2", "ok");
    open_tls(&world, &peer, "localhost", certificate);
    client_init_post(&client, &world, 10);
    client_run(&client);
    assert_string_equal(client.result.http_version, "2");
    client_init(&picture, &world, "/x.png");
    picture.call.kind = TRANSPORT_PICTURE;
    client_run(&picture);
    assert_int_equal(picture.result.error, 0);
    assert_string_equal(picture.result.http_version, "1.1");
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    client_fini(&client);
    client_fini(&picture);
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(connections, 2);
}

static void a_picture_does_not_leave_https(void **state)
{
    unsigned connections;
    unsigned bodies;
    struct tls_peer peer;
    struct world world;
    struct client picture;

    (void)state;
    tls_peer_start(&peer, "http/1.1", "moved");
    open_tls(&world, &peer, "localhost", certificate);
    client_init(&picture, &world, "/x.png");
    picture.call.kind = TRANSPORT_PICTURE;
    client_run(&picture);
    client_assert_failure(&picture, -EACCES, CHARGE_CERTAIN, false,
                          "The picture could not be fetched. The link to localhost:9 is not https, "
                          "while the API itself is.");
    assert_false(picture.result.refetch);
    client_fini(&picture);
    close_tls(&world);
    tls_peer_stop(&peer, &connections, &bodies);
    assert_int_equal(connections, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_trusted_certificate_will_do),
        cmocka_unit_test(a_ca_file_must_be_one),
        cmocka_unit_test(old_tls_is_not_spoken),
        cmocka_unit_test(http2_carries_many_calls_on_one_connection),
        cmocka_unit_test(http1_has_a_connection_for_each_call),
        cmocka_unit_test(http2_moves_large_bodies_both_ways),
        cmocka_unit_test(http2_never_has_a_body_sent_twice),
        cmocka_unit_test(a_picture_does_not_join_a_connection_of_http2),
        cmocka_unit_test(a_picture_does_not_leave_https),
    };

    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
