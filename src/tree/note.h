/* SPDX-License-Identifier: MIT
 *
 * The note on a prompt file that names its last commit, or the lack of it: an xattr on the file in
 * the store, so that it moves with the file and outlives the daemon. Private to tree/. Any thread.
 */
#ifndef EASELFS_TREE_NOTE_H
#define EASELFS_TREE_NOTE_H

#include <stdbool.h>

#include "tree/tree.h"

/** The note where the content was given up and must not be committed as it is. */
#define NOTE_DISCARDED "-"

/** Note @value. What cannot be noted is logged: the next rename would commit the file again. */
void note_set(const struct tree *tree, struct inode *inode, const char *value);

/** The content changes: there is no note on it any more. */
void note_remove(const struct inode *inode);

bool note_exists(const struct inode *inode);

#endif
