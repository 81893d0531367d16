/* SPDX-License-Identifier: MIT */
#include "conf/argv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/fuse_option.h"

struct walker {
    char *const *next; /* the argument after the one at work; *next is NULL at the end */
    bool helper;       /* called by mount(8) */
    bool sloppy;       /* mount -s: unknown -o names are left out */
    argv_handler *handler;
    void *context;
    struct argv_result result;
    struct failure *failure;
};

/* The next argument as the value of the option at work; NULL at the end. */
static const char *take_argument(struct walker *walker)
{
    return *walker->next ? *walker->next++ : NULL;
}

/* @written is how the user wrote the option: "--settle", "-o settle". */
static int hand_over(struct walker *walker, const struct option_spec *spec, const char *value,
                     const char *written)
{
    char sentence[FAILURE_TEXT_SIZE];
    int error = walker->handler(walker->context, spec, value, walker->failure);

    if (!error || error == -ENOMEM)
        return error;
    memcpy(sentence, walker->failure->text, sizeof(sentence));
    return failure_set(walker->failure, error, "%s: %s", written, sentence);
}

/* People try to give the key itself. What they wrote is not repeated. */
static bool is_key_option(const char *name, size_t length)
{
    static const char *const names[] = {"key", "api_key", "api-key", "apikey", "password", "token"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return true;
    }
    return false;
}

static int refuse_unknown(struct walker *walker, const char *dashes, const char *name,
                          size_t length)
{
    const char *nearest = option_nearest(name, length);

    if (is_key_option(name, length))
        return failure_set(walker->failure, -EINVAL,
                           "The key is no option: everyone on this machine could read it. Save it "
                           "in a file of mode 600 and name that with api_key_file.");
    return failure_set(walker->failure, -EINVAL, "%s%.*s: there is no such option%s%s%s", dashes,
                       length > 40 ? 40 : (int)length, name, nearest ? "; did you mean " : ".",
                       nearest ? nearest : "", nearest ? "?" : "");
}

/* --name, --name=value, --name value */
static int take_long(struct walker *walker, const char *name)
{
    size_t length = strcspn(name, "=");
    const struct option_spec *spec = option_find(name, length);
    const char *value = name[length] ? name + length + 1 : NULL;
    char written[64];

    if (!spec)
        return refuse_unknown(walker, "--", name, length);
    if (!value && spec->argument)
        value = take_argument(walker);
    snprintf(written, sizeof(written), "--%.*s", (int)length, name);
    return hand_over(walker, spec, value, written);
}

/* One of -o's list: ours, FUSE's, or for others. */
static int take_mount_option(struct walker *walker, const char *option)
{
    size_t length = strcspn(option, "=");
    const struct option_spec *spec = option_find(option, length);
    char written[64];

    if (spec) {
        snprintf(written, sizeof(written), "-o %.*s", (int)length, option);
        return hand_over(walker, spec, option[length] ? option + length + 1 : NULL, written);
    }
    if (fuse_option_is_known(option))
        return hand_over(walker, option_find("fuse_options", strlen("fuse_options")), option, "-o");
    if (walker->sloppy)
        return 0;
    return refuse_unknown(walker, "-o ", option, length);
}

/* Cut the next option out of @rest in place: a comma ends it, unless a backslash stands before. */
static char *next_mount_option(char **rest)
{
    char *option = *rest;
    char *to = option;
    char *from = option;

    if (!option)
        return NULL;
    for (; *from && *from != ','; from++) {
        if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    *rest = *from ? from + 1 : NULL;
    *to = '\0';
    return option;
}

static int take_mount_options(struct walker *walker, const char *list)
{
    cleanup_free char *copy = NULL;
    char *rest;
    int error = 0;

    if (!list)
        return failure_set(walker->failure, -EINVAL, "-o: its list of options is missing.");
    copy = strdup(list);
    if (!copy)
        return failure_set_errno(walker->failure, -ENOMEM, "-o");
    rest = copy;
    for (char *option; !error && (option = next_mount_option(&rest));)
        error = take_mount_option(walker, option);
    return error;
}

/* What mount(8) calls a helper with. @return 1 where the letter means what it always does. */
static int take_helper_letter(struct walker *walker, char letter, bool *ret_takes_rest)
{
    switch (letter) {
    case 's':
        walker->sloppy = true;
        return 0;
    case 'f':
        return hand_over(walker, option_find("check", strlen("check")), NULL, "-f");
    case 'n':
    case 'v':
        return 0;
    case 't':
    case 'N':
        *ret_takes_rest = true;
        return 0;
    default:
        return 1;
    }
}

static int take_letter(struct walker *walker, char letter)
{
    const struct option_spec *spec = option_find_letter(letter);
    char written[3] = {'-', letter, '\0'};

    if (!spec)
        return failure_set(walker->failure, -EINVAL, "%s: there is no such option.", written);
    return hand_over(walker, spec, NULL, written);
}

/* -f, -fd, -oLIST, -o LIST */
static int take_short(struct walker *walker, const char *letters)
{
    int result = 0;

    for (; *letters && !result; letters++) {
        const char *rest = letters[1] ? letters + 1 : NULL;
        bool takes_rest = *letters == 'o';

        result = walker->helper ? take_helper_letter(walker, *letters, &takes_rest) : 1;
        if (takes_rest && !rest)
            rest = take_argument(walker);
        if (*letters == 'o')
            return take_mount_options(walker, rest);
        if (takes_rest)
            return 0;
        if (result == 1)
            result = take_letter(walker, *letters);
    }
    return result;
}

static int take_positional(struct walker *walker, const char *argument)
{
    if (walker->result.positional_count == ARGV_POSITIONAL_MAX)
        return failure_set(walker->failure, -EINVAL,
                           "\"%.60s\" is one argument too many: there are only URL and MOUNTPOINT.",
                           argument);
    walker->result.positional[walker->result.positional_count++] = argument;
    return 0;
}

bool options_is_mount_helper(const char *program)
{
    const char *slash = strrchr(program, '/');

    return strncmp(slash ? slash + 1 : program, "mount.", strlen("mount.")) == 0;
}

int argv_parse(int argc, char *const argv[], argv_handler *handler, void *context,
               struct argv_result *ret_result, struct failure *failure)
{
    struct walker walker = {
        .next = argc > 0 ? argv + 1 : argv,
        .helper = argc > 0 && options_is_mount_helper(argv[0]),
        .handler = handler,
        .context = context,
        .failure = failure,
    };
    bool options_end = false;
    int error = 0;

    while (!error && *walker.next) {
        const char *argument = *walker.next++;

        if (options_end || argument[0] != '-' || argument[1] == '\0')
            error = take_positional(&walker, argument);
        else if (strcmp(argument, "--") == 0)
            options_end = true;
        else if (argument[1] == '-')
            error = take_long(&walker, argument + 2);
        else
            error = take_short(&walker, argument + 1);
    }
    if (error)
        return error;
    *ret_result = walker.result;
    return 0;
}
