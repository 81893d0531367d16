/* SPDX-License-Identifier: MIT
 *
 * The inode table with many threads at the same few files: whoever holds a reference finds the one
 * object, whatever the others look up, forget, move and write meanwhile, and in the end nothing is
 * left. ThreadSanitizer and AddressSanitizer see what these assertions do not.
 */
#include "store_place.h"

#include <pthread.h>
#include <stdatomic.h>

#include "store/inode.h"

#define THREAD_COUNT 8
#define ROUND_COUNT  3000
#define FILE_COUNT   5

struct node_kind {
    char unused;
};

static const struct node_kind kind;

/* The same for all threads; what they get wrong is counted, as cmocka is for one thread. */
struct tree {
    struct place *place;
    struct inode_table *table;
    struct inode *root;             /* held */
    struct inode *directories[2];   /* held */
    struct stat files[FILE_COUNT];  /* in the first directory on disk, wherever they stand */
    _Atomic unsigned barrier_count; /* threads that are there: all start at once */
    _Atomic unsigned wrong_count;
};

static struct inode *get_real(struct tree *tree, const char *path, struct inode *parent,
                              const char *name)
{
    int fd = openat(tree->place->fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct inode *inode = NULL;

    if (fd < 0 || inode_get_real(tree->table, fd, &kind, parent, name, &inode))
        return NULL;
    return inode;
}

static int make_tree(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    void *place = NULL;

    if (!tree || make_place(&place))
        return -1;
    tree->place = place;
    *state = tree;
    if (inode_table_create(&tree->table) ||
        inode_get_virtual(tree->table, &kind, S_IFDIR, NULL, "", &tree->root) ||
        mkdirat(tree->place->fd, "0", 0700) || mkdirat(tree->place->fd, "1", 0700))
        return -1;
    tree->directories[0] = get_real(tree, "0", tree->root, "0");
    tree->directories[1] = get_real(tree, "1", tree->root, "1");
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[16];
        snprintf(path, sizeof(path), "0/%d", i);
        write_text(tree->place->fd, path, "");
        if (fstatat(tree->place->fd, path, &tree->files[i], 0))
            return -1;
    }
    return !tree->directories[0] || !tree->directories[1];
}

static int remove_tree(void **state)
{
    struct tree *tree = *state;
    void *place = tree->place;

    inode_unref(tree->directories[0]);
    inode_unref(tree->directories[1]);
    inode_unref(tree->root);
    inode_table_destroy(tree->table);
    free(tree);
    return remove_place(&place);
}

static void check(struct tree *tree, bool condition)
{
    if (!condition)
        atomic_fetch_add(&tree->wrong_count, 1);
}

/* The only thing that threads may see of a file that others move between two directories. */
static void check_path(struct tree *tree, struct inode *inode, int number)
{
    cleanup_buf struct buf path = {.max = 1 << 16};
    char expected[2][16];

    snprintf(expected[0], sizeof(expected[0]), "0/%d", number);
    snprintf(expected[1], sizeof(expected[1]), "1/%d", number);
    check(tree, inode_path(inode, &path) == 0);
    check(tree,
          strcmp(buf_text(&path), expected[0]) == 0 || strcmp(buf_text(&path), expected[1]) == 0);
}

static void check_writer(struct tree *tree, struct inode *inode)
{
    inode_add_writer(inode);
    check(tree, inode_writer_count(inode) > 0);
    inode_drop_writer(inode);
}

static void use_file(struct tree *tree, unsigned random)
{
    int number = (int)(random % FILE_COUNT);
    struct inode *directory = tree->directories[random >> 8 & 1];
    const struct stat *status = &tree->files[number];
    struct inode *inode;
    struct inode *found;
    char path[16];
    char name[16];

    snprintf(path, sizeof(path), "0/%d", number);
    snprintf(name, sizeof(name), "%d", number);
    inode = get_real(tree, path, directory, name);
    check(tree, inode && inode->fd >= 0 && inode->number == status->st_ino);
    inode_count_lookup(inode_ref(inode));
    found = inode_find(tree->table, status->st_dev, status->st_ino);
    check(tree, found == inode);
    inode_unref(found);
    if (random & 0x1000)
        check(tree, inode_move(inode, directory, name) == 0);
    check_path(tree, inode, number);
    check_writer(tree, inode);
    inode_mark_jobs(inode);
    inode_touch_parent(inode);
    inode_unref(inode);
    inode_forget(inode, 1); /* the last one: it may be gone now */
}

static void use_virtual(struct tree *tree, unsigned random)
{
    struct inode *directory = tree->directories[random >> 8 & 1];
    struct inode *inode = NULL;
    struct inode *again = NULL;

    check(tree, inode_get_virtual(tree->table, &kind, S_IFREG, directory, ".wait", &inode) == 0);
    check(tree, inode_get_virtual(tree->table, &kind, S_IFREG, directory, ".wait", &again) == 0);
    check(tree, inode == again && inode_is_below(inode, directory));
    inode_unref(again);
    inode_unref(inode);
}

struct worker {
    struct tree *tree;
    unsigned seed;
};

static void *work(void *context)
{
    const struct worker *worker = context;
    unsigned random = worker->seed;

    atomic_fetch_add(&worker->tree->barrier_count, 1);
    while (atomic_load(&worker->tree->barrier_count) < THREAD_COUNT)
        continue;
    for (int i = 0; i < ROUND_COUNT; i++) {
        random = random * 1664525 + 1013904223;
        use_file(worker->tree, random >> 8);
        use_virtual(worker->tree, random >> 8);
    }
    return NULL;
}

static void same_files_in_all_threads(void **state)
{
    struct tree *tree = *state;
    unsigned descriptors = count_descriptors();
    struct worker workers[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    char name[NAME_MAX + 1];

    for (unsigned i = 0; i < THREAD_COUNT; i++) {
        workers[i] = (struct worker){tree, i * 7919};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&tree->wrong_count), 0);
    for (int i = 0; i < FILE_COUNT; i++)
        assert_null(inode_find(tree->table, tree->files[i].st_dev, tree->files[i].st_ino));
    assert_false(inode_open_writer_in(tree->directories[0], name));
    assert_false(inode_open_writer_in(tree->directories[1], name));
    assert_null(tree->directories[0]->virtual_first);
    assert_null(tree->directories[1]->virtual_first);
    assert_int_equal(tree->directories[0]->reference_count, 1);
    assert_int_equal(tree->directories[1]->reference_count, 1);
    assert_int_equal(count_descriptors(), descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_files_in_all_threads, make_tree, remove_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
