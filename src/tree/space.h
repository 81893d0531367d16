/* SPDX-License-Identifier: MIT
 *
 * What each user keeps in the tree (user_bytes): the lengths of the files in whole blocks of 4 KiB,
 * one at least, and a block for each workspace and link, by their owners. Values of settings do not
 * count. Every change is counted as it is made. What was there before the mount is counted in the
 * background by a thread of its own, to the last byte whatever is done to it meanwhile: what is
 * about to change, move or go is counted first. What is counted is marked, a bit for each file, so
 * that nothing counts twice.
 *
 * Nothing is written down: the next start counts afresh. What lies so deep that no path leads there
 * is then not found.
 *
 * Without a limit (the space is NULL) all of this does nothing. Private to tree/.
 */
#ifndef EASELFS_TREE_SPACE_H
#define EASELFS_TREE_SPACE_H

#include "tree/tree.h"

struct space;

/** @max_bytes: for each user; 0 = no limit: @ret_space is NULL then. @return 0 or -ENOMEM. */
int space_create(uint64_t max_bytes, struct space **ret_space);

/** Ends the count, if it goes on. Takes NULL. */
void space_destroy(struct space *space);

/** Before the first request: what is moved from now on will be found. */
void space_count_prepare(struct tree *tree);

/** Begin to count what was there before. Once. @return 0 or the errno of pthread_create(3). */
int space_count(struct tree *tree);

/**
 * @inode is about to be changed, and to have @size bytes if it has less.
 *
 * @return 0 with @ret_claim, which ends with space_settle(), or -EDQUOT.
 */
int space_claim(struct tree *tree, struct inode *inode, uint64_t size,
                struct tree_claim *ret_claim);

/** @inode was changed, or not after all. */
void space_settle(struct tree *tree, struct inode *inode, const struct tree_claim *claim);

/** Whether @uid may make one more entry: 0 or -EDQUOT. */
int space_check_entry(const struct tree *tree, uid_t uid);

/** Say so in @failure. @return -EDQUOT */
int space_refuse(const struct tree *tree, struct failure *failure);

/**
 * @name has just been made in @directory, and is about to be given to who made it: then
 * space_end_making(). In between it is nobody's.
 */
void space_begin_making(struct tree *tree, const struct inode *directory, const char *name);
void space_end_making(struct tree *tree, struct inode *inode);

/** @inode has just come into the tree with its owner. Counts above the limit, too. */
void space_add(struct tree *tree, struct inode *inode);

/** The same for @name in @directory, where the job layer has put it without the kernel. */
void space_add_name(struct tree *tree, const struct inode *directory, const char *name);

/** @inode has no name any more. It counts as long as somebody may write to it. */
void space_remove(struct tree *tree, struct inode *inode);

/** @inode (NULL: nothing) is about to be moved, and is or is not: always both. */
void space_begin_move(struct tree *tree, struct inode *inode);
void space_end_move(struct tree *tree, struct inode *inode);

/** @inode is to have another owner. @return what space_end_giving() gets. */
uid_t space_begin_giving(struct tree *tree, struct inode *inode);
void space_end_giving(struct tree *tree, struct inode *inode, uid_t before);

#endif
