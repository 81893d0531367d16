/* SPDX-License-Identifier: MIT
 *
 * The guard: which networks count as public, however an address is spelled or wrapped, what
 * result_hosts adds, and what the base itself may. That nothing is dialled against its word is in
 * test_picture.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "net/address.h"
#include "net/guard.h"
#include "net/target.h"

static struct guard *make_guard(const char *base, const char *rule)
{
    struct guard *guard = NULL;
    struct failure failure;

    failure_init(&failure);
    assert_int_equal(guard_create(base, &rule, rule ? 1 : 0, &guard, &failure), 0);
    return guard;
}

static void set_address(const char *text, unsigned port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;

    memset(ret_address, 0, sizeof(*ret_address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
    }
}

static bool allows(const struct guard *guard, const char *address, unsigned port, const char *host)
{
    struct sockaddr_storage storage;

    set_address(address, port, &storage);
    return guard_allows(guard, (const struct sockaddr *)&storage, host);
}

/* The first and the last address of each network that is not public, and their neighbours. */
static const struct {
    const char *address;
    bool public;
} networks[] = {
    {"0.0.0.0", false},
    {"0.255.255.255", false},
    {"1.0.0.0", true},
    {"8.8.8.8", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.100.100.200", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"126.255.255.255", true},
    {"127.0.0.0", false},
    {"127.255.255.255", false},
    {"128.0.0.0", true},
    {"168.63.129.15", true},
    {"168.63.129.16", false},
    {"168.63.129.17", true},
    {"169.253.255.255", true},
    {"169.254.0.0", false},
    {"169.254.169.254", false},
    {"169.254.255.255", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"191.255.255.255", true},
    {"192.0.0.0", false},
    {"192.0.0.255", false},
    {"192.0.1.0", true},
    {"192.0.2.0", false},
    {"192.0.2.255", false},
    {"192.0.3.0", true},
    {"192.88.98.255", true},
    {"192.88.99.0", false},
    {"192.88.99.255", false},
    {"192.88.100.0", true},
    {"192.167.255.255", true},
    {"192.168.0.0", false},
    {"192.168.255.255", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.99.255", true},
    {"198.51.100.0", false},
    {"198.51.100.255", false},
    {"198.51.101.0", true},
    {"203.0.112.255", true},
    {"203.0.113.0", false},
    {"203.0.113.255", false},
    {"203.0.114.0", true},
    {"223.255.255.255", true},
    {"224.0.0.0", false},
    {"239.255.255.255", false},
    {"240.0.0.0", false},
    {"255.255.255.255", false},

    {"::", false},
    {"::1", false},
    {"::7f00:1", false},
    {"::808:808", true},
    {"::ffff:127.0.0.1", false},
    {"::ffff:10.1.2.3", false},
    {"::ffff:169.254.169.254", false},
    {"::ffff:8.8.8.8", true},
    {"::ffff:0:8.8.8.8", false},
    {"64:ff9b::127.0.0.1", false},
    {"64:ff9b::192.168.0.1", false},
    {"64:ff9b::8.8.8.8", true},
    {"64:ff9b::1:808:808", false},
    {"64:ff9b:0:1::808:808", false},
    {"64:ff9b:1::", false},
    {"64:ff9b:1::10.0.0.1", false},
    {"64:ff9b:1::8.8.8.8", true},
    {"64:ff9b:1:7f00:0:100::", false}, /* 127.0.0.1 after 48 bits */
    {"64:ff9b:1:808:8:800::", true},
    {"64:ff9b:1:7f:0:1::", false},           /* after 56 */
    {"64:ff9b:1:0:a:0:100::", false},        /* after 64: 10.0.0.1 */
    {"64:ff9b:1:7f00:0:100:808:808", false}, /* two readings, one bad */
    {"64:ff9b:2::8.8.8.8", false},
    {"100::1", false},
    {"1fff:ffff::1", false},
    {"2000::1", true},
    {"2000:ffff:ffff::1", true},
    {"2001:0:7f00:1::f7f7:f7f7", false},  /* Teredo: server 127.0.0.1, client 8.8.8.8 */
    {"2001:0:808:808::f5ff:fffe", false}, /* client 10.0.0.1 */
    {"2001:0:808:808::f7f7:f7f7", true},
    {"2001:1::1", false},
    {"2001:2::1", false},
    {"2001:10::1", false},
    {"2001:20::1", false},
    {"2001:1ff:ffff::1", false},
    {"2001:200::1", true},
    {"2001:4860:4860::8888", true},
    {"2001:db7:ffff::1", true},
    {"2001:db8::1", false},
    {"2001:db8:ffff::1", false},
    {"2001:db9::1", true},
    {"2002:7f00:1::1", false},
    {"2002:a00:1::1", false},
    {"2002:808:808::1", true},
    {"2003::1", true},
    {"2600:1901:0:38d7::", true},
    {"3ffe:ffff::1", true},
    {"3fff::1", false},
    {"3fff:fff:ffff::1", false},
    {"3fff:1000::1", true},
    {"4000::1", false},
    {"5f00::1", false},
    {"fc00::1", false},
    {"fd00:ec2::254", false},
    {"fdff:ffff::1", false},
    {"fe80::a9fe:a9fe", false},
    {"fec0::1", false},
    {"ff02::1", false},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
};

static void only_global_unicast_is_public(void **state)
{
    struct guard *guard = make_guard("https://api.example", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        if (allows(guard, networks[i].address, 443, "cdn.example") != networks[i].public)
            fail_msg("%s", networks[i].address);
    }
    guard_destroy(guard);
}

/* What getaddrinfo(3) makes of them, as for a name that libcurl hands to the resolver. */
static void every_spelling_is_seen_through(void **state)
{
    static const char *const spellings[] = {
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0x0.0x0.0x1",
        "0177.0.0.01",
        "017700000001",
        "0",
        "0.0.0.0",
        "localhost",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "64:ff9b::7f00:1",
        "fe80::1",
        "fd00:ec2::254",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
    };
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct guard *guard = make_guard("https://api.example", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct addrinfo *list = NULL;

        assert_int_equal(getaddrinfo(spellings[i], "443", &hints, &list), 0);
        assert_non_null(list);
        for (const struct addrinfo *each = list; each; each = each->ai_next) {
            if (guard_allows(guard, each->ai_addr, spellings[i]))
                fail_msg("%s", spellings[i]);
        }
        freeaddrinfo(list);
    }
    guard_destroy(guard);
}

static void other_families_are_refused(void **state)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    struct guard *guard = make_guard("https://api.example", "0.0.0.0/0");

    (void)state;
    assert_false(guard_allows(guard, (const struct sockaddr *)&address, "api.example"));
    guard_destroy(guard);
}

static void the_base_may_reach_itself(void **state)
{
    struct guard *guard = make_guard("http://LocalHost:8080/prefix", NULL);

    (void)state;
    assert_true(allows(guard, "127.0.0.1", 8080, "localhost"));
    assert_true(allows(guard, "::1", 8080, "LOCALHOST"));
    assert_false(allows(guard, "127.0.0.1", 8081, "localhost"));
    assert_false(allows(guard, "127.0.0.1", 8080, "127.0.0.1"));
    assert_false(allows(guard, "127.0.0.1", 8080, "localhost."));
    guard_destroy(guard);

    guard = make_guard("https://10.0.0.5", NULL);
    assert_true(allows(guard, "10.0.0.5", 443, "10.0.0.5"));
    assert_false(allows(guard, "10.0.0.5", 80, "10.0.0.5"));
    assert_false(allows(guard, "10.0.0.6", 443, "10.0.0.6"));
    guard_destroy(guard);

    guard = make_guard("http://[::1]:8080", NULL);
    assert_true(allows(guard, "::1", 8080, "::1"));
    assert_false(allows(guard, "::1", 80, "::1"));
    guard_destroy(guard);
}

static void result_hosts_adds_to_the_public_network(void **state)
{
    static const struct {
        const char *rule;
        const char *host;
        const char *address;
        unsigned port;
        bool allowed;
    } rows[] = {
        {"cdn.local", "cdn.local", "10.0.0.1", 443, true},
        {"cdn.local", "CDN.Local", "10.0.0.1", 8443, true},
        {"cdn.local", "a.cdn.local", "10.0.0.1", 443, false},
        {"cdn.local", "cdn.local.", "10.0.0.1", 443, false},
        {"cdn.local:8443", "cdn.local", "10.0.0.1", 8443, true},
        {"cdn.local:8443", "cdn.local", "10.0.0.1", 443, false},
        {"*.corp.local", "a.corp.local", "10.0.0.1", 443, true},
        {"*.corp.local", "a.b.CORP.local", "10.0.0.1", 443, true},
        {"*.corp.local", "corp.local", "10.0.0.1", 443, false},
        {"*.corp.local", "evilcorp.local", "10.0.0.1", 443, false},
        {"*.corp.local:80", "a.corp.local", "10.0.0.1", 443, false},
        {"10.1.0.0/16", "any.name", "10.1.255.255", 443, true},
        {"10.1.0.0/16", "any.name", "::ffff:10.1.0.1", 443, true},
        {"10.1.0.0/16", "any.name", "10.2.0.0", 443, false},
        {"10.1.0.0/16", "any.name", "64:ff9b::10.1.0.1", 443, false},
        {"10.1.2.3", "any.name", "10.1.2.3", 443, true},
        {"10.1.2.3", "any.name", "10.1.2.4", 443, false},
        {"10.1.2.3:80", "any.name", "10.1.2.3", 443, false},
        {"10.1.2.3/32", "any.name", "10.1.2.3", 443, true},
        {"0.0.0.0/0", "any.name", "127.0.0.1", 443, true},
        {"0.0.0.0/0", "any.name", "::1", 443, false},
        {"::/0", "any.name", "::1", 443, true},
        {"fd00::/8", "any.name", "fd12::1", 443, true},
        {"fd00::/8", "any.name", "fc12::1", 443, false},
        {"::1", "any.name", "::1", 443, true},
        {"[::1]:8080", "any.name", "::1", 8080, true},
        {"[::1]:8080", "any.name", "::1", 8081, false},
        {"[::1]", "any.name", "::1", 8081, true},
        {"b\xc3\xbc"
         "cher.local",
         "b\xc3\xbc"
         "cher.local",
         "10.0.0.1", 443, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guard *guard = make_guard("https://api.example", rows[i].rule);

        if (allows(guard, rows[i].address, rows[i].port, rows[i].host) != rows[i].allowed)
            fail_msg("%s: %s at %s", rows[i].rule, rows[i].host, rows[i].address);
        assert_true(allows(guard, "8.8.8.8", rows[i].port, rows[i].host));
        guard_destroy(guard);
    }
}

static void what_is_no_host_is_named(void **state)
{
    static const char *const rules[] = {
        "",
        "*",
        "*.",
        ".local",
        "a b",
        "a,b",
        "a/b",
        "10.0.0.0/33",
        "10.0.0.1/24",
        "10.0.0.0/08",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0/24",
        "fd00::/129",
        "fd00::1/8",
        "[::1",
        "[::1]80",
        "cdn.local:",
        "cdn.local:0",
        "cdn.local:65536",
        "cdn.local:http",
        "https://cdn.local",
        "user@cdn.local",
        "*.*.local",
        "a*.local",
    };
    char long_rule[400];
    char text[512];
    struct guard *guard = NULL;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        failure_init(&failure);
        if (guard_create("https://api.example", &rules[i], 1, &guard, &failure) != -EINVAL)
            fail_msg("%s", rules[i]);
        snprintf(text, sizeof(text), "result_hosts: \"%s\" is neither a host nor a network.",
                 rules[i]);
        assert_string_equal(failure.text, text);
        assert_null(guard);
    }
    memset(long_rule, 'a', sizeof(long_rule));
    long_rule[TARGET_HOST_MAX] = '\0';
    guard = make_guard("https://api.example", long_rule);
    assert_true(allows(guard, "10.0.0.1", 443, long_rule));
    guard_destroy(guard);
    guard = NULL;
    long_rule[TARGET_HOST_MAX] = 'a';
    long_rule[TARGET_HOST_MAX + 1] = '\0';
    assert_int_equal(
        guard_create("https://api.example", (const char *const[]){long_rule}, 1, &guard, &failure),
        -EINVAL);
}

static void result_hosts_has_a_maximum(void **state)
{
    const char *rules[GUARD_HOSTS_MAX + 1];
    struct guard *guard = NULL;
    struct failure failure;

    (void)state;
    failure_init(&failure);
    for (size_t i = 0; i <= GUARD_HOSTS_MAX; i++)
        rules[i] = "10.0.0.0/8";
    rules[GUARD_HOSTS_MAX - 1] = "127.0.0.1";
    assert_int_equal(guard_create("https://a.example", rules, GUARD_HOSTS_MAX, &guard, &failure),
                     0);
    assert_true(allows(guard, "127.0.0.1", 1, "b.example"));
    guard_destroy(guard);
    guard = NULL;
    assert_int_equal(
        guard_create("https://a.example", rules, GUARD_HOSTS_MAX + 1, &guard, &failure), -EINVAL);
    assert_string_equal(failure.text, "result_hosts has more than 64 entries.");
    assert_null(guard);
    guard_destroy(NULL);
}

static void a_target_is_what_will_be_dialled(void **state)
{
    static const struct {
        const char *url;
        const char *host;
        unsigned port;
        const char *label;
    } rows[] = {
        {"https://octopusx.ai/v1beta?x#y", "octopusx.ai", 443, "octopusx.ai"},
        {"HTTPS://OctopusX.ai:443", "OctopusX.ai", 443, "OctopusX.ai"},
        {"http://octopusx.ai:443", "octopusx.ai", 443, "octopusx.ai:443"},
        {"http://[::1]:8080/", "::1", 8080, "[::1]:8080"},
        {"https://[::1]", "::1", 443, "[::1]"},
        {"http://0x7f.1/", "127.0.0.1", 80, "127.0.0.1"},
        {"http://%6c%6fcalhost/", "localhost", 80, "localhost"},
        {"http://a.example\\@b.example/", NULL, 0, NULL},
        {"http://a.example/\x01", NULL, 0, NULL},
        {"a.example", NULL, 0, NULL},
        {"//a.example", NULL, 0, NULL},
        {"", NULL, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct target target = {0};
        struct failure failure;

        failure_init(&failure);
        if (!rows[i].host) {
            assert_int_equal(target_parse(rows[i].url, &target, &failure), -EINVAL);
            assert_null(target.url);
            continue;
        }
        assert_int_equal(target_parse(rows[i].url, &target, &failure), 0);
        assert_string_equal(target.host, rows[i].host);
        assert_int_equal(target.port, rows[i].port);
        assert_string_equal(target.label, rows[i].label);
        target_fini(&target);
        target_fini(&target);
    }
}

static void a_url_has_a_maximum(void **state)
{
    static char url[TARGET_URL_MAX + 2] = "https://a.example/";
    struct target target = {0};
    struct failure failure;

    (void)state;
    failure_init(&failure);
    memset(url + strlen(url), 'x', TARGET_URL_MAX - strlen(url));
    assert_int_equal(target_parse(url, &target, &failure), 0);
    target_fini(&target);
    url[TARGET_URL_MAX] = 'x';
    assert_int_equal(target_parse(url, &target, &failure), -EINVAL);
    assert_string_equal(failure.text, "The URL cannot be used: it is too long.");

    strncpy(url, "https://", sizeof(url));
    memset(url + 8, 'a', TARGET_HOST_MAX);
    assert_int_equal(target_parse(url, &target, &failure), 0);
    assert_int_equal(strlen(target.label), TARGET_HOST_MAX);
    target_fini(&target);
    url[8 + TARGET_HOST_MAX] = 'a';
    assert_int_equal(target_parse(url, &target, &failure), -EINVAL);
    assert_string_equal(failure.text, "The URL cannot be used: its host makes no sense.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_global_unicast_is_public),
        cmocka_unit_test(every_spelling_is_seen_through),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(the_base_may_reach_itself),
        cmocka_unit_test(result_hosts_adds_to_the_public_network),
        cmocka_unit_test(what_is_no_host_is_named),
        cmocka_unit_test(result_hosts_has_a_maximum),
        cmocka_unit_test(a_target_is_what_will_be_dialled),
        cmocka_unit_test(a_url_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
