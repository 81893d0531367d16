/* SPDX-License-Identifier: MIT
 *
 * The command line of easelfs-standin.
 */
#ifndef STANDIN_OPTIONS_H
#define STANDIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX_BODY ((size_t)20 << 20) /* of a request, unless told otherwise */

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_BAD };

struct options {
    uint16_t port;    /* 0 = any free one */
    int64_t delay_ms; /* of every picture */
    const char *log;  /* paths; NULL = none */
    const char *script;
    const char *key; /* NULL = any will do */
    size_t max_body; /* bytes */
    bool require_image_config;
    bool exit_with_stdin;
};

/**
 * Read the arguments; the strings stay theirs.
 *
 * @param ret_problem  for OPTIONS_BAD: a sentence, 200 bytes
 */
enum options_action options_parse(int argc, char **argv, struct options *ret_options,
                                  char ret_problem[200]);

/** Print the help to standard output. */
void options_print_help(void);

#endif
