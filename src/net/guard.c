/* SPDX-License-Identifier: MIT */
#include "net/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"
#include "net/target.h"

enum rule_kind { RULE_NAME, RULE_BELOW, RULE_BLOCK };

/* One entry of result_hosts. */
struct rule {
    enum rule_kind kind;
    unsigned port;                  /* 0 = any */
    char name[TARGET_HOST_MAX + 1]; /* RULE_NAME, and RULE_BELOW: with the leading dot */
    struct address_block block;     /* RULE_BLOCK */
};

struct guard {
    struct target base;
    size_t rule_count;
    struct rule rules[];
};

static bool parse_port(const char *text, unsigned *ret_port)
{
    size_t length = strspn(text, "0123456789");
    unsigned long port;

    if (length == 0 || length > 5 || text[length])
        return false;
    port = strtoul(text, NULL, 10);
    if (port == 0 || port > 65535)
        return false;
    *ret_port = (unsigned)port;
    return true;
}

/* Letters, digits, dots, hyphens, underscores, and what is not ASCII (international names). */
static bool is_name(const char *text)
{
    if (*text == '\0' || *text == '.')
        return false;
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || (*text && strchr(".-_", *text));
        if (!plain && (unsigned char)*text < 0x80)
            return false;
    }
    return true;
}

/* Split "[v6]:port", "host:port", "v6" and "host" into @rule's port and @host. */
static bool split_port(const char *entry, struct rule *rule, char host[TARGET_HOST_MAX + 1])
{
    bool bracketed = *entry == '[';
    const char *begin = entry + bracketed;
    const char *end = strchrnul(begin, bracketed ? ']' : ':');
    size_t length;

    if (bracketed && !*end)
        return false;
    if (!bracketed && *end && strchr(end + 1, ':'))
        end = begin + strlen(begin); /* two colons: an IPv6 address */
    length = (size_t)(end - begin);
    if (length > TARGET_HOST_MAX)
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    end += bracketed;
    return *end == '\0' || (*end == ':' && parse_port(end + 1, &rule->port));
}

static bool parse_rule(const char *entry, struct rule *rule)
{
    char host[TARGET_HOST_MAX + 1];
    const char *name;

    memset(rule, 0, sizeof(*rule));
    if (strchr(entry, '/')) {
        rule->kind = RULE_BLOCK;
        return address_parse_block(entry, &rule->block);
    }
    if (!split_port(entry, rule, host))
        return false;
    if (address_parse_block(host, &rule->block)) {
        rule->kind = RULE_BLOCK;
        return true;
    }
    rule->kind = strncmp(host, "*.", 2) == 0 ? RULE_BELOW : RULE_NAME;
    name = rule->kind == RULE_BELOW ? host + 1 : host;
    memcpy(rule->name, name, strlen(name) + 1);
    return is_name(rule->kind == RULE_BELOW ? name + 1 : name);
}

int guard_create(const char *base_url, const char *const *result_hosts, size_t count,
                 struct guard **ret_guard, struct failure *failure)
{
    cleanup_guard struct guard *guard = NULL;
    int error;

    if (count > GUARD_HOSTS_MAX)
        return failure_set(failure, -EINVAL, "result_hosts has more than %d entries.",
                           GUARD_HOSTS_MAX);
    guard = calloc(1, sizeof(*guard) + count * sizeof(guard->rules[0]));
    if (!guard)
        return failure_set_errno(failure, -ENOMEM, "result_hosts");
    error = target_parse(base_url, &guard->base, failure);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (!parse_rule(result_hosts[i], &guard->rules[i]))
            return failure_set(failure, -EINVAL,
                               "result_hosts: \"%.300s\" is neither a host nor a network.",
                               result_hosts[i]);
    }
    guard->rule_count = count;
    *ret_guard = steal_ptr(guard);
    return 0;
}

void guard_destroy(struct guard *guard)
{
    if (!guard)
        return;
    target_fini(&guard->base);
    free(guard);
}

int guard_check(const struct guard *guard, const struct target *target, struct failure *failure)
{
    if (!target->https && guard->base.https)
        return failure_set(failure, -EACCES,
                           "The link to %s is not https, while the API itself is.", target->label);
    return 0;
}

static bool matches_name(const struct rule *rule, const char *host)
{
    size_t host_length = strlen(host);
    size_t name_length = strlen(rule->name);

    if (rule->kind == RULE_NAME)
        return strcasecmp(host, rule->name) == 0;
    return host_length > name_length &&
           strcasecmp(host + host_length - name_length, rule->name) == 0;
}

static bool matches(const struct rule *rule, const struct address *address, unsigned port,
                    const char *host)
{
    if (rule->port != 0 && rule->port != port)
        return false;
    if (rule->kind == RULE_BLOCK)
        return address_is_in(address, &rule->block);
    return matches_name(rule, host);
}

bool guard_allows(const struct guard *guard, const struct sockaddr *address, const char *host)
{
    struct address dialled;
    unsigned port;

    if (!address_from_socket(address, &dialled, &port))
        return false;
    if (port == guard->base.port && strcasecmp(host, guard->base.host) == 0)
        return true;
    for (size_t i = 0; i < guard->rule_count; i++) {
        if (matches(&guard->rules[i], &dialled, port, host))
            return true;
    }
    return address_is_public(&dialled);
}
