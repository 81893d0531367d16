/* SPDX-License-Identifier: MIT
 *
 * Where inodes stand: names, paths, what is above what, and what is open for writing where.
 */
#include "inode_tree.h"

static void paths(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "MODEL");
    struct inode *b = make_dir(tree, "a/b", a, "caf\xc3\xa9");
    struct inode *c = make_file(tree, "a/b/c", b, "\xff c");
    cleanup_buf struct buf path = {.max = 20};
    char name[NAME_MAX + 1];

    assert_path(tree->root, "");
    assert_path(a, "MODEL");
    assert_path(b, "MODEL/caf\xc3\xa9");
    assert_path(c, "MODEL/caf\xc3\xa9/\xff c");
    assert_true(inode_name(c, name));
    assert_string_equal(name, "\xff c");
    assert_true(inode_name(tree->root, name));
    assert_string_equal(name, "");
    assert_int_equal(buf_append_text(&path, "at "), 0);
    assert_int_equal(inode_path(c, &path), 0);
    assert_string_equal(buf_text(&path), "at MODEL/caf\xc3\xa9/\xff c");
    buf_clear(&path);
    assert_int_equal(buf_append_text(&path, "here: "), 0);
    assert_int_equal(inode_path(c, &path), -EFBIG);
    assert_string_equal(buf_text(&path), "here: ");
}

static void places(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "a/b", a, "b");
    struct inode *c = make_dir(tree, "a/b/c", b, "c");
    struct inode *other = make_dir(tree, "other", tree->root, "other");

    assert_top(c, a);
    assert_top(b, a);
    assert_top(a, a);
    assert_top(other, other);
    assert_top(tree->root, NULL);
    assert_parent(tree->root, NULL);
    assert_parent(a, tree->root);
    assert_true(inode_is_below(c, a));
    assert_true(inode_is_below(c, c));
    assert_true(inode_is_below(c, tree->root));
    assert_false(inode_is_below(a, c));
    assert_false(inode_is_below(c, other));
}

static void assert_model(struct inode *inode, const struct inode *expected)
{
    struct inode *model = inode_model(inode);

    assert_ptr_equal(model, expected);
    inode_unref(model);
}

/* Where many users share the mount: MODEL/USER/... */
static void top_workspaces_may_stand_deeper(void **state)
{
    const struct tree *tree = *state;
    struct inode *a;
    struct inode *b;
    struct inode *c;
    struct inode *d;

    inode_set_top_depth(tree->table, 2);
    a = make_dir(tree, "a", tree->root, "a");
    b = make_dir(tree, "a/b", a, "b");
    c = make_dir(tree, "a/b/c", b, "c");
    d = make_file(tree, "a/b/c/d", c, "d");
    assert_top(d, b);
    assert_top(c, b);
    assert_top(b, b);
    assert_top(a, NULL);
    assert_top(tree->root, NULL);
    assert_model(d, a);
    assert_model(b, a);
    assert_model(a, a);
    assert_model(tree->root, NULL);
    inode_detach(c);
    assert_top(d, NULL);
    assert_model(d, NULL);
    assert_top(c, NULL);
    assert_model(c, NULL);
}

static void detached_has_no_place(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "a/b", a, "b");
    struct inode *c = make_file(tree, "a/b/c", b, "c");
    char name[NAME_MAX + 1] = "as it was";

    inode_detach(b);
    assert_int_equal(path_error(b), -ENOENT);
    assert_int_equal(path_error(c), -ENOENT);
    assert_false(inode_name(b, name));
    assert_string_equal(name, "as it was");
    assert_true(inode_name(c, name));
    assert_parent(b, NULL);
    assert_parent(c, b);
    assert_top(b, NULL);
    assert_top(c, NULL);
    assert_false(inode_is_below(c, a));
    assert_true(inode_is_below(c, b));
    inode_detach(b);
    assert_int_equal(path_error(b), -ENOENT);
    assert_ptr_equal(get(tree, "a/b", a, "b"), b); /* it is there after all: it was moved back */
    assert_path(c, "a/b/c");
}

static void moves(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "b", tree->root, "b");
    struct inode *c = make_dir(tree, "a/c", a, "c");
    struct inode *d = make_file(tree, "a/c/d", c, "d");
    struct stat status;

    assert_int_equal(fstat(a->fd, &status), 0);
    assert_int_equal(inode_move(c, b, "e"), 0);
    assert_path(d, "b/e/d");
    assert_top(d, b);
    assert_int_equal(inode_move(c, b, "f"), 0);
    assert_path(d, "b/f/d");
    inode_unref(a); /* nothing stands in it any more */
    assert_false(is_known(tree, &status));
}

