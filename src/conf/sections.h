/* SPDX-License-Identifier: MIT
 *
 * [settings] and [model NAME] of the configuration: settings for all models and for one. Private to
 * conf/.
 */
#ifndef EASELFS_CONF_SECTIONS_H
#define EASELFS_CONF_SECTIONS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/failure.h"
#include "conf/ini_file.h"
#include "conf/models.h"

struct sections;

/** @return NULL where memory is short. */
struct sections *sections_create(void);

/** Free; NULL is fine. */
void sections_destroy(struct sections *sections);

/**
 * Take an entry of [settings] or [model NAME]. A later entry replaces an earlier one.
 *
 * @return 0; -EINVAL with a sentence; -ENOMEM.
 */
int sections_add(struct sections *sections, const struct ini_entry *entry, struct failure *failure);

/**
 * Give @model its profile and settings: those of [settings] that its profile allows, then its own.
 *
 * @google  as in models_find_profile()
 * @notes   a line is added for each value that is left aside; may be NULL
 *
 * @return 0; -EINVAL (a value of its own section that its profile does not allow: a sentence);
 *         -ENOMEM.
 */
int sections_apply(const struct sections *sections, struct model *model, bool google,
                   struct buf *notes, struct failure *failure);

/** Add a line to @notes for each [model NAME] that is not in @list. @return as buf_append(). */
int sections_note_unused(const struct sections *sections, const struct model_list *list,
                         struct buf *notes);

/** Append the sections as they would be written in a file. @return as buf_append(). */
int sections_format(const struct sections *sections, struct buf *buf);

#endif
