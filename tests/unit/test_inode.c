/* SPDX-License-Identifier: MIT
 *
 * The inode table in one thread: one object for one file, and the counts that keep it. Where inodes
 * stand is in test_inode_place.c, many threads are in test_inode_threads.c.
 */
#include "inode_tree.h"

#include <sys/resource.h>

static void one_file_is_one_inode(void **state)
{
    const struct tree *tree = *state;
    struct inode *file = make_file(tree, "a", tree->root, "a");
    struct inode *again = get(tree, "a", tree->root, "a");
    struct inode *other = make_file(tree, "b", tree->root, "b");
    struct stat status;

    assert_ptr_equal(file, again);
    assert_ptr_not_equal(file, other);
    assert_int_equal(fstatat(tree->place->fd, "a", &status, 0), 0);
    assert_ptr_equal(inode_find(tree->table, status.st_dev, status.st_ino), file);
    assert_null(inode_find(tree->table, status.st_dev + 1, status.st_ino));
    assert_null(inode_find(tree->table, status.st_dev, UINT64_MAX));
    assert_int_equal(file->number, status.st_ino);
    assert_int_equal(file->device, status.st_dev);
    assert_int_equal(file->type, S_IFREG);
    assert_ptr_equal(file->kind, &kind);
    assert_int_equal(tree->root->type, S_IFDIR);
    assert_int_equal(tree->root->fd, -1);
}

/* By any name: the last one that was seen is where it stands. */
static void another_name_moves_it(void **state)
{
    const struct tree *tree = *state;
    struct inode *directory = make_dir(tree, "d", tree->root, "d");
    struct inode *file = make_file(tree, "a", tree->root, "a");

    assert_ptr_equal(get(tree, "a", directory, "b"), file);
    assert_path(file, "d/b");
    assert_parent(file, directory);
    assert_ptr_equal(get(tree, "a", directory, "c"), file);
    assert_path(file, "d/c");
}

/* Found without being opened: only where it is known to stand. */
static void is_known_where_it_stands(void **state)
{
    const struct tree *tree = *state;
    struct inode *directory = make_dir(tree, "d", tree->root, "d");
    struct inode *file = make_file(tree, "a", tree->root, "a");
    struct stat status;

    assert_int_equal(fstat(file->fd, &status), 0);
    assert_ptr_equal(inode_get_known(tree->table, &status, tree->root, "a"), file);
    assert_null(inode_get_known(tree->table, &status, tree->root, "b"));
    assert_null(inode_get_known(tree->table, &status, directory, "a"));
    inode_unref(file); /* as it is held twice */
    assert_true(is_known(tree, &status));
    inode_detach(file);
    assert_null(inode_get_known(tree->table, &status, tree->root, "a"));
    inode_unref(file);
    assert_null(inode_get_known(tree->table, &status, tree->root, "a"));
}

static void refuses_what_is_no_file(void **state)
{
    const struct tree *tree = *state;
    struct inode *inode = NULL;
    int fd = open_path(tree, ".");

    close(fd);
    assert_int_equal(inode_get_real(tree->table, fd, &kind, tree->root, "a", &inode), -EBADF);
    assert_null(inode);
}

/* It lives as long as one reference does, and its descriptor with it. */
static void references_keep_it(void **state)
{
    const struct tree *tree = *state;
    struct inode *file = make_file(tree, "a", tree->root, "a");
    unsigned before = count_descriptors();
    struct stat status;

    assert_int_equal(fstat(file->fd, &status), 0);
    assert_ptr_equal(get(tree, "a", tree->root, "a"), file);
    assert_ptr_equal(inode_ref(file), file);
    assert_int_equal(count_descriptors(), before);
    inode_unref(file);
    inode_unref(file);
    assert_true(is_known(tree, &status));
    inode_unref(file);
    assert_false(is_known(tree, &status));
    assert_int_equal(count_descriptors(), before - 1);
    inode_unref(NULL);
}

static void lookups_keep_it(void **state)
{
    const struct tree *tree = *state;
    struct inode *file = make_file(tree, "a", tree->root, "a");
    struct stat status;

    assert_int_equal(fstat(file->fd, &status), 0);
    inode_count_lookup(file);
    inode_count_lookup(get(tree, "a", tree->root, "a"));
    inode_count_lookup(get(tree, "a", tree->root, "a"));
    inode_forget(file, 0);
    inode_forget(file, 2);
    assert_true(is_known(tree, &status));
    inode_forget(file, 1);
    assert_false(is_known(tree, &status));
}

