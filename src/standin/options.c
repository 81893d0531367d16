/* SPDX-License-Identifier: MIT */
#include "standin/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/vocabulary.h"

#define HOUR_MS  3600000
#define MAX_BODY ((int64_t)1 << 30)

static const struct option long_options[] = {{"port", required_argument, NULL, 'p'},
                                             {"delay", required_argument, NULL, 'd'},
                                             {"log", required_argument, NULL, 'l'},
                                             {"script", required_argument, NULL, 's'},
                                             {"key", required_argument, NULL, 'k'},
                                             {"max-body", required_argument, NULL, 'm'},
                                             {"require-image-config", no_argument, NULL, 'r'},
                                             {"exit-with-stdin", no_argument, NULL, 'e'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {0}};

static const char help[] =
    "Usage: easelfs-standin [OPTION...]\n"
    "\n"
    "An image API that paints what it is asked for, on 127.0.0.1 only: for trying easelfs\n"
    "without a key, and for testing it. Prints its URL when it is ready.\n"
    "\n"
    "  --port N                the port; 0, the default, takes a free one\n"
    "  --delay MS              answer that long after the request (default 0)\n"
    "  --log FILE              append a JSON object a line for every request that was read\n"
    "  --script FILE           what to answer, a line of directives for each request\n"
    "  --key KEY               refuse other keys with 401\n"
    "  --max-body BYTES        refuse longer requests with 413 (default 20971520)\n"
    "  --require-image-config  refuse requests without generationConfig.imageConfig\n"
    "  --exit-with-stdin       end when standard input does\n"
    "  --help, --version\n"
    "\n"
    "SIGUSR1 gives all answers that are delayed at that moment.\n"
    "\n"
    "Directives change one answer. They stand in the prompt as [[standin: DIRECTIVES]], which\n"
    "is not painted, or on a line of the script:\n"
    "\n"
    "  name=value, name=value       values with , | or ]] in double quotes\n"
    "  status=503 | delay=20 | ok   successive requests of a prompt; the last one stays\n"
    "  * name=value                 in the script: every request past the other lines\n"
    "  models name=value            in the script: requests of the model list\n"
    "\n";

static bool number(const char *text, int64_t min, int64_t max, int64_t *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtoll(text, &end, 10);
    return !errno && end != text && !*end && *ret_number >= min && *ret_number <= max;
}

/* @return whether the option's argument is good. */
static bool apply(int option, char *argument, struct options *options)
{
    int64_t value = 0;
    bool good = true;

    switch (option) {
    case 'p':
        good = number(argument, 0, UINT16_MAX, &value);
        options->port = (uint16_t)value;
        break;
    case 'd':
        good = number(argument, 0, HOUR_MS, &options->delay_ms);
        break;
    case 'm':
        good = number(argument, 1, MAX_BODY, &value);
        options->max_body = (size_t)value;
        break;
    case 'l':
        options->log = argument;
        break;
    case 's':
        options->script = argument;
        break;
    case 'k':
        options->key = argument;
        break;
    case 'r':
        options->require_image_config = true;
        break;
    case 'e':
        options->exit_with_stdin = true;
        break;
    default:
        break;
    }
    return good;
}

enum options_action options_parse(int argc, char **argv, struct options *ret_options,
                                  char ret_problem[200])
{
    int option;
    int index = 0;

    *ret_options = (struct options){.max_body = OPTIONS_MAX_BODY};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
        if (option == 'h')
            return OPTIONS_HELP;
        if (option == 'V')
            return OPTIONS_VERSION;
        if (option == '?' || option == ':') {
            snprintf(ret_problem, 200,
                     option == '?' ? "unknown option: %.150s" : "%.150s needs an argument",
                     argv[optind - 1]);
            return OPTIONS_BAD;
        }
        if (!apply(option, optarg, ret_options)) {
            snprintf(ret_problem, 200, "--%s: bad value: %.100s", long_options[index].name, optarg);
            return OPTIONS_BAD;
        }
    }
    if (optind < argc) {
        snprintf(ret_problem, 200, "unexpected argument: %.150s", argv[optind]);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

void options_print_help(void)
{
    fputs(help, stdout);
    vocabulary_print(stdout);
}
