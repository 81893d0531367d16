/* SPDX-License-Identifier: MIT
 *
 * From the text of one option to its field, and back. Private to conf/.
 */
#ifndef EASELFS_CONF_OPTION_VALUE_H
#define EASELFS_CONF_OPTION_VALUE_H

#include "base/buf.h"
#include "base/failure.h"
#include "conf/option_table.h"

/**
 * Set the field of @spec from @text. NULL is the bare name: yes for a flag, wrong for all others.
 *
 * @return 0, -EINVAL (a sentence without the option's name, which the caller knows how to call), or
 *         -ENOMEM.
 */
int option_assign(struct draft *draft, const struct option_spec *spec, const char *text,
                  struct failure *failure);

/** Set every field that has a default. @return as option_assign(). */
int option_assign_defaults(struct draft *draft, struct failure *failure);

/**
 * Append the value of @spec as option_assign() reads it; nothing where it is not set. Not for
 * OPTION_TEXT.
 *
 * @return 0, or as buf_append().
 */
int option_format(const struct options *options, const struct option_spec *spec, struct buf *buf);

#endif
