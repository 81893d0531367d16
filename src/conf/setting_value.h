/* SPDX-License-Identifier: MIT
 *
 * What each kind of setting may hold: checks, normal forms and descriptions. Used by conf/settings
 * only, which has the names and the storage.
 */
#ifndef EASELFS_CONF_SETTING_VALUE_H
#define EASELFS_CONF_SETTING_VALUE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/failure.h"
#include "conf/models.h"
#include "conf/settings.h"

/** One value to be checked or described. */
struct setting_input {
    enum setting setting;
    const char *name; /* for the sentence */
    const char *text; /* UTF-8 without NUL, not blank, no trailing line end */
    size_t length;
    const struct model_profile *profile;
};

/**
 * Append the normal form of the input to @value, which is empty.
 *
 * @return 0, -ENOMEM without a sentence, or -EINVAL with one.
 */
typedef int setting_check(const struct setting_input *input, struct buf *value,
                          struct failure *failure);

/** Append what is allowed, in one line. @return 0, or as buf_append(). */
typedef int setting_describe(const struct setting_input *input, struct buf *buf);

setting_check setting_check_ratio;
setting_check setting_check_size;
setting_check setting_check_number;
setting_check setting_check_decimal;
setting_check setting_check_modalities;
setting_check setting_check_instruction;
setting_check setting_check_safety;
setting_check setting_check_references; /* conf/references.c */

setting_describe setting_describe_ratio;
setting_describe setting_describe_size;
setting_describe setting_describe_number;
setting_describe setting_describe_decimal;
setting_describe setting_describe_modalities;
setting_describe setting_describe_instruction;
setting_describe setting_describe_safety;
setting_describe setting_describe_references; /* conf/references.c */

/** Drop spaces, tabs and line ends around @text. */
void setting_trim(const char **text, size_t *length);

/**
 * Set the sentence "NAME: "TEXT" is not allowed: DESCRIPTION." with @text cut to a line's length.
 *
 * @hint  appended as it is; "" = none
 *
 * @return -EINVAL
 */
int setting_refuse(const struct setting_input *input, setting_describe *describe, const char *hint,
                   struct failure *failure);

#endif
