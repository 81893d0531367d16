/* SPDX-License-Identifier: MIT
 *
 * What an answer and a configuration say about hosts. Three lines: an entry of result_hosts, a URL,
 * a Location out of that URL's answer; then an address, 4 or 16 bytes. Whatever they are, an
 * address that another judge finds private may not be dialled, and a URL that was taken apart is
 * the one that libcurl would dial.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "net/guard.h"
#include "net/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The other judge: RFC 1918 and its kin by arithmetic, IPv6 by the macros of the C library. */
static bool is_private_v4(uint32_t v4)
{
    return v4 >> 24 == 0 || v4 >> 24 == 10 || v4 >> 24 == 127 || v4 >> 28 >= 14 ||
           v4 >> 16 == 0xa9fe || v4 >> 16 == 0xc0a8 || v4 >> 20 == 0xac1 || v4 >> 22 == 0x191;
}

static uint32_t v4_at(const struct in6_addr *v6, size_t place)
{
    const uint8_t *bytes = v6->s6_addr + place;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_private_v6(const struct in6_addr *v6)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

    if (IN6_IS_ADDR_V4MAPPED(v6) || IN6_IS_ADDR_V4COMPAT(v6) || memcmp(v6, nat64, 12) == 0)
        return is_private_v4(v4_at(v6, 12));
    if (v6->s6_addr[0] == 0x20 && v6->s6_addr[1] == 0x02)
        return is_private_v4(v4_at(v6, 2));
    return IN6_IS_ADDR_UNSPECIFIED(v6) || IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6) ||
           IN6_IS_ADDR_SITELOCAL(v6) || IN6_IS_ADDR_MULTICAST(v6) ||
           (v6->s6_addr[0] & 0xfe) == 0xfc;
}

struct dial {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    bool private;
};

static struct dial dial_v4(struct in_addr address)
{
    struct dial dial = {.private = is_private_v4(ntohl(address.s_addr))};

    dial.address.v4.sin_family = AF_INET;
    dial.address.v4.sin_port = htons(443);
    dial.address.v4.sin_addr = address;
    return dial;
}

static struct dial dial_v6(struct in6_addr address)
{
    struct dial dial = {.private = is_private_v6(&address)};

    dial.address.v6.sin6_family = AF_INET6;
    dial.address.v6.sin6_port = htons(443);
    dial.address.v6.sin6_addr = address;
    return dial;
}

/* @strict has no rules, @open has one. */
static void check_dial(const struct guard *strict, const struct guard *open, struct dial dial,
                       const char *host)
{
    bool allowed = guard_allows(strict, &dial.address.any, host);

    require(!(allowed && dial.private));
    if (open && allowed)
        require(guard_allows(open, &dial.address.any, host));
}

/* libcurl brings "127.1" into its usual form, but not where it was escaped ("%3127.1"). */
static bool is_same_number(const struct target *left, const struct target *right)
{
    struct in_addr left_v4;
    struct in_addr right_v4;

    return left->https == right->https && left->port == right->port &&
           inet_aton(left->host, &left_v4) && inet_aton(right->host, &right_v4) &&
           left_v4.s_addr == right_v4.s_addr;
}

static void check_target(const struct guard *strict, const struct guard *open,
                         const struct target *target)
{
    struct failure failure;
    struct target again;
    struct in_addr v4;
    struct in6_addr v6;
    char *url = NULL;

    require(target->host[0] && !strpbrk(target->host, "/?#@[]\t\r\n "));
    require(target->port < 65536);
    require(guard_check(strict, target, &failure) == (target->https ? 0 : -EACCES));
    if (inet_pton(AF_INET, target->host, &v4) == 1)
        check_dial(strict, open, dial_v4(v4), target->host);
    if (inet_pton(AF_INET6, target->host, &v6) == 1)
        check_dial(strict, open, dial_v6(v6), target->host);
    require(curl_url_get(target->url, CURLUPART_URL, &url, 0) == CURLUE_OK);
    if (strlen(url) <= TARGET_URL_MAX && target_parse(url, &again, &failure) == 0) {
        require(target_has_same_origin(target, &again) || is_same_number(target, &again));
        target_fini(&again);
    }
    curl_free(url);
}

static void check_address(const struct guard *strict, const struct guard *open, const uint8_t *data,
                          size_t size)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (size >= sizeof(v6)) {
        memcpy(&v6, data, sizeof(v6));
        check_dial(strict, open, dial_v6(v6), "cdn.example");
    } else if (size >= sizeof(v4)) {
        memcpy(&v4, data, sizeof(v4));
        check_dial(strict, open, dial_v4(v4), "cdn.example");
    }
}

static char *take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    char *line = strndup((const char *)*data, length);

    require(line);
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *rule = take_line(&data, &size);
    cleanup_free char *url = take_line(&data, &size);
    cleanup_free char *location = take_line(&data, &size);
    cleanup_guard struct guard *strict = NULL;
    cleanup_guard struct guard *open = NULL;
    struct failure failure;
    struct target target;
    struct target next;

    failure_init(&failure);
    require(guard_create("https://api.example", NULL, 0, &strict, &failure) == 0);
    if (guard_create("https://api.example", (const char *const *)&rule, 1, &open, &failure))
        open = NULL;
    check_address(strict, open, data, size);
    if (target_parse(url, &target, &failure))
        return 0;
    check_target(strict, open, &target);
    if (target_follow(&target, location, &next, &failure) == 0) {
        check_target(strict, open, &next);
        target_fini(&next);
    }
    target_fini(&target);
    return 0;
}
