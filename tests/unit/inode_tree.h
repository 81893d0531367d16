/* SPDX-License-Identifier: MIT
 *
 * For tests of inodes: a tree with a virtual root "" and in it the real directories and files of a
 * directory in /tmp.
 */
#ifndef EASELFS_TESTS_INODE_TREE_H
#define EASELFS_TESTS_INODE_TREE_H

#include "store_place.h"

#include <errno.h>

#include "store/inode.h"

/* The table only compares kinds. */
struct node_kind {
    char unused;
};

static const struct node_kind root_kind;
static const struct node_kind kind;

struct tree {
    struct place *place;
    struct inode_table *table;
    struct inode *root; /* held */
    unsigned descriptors;
};

static inline int make_tree(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    void *place = NULL;

    if (!tree || make_place(&place))
        return -1;
    tree->place = place;
    *state = tree;
    tree->descriptors = count_descriptors();
    return inode_table_create(&tree->table) ||
           inode_get_virtual(tree->table, &root_kind, S_IFDIR, NULL, "", &tree->root);
}

/* What a test leaves held, the table closes. */
static inline int remove_tree(void **state)
{
    struct tree *tree = *state;
    void *place = tree->place;

    inode_table_destroy(tree->table);
    assert_int_equal(count_descriptors(), tree->descriptors);
    free(tree);
    return remove_place(&place);
}

static inline int open_path(const struct tree *tree, const char *path)
{
    int fd = openat(tree->place->fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* The inode of the file at @path, known as @name in @parent. */
static inline struct inode *get(const struct tree *tree, const char *path, struct inode *parent,
                                const char *name)
{
    struct inode *inode = NULL;

    assert_int_equal(
        inode_get_real(tree->table, open_path(tree, path), &kind, parent, name, &inode), 0);
    return inode;
}

static inline struct inode *make_dir(const struct tree *tree, const char *path,
                                     struct inode *parent, const char *name)
{
    assert_int_equal(mkdirat(tree->place->fd, path, 0700), 0);
    return get(tree, path, parent, name);
}

static inline struct inode *make_file(const struct tree *tree, const char *path,
                                      struct inode *parent, const char *name)
{
    write_text(tree->place->fd, path, "");
    return get(tree, path, parent, name);
}

static inline void assert_path(struct inode *inode, const char *expected)
{
    cleanup_buf struct buf path = {.max = 1 << 16};

    assert_int_equal(inode_path(inode, &path), 0);
    assert_string_equal(buf_text(&path), expected);
}

static inline int path_error(struct inode *inode)
{
    cleanup_buf struct buf path = {.max = 1 << 16};
    int error = inode_path(inode, &path);

    assert_int_equal(path.length, 0);
    return error;
}

static inline void assert_parent(struct inode *inode, const struct inode *expected)
{
    struct inode *parent = inode_parent(inode);

    assert_ptr_equal(parent, expected);
    inode_unref(parent);
}

static inline void assert_top(struct inode *inode, const struct inode *expected)
{
    struct inode *top = inode_top(inode);

    assert_ptr_equal(top, expected);
    inode_unref(top);
}

static inline bool is_known(const struct tree *tree, const struct stat *status)
{
    struct inode *inode = inode_find(tree->table, status->st_dev, status->st_ino);

    inode_unref(inode);
    return inode != NULL;
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

#endif
