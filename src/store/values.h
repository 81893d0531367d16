/* SPDX-License-Identifier: MIT
 *
 * The values of settings that were set in directories of the tree: the file DIRECTORY/settings/NAME
 * holds the value's normal form and a line end. A value holds for its directory and all below,
 * until one nearer to the prompt replaces it. What a value may be is conf/settings'.
 */
#ifndef EASELFS_STORE_VALUES_H
#define EASELFS_STORE_VALUES_H

#include "conf/models.h"
#include "conf/settings.h"
#include "store/inode.h"

/** The directory of the values, in each workspace. */
#define VALUES_DIRECTORY "settings"

/**
 * Lay the values that hold in @directory over @settings: of the directories from the top workspace
 * down to @directory itself. A value that the model does not take (it was copied from another
 * model's directory) is left aside.
 *
 * @return 0, -ENOMEM, or the errno of reading a file; @settings is then as far as it came.
 */
int values_inherit(struct inode *directory, const struct model_profile *profile,
                   struct settings *settings);

/**
 * The settings in force in @directory of a model: those of the configuration and, over them, the
 * values that hold there.
 *
 * @return as values_inherit(); the caller calls settings_fini() in every case
 */
int values_in_force(struct inode *directory, const struct model *model,
                    struct settings *ret_settings);

/** The model in whose directory @directory is; NULL where that was removed. */
const struct model *values_model(const struct model_list *models, struct inode *directory);

/** Whether @setting is set in @directory itself. */
bool values_has(const struct inode *directory, enum setting setting);

/** Whether anything at all is in the directory of values of @directory. */
bool values_any(const struct inode *directory);

/**
 * Make @text (normal form, without line end) the value of @setting in the directory of values
 * @values_fd, durably. @return 0 or a negative errno (the old value stays).
 */
int values_set(int values_fd, enum setting setting, const char *text);

/** Reset it. @return 0, also where it was not set, or a negative errno. */
int values_reset(int values_fd, enum setting setting);

#endif
