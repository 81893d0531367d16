/* SPDX-License-Identifier: MIT
 *
 * Whose turn it is, and the heap beneath: random operations beside models that look through all
 * there is, and what the turns promise to users.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "job/turns.h"

/* The same numbers in each run. */
static unsigned next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33);
}

/* The heap */

#define NODES 200

struct number {
    struct heap_node node;
    unsigned value;
};

static unsigned value_of(const struct heap_node *node)
{
    return ((const struct number *)((const char *)node - offsetof(struct number, node)))->value;
}

static bool is_less(const struct heap_node *left, const struct heap_node *right)
{
    return value_of(left) < value_of(right);
}

static void assert_least(const struct heap *heap, const struct number numbers[NODES])
{
    const struct number *least = NULL;

    for (int i = 0; i < NODES; i++) {
        if (numbers[i].node.inside && (!least || numbers[i].value < least->value))
            least = &numbers[i];
    }
    if (!least)
        assert_null(heap_first(heap));
    else
        assert_int_equal(value_of(heap_first(heap)), least->value);
}

static void heap_keeps_the_least_first(void **state)
{
    static struct number numbers[NODES];
    struct heap heap;
    uint64_t seed = 1;

    (void)state;
    heap_init(&heap, is_less);
    for (int step = 0; step < 50000; step++) {
        struct number *number = &numbers[next_random(&seed) % NODES];

        if (number->node.inside) {
            heap_remove(&heap, &number->node);
            assert_null(number->node.child);
        } else {
            number->value = next_random(&seed) % 50; /* many are equal */
            heap_insert(&heap, &number->node);
        }
        heap_remove(&heap, &(struct heap_node){0}); /* what is not inside is left alone */
        assert_least(&heap, numbers);
    }
}

/* A row as it may come from a disk: nothing recurses over it. */
static void heap_takes_many(void **state)
{
    enum { MANY = 1000000 };
    struct number *numbers = calloc(MANY, sizeof(*numbers));
    struct heap heap;

    (void)state;
    assert_non_null(numbers);
    heap_init(&heap, is_less);
    for (unsigned i = 0; i < MANY; i++) {
        numbers[i].value = i;
        heap_insert(&heap, &numbers[i].node);
    }
    for (unsigned i = 0; i < MANY; i++) {
        struct heap_node *first = heap_first(&heap);

        assert_int_equal(value_of(first), i);
        heap_remove(&heap, first);
    }
    assert_null(heap_first(&heap));
    free(numbers);
}

/* The turns, beside a model of them */

#define USERS  5
#define MODELS 3
#define ITEMS  300

struct model_item {
    struct turns_item item;
    bool queued;
    unsigned user;
    size_t model;
    unsigned place; /* 0: none yet */
};

struct world {
    struct turns *turns;
    struct turns_user *users[USERS];
    struct model_item items[ITEMS];
    unsigned served[USERS];
    bool shut[USERS];
    bool slot[MODELS];
    unsigned last_turn;
    unsigned last_place;
};

static bool has_slot(const void *context, size_t model)
{
    const bool *slot = context;

    return slot[model];
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world || turns_create(MODELS, &world->turns))
        return -1;
    for (int i = 0; i < USERS; i++) {
        if (turns_user_create(world->turns, 0, &world->users[i]))
            return -1;
    }
    for (int i = 0; i < MODELS; i++)
        world->slot[i] = true;
    *state = world;
    return 0;
}

static int remove_world(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < USERS; i++)
        turns_user_destroy(world->users[i]);
    turns_destroy(world->turns);
    turns_destroy(NULL);
    free(world);
    return 0;
}

static void add(struct world *world, unsigned index, unsigned user, size_t model)
{
    struct model_item *item = &world->items[index];

    if (!item->place)
        item->place = ++world->last_place;
    item->queued = true;
    item->user = user;
    item->model = model;
    turns_give_place(world->turns, &item->item);
    turns_add(world->users[user], model, &item->item);
}

static void take(struct model_item *item)
{
    item->queued = false;
    turns_remove(&item->item);
}

static void serve(struct world *world, unsigned user)
{
    world->served[user] = ++world->last_turn;
    turns_serve(world->users[user]);
}

static bool may_be_served(const struct world *world, const struct model_item *item)
{
    return item->queued && world->slot[item->model] && !world->shut[item->user];
}

/* Of all, the one of the user served least recently; of those of one user, the oldest. */
static struct model_item *expect(struct world *world)
{
    struct model_item *best = NULL;

