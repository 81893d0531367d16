/* SPDX-License-Identifier: MIT
 *
 * The one table of options. Command line, configuration files, --help, --print-config and the
 * shells' completions are all derived from it. Private to conf/ and completion/.
 */
#ifndef EASELFS_CONF_OPTION_TABLE_H
#define EASELFS_CONF_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/failure.h"
#include "conf/options.h"

/** What a value looks like, and which C type its field has. */
enum option_kind {
    OPTION_FLAG,   /* bool: the bare name, or yes and no */
    OPTION_NUMBER, /* uint64_t */
    OPTION_BYTES,  /* uint64_t: with K, M, G */
    OPTION_WORD,   /* int: the index of one of `words` */
    OPTION_PATH,   /* char *: made absolute; empty unsets it */
    OPTION_TEXT,   /* char *: checked when all is known (url, models) */
    OPTION_HOSTS,  /* result_hosts and result_host_count */
    OPTION_FUSE,   /* char *: for libfuse; each mention adds to the list */
};

/** Headings of --help. */
enum option_group { GROUP_START, GROUP_API, GROUP_JOBS, GROUP_RUN, GROUP_MAX };

struct option_spec {
    const char *name; /* configuration key and -o name; the long option has `-` for each `_` */
    char letter;      /* short option; 0 = none */
    bool action;      /* on the command line only: an action is no configuration */
    enum option_kind kind;
    enum option_group group;
    size_t offset;            /* of the field in struct draft */
    const char *argument;     /* what --help calls the value; NULL for a flag */
    const char *initial;      /* the default, read like a value; NULL = all zero */
    int64_t low, high;        /* range of OPTION_NUMBER and OPTION_BYTES */
    const char *unit;         /* of a number: "seconds" */
    const char *const *words; /* of OPTION_WORD, NULL at the end */
    const char *help;         /* one line */
};

/** Options while they are put together. */
struct draft {
    struct options options; /* first: a field has the same offset in both */
    char *url_text;
    char *models_text;
    char *config_file;
    bool auth_is_set;         /* else it follows from the URL */
    bool command_line;        /* what is set now comes from there */
    bool url_on_command_line; /* decides which exit status a wrong one has */
    bool models_on_command_line;
    bool store_on_command_line; /* then --demo uses it as it is */
};

/** The table; @ret_count entries. */
const struct option_spec *option_table(size_t *ret_count);

/** The option called @name (@length bytes), with `-` or `_`; NULL where there is none. */
const struct option_spec *option_find(const char *name, size_t length);

/** The option with the short form @letter; NULL where there is none. */
const struct option_spec *option_find_letter(char letter);

/** The name that was perhaps meant by @name; NULL where none is near. */
const char *option_nearest(const char *name, size_t length);

#endif
