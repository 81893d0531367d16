/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out: each allocation of net/ fails in turn. A call ends all the same, once, and
 * the next one works; nothing is leaked, which the sanitizers see to. Those of libcurl itself are
 * left alone: 7.88.1 divides by zero where one of its hash tables could not be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "net/guard.h"
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

/* libcurl has its memory from the C library itself, not through net/wiping, which would ask here.
 */
int __wrap_wiping_init(void);
int __wrap_wiping_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) ? -ENOMEM : 0;
}

static void a_guard_needs_memory(void **state)
{
    static const char *const rules[] = {"cdn.local", "10.0.0.0/8"};
    struct failure failure;
    struct guard *guard;
    int number = 0;
    int error;

    (void)state;
    everywhere = true;
    for (bool refused = true; refused;) {
        failure_init(&failure);
        arm(++number);
        guard = NULL;
        error = guard_create("https://api.example", rules, 2, &guard, &failure);
        refused = disarm();
        guard_destroy(guard);
        assert_int_equal(error, refused ? -ENOMEM : 0);
    }
    everywhere = false;
    assert_int_equal(number, 2);
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
    assert_int_equal(number, 5);
    guard_destroy(guard);
}

static void serve_hello(struct peer_connection *connection)
{
    while (peer_read(connection))
        peer_answer(connection, "200 OK", "Location: /x\r\n", "hello");
}

static void a_call_needs_memory(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_hello, NULL);
    client_init(&client, &world, "/x");
    client_set_body(&client, NULL, 1000);
    client.keep = false;
    arm(1); /* the exchange */
    client_run(&client);
    assert_true(disarm());
    client_assert_failure(&client, -ENOMEM, CHARGE_NONE, true,
                          "HTTP request: Cannot allocate memory.");
    assert_int_equal(peer_bodies(world.peer), 0);
    arm(2); /* the copy of Location, after the body is gone */
    client_run(&client);
    assert_true(disarm());
    client_assert_failure(&client, -ENOMEM, CHARGE_POSSIBLE, false,
                          "The answer could not be stored: Cannot allocate memory.");
    arm(3);
    client_run(&client);
    assert_false(disarm());
    assert_int_equal(client.result.error, 0);
    assert_int_equal(peer_bodies(world.peer), 2);
    client_fini(&client);
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

static void a_picture_needs_memory(void **state)
{
    struct world world;
    struct client client;

    (void)state;
    world_open(&world, serve_moved, NULL);
    client_init(&client, &world, "/x");
    client.call.kind = TRANSPORT_PICTURE;
    client.keep = false;
    for (int number = 1; number <= 2; number++) {
        arm(number);
        client_run(&client);
        assert_true(disarm());
        assert_int_equal(client.result.error, -ENOMEM);
        assert_int_equal(client.result.failure.charge, CHARGE_CERTAIN);
        assert_false(client.result.failure.retry);
        assert_int_equal(client.result.refetch, number == 1);
    }
    arm(3);
    client_run(&client);
    assert_false(disarm());
    assert_int_equal(client.result.error, 0);
    assert_int_equal(client.answer_length, 5);
    client_fini(&client);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guard_needs_memory),
        cmocka_unit_test(a_transport_needs_memory),
        cmocka_unit_test(a_call_needs_memory),
        cmocka_unit_test(a_picture_needs_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
