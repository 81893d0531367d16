/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

void heap_init(struct heap *heap,
               bool (*before)(const struct heap_node *left, const struct heap_node *right))
{
    *heap = (struct heap){.before = before};
}

/* Both are roots without siblings, or NULL. @return the root of both. */
static struct heap_node *meld(const struct heap *heap, struct heap_node *left,
                              struct heap_node *right)
{
    if (!left || !right)
        return left ? left : right;
    if (heap->before(right, left)) {
        struct heap_node *swapped = left;

        left = right;
        right = swapped;
    }
    right->next = left->child;
    right->previous = left;
    if (left->child)
        left->child->previous = right;
    left->child = right;
    return left;
}

/* Make a row of siblings roots of their own, two by two: what makes removal cheap on average. */
static struct heap_node *meld_pairs(const struct heap *heap, struct heap_node *first)
{
    struct heap_node *pairs = NULL; /* linked backwards by `next` */
    struct heap_node *root = NULL;

    while (first) {
        struct heap_node *second = first->next;
        struct heap_node *rest = second ? second->next : NULL;

        first->next = first->previous = NULL;
        if (second)
            second->next = second->previous = NULL;
        first = meld(heap, first, second);
        first->next = pairs;
        pairs = first;
        first = rest;
    }
    while (pairs) {
        struct heap_node *rest = pairs->next;

        pairs->next = NULL;
        root = meld(heap, root, pairs);
        pairs = rest;
    }
    return root;
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
    *node = (struct heap_node){.inside = true};
    heap->root = meld(heap, heap->root, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *below;

    if (!node->inside)
        return;
    below = meld_pairs(heap, node->child);
    if (heap->root == node) {
        heap->root = below;
    } else {
        if (node->previous->child == node)
            node->previous->child = node->next;
        else
            node->previous->next = node->next;
        if (node->next)
            node->next->previous = node->previous;
        heap->root = meld(heap, heap->root, below);
    }
    *node = (struct heap_node){0};
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->root;
}
