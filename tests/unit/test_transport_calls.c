/* SPDX-License-Identifier: MIT
 *
 * Calls as the other threads see them: submitted, cancelled and submitted again from anywhere, a
 * thousand at once, and the environment (proxy, descriptors) that they meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/guard.h"
#include "net_client.h"

static void serve_hello(struct peer_connection *connection)
{
    while (peer_read(connection))
        peer_answer(connection, "200 OK", "", "hello");
}

/* Requests wait here until the test opens the gate, or for the other side to close. */
struct gate {
    struct mutex mutex;
    struct cond arrived; /* the test's: a thousand requests are not woken for each that arrives */
    struct cond opened;
    unsigned waiting; /* requests that were read; guarded by the mutex */
    bool open;        /* the same */
};

static void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof(*gate));
    mutex_init(&gate->mutex);
    cond_init(&gate->arrived);
    cond_init(&gate->opened);
}

static void gate_fini(struct gate *gate)
{
    cond_fini(&gate->opened);
    cond_fini(&gate->arrived);
    mutex_fini(&gate->mutex);
}

static void gate_open(struct gate *gate)
{
    mutex_lock(&gate->mutex);
    gate->open = true;
    cond_broadcast(&gate->opened);
    mutex_unlock(&gate->mutex);
}

/* Wait until @count requests are there. */
static void gate_await(struct gate *gate, unsigned count)
{
    int64_t deadline_ms = clock_now_ms() + 60000;

    mutex_lock(&gate->mutex);
    while (gate->waiting < count) {
        if (!cond_wait_until(&gate->arrived, &gate->mutex, deadline_ms)) {
            fprintf(stderr, "%u of %u requests came\n", gate->waiting, count);
            abort();
        }
    }
    mutex_unlock(&gate->mutex);
}

static void serve_gated(struct peer_connection *connection)
{
    struct gate *gate = connection->context;

    while (peer_read(connection)) {
        mutex_lock(&gate->mutex);
        gate->waiting++;
        cond_broadcast(&gate->arrived);
        while (!gate->open)
            cond_wait(&gate->opened, &gate->mutex);
        mutex_unlock(&gate->mutex);
        peer_answer(connection, "200 OK", "", "hello");
    }
}

static void a_call_under_way_can_be_cancelled(void **state)
{
    struct gate gate;
    struct world world;
    struct client client;

    (void)state;
    gate_init(&gate);
    world_open(&world, serve_gated, &gate);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_submit(&client);
    gate_await(&gate, 1);
    transport_cancel(world.transport, &client.call);
    transport_cancel(world.transport, &client.call);
    client_wait(&client, 1);
    client_assert_failure(&client, -ECANCELED, CHARGE_POSSIBLE, false, "Cancelled.");
    assert_int_equal(client.begins, 0);

    /* An ended call is not cancelled, and the next is a call like any other. */
    transport_cancel(world.transport, &client.call);
    gate_open(&gate);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.done, 2);
    client_fini(&client);
    world_close(&world);
    gate_fini(&gate);
}

/* done() of the first call, in the transport's thread: the second is still in the inbox. */
struct ambush {
    struct transport_call call;
    struct client *second;
    struct transport_result result;
};

static int ambush_begin(void *context, int http_status, int64_t length)
{
    (void)context;
    (void)http_status;
    (void)length;
    return 0;
}

static int ambush_write(void *context, const char *data, size_t length)
{
    (void)context;
    (void)data;
    (void)length;
    return 0;
}

static void ambush_done(void *context, const struct transport_result *result)
{
    struct ambush *ambush = context;

    ambush->result = *result;
    client_submit(ambush->second);
    transport_cancel(ambush->second->transport, &ambush->second->call);
}

static const struct transport_handler ambush_handler = {
    .begin = ambush_begin,
    .write = ambush_write,
    .done = ambush_done,
};

static void a_call_that_waits_can_be_cancelled(void **state)
{
    struct world world;
    struct client client;
    struct ambush ambush = {.second = &client};

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    ambush.call.url = client.url;
    ambush.call.handler = &ambush_handler;
    ambush.call.context = &ambush;
    transport_submit(world.transport, &ambush.call);
    client_wait(&client, 1);
    assert_int_equal(ambush.result.error, 0);
    client_assert_failure(&client, -ECANCELED, CHARGE_NONE, false, "Cancelled.");
    assert_int_equal(peer_bodies(world.peer), 0);
    client_fini(&client);
    world_close(&world);
}

