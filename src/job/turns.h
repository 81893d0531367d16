/* SPDX-License-Identifier: MIT
 *
 * Whose turn it is. Of the users who have something queued, the one who was served least recently
 * comes next, with the oldest that is queued of that user; so one user's thousands cost another no
 * more than one turn. What is queued for a model that has no slot is passed over, and so is a user
 * who is shut out.
 *
 * Pure: no lock, no clock. A decision takes a step for each model, adding and removing logarithmic
 * time on average; nothing allocates but the two that create.
 */
#ifndef EASELFS_JOB_TURNS_H
#define EASELFS_JOB_TURNS_H

#include <stdint.h>

#include "base/heap.h"

struct turns;
struct turns_user;
struct turns_lane;

/** What is queued: a part of it. All zero: not queued yet. */
struct turns_item {
    struct heap_node node;
    uint64_t order;          /* its place; 0: none yet */
    struct turns_lane *lane; /* NULL: not queued */
};

/** For @model_count models. @return 0 or -ENOMEM. */
int turns_create(size_t model_count, struct turns **ret_turns);

/** Every user must be destroyed. Takes NULL. */
void turns_destroy(struct turns *turns);

/** A user with nothing queued. @served: what turns_user_destroy() gave, 0: none. Or -ENOMEM. */
int turns_user_create(struct turns *turns, uint64_t served, struct turns_user **ret_user);

/** Nothing of the user may be queued. @return when the user was served last. */
uint64_t turns_user_destroy(struct turns_user *user);

/** Give @item its place among those of its user: behind all that have one. It keeps it. */
void turns_give_place(struct turns *turns, struct turns_item *item);

/** Queue @item, which has a place and is not queued, for the model with the index @model. */
void turns_add(struct turns_user *user, size_t model, struct turns_item *item);

/** Take it out of the queue, if it is in. */
void turns_remove(struct turns_item *item);

/** The user has had a turn just now. */
void turns_serve(struct turns_user *user);

/** Shut the user out, or let in again. */
void turns_set_shut(struct turns_user *user, bool shut);
bool turns_is_shut(const struct turns_user *user);

/**
 * What is to be served next, which stays queued.
 *
 * @has_slot whether something for that model may be served
 *
 * @return NULL where nothing may be
 */
struct turns_item *turns_next(const struct turns *turns,
                              bool (*has_slot)(const void *context, size_t model),
                              const void *context);

#endif
