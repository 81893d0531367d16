/* SPDX-License-Identifier: MIT
 *
 * The command line into options and arguments: long and short options, -o, and what mount(8) calls.
 * It knows the table, and no meaning of any option. Private to conf/. Pure: no I/O.
 */
#ifndef EASELFS_CONF_ARGV_H
#define EASELFS_CONF_ARGV_H

#include <stddef.h>

#include "base/failure.h"
#include "conf/option_table.h"

/** URL and MOUNTPOINT. */
#define ARGV_POSITIONAL_MAX 2

struct argv_result {
    const char *positional[ARGV_POSITIONAL_MAX]; /* in order; borrowed from argv */
    size_t positional_count;
};

/**
 * Called for each option in order.
 *
 * @value  NULL where none was given
 *
 * @return 0, or a negative errno with a sentence that does not name the option.
 */
typedef int argv_handler(void *context, const struct option_spec *spec, const char *value,
                         struct failure *failure);

/**
 * Walk through @argv.
 *
 * @return 0; -EINVAL (unknown option, value missing or not wanted, too many arguments: a sentence);
 *         -ENOMEM; or what @handler returned, with the option's name put before its sentence.
 */
int argv_parse(int argc, char *const argv[], argv_handler *handler, void *context,
               struct argv_result *ret_result, struct failure *failure);

#endif
