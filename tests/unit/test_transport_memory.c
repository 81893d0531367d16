/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out: each allocation of net/ and of libcurl fails in turn. A call ends all the
 * same, once; what it is said to have cost is true; nothing is leaked, which the sanitizers see to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/guard.h"
#include "net/target.h"
#include "net_client.h"

static atomic_int countdown; /* the allocation that fails; 0 = none */
static atomic_bool failed;   /* it came to that */
static bool everywhere;      /* in this thread too, not only in the transport's */

static bool is_counted(void)
{
    char name[16];

    return everywhere || (pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
                          strcmp(name, "transport") == 0);
}

static bool is_refused(void)
{
    if (atomic_load(&countdown) == 0 || !is_counted() || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&failed, true);
    return true;
}

/* Let the @number-th allocation from now on fail. */
static void arm(int number)
{
    atomic_store(&failed, false);
    atomic_store(&countdown, number);
}

/* @return whether there were so many. */
static bool disarm(void)
{
    atomic_store(&countdown, 0);
    return atomic_load(&failed);
}

/* The linker sends every call of NAME to __wrap_NAME, and __real_NAME to the C library. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
    return is_refused() ? NULL : __real_realloc(pointer, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length)
{
    return is_refused() ? NULL : __real_strndup(text, length);
}

/* libcurl allocates by the same functions from here on. */
static int wrap_libcurl(void **state)
{
    (void)state;
    return (int)curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free, __wrap_realloc,
                                     __wrap_strdup, __wrap_calloc);
}

static int unwrap_libcurl(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

static int take_apart(const struct guard *guard, struct failure *failure)
{
    struct target target;
    struct target next;
    int error = target_parse("https://cdn.example:8443/x.png?a=b", &target, failure);

    if (error)
        return error;
    error = target_follow(&target, "../y/z", &next, failure);
    if (!error) {
        error = guard_check(guard, &next, failure);
        target_fini(&next);
    }
    target_fini(&target);
    return error;
}

static int make_and_use_guard(struct failure *failure)
{
    static const char *const rules[] = {"cdn.local", "10.0.0.0/8"};
    struct guard *guard = NULL;
    int error = guard_create("https://api.example", rules, 2, &guard, failure);

    if (!error)
        error = take_apart(guard, failure);
    guard_destroy(guard);
    return error;
}

static void a_guard_needs_memory(void **state)
{
    struct failure failure;
    int number = 0;
    int error;

    (void)state;
    everywhere = true;
    for (bool refused = true; refused;) {
        failure_init(&failure);
        arm(++number);
        error = make_and_use_guard(&failure);
        refused = disarm();
        assert_int_equal(error, refused ? -ENOMEM : 0);
    }
    everywhere = false;
    assert_true(number > 10);
}

static void a_transport_needs_memory(void **state)
{
    struct transport_options options = {
        .connect_timeout_ms = 1000,
        .timeout_ms = 1000,
        .max_response_bytes = 1000,
        .base_url = "https://api.example",
        .user_agent = "easelfs-test",
        .ca_file = "/nonexistent",
    };
    struct transport *transport;
    struct failure failure;
    struct guard *guard;
    int number = 0;
    int error;

    (void)state;
    failure_init(&failure);
    assert_int_equal(guard_create(options.base_url, NULL, 0, &guard, &failure), 0);
    options.guard = guard;
    everywhere = true;
    for (bool refused = true; refused;) {
        transport = NULL;
        arm(++number);
        error = transport_create(&options, &transport, &failure);
        refused = disarm();
        transport_destroy(transport);
        assert_int_equal(error, refused ? -ENOMEM : 0);
    }
    everywhere = false;
    assert_true(number > 10);
    guard_destroy(guard);
}

/* Each connection serves two requests, so that connections are both made and reused. */
static void serve_two(struct peer_connection *connection)
{
    for (int i = 0; i < 2 && peer_read(connection); i++)
        peer_answer(connection, "200 OK",
                    i ? "Connection: close\r\nX-Request-Id: id\r\n" : "Retry-After: 1\r\n",
                    "hello");
    peer_wait_end(connection);
}

static void a_call_ends_whatever_fails(void **state)
{
    unsigned may_have_cost = 0;
    unsigned failures = 0;
    struct world world;
    struct client client;
    int number = 0;

    (void)state;
    world_open(&world, serve_two, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 100000);
    client.keep = false;
    do {
        arm(++number);
        client_run(&client);
        assert_true(client.result.error <= 0);
        assert_true(client.begins <= 1);
        if (client.result.error)
            assert_true(client.result.failure.text[0]);
        if (client.result.failure.charge != CHARGE_NONE)
            assert_false(client.result.failure.retry);
        failures += client.result.error != 0;
        may_have_cost += client.result.error == 0 || client.result.failure.charge != CHARGE_NONE;
    } while (disarm());
    assert_int_equal(client.result.error, 0);
    assert_true(failures > 20);
    assert_int_equal(client.done, number);
    client_fini(&client);
    transport_destroy(world.transport);
    world.transport = NULL;
    peer_wait_closed(world.peer, peer_connections(world.peer));
    assert_true(peer_bodies(world.peer) <= may_have_cost);
    world_close(&world);
}

static void serve_moved(struct peer_connection *connection)
{
    if (!peer_read(connection))
        return;
    if (strncmp(connection->head, "GET /x ", 7) == 0)
        peer_answer(connection, "302 Found", "Location: y\r\n", "");
    else
        peer_answer(connection, "200 OK", "", "hello");
    peer_wait_end(connection);
}

static void a_picture_ends_whatever_fails(void **state)
{
    unsigned failures = 0;
    struct world world;
    struct client client;
    int number = 0;

    (void)state;
    world_open(&world, serve_moved, NULL);
    client_init(&client, &world, "/x");
    client.call.kind = TRANSPORT_PICTURE;
    client.keep = false;
    do {
        arm(++number);
        client_run(&client);
        assert_false(client.result.failure.retry);
        if (client.result.error) {
            assert_int_equal(client.result.failure.charge, CHARGE_CERTAIN);
            failures++;
        }
    } while (disarm());
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.answer_length, 5);
    assert_true(failures > 20);
    client_fini(&client);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guard_needs_memory),
        cmocka_unit_test(a_transport_needs_memory),
        cmocka_unit_test(a_call_ends_whatever_fails),
        cmocka_unit_test(a_picture_ends_whatever_fails),
    };

    return cmocka_run_group_tests(tests, wrap_libcurl, unwrap_libcurl);
}
