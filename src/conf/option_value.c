/* SPDX-License-Identifier: MIT */
#include "conf/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "conf/fuse_option.h"
#include "conf/number.h"

/* No value of an option is longer; settings have a limit of their own. */
#define VALUE_MAX_BYTES 65536

/* "[ipv6]:port", or the longest DNS name with a port. */
#define HOST_MAX_BYTES 260

static void *field(struct draft *draft, const struct option_spec *spec)
{
    return (char *)draft + spec->offset;
}

static const void *const_field(const struct options *options, const struct option_spec *spec)
{
    return (const char *)options + spec->offset;
}

static int assign_flag(bool *flag, const char *text, struct failure *failure)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *flag = i % 2;
            return 0;
        }
    }
    return failure_set(failure, -EINVAL, "\"%.40s\" is neither yes nor no.", text);
}

static int refuse_number(const struct option_spec *spec, const char *text, int error,
                         struct failure *failure)
{
    bool bytes = spec->kind == OPTION_BYTES;
    char low[NUMBER_TEXT_SIZE], high[NUMBER_TEXT_SIZE];

    snprintf(low, sizeof(low), "%" PRId64, spec->low);
    snprintf(high, sizeof(high), "%" PRId64, spec->high);
    if (bytes) {
        number_format_bytes(spec->low, low);
        number_format_bytes(spec->high, high);
    }
    if (error == -ERANGE)
        return failure_set(failure, -EINVAL, "%.40s is out of range: %s to %s %s.", text, low, high,
                           spec->unit);
    return failure_set(failure, -EINVAL, "\"%.40s\" is not a whole number of %s%s: %s to %s.", text,
                       spec->unit, bytes ? " (with K, M or G)" : "", low, high);
}

static int assign_number(const struct option_spec *spec, uint64_t *number, const char *text,
                         struct failure *failure)
{
    int64_t value;
    int error = spec->kind == OPTION_BYTES
                    ? number_parse_bytes(text, strlen(text), spec->low, spec->high, &value)
                    : number_parse(text, strlen(text), spec->low, spec->high, &value);

    if (error)
        return refuse_number(spec, text, error, failure);
    *number = (uint64_t)value;
    return 0;
}

static int assign_word(const struct option_spec *spec, int *word, const char *text,
                       struct failure *failure)
{
    cleanup_buf struct buf allowed;

    buf_init(&allowed, FAILURE_TEXT_SIZE);
    for (int i = 0; spec->words[i]; i++) {
        if (strcmp(text, spec->words[i]) == 0) {
            *word = i;
            return 0;
        }
        if (buf_printf(&allowed, "%s%s", i ? ", " : "", spec->words[i]) < 0)
            return -ENOMEM;
    }
    return failure_set(failure, -EINVAL, "\"%.40s\" is not one of: %s.", text, buf_text(&allowed));
}

static int replace_text(char **text, char *value)
{
    if (!value)
        return -ENOMEM;
    free(*text);
    *text = value;
    return 0;
}

/* Relative to the home directory for "~/", to the current directory on the command line. */
static int path_base(bool command_line, const char *text, char base[PATH_MAX],
                     struct failure *failure)
{
    const char *home = getenv("HOME");

    base[0] = '\0';
    if (text[0] == '/')
        return 0;
    if (strncmp(text, "~/", 2) == 0) {
        if (!home || home[0] != '/')
            return failure_set(failure, -EINVAL, "There is no $HOME for \"~\".");
        if (snprintf(base, PATH_MAX, "%s", home) >= PATH_MAX)
            return failure_set(failure, -EINVAL, "$HOME is too long.");
        return 0;
    }
    if (!command_line)
        return failure_set(failure, -EINVAL, "\"%.40s\" does not begin with / or ~/.", text);
    if (!getcwd(base, PATH_MAX))
        return failure_set_errno(failure, -EINVAL, "The current directory");
    return 0;
}

static int assign_path(const struct draft *draft, char **path, const char *text,
                       struct failure *failure)
{
    char base[PATH_MAX];
    char absolute[PATH_MAX];
    int error;

    if (!*text) {
        free(*path);
        *path = NULL;
        return 0;
    }
    error = path_base(draft->command_line, text, base, failure);
    if (error)
        return error;
    if (text[0] == '~')
        text += 2;
    if (snprintf(absolute, sizeof(absolute), "%s%s%s", base, base[0] ? "/" : "", text) >= PATH_MAX)
        return failure_set(failure, -EINVAL, "The path is longer than %d bytes.", PATH_MAX - 1);
    return replace_text(path, strdup(absolute));
}

static void free_hosts(struct options *options)
{
    for (size_t i = 0; i < options->result_host_count; i++)
        free(options->result_hosts[i]);
    free(options->result_hosts);
    options->result_hosts = NULL;
    options->result_host_count = 0;
}

