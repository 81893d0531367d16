/* SPDX-License-Identifier: MIT
 *
 * A priority queue that allocates nothing: a pairing heap of nodes that lie in what is queued.
 * Insertion takes constant time, removal logarithmic time on average over many. Nodes that neither
 * comes before the other have no certain order.
 */
#ifndef EASELFS_BASE_HEAP_H
#define EASELFS_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/** All zero: in no heap. */
struct heap_node {
    struct heap_node *child; /* the first of those behind it */
    struct heap_node *next;  /* its sibling */
    struct heap_node
        *previous; /* the sibling before it or, for the first, the parent; NULL: root */
    bool inside;
};

struct heap {
    struct heap_node *root;
    bool (*before)(const struct heap_node *left, const struct heap_node *right);
};

/** An empty heap in the order of @before, which must not change for nodes that are inside. */
void heap_init(struct heap *heap,
               bool (*before)(const struct heap_node *left, const struct heap_node *right));

/** Put @node, which is in no heap, inside. */
void heap_insert(struct heap *heap, struct heap_node *node);

/** Take @node out, if it is inside; it is in no other heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

/** The node before all others; NULL: none is inside. */
struct heap_node *heap_first(const struct heap *heap);

#endif
