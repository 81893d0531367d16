/* SPDX-License-Identifier: MIT */
#include "net/exchange_setup.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Seconds without traffic after which the peer is asked whether it is there: NAT forgets sooner
 * than a picture is painted. */
#define KEEPALIVE_S 30L

/* A connection idle for longer is not used again: the server may be about to close it, and a
 * request sent into that is neither served nor refused. */
#define POOLED_MAX_AGE_S 30L

/*
 * Bytes that are moved at a time. libcurl holds both buffers per call from its begin to its end, so
 * they are what a thousand calls at once cost; larger ones move a picture no faster.
 */
#define RECEIVE_BUFFER (32 * 1024L)
#define SEND_BUFFER    (16 * 1024L)

struct number_option {
    CURLoption option;
    long value;
};

struct text_option {
    CURLoption option;
    const char *value; /* NULL = libcurl's own default */
};

static const struct number_option common_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER},
    {CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S},
    {CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_UNRESTRICTED_AUTH, 0},
    {CURLOPT_HTTP09_ALLOWED, 0},
    /* A picture's redirects are followed by exchange_follow(), which checks each; others never. */
    {CURLOPT_FOLLOWLOCATION, 0},
    /* Neither answers to a proxy's CONNECT nor our headers to it. */
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE},
};

static const struct number_option api_options[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    {CURLOPT_MAXAGE_CONN, POOLED_MAX_AGE_S},
};

/* HTTP/1.1, because calls to the API could join a connection of HTTP/2. */
static const struct number_option picture_options[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_HTTPGET, 1},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool set_numbers(CURL *easy, const struct number_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (curl_easy_setopt(easy, options[i].option, options[i].value))
            return false;
    }
    return true;
}

static bool set_texts(CURL *easy, const struct text_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].value && curl_easy_setopt(easy, options[i].option, options[i].value))
            return false;
    }
    return true;
}

static bool set_common(CURL *easy, const struct exchange_settings *settings,
                       const struct transport_call *call)
{
    /*
     * The environment's proxy is for the API, unless that is on this machine. A picture is never
     * fetched through one: the proxy would dial, and the guard would see nothing of it.
     */
    bool direct = call->kind == TRANSPORT_PICTURE || target_is_loopback(&settings->base);
    const struct text_option options[] = {
        {CURLOPT_PROTOCOLS_STR, settings->base.https ? "https" : "http,https"},
        {CURLOPT_USERAGENT, settings->user_agent},
        {CURLOPT_CAINFO, settings->ca_file}, /* the system's directory stays in force beside it */
        {CURLOPT_PROXY, direct ? "" : NULL},
        /* Undo what is not asked for: some gateways compress all the same. */
        {CURLOPT_ACCEPT_ENCODING, ""},
    };

    return set_numbers(easy, common_options, COUNT(common_options)) &&
           set_texts(easy, options, COUNT(options)) &&
           !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
}

static bool set_api(CURL *easy, const struct exchange_settings *settings,
                    const struct transport_call *call)
{
    if (!set_numbers(easy, api_options, COUNT(api_options)) ||
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, settings->base.https ? 1L : 0L))
        return false;
    if (!call->has_body)
        return !curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    /*
     * The body comes from CURLOPT_READFUNCTION, and there is no CURLOPT_SEEKFUNCTION: libcurl
     * cannot rewind, and so can never send it twice by itself.
     */
    return !curl_easy_setopt(easy, CURLOPT_POST, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
}

static bool is_header_line(const char *line)
{
    const char *colon = strchr(line, ':');

    if (!colon || colon == line)
        return false;
    for (; *line; line++) {
        if (((unsigned char)*line < 0x20 && *line != '\t') || *line == 0x7f)
            return false;
    }
    return true;
}

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer;
}

/* Our own go first. A name without a value takes the line out that libcurl would send. */
static bool make_headers(const struct transport_call *call, struct curl_slist **ret_list)
{
    bool picture = call->kind == TRANSPORT_PICTURE;
    struct curl_slist *list = NULL;
    bool made = append(&list, picture ? "Accept-Encoding:" : "Accept-Encoding: identity") &&
                append(&list, "Expect:");

    for (size_t i = 0; made && i < call->header_count; i++)
        made = append(&list, call->headers[i]);
    if (made)
        *ret_list = list;
    else
        curl_slist_free_all(list);
    return made;
}

int exchange_setup(CURL *easy, const struct exchange_settings *settings,
                   const struct transport_call *call, struct curl_slist **ret_headers,
                   struct failure *failure)
{
    bool set = set_common(easy, settings, call);

    for (size_t i = 0; i < call->header_count; i++) {
        if (!is_header_line(call->headers[i]))
            return failure_set(failure, -EINVAL, "A header line of the request is malformed.");
    }
    if (set && call->kind == TRANSPORT_API)
        set = set_api(easy, settings, call);
    else if (set)
        set = set_numbers(easy, picture_options, COUNT(picture_options));
    if (!set || !make_headers(call, ret_headers))
        return failure_set_errno(failure, -ENOMEM, "HTTP request");
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *ret_headers) ? -EINVAL : 0;
}
