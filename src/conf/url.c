/* SPDX-License-Identifier: MIT */
#include "conf/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "conf/number.h"

const char url_default[] = "https://octopusx.ai";

static const char https[] = "https://";
static const char http[] = "http://";

/* The pieces of a URL, pointing into it. */
struct pieces {
    bool secure;
    const char *host; /* with the brackets of an IPv6 address */
    size_t host_length;
    int64_t port; /* 0 = none given */
    const char *path;
    size_t path_length;
};

static bool is_blank_or_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

/* What must not be there at all. The sentences do not quote it: it may be a key. */
static int check_shape(const char *text, struct failure *failure)
{
    const char *scheme_end = strstr(text, "://");
    const char *authority = scheme_end ? scheme_end + 3 : text;
    const char *at = memchr(authority, '@', strcspn(authority, "/?#"));

    if (strnlen(text, URL_MAX_BYTES + 1) > URL_MAX_BYTES)
        return failure_set(failure, -EINVAL, "The URL is longer than %d bytes.", URL_MAX_BYTES);
    if (is_blank_or_control(text))
        return failure_set(failure, -EINVAL, "The URL has blanks or control characters in it.");
    if (at)
        return failure_set(failure, -EINVAL,
                           "The URL has a user or password before its \"@\": a key does not belong "
                           "there, use api_key_file.");
    if (strpbrk(text, "?#"))
        return failure_set(failure, -EINVAL,
                           "The URL has a \"?\" or \"#\" in it: a key does not belong there, use "
                           "api_key_file; nor does anything else.");
    return 0;
}

static int parse_scheme(const char **text, struct pieces *pieces, struct failure *failure)
{
    pieces->secure = strncasecmp(*text, https, sizeof(https) - 1) == 0;
    if (!pieces->secure && strncasecmp(*text, http, sizeof(http) - 1) != 0)
        return failure_set(failure, -EINVAL, "The URL does not begin with https://.");
    *text += pieces->secure ? sizeof(https) - 1 : sizeof(http) - 1;
    return 0;
}

static bool is_host_name(const char *host, size_t length)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
                                  "_";

    return length && length <= 253 && strspn(host, allowed) >= length && host[0] != '.' &&
           host[0] != '-';
}

/* "[::1]". A zone ("%eth0") is no part of a URL that two machines read alike. */
static bool is_host_ipv6(const char *host, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;

    if (length < 2 || length - 2 >= sizeof(address) || host[length - 1] != ']')
        return false;
    memcpy(address, host + 1, length - 2);
    address[length - 2] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

static int parse_host(const char **text, struct pieces *pieces, struct failure *failure)
{
    const char *host = *text;
    size_t authority = strcspn(host, "/");
    size_t length = host[0] == '[' ? strcspn(host, "]/") + 1 : strcspn(host, ":/");
    bool valid = length <= authority &&
                 (host[0] == '[' ? is_host_ipv6(host, length) : is_host_name(host, length));

    if (!valid)
        return failure_set(failure, -EINVAL, "The URL has no valid host name in it.");
    pieces->host = host;
    pieces->host_length = length;
    if (length < authority &&
        (host[length] != ':' ||
         number_parse(host + length + 1, authority - length - 1, 1, 65535, &pieces->port) < 0))
        return failure_set(failure, -EINVAL,
                           "The port in the URL is not a number from 1 to 65535.");
    *text = host + authority;
    return 0;
}

static bool drop_suffix(struct pieces *pieces, const char *suffix)
{
    size_t length = strlen(suffix);

    if (pieces->path_length < length ||
        memcmp(pieces->path + pieces->path_length - length, suffix, length) != 0)
        return false;
    pieces->path_length -= length;
    return true;
}

/* Anything that a server or a proxy might read as another path than the one written. */
static bool is_plain_path(const char *path, size_t length)
{
    const char *end = path + length;

    while (path < end) {
        size_t part = strcspn(path + 1, "/");

        if (part == 0 || (part == 1 && path[1] == '.') ||
            (part == 2 && path[1] == '.' && path[2] == '.'))
            return false;
        path += 1 + part;
    }
    return true;
}

static bool is_path_char(char c)
{
    return (unsigned char)c > 0x20 && (unsigned char)c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

static int parse_path(const char *text, struct pieces *pieces, struct failure *failure)
{
    bool plain;

    pieces->path = text;
    pieces->path_length = strlen(text);
    while (drop_suffix(pieces, "/") || drop_suffix(pieces, "/v1beta"))
        continue;
    plain = is_plain_path(pieces->path, pieces->path_length);
    for (size_t i = 0; i < pieces->path_length && plain; i++)
        plain = is_path_char(pieces->path[i]);
    if (!plain)
        return failure_set(failure, -EINVAL, "The path in the URL is not valid.");
    return 0;
}

static int build(const struct pieces *pieces, char **ret_url, struct failure *failure)
{
    cleanup_buf struct buf url;
    int error;

    buf_init(&url, URL_MAX_BYTES); /* nothing is ever added to what was written */
    error = buf_append_text(&url, pieces->secure ? https : http);
    if (!error)
        error = buf_append(&url, pieces->host, pieces->host_length);
    if (!error)
        text_lower(url.data, url.length);
    if (!error && pieces->port && pieces->port != (pieces->secure ? 443 : 80))
        error = buf_printf(&url, ":%d", (int)pieces->port);
    if (!error)
        error = buf_append(&url, pieces->path, pieces->path_length);
    if (error)
        return failure_set_errno(failure, error, "The URL");
    *ret_url = buf_steal(&url);
    return 0;
}

int url_normalise(const char *text, bool allow_http, char **ret_url, struct failure *failure)
{
    struct pieces pieces = {0};
    cleanup_free char *url = NULL;
    int error = check_shape(text, failure);

    if (!error)
        error = parse_scheme(&text, &pieces, failure);
    if (!error)
        error = parse_host(&text, &pieces, failure);
    if (!error)
        error = parse_path(text, &pieces, failure);
    if (!error)
        error = build(&pieces, &url, failure);
    if (error)
        return error;
    if (!pieces.secure && !allow_http && !url_is_loopback(url))
        return failure_set(failure, -EINVAL,
                           "The URL is plain http to another machine: anyone on the way could read "
                           "the key. Use https, or allow_http if that network is yours.");
    *ret_url = steal_ptr(url);
    return 0;
}

/* The host of a normal URL. */
static const char *find_host(const char *url, size_t *ret_length)
{
    const char *scheme_end = strstr(url, "://");
    const char *host = scheme_end ? scheme_end + 3 : url;

    *ret_length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    return host;
}

bool url_is_loopback(const char *url)
{
    char address[INET6_ADDRSTRLEN + 2];
    size_t length;
    const char *host = find_host(url, &length);
    struct in_addr ipv4;
    struct in6_addr ipv6;

    if (length >= sizeof(address))
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    if (strcmp(address, "localhost") == 0)
        return true;
    if (address[0] != '[')
        return inet_pton(AF_INET, address, &ipv4) == 1 && ntohl(ipv4.s_addr) >> 24 == 127;
    address[length - 1] = '\0';
    return inet_pton(AF_INET6, address + 1, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}

bool url_is_google(const char *url)
{
    static const char domain[] = ".googleapis.com";
    size_t domain_length = sizeof(domain) - 1;
    size_t length;
    const char *host = find_host(url, &length);

    return length > domain_length &&
           memcmp(host + length - domain_length, domain, domain_length) == 0;
}
