/* SPDX-License-Identifier: MIT */
#include "job/turns.h"

#include <errno.h>
#include <stdlib.h>

/* What a user has queued for a model. */
struct turns_lane {
    struct heap items; /* the oldest first */
    struct heap_node
        node; /* in the model's heap, while there are any and the user is not shut out */
    struct turns_user *user;
    size_t model;
};

struct turns_user {
    struct turns *turns;
    uint64_t served; /* the number of the user's last turn */
    bool shut;
    struct turns_lane lanes[]; /* one for each model */
};

struct turns {
    uint64_t last_order;
    uint64_t last_turn;
    size_t model_count;
    struct heap models[]; /* lanes, that of the user who was served least recently first */
};

/* What @node is a part of. */
static struct turns_item *item_of(const struct heap_node *node)
{
    return (struct turns_item *)((char *)node - offsetof(struct turns_item, node));
}

static struct turns_lane *lane_of(const struct heap_node *node)
{
    return (struct turns_lane *)((char *)node - offsetof(struct turns_lane, node));
}

static bool is_older(const struct heap_node *left, const struct heap_node *right)
{
    return item_of(left)->order < item_of(right)->order;
}

/* Who was never served goes by what is queued longest. */
static bool waits_longer(const struct turns_lane *left, const struct turns_lane *right)
{
    if (left->user->served != right->user->served)
        return left->user->served < right->user->served;
    return is_older(heap_first(&left->items), heap_first(&right->items));
}

static bool lane_comes_before(const struct heap_node *left, const struct heap_node *right)
{
    return waits_longer(lane_of(left), lane_of(right));
}

int turns_create(size_t model_count, struct turns **ret_turns)
{
    struct turns *turns = calloc(1, sizeof(*turns) + model_count * sizeof(turns->models[0]));

    if (!turns)
        return -ENOMEM;
    turns->model_count = model_count;
    for (size_t i = 0; i < model_count; i++)
        heap_init(&turns->models[i], lane_comes_before);
    *ret_turns = turns;
    return 0;
}

void turns_destroy(struct turns *turns)
{
    free(turns);
}

int turns_user_create(struct turns *turns, uint64_t served, struct turns_user **ret_user)
{
    struct turns_user *user =
        calloc(1, sizeof(*user) + turns->model_count * sizeof(user->lanes[0]));

    if (!user)
        return -ENOMEM;
    user->turns = turns;
    user->served = served;
    for (size_t i = 0; i < turns->model_count; i++) {
        heap_init(&user->lanes[i].items, is_older);
        user->lanes[i].user = user;
        user->lanes[i].model = i;
    }
    *ret_user = user;
    return 0;
}

uint64_t turns_user_destroy(struct turns_user *user)
{
    uint64_t served = user->served;

    free(user);
    return served;
}

/* While its place is to change, a lane is out of its model's heap. */
static void take_out(struct turns_lane *lane)
{
    heap_remove(&lane->user->turns->models[lane->model], &lane->node);
}

static void put_back(struct turns_lane *lane)
{
    if (heap_first(&lane->items) && !lane->user->shut)
        heap_insert(&lane->user->turns->models[lane->model], &lane->node);
}

void turns_give_place(struct turns *turns, struct turns_item *item)
{
    if (!item->order)
        item->order = ++turns->last_order;
}

void turns_add(struct turns_user *user, size_t model, struct turns_item *item)
{
    struct turns_lane *lane = &user->lanes[model];

    item->lane = lane;
    take_out(lane);
    heap_insert(&lane->items, &item->node);
    put_back(lane);
}

void turns_remove(struct turns_item *item)
{
    struct turns_lane *lane = item->lane;

    if (!lane)
        return;
    take_out(lane);
    heap_remove(&lane->items, &item->node);
    item->lane = NULL;
    put_back(lane);
}

void turns_serve(struct turns_user *user)
{
    struct turns *turns = user->turns;

    for (size_t i = 0; i < turns->model_count; i++)
        take_out(&user->lanes[i]);
    user->served = ++turns->last_turn;
    for (size_t i = 0; i < turns->model_count; i++)
        put_back(&user->lanes[i]);
}

void turns_set_shut(struct turns_user *user, bool shut)
{
    for (size_t i = 0; i < user->turns->model_count; i++)
        take_out(&user->lanes[i]);
    user->shut = shut;
    for (size_t i = 0; i < user->turns->model_count; i++)
        put_back(&user->lanes[i]);
}

bool turns_is_shut(const struct turns_user *user)
{
    return user->shut;
}

struct turns_item *turns_next(const struct turns *turns,
                              bool (*has_slot)(const void *context, size_t model),
                              const void *context)
{
    const struct turns_lane *next = NULL;

    for (size_t i = 0; i < turns->model_count; i++) {
        struct heap_node *first = heap_first(&turns->models[i]);

        if (first && has_slot(context, i) && (!next || waits_longer(lane_of(first), next)))
            next = lane_of(first);
    }
    return next ? item_of(heap_first(&next->items)) : NULL;
}