static void done_may_submit_again(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 100000);
    client.again = 9;
    client_submit(&client);
    client_wait(&client, 10);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(peer_bodies(world.peer), 10);
    assert_int_equal(peer_connections(world.peer), 1);
    client_fini(&client);
    world_close(&world);
}

static void the_end_of_the_transport_ends_every_call(void **state)
{
    struct gate gate;
    struct world world;
    struct client clients[20];

    (void)state;
    gate_init(&gate);
    world_open(&world, serve_gated, &gate);
    for (size_t i = 0; i < 20; i++) {
        client_init(&clients[i], &world, "/x");
        client_set_body(&clients[i], "body", 0);
        client_submit(&clients[i]);
        if (i == 9)
            gate_await(&gate, 10);
    }
    transport_destroy(world.transport);
    gate_open(&gate);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(clients[i].done, 1);
        assert_int_equal(clients[i].result.error, -ECANCELED);
        assert_false(clients[i].result.failure.retry);
        if (i < 10)
            assert_int_equal(clients[i].result.failure.charge, CHARGE_POSSIBLE);
        client_fini(&clients[i]);
    }
    world.transport = NULL;
    world_close(&world);
    gate_fini(&gate);
}

#define CROWD 1000

/* Idle connections that a transport keeps at most. */
#define IDLE_MAX 64

/* Room for the crowd, at both of its ends. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 4 * CROWD + 100)
        limit.rlim_cur = limit.rlim_max < 4 * CROWD + 100 ? limit.rlim_max : 4 * CROWD + 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur > 2 * CROWD + 50);
}

static void a_thousand_calls_are_under_way_at_once(void **state)
{
    struct client *clients = calloc(CROWD, sizeof(*clients));
    struct gate gate;
    struct world world;

    (void)state;
    assert_non_null(clients);
    raise_descriptor_limit();
    gate_init(&gate);
    world_open(&world, serve_gated, &gate);
    for (size_t i = 0; i < CROWD; i++) {
        client_init(&clients[i], &world, "/x");
        client_set_body(&clients[i], NULL, 1000);
        client_submit(&clients[i]);
    }
    gate_await(&gate, CROWD);
    gate_open(&gate);
    for (size_t i = 0; i < CROWD; i++) {
        client_wait(&clients[i], 1);
        assert_int_equal(clients[i].result.error, 0);
        assert_string_equal(buf_text(&clients[i].answer), "hello");
        client_fini(&clients[i]);
    }
    assert_int_equal(peer_bodies(world.peer), CROWD);
    assert_int_equal(peer_connections(world.peer), CROWD);
    peer_wait_closed(world.peer, CROWD - IDLE_MAX);
    world_close(&world);
    gate_fini(&gate);
    free(clients);
}

/* Calls by the one thread, cancelled by the other, over and over. */
struct race {
    struct world *world;
    struct client *clients;
    size_t count;
    atomic_bool over;
};

static void *cancel_all(void *argument)
{
    struct race *race = argument;

    while (!atomic_load(&race->over)) {
        for (size_t i = 0; i < race->count; i++)
            transport_cancel(race->world->transport, &race->clients[i].call);
    }
    return NULL;
}

static void cancelling_races_with_ending(void **state)
{
    struct client clients[8];
    struct world world;
    struct race race = {.world = &world, .clients = clients, .count = 8};
    pthread_t thread;

    (void)state;
    world_open(&world, serve_hello, NULL);
    for (size_t i = 0; i < 8; i++) {
        client_init(&clients[i], &world, "/x");
        client_set_body(&clients[i], NULL, 100000);
        clients[i].keep = false;
    }
    assert_int_equal(pthread_create(&thread, NULL, cancel_all, &race), 0);
    for (unsigned round = 1; round <= 100; round++) {
        for (size_t i = 0; i < 8; i++)
            client_submit(&clients[i]);
        for (size_t i = 0; i < 8; i++)
            client_wait(&clients[i], round);
    }
    atomic_store(&race.over, true);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(clients[i].done, 100);
        assert_true(clients[i].result.error == 0 || clients[i].result.error == -ECANCELED);
        client_fini(&clients[i]);
    }
    world_close(&world);
}

/* TCP sockets that a child of this process would inherit. */
static unsigned count_inheritable(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        int domain = 0;
        socklen_t length = sizeof(domain);

        if (flags >= 0 && !(flags & FD_CLOEXEC) &&
            getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET)
            count++;
    }
    return count;
}