/*
 * Letters, digits and what names, addresses and ports have besides, "*." before it or the bits of a
 * network behind it; a URL is refused by its "//".
 */
static bool is_host(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:[]";
    const char *rest = strncmp(host, "*.", 2) == 0 ? host + 2 : host;

    if (strlen(host) > HOST_MAX_BYTES)
        return false;
    rest += strspn(rest, allowed);
    if (*rest == '/' && rest[1])
        rest += 1 + strspn(rest + 1, "0123456789");
    return !*rest;
}

static int add_host(struct options *options, char *host, struct failure *failure)
{
    char **hosts;
    char *copy;

    text_lower(host, strlen(host));
    if (!is_host(host))
        return failure_set(failure, -EINVAL,
                           "\"%.60s\" is not HOST, HOST:PORT, *.NAME or NETWORK/BITS.", host);
    if (options->result_host_count == OPTIONS_RESULT_HOSTS_MAX)
        return failure_set(failure, -EINVAL, "More than %d hosts.", OPTIONS_RESULT_HOSTS_MAX);
    hosts = reallocarray(options->result_hosts, options->result_host_count + 1, sizeof(*hosts));
    copy = hosts ? strdup(host) : NULL;
    if (hosts)
        options->result_hosts = hosts;
    if (!copy)
        return -ENOMEM;
    hosts[options->result_host_count++] = copy;
    return 0;
}

static int assign_hosts(struct options *options, const char *text, struct failure *failure)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy;
    int error = copy ? 0 : -ENOMEM;

    free_hosts(options);
    for (char *host; !error && (host = strsep(&rest, ", \t\n"));) {
        if (*host)
            error = add_host(options, host, failure);
    }
    return error;
}

int option_assign(struct draft *draft, const struct option_spec *spec, const char *text,
                  struct failure *failure)
{
    void *target = field(draft, spec);

    if (!text && spec->kind != OPTION_FLAG)
        return failure_set(failure, -EINVAL, "Its value (%s) is missing.", spec->argument);
    if (text && strnlen(text, VALUE_MAX_BYTES + 1) > VALUE_MAX_BYTES)
        return failure_set(failure, -EINVAL, "Its value is longer than %d bytes.", VALUE_MAX_BYTES);
    switch (spec->kind) {
    case OPTION_FLAG:
        return assign_flag(target, text ? text : "yes", failure);
    case OPTION_NUMBER:
    case OPTION_BYTES:
        return assign_number(spec, target, text, failure);
    case OPTION_WORD:
        if (target == &draft->options.auth)
            draft->auth_is_set = true;
        return assign_word(spec, target, text, failure);
    case OPTION_PATH:
        draft->store_on_command_line |= draft->command_line && target == &draft->options.store;
        return assign_path(draft, target, text, failure);
    case OPTION_TEXT:
        draft->url_on_command_line |= draft->command_line && target == &draft->url_text;
        draft->models_on_command_line |= draft->command_line && target == &draft->models_text;
        return replace_text(target, strdup(text));
    case OPTION_HOSTS:
        return assign_hosts(&draft->options, text, failure);
    case OPTION_FUSE:
        return fuse_option_add(target, text, failure);
    }
    return -EINVAL;
}

int option_assign_defaults(struct draft *draft, struct failure *failure)
{
    size_t count;
    const struct option_spec *spec = option_table(&count);
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        if (spec[i].initial)
            error = option_assign(draft, &spec[i], spec[i].initial, failure);
    }
    return error;
}

static int format_number(const struct option_spec *spec, uint64_t number, struct buf *buf)
{
    char text[NUMBER_TEXT_SIZE];

    if (spec->kind != OPTION_BYTES)
        return buf_printf(buf, "%" PRIu64, number);
    number_format_bytes((int64_t)number, text);
    return buf_append_text(buf, text);
}

static int format_hosts(const struct options *options, struct buf *buf)
{
    int error = 0;

    for (size_t i = 0; i < options->result_host_count && !error; i++)
        error = buf_printf(buf, "%s%s", i ? "\n" : "", options->result_hosts[i]);
    return error;
}

int option_format(const struct options *options, const struct option_spec *spec, struct buf *buf)
{
    const void *source = const_field(options, spec);

    switch (spec->kind) {
    case OPTION_FLAG:
        return buf_append_text(buf, *(const bool *)source ? "yes" : "no");
    case OPTION_NUMBER:
    case OPTION_BYTES:
        return format_number(spec, *(const uint64_t *)source, buf);
    case OPTION_WORD:
        return buf_append_text(buf, spec->words[*(const int *)source]);
    case OPTION_PATH:
    case OPTION_FUSE:
        return *(char *const *)source ? buf_append_text(buf, *(char *const *)source) : 0;
    case OPTION_HOSTS:
        return format_hosts(options, buf);
    case OPTION_TEXT:
        break;
    }
    return -EINVAL;
}