    for (int i = 0; i < ITEMS; i++) {
        struct model_item *item = &world->items[i];
        unsigned turn = world->served[item->user];

        if (may_be_served(world, item) &&
            (!best || turn < world->served[best->user] ||
             (turn == world->served[best->user] && item->place < best->place)))
            best = item;
    }
    return best;
}

static struct model_item *next(const struct world *world)
{
    struct turns_item *item = turns_next(world->turns, has_slot, world->slot);

    return item ? (struct model_item *)((char *)item - offsetof(struct model_item, item)) : NULL;
}

/* An item is a job: the user stays the same, and the model. */
static void change(struct world *world, uint64_t *seed)
{
    unsigned index = next_random(seed) % ITEMS;
    unsigned user = index % USERS;

    switch (next_random(seed) % 8) {
    case 0:
        world->slot[index % MODELS] = !world->slot[index % MODELS];
        break;
    case 1:
        world->shut[user] = !world->shut[user];
        turns_set_shut(world->users[user], world->shut[user]);
        assert_int_equal(turns_is_shut(world->users[user]), world->shut[user]);
        break;
    case 2:
    case 3:
    case 4:
        if (!world->items[index].queued)
            add(world, index, user, index % MODELS);
        break;
    case 5:
        take(&world->items[index]); /* or nothing, where it is not queued */
        break;
    default:
        if (expect(world)) {
            struct model_item *item = expect(world);

            take(item);
            serve(world, item->user);
        }
    }
}

static void does_as_the_model_does(void **state)
{
    struct world *world = *state;

    for (uint64_t start = 0; start < 20; start++) {
        uint64_t seed = start;

        for (int step = 0; step < 3000; step++) {
            change(world, &seed);
            assert_ptr_equal(next(world), expect(world));
        }
    }
    for (int i = 0; i < ITEMS; i++)
        take(&world->items[i]);
}

/* Serve what is next, and say whose it was. */
static unsigned serve_next(struct world *world)
{
    struct model_item *item = next(world);

    assert_non_null(item);
    take(item);
    serve(world, item->user);
    return item->user;
}

static void thousands_of_one_cost_another_no_turn(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 200; i++)
        add(world, i, 0, 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(serve_next(world), 0);
    add(world, 200, 1, 0);
    add(world, 201, 2, 1);
    assert_int_equal(serve_next(world), 1);
    assert_int_equal(serve_next(world), 2);
    assert_int_equal(serve_next(world), 0);
    for (unsigned i = 0; i < 3; i++) {
        add(world, 210 + i, 1, 0);
        add(world, 220 + i, 2, 2);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(serve_next(world), 1);
        assert_int_equal(serve_next(world), 2);
        assert_int_equal(serve_next(world), 0);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        take(&world->items[i]);
}

/* What comes back, after a try that was not served, is the oldest again. */
static void keeps_the_place_of_what_comes_back(void **state)
{
    struct world *world = *state;

    add(world, 0, 0, 0);
    add(world, 1, 0, 0);
    assert_ptr_equal(next(world), &world->items[0]);
    take(&world->items[0]);
    add(world, 2, 0, 0);
    add(world, 0, 0, 0);
    assert_ptr_equal(next(world), &world->items[0]);
    for (unsigned i = 0; i < 3; i++)
        take(&world->items[i]);
    assert_null(next(world));
}

/* Who leaves and comes again does not get before others by that. */
static void remembers_the_last_turn(void **state)
{
    struct world *world = *state;
    uint64_t served;

    for (unsigned i = 0; i < 10; i++)
        add(world, i, i % 2, 0);
    serve_next(world);
    serve_next(world);
    serve(world, 2);
    served = turns_user_destroy(world->users[2]);
    assert_int_equal(served, 3);
    assert_int_equal(turns_user_create(world->turns, served, &world->users[2]), 0);
    add(world, 20, 2, 0);
    assert_int_equal(serve_next(world), 0);
    assert_int_equal(serve_next(world), 1);
    assert_int_equal(serve_next(world), 2);
    for (unsigned i = 0; i < ITEMS; i++)
        take(&world->items[i]);
}

#define world_test(test) cmocka_unit_test_setup_teardown(test, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_keeps_the_least_first),
        cmocka_unit_test(heap_takes_many),
        world_test(does_as_the_model_does),
        world_test(thousands_of_one_cost_another_no_turn),
        world_test(keeps_the_place_of_what_comes_back),
        world_test(remembers_the_last_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