static void no_child_inherits_a_connection(void **state)
{
    unsigned before = count_inheritable();
    struct gate gate;
    struct world world;
    struct client client;

    (void)state;
    gate_init(&gate);
    world_open(&world, serve_gated, &gate);
    client_init(&client, &world, "/x");
    client_submit(&client);
    gate_await(&gate, 1);
    assert_int_equal(count_inheritable(), before);
    gate_open(&gate);
    client_wait(&client, 1);
    client_fini(&client);
    world_close(&world);
    gate_fini(&gate);
}

static void without_descriptors_nothing_is_sent(void **state)
{
    struct rlimit limit;
    struct rlimit low;
    struct world world;
    struct client client;
    char text[128];
    int next;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    assert_true(next >= 0);
    close(next);
    low = limit;
    low.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    client_run(&client);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    snprintf(text, sizeof(text), "No connection to %s: Too many open files.",
             world.base + strlen("http://"));
    client_assert_failure(&client, -EMFILE, CHARGE_NONE, true, text);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    client_fini(&client);
    world_close(&world);
}

static void serve_proxy(struct peer_connection *connection)
{
    const char *line = "POST http://api.invalid/x HTTP/1.1\r\nHost: api.invalid\r\n";

    if (peer_read(connection)) {
        bool expected = strncmp(connection->head, line, strlen(line)) == 0;
        peer_answer(connection, expected ? "200 OK" : "400 Bad", "", "by proxy");
    }
}

static void the_proxy_of_the_environment_is_for_other_machines(void **state)
{
    struct transport_options options = {
        .connect_timeout_ms = 10000,
        .timeout_ms = WORLD_TIMEOUT_MS,
        .max_response_bytes = WORLD_MAX_RESPONSE,
        .user_agent = "easelfs-test",
    };
    struct peer *proxy = peer_start(serve_proxy, NULL);
    char proxy_url[64];
    struct world world;
    struct client client;

    (void)state;
    snprintf(proxy_url, sizeof(proxy_url), "http://127.0.0.1:%u", peer_port(proxy));
    setenv("http_proxy", proxy_url, 1);
    world_open_with(&world, serve_hello, NULL, options, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_string_equal(buf_text(&client.answer), "hello");
    client_fini(&client);
    world_close(&world);
    assert_int_equal(peer_connections(proxy), 0);

    options.base_url = "http://api.invalid";
    world_open_with(&world, serve_hello, NULL, options, NULL);
    client_init(&client, &world, "http://api.invalid/x");
    client_set_body(&client, "body", 0);
    client_run(&client);
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.result.http_status, 200);
    assert_string_equal(buf_text(&client.answer), "by proxy");
    client_fini(&client);
    world_close(&world);
    unsetenv("http_proxy");
    peer_stop(proxy);
}

static void options_must_make_sense(void **state)
{
    const struct transport_options good = {
        .connect_timeout_ms = 1,
        .timeout_ms = 1,
        .max_response_bytes = 1,
        .base_url = "https://api.invalid",
        .user_agent = "easelfs-test",
    };
    struct transport *transport = NULL;
    struct transport_options bad;
    struct failure failure;
    struct guard *guard;

    (void)state;
    failure_init(&failure);
    assert_int_equal(guard_create(good.base_url, NULL, 0, &guard, &failure), 0);
    bad = good;
    assert_int_equal(transport_create(&bad, &transport, &failure), -EINVAL);
    assert_string_equal(failure.text, "The limits of the connection make no sense.");
    bad.guard = guard;
    bad.timeout_ms = 0;
    assert_int_equal(transport_create(&bad, &transport, &failure), -EINVAL);
    bad.timeout_ms = 1;
    bad.base_url = "https://user:secret@api.invalid";
    assert_int_equal(transport_create(&bad, &transport, &failure), -EINVAL);
    assert_string_equal(failure.text, "The URL cannot be used: it has a user or a password in it.");
    assert_null(transport);
    bad.base_url = good.base_url;
    assert_int_equal(transport_create(&bad, &transport, &failure), 0);
    transport_destroy(transport);
    transport_destroy(NULL);
    guard_destroy(guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_under_way_can_be_cancelled),
        cmocka_unit_test(a_call_that_waits_can_be_cancelled),
        cmocka_unit_test(done_may_submit_again),
        cmocka_unit_test(the_end_of_the_transport_ends_every_call),
        cmocka_unit_test(a_thousand_calls_are_under_way_at_once),
        cmocka_unit_test(cancelling_races_with_ending),
        cmocka_unit_test(no_child_inherits_a_connection),
        cmocka_unit_test(without_descriptors_nothing_is_sent),
        cmocka_unit_test(the_proxy_of_the_environment_is_for_other_machines),
        cmocka_unit_test(options_must_make_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
