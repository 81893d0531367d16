/* SPDX-License-Identifier: MIT
 *
 * The settings of a prompt: their names, what each may hold, and their inheritance. A value is
 * always kept as checked text in its normal form, so that a file in settings/, a line of front
 * matter, a line of the configuration and a job record all hold the same bytes. Pure: no I/O.
 *
 *   aspect_ratio         "16:9"
 *   image_size           "1K" "2K" "4K" "512"
 *   count                "1".."8"
 *   references           "all", "none", or file names, one a line
 *   temperature          "0".."2", at most 6 decimals, no exponent: a JSON number as it stands
 *   top_p                "0".."1", the same
 *   top_k                "1".."2147483647"
 *   seed                 "-2147483648".."2147483647"
 *   max_output_tokens    "1".."2147483647"
 *   response_modalities  "IMAGE,TEXT" or "IMAGE"
 *   system_instruction   UTF-8 without NUL, at most 16 KiB
 *   safety_*             "BLOCK_LOW_AND_ABOVE" "BLOCK_MEDIUM_AND_ABOVE" "BLOCK_ONLY_HIGH"
 *                        "BLOCK_NONE" "OFF"
 */
#ifndef EASELFS_CONF_SETTINGS_H
#define EASELFS_CONF_SETTINGS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/failure.h"

struct model_profile;

enum setting {
    SETTING_ASPECT_RATIO,
    SETTING_IMAGE_SIZE,
    SETTING_COUNT_OF_PICTURES, /* its name is "count" */
    SETTING_REFERENCES,
    SETTING_TEMPERATURE,
    SETTING_TOP_P,
    SETTING_TOP_K,
    SETTING_SEED,
    SETTING_MAX_OUTPUT_TOKENS,
    SETTING_RESPONSE_MODALITIES,
    SETTING_SYSTEM_INSTRUCTION,
    SETTING_SAFETY_HARASSMENT,
    SETTING_SAFETY_HATE_SPEECH,
    SETTING_SAFETY_SEXUALLY_EXPLICIT,
    SETTING_SAFETY_DANGEROUS_CONTENT,
    SETTING_MAX
};

/** No value of any setting is longer than this, before and after it is checked. */
#define SETTINGS_VALUE_MAX_BYTES 16384

/** The most pictures that one prompt can ask for. */
#define SETTINGS_COUNT_MAX 8

/** The longest file name in `references`. */
#define SETTINGS_REFERENCE_MAX_BYTES 255

/** All zero is "nothing set". */
struct settings {
    char *value[SETTING_MAX]; /* normal form, owned; NULL = not set */
};

/** Free all values; nothing is set afterwards. */
void settings_fini(struct settings *settings);

#define cleanup_settings cleanup_(settings_fini)

/**
 * Copy @from over @to, whose own values are freed.
 *
 * @return 0 or -ENOMEM (then @to is as before).
 */
int settings_copy(struct settings *to, const struct settings *from);

/**
 * Check @text for @setting and keep its normal form. Text that is empty or blank unsets it. A
 * trailing line end is dropped; around everything but `system_instruction` and names of references
 * spaces are dropped too.
 *
 * @profile  what the model allows; &model_profile_permissive where no model is meant
 * @failure  set on error: a sentence that begins with the setting's name and names what is allowed
 *
 * @return 0, -EINVAL, -ENOMEM, or -EFBIG (longer than SETTINGS_VALUE_MAX_BYTES). On error
 *         @settings is as before.
 */
int settings_set(struct settings *settings, enum setting setting, const char *text, size_t length,
                 const struct model_profile *profile, struct failure *failure);

/**
 * As settings_set(), for a value that stands on a line of its own in front matter or in the
 * configuration: the names of `references` may be separated by commas there, and blanks around them
 * are dropped.
 */
int settings_set_line(struct settings *settings, enum setting setting, const char *text,
                      size_t length, const struct model_profile *profile, struct failure *failure);

/**
 * Lay @over on @base: what is set in @over replaces what is in @base.
 *
 * @return 0 or -ENOMEM (then @base is as before).
 */
int settings_overlay(struct settings *base, const struct settings *over);

/** How many pictures are asked for: `count`, or 1 where it is not set. */
unsigned int settings_count(const struct settings *settings);

/** The setting's name: that of its file, its key in front matter and in the configuration. */
const char *settings_name(enum setting setting);

/** The setting called @name (@length bytes); SETTING_MAX where there is none. Case matters. */
enum setting settings_find(const char *name, size_t length);

/**
 * Append what @setting may hold for a model, in one line without a line end:
 * "1:1, 16:9, 9:16 (default: the model chooses)".
 *
 * @return 0, or as buf_append().
 */
int settings_describe(enum setting setting, const struct model_profile *profile, struct buf *buf);

#endif