/*
 * A walk that opened `a/b` and is slow, while somebody moves b out of a and a into b: taking its
 * word would put each of them below the other, and whoever goes upward would never arrive.
 */
static void no_inode_stands_below_itself(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "a/b", a, "b");
    int fd = open_path(tree, "a/b");
    struct inode *found = NULL;

    assert_int_equal(renameat(tree->place->fd, "a/b", tree->place->fd, "b"), 0);
    assert_int_equal(inode_move(b, tree->root, "b"), 0);
    assert_int_equal(renameat(tree->place->fd, "a", tree->place->fd, "b/a"), 0);
    assert_int_equal(inode_move(a, b, "a"), 0);
    assert_int_equal(inode_get_real(tree->table, fd, &kind, a, "b", &found), 0);
    assert_ptr_equal(found, b);
    assert_path(b, "b");
    assert_path(a, "b/a");
    assert_true(inode_is_below(a, b));
    assert_false(inode_is_below(b, a));
}

/* A virtual directory whose name has @length characters. Takes the reference on @parent. */
static struct inode *make_child(const struct tree *tree, struct inode *parent, size_t length)
{
    char name[NAME_MAX + 1];
    struct inode *child = NULL;

    memset(name, 'x', length);
    name[length] = '\0';
    assert_int_equal(inode_get_virtual(tree->table, &kind, S_IFDIR, parent, name, &child), 0);
    inode_unref(parent);
    return child;
}

/* 16 KiB, slashes included, and one more. */
static void long_paths_end(void **state)
{
    const struct tree *tree = *state;
    struct inode *directory = inode_ref(tree->root);
    cleanup_buf struct buf path = {.max = 1 << 16};
    struct inode *other;

    for (int depth = 0; depth < 63; depth++)
        directory = make_child(tree, directory, NAME_MAX);
    directory = make_child(tree, directory, 254);
    other = make_child(tree, inode_ref(directory), 2);
    assert_int_equal(path_error(other), -ENAMETOOLONG);
    inode_unref(other);
    directory = make_child(tree, directory, 1);
    assert_int_equal(inode_path(directory, &path), 0);
    assert_int_equal(path.length, 16384);
    assert_int_equal(strspn(buf_text(&path), "x/"), 16384);
    inode_unref(directory);
}

static void writers(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_file(tree, "a/b", a, "b");
    struct inode *hidden = make_file(tree, "a/.h", a, ".h");
    char name[NAME_MAX + 1] = "as it was";

    assert_int_equal(inode_writer_count(b), 0);
    inode_add_writer(hidden);
    assert_false(inode_open_writer_in(a, name));
    assert_string_equal(name, "as it was");
    inode_add_writer(b);
    inode_add_writer(b);
    assert_int_equal(inode_writer_count(b), 2);
    assert_true(inode_open_writer_in(a, name));
    assert_string_equal(name, "b");
    assert_false(inode_open_writer_in(tree->root, name));
    assert_int_equal(inode_drop_writer(b), 1);
    assert_true(inode_open_writer_in(a, name));
    assert_int_equal(inode_move(b, a, "c"), 0);
    assert_true(inode_open_writer_in(a, name));
    assert_string_equal(name, "c");
    inode_detach(b); /* removed while it is open: it keeps nobody waiting */
    assert_false(inode_open_writer_in(a, name));
    assert_int_equal(inode_drop_writer(b), 0);
    assert_int_equal(inode_drop_writer(hidden), 0);
    assert_int_equal(inode_writer_count(hidden), 0);
}

static void marks(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "a/b", a, "b");
    struct inode *c = make_dir(tree, "a/b/c", b, "c");

    inode_mark_jobs(b);
    assert_true(atomic_load(&tree->root->has_jobs));
    assert_true(atomic_load(&a->has_jobs));
    assert_true(atomic_load(&b->has_jobs));
    assert_false(atomic_load(&c->has_jobs));
    assert_int_equal(atomic_load(&a->changed_ms), 0);
    inode_touch_parent(b);
    assert_true(atomic_load(&a->changed_ms) > 0);
    assert_int_equal(atomic_load(&b->changed_ms), 0);
    inode_touch(b);
    assert_true(atomic_load(&b->changed_ms) >= atomic_load(&a->changed_ms));
    inode_detach(b);
    inode_touch_parent(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tree_test(paths),
        tree_test(places),
        tree_test(top_workspaces_may_stand_deeper),
        tree_test(detached_has_no_place),
        tree_test(moves),
        tree_test(no_inode_stands_below_itself),
        tree_test(long_paths_end),
        tree_test(writers),
        tree_test(marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
