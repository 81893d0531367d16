/* SPDX-License-Identifier: MIT */
#include "net/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void curl_free_impl(char **text)
{
    curl_free(*text);
}

#define cleanup_curl_free cleanup_(curl_free_impl)

static int refuse(struct failure *failure, const char *reason)
{
    return failure_set(failure, -EINVAL, "The URL cannot be used: %s.", reason);
}

static int describe(CURLUcode code, struct failure *failure)
{
    switch (code) {
    case CURLUE_OUT_OF_MEMORY:
        return failure_set_errno(failure, -ENOMEM, "URL");
    case CURLUE_USER_NOT_ALLOWED:
        return refuse(failure, "it has a user or a password in it");
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return refuse(failure, "it is neither https nor http");
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_BAD_IPV6:
        return refuse(failure, "its host makes no sense");
    default:
        return refuse(failure, "it is malformed");
    }
}

static int read_scheme(struct target *target, struct failure *failure)
{
    cleanup_curl_free char *scheme = NULL;
    CURLUcode code = curl_url_get(target->url, CURLUPART_SCHEME, &scheme, 0);

    if (code)
        return describe(code, failure);
    target->https = strcasecmp(scheme, "https") == 0;
    if (!target->https && strcasecmp(scheme, "http") != 0)
        return describe(CURLUE_UNSUPPORTED_SCHEME, failure);
    return 0;
}

static int read_host(struct target *target, struct failure *failure)
{
    cleanup_curl_free char *host = NULL;
    CURLUcode code = curl_url_get(target->url, CURLUPART_HOST, &host, 0);
    size_t length;
    size_t bracket;

    if (code)
        return describe(code, failure);
    length = strlen(host);
    if (length == 0 || length > TARGET_HOST_MAX)
        return describe(CURLUE_BAD_HOSTNAME, failure);
    bracket = host[0] == '[' && host[length - 1] == ']' ? 1 : 0;
    length -= 2 * bracket;
    memcpy(target->host, host + bracket, length);
    target->host[length] = '\0';
    return 0;
}

static int read_port(struct target *target, struct failure *failure)
{
    cleanup_curl_free char *port = NULL;
    CURLUcode code = curl_url_get(target->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);

    if (code)
        return describe(code, failure);
    target->port = (unsigned)strtoul(port, NULL, 10);
    return 0;
}

static void write_label(struct target *target)
{
    bool bracketed = strchr(target->host, ':') != NULL;
    bool usual = target->port == (target->https ? 443U : 80U);
    char port[8] = "";

    if (!usual)
        snprintf(port, sizeof(port), ":%u", target->port % 65536);
    snprintf(target->label, sizeof(target->label), "%s%s%s%s", bracketed ? "[" : "", target->host,
             bracketed ? "]" : "", port);
}

/* Set @text, absolute or relative to what is there, and read the parts. */
static int set_text(struct target *target, const char *text, struct failure *failure)
{
    CURLUcode code;
    int error;

    if (!target->url)
        return describe(CURLUE_OUT_OF_MEMORY, failure);
    if (strlen(text) > TARGET_URL_MAX)
        return refuse(failure, "it is too long");
    code = curl_url_set(target->url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code)
        return describe(code, failure);
    error = read_scheme(target, failure);
    if (!error)
        error = read_host(target, failure);
    if (!error)
        error = read_port(target, failure);
    if (!error)
        write_label(target);
    return error;
}

int target_parse(const char *text, struct target *ret_target, struct failure *failure)
{
    cleanup_target struct target target = {.url = curl_url()};
    int error = set_text(&target, text, failure);

    if (error)
        return error;
    *ret_target = target;
    target.url = NULL;
    return 0;
}

int target_follow(const struct target *from, const char *location, struct target *ret_target,
                  struct failure *failure)
{
    cleanup_target struct target target = {.url = curl_url_dup(from->url)};
    int error = set_text(&target, location, failure);

    if (error)
        return error;
    *ret_target = target;
    target.url = NULL;
    return 0;
}

void target_fini(struct target *target)
{
    curl_url_cleanup(target->url);
    memset(target, 0, sizeof(*target));
}

bool target_has_same_origin(const struct target *left, const struct target *right)
{
    return left->https == right->https && left->port == right->port &&
           strcasecmp(left->host, right->host) == 0;
}

bool target_is_loopback(const struct target *target)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, target->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, target->host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(target->host, "localhost") == 0;
}