/* A kernel that forgets more than it looked up takes no reference that is somebody else's. */
static void forgets_no_more_than_was_looked_up(void **state)
{
    const struct tree *tree = *state;
    struct inode *file = make_file(tree, "a", tree->root, "a");
    struct stat status;

    assert_int_equal(fstat(file->fd, &status), 0);
    inode_forget(file, 5);
    assert_true(is_known(tree, &status));
    inode_count_lookup(inode_ref(file));
    inode_forget(file, UINT64_MAX);
    assert_true(is_known(tree, &status));
    inode_unref(file);
    assert_false(is_known(tree, &status));
}

static void children_keep_their_parents(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *b = make_dir(tree, "a/b", a, "b");
    struct inode *c = make_file(tree, "a/b/c", b, "c");
    unsigned before = count_descriptors();
    struct stat status;

    assert_int_equal(fstat(a->fd, &status), 0);
    inode_unref(a);
    inode_unref(b);
    assert_path(c, "a/b/c");
    assert_true(is_known(tree, &status));
    inode_unref(c);
    assert_false(is_known(tree, &status));
    assert_int_equal(count_descriptors(), before - 3);
}

static const struct node_kind other_kind;

static struct inode *get_virtual(const struct tree *tree, const struct node_kind *its_kind,
                                 struct inode *parent, const char *name)
{
    struct inode *inode = NULL;

    assert_int_equal(inode_get_virtual(tree->table, its_kind, S_IFREG, parent, name, &inode), 0);
    return inode;
}

static void virtual_nodes(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *status = get_virtual(tree, &kind, a, "status.txt");
    uint64_t number = status->number;
    struct inode *other;

    assert_ptr_equal(get_virtual(tree, &kind, a, "status.txt"), status);
    inode_unref(status);
    other = get_virtual(tree, &other_kind, a, "status.txt");
    assert_ptr_not_equal(other, status);
    inode_unref(other);
    other = get_virtual(tree, &kind, tree->root, "status.txt");
    assert_ptr_not_equal(other, status);
    assert_int_not_equal(other->number, number);
    inode_unref(other);
    assert_path(status, "a/status.txt");
    assert_int_equal(status->fd, -1);
    assert_int_equal(number >> 63, 1);
    inode_unref(status);
    status = get_virtual(tree, &kind, a, "status.txt"); /* made again: the same number */
    assert_int_equal(status->number, number);
    inode_unref(status);
    inode_unref(a);
    assert_int_equal(count_descriptors(), tree->descriptors);
}

static void virtual_children_keep_their_parent(void **state)
{
    const struct tree *tree = *state;
    struct inode *a = make_dir(tree, "a", tree->root, "a");
    struct inode *first = get_virtual(tree, &kind, a, "first");
    struct inode *second = get_virtual(tree, &kind, a, "second");
    struct stat status;

    assert_int_equal(fstat(a->fd, &status), 0);
    inode_unref(a);
    inode_unref(first);
    assert_ptr_equal(get_virtual(tree, &kind, a, "second"), second);
    inode_unref(second);
    assert_true(is_known(tree, &status));
    inode_unref(second);
    assert_false(is_known(tree, &status));
}

/* More than the table has buckets at first. */
static void many(void **state)
{
    enum { COUNT = 3000 };
    const struct tree *tree = *state;
    struct inode **inodes = calloc(COUNT, sizeof(struct inode *));
    struct rlimit limit;
    char name[16];

    assert_non_null(inodes);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        inodes[i] = make_file(tree, name, tree->root, name);
        if (i % 3)
            continue;
        inode_unref(inodes[i]); /* out of a chain that goes on growing */
        inodes[i] = NULL;
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        if (inodes[i])
            assert_ptr_equal(get(tree, name, tree->root, name), inodes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        if (inodes[i])
            assert_path(inodes[i], (snprintf(name, sizeof(name), "%d", i), name));
        inode_unref(inodes[i]);
        inode_unref(inodes[i]);
    }
    free(inodes);
    assert_int_equal(count_descriptors(), tree->descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tree_test(one_file_is_one_inode),
        tree_test(another_name_moves_it),
        tree_test(is_known_where_it_stands),
        tree_test(refuses_what_is_no_file),
        tree_test(references_keep_it),
        tree_test(lookups_keep_it),
        tree_test(forgets_no_more_than_was_looked_up),
        tree_test(children_keep_their_parents),
        tree_test(virtual_nodes),
        tree_test(virtual_children_keep_their_parent),
        tree_test(many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
