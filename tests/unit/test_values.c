/* SPDX-License-Identifier: MIT
 *
 * The values in settings/ of a tree of real directories: what holds where, what is kept on disk,
 * and what is left aside.
 */
#include "store_place.h"

#include <errno.h>

#include "store/values.h"

struct node_kind {
    char unused;
};

static const struct node_kind kind;

/* ROOT (virtual) / model / a / b, each with settings/ but the root. */
struct tree {
    struct place *place;
    struct inode_table *table;
    struct inode *model, *a, *b;          /* held */
    int model_values, a_values, b_values; /* O_PATH, as the tree has them */
};

static struct inode *make_inode(const struct tree *tree, const char *path, struct inode *parent,
                                const char *name, int *values_fd)
{
    char values[64];
    struct inode *inode = NULL;
    int fd;

    snprintf(values, sizeof(values), "%s/settings", path);
    assert_int_equal(mkdirat(tree->place->fd, path, 0700), 0);
    assert_int_equal(mkdirat(tree->place->fd, values, 0700), 0);
    fd = openat(tree->place->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *values_fd = openat(tree->place->fd, values, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0 && *values_fd >= 0);
    assert_int_equal(inode_get_real(tree->table, fd, &kind, parent, name, &inode), 0);
    return inode;
}

static int make_tree(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    void *place = NULL;
    struct inode *root = NULL;

    if (!tree || make_place(&place))
        return -1;
    tree->place = place;
    *state = tree;
    if (inode_table_create(&tree->table) ||
        inode_get_virtual(tree->table, &kind, S_IFDIR, NULL, "", &root))
        return -1;
    tree->model = make_inode(tree, "m", root, "m", &tree->model_values);
    tree->a = make_inode(tree, "m/a", tree->model, "a", &tree->a_values);
    tree->b = make_inode(tree, "m/a/b", tree->a, "b", &tree->b_values);
    inode_unref(root);
    return 0;
}

static int remove_tree(void **state)
{
    struct tree *tree = *state;
    void *place = tree->place;

    inode_unref(tree->b);
    inode_unref(tree->a);
    inode_unref(tree->model);
    inode_table_destroy(tree->table);
    close(tree->model_values);
    close(tree->a_values);
    close(tree->b_values);
    free(tree);
    return remove_place(&place);
}

/* NULL: not set. */
static void assert_value(struct inode *directory, enum setting setting, const char *expected)
{
    cleanup_settings struct settings settings = {0};

    assert_int_equal(values_inherit(directory, &model_profile_permissive, &settings), 0);
    if (expected) {
        assert_non_null(settings.value[setting]);
        assert_string_equal(settings.value[setting], expected);
    } else {
        assert_null(settings.value[setting]);
    }
}

static void sets_and_resets(void **state)
{
    const struct tree *tree = *state;
    struct stat status;

    assert_false(values_has(tree->a, SETTING_SEED));
    assert_false(values_any(tree->a));
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "7"), 0);
    assert_content(tree->place->fd, "m/a/settings/seed", "7\n");
    assert_int_equal(fstatat(tree->place->fd, "m/a/settings/seed", &status, 0), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0644);
    assert_true(values_has(tree->a, SETTING_SEED));
    assert_false(values_has(tree->a, SETTING_TOP_K));
    assert_false(values_has(tree->b, SETTING_SEED));
    assert_true(values_any(tree->a));
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "8"), 0);
    assert_content(tree->place->fd, "m/a/settings/seed", "8\n");
    assert_false(is_there(tree->place->fd, "m/a/settings/seed.new"));
    assert_int_equal(unlinkat(tree->place->fd, "m/a/settings/seed", 0), 0);
    assert_false(values_has(tree->a, SETTING_SEED));
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "9"), 0);
    assert_value(tree->a, SETTING_SEED, "9");
}

static void resets(void **state)
{
    const struct tree *tree = *state;
    int fd = openat(tree->place->fd, "m/a/settings", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(values_set(fd, SETTING_SEED, "7"), 0);
    assert_int_equal(values_reset(fd, SETTING_SEED), 0);
    assert_false(values_has(tree->a, SETTING_SEED));
    assert_false(values_any(tree->a));
    assert_int_equal(values_reset(fd, SETTING_SEED), 0);
    assert_value(tree->a, SETTING_SEED, NULL);
    assert_int_equal(mkdirat(fd, "seed", 0700), 0);
    assert_int_equal(values_reset(fd, SETTING_SEED), -EISDIR);
    assert_int_equal(values_set(fd, SETTING_SEED, "7"), -EISDIR);
    assert_false(is_there(fd, "seed.new"));
    close(fd);
}

static void inherits(void **state)
{
    const struct tree *tree = *state;

    assert_int_equal(values_set(tree->model_values, SETTING_SEED, "1"), 0);
    assert_int_equal(values_set(tree->model_values, SETTING_TOP_K, "2"), 0);
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "3"), 0);
    assert_int_equal(values_set(tree->b_values, SETTING_TOP_K, "4"), 0);
    assert_value(tree->model, SETTING_SEED, "1");
    assert_value(tree->model, SETTING_TOP_K, "2");
    assert_value(tree->a, SETTING_SEED, "3");
    assert_value(tree->a, SETTING_TOP_K, "2");
    assert_value(tree->b, SETTING_SEED, "3");
    assert_value(tree->b, SETTING_TOP_K, "4");
    assert_value(tree->b, SETTING_TOP_P, NULL);
    assert_int_equal(inode_move(tree->b, tree->model, "b"), 0); /* it stands elsewhere now */
    assert_value(tree->b, SETTING_SEED, "1");
}

/* What holds already stays where no directory says otherwise. */
static void lays_over_what_is_set(void **state)
{
    const struct tree *tree = *state;
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    assert_int_equal(
        settings_set(&settings, SETTING_SEED, "5", 1, &model_profile_permissive, &failure), 0);
    assert_int_equal(
        settings_set(&settings, SETTING_TOP_K, "6", 1, &model_profile_permissive, &failure), 0);
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "7"), 0);
    assert_int_equal(values_inherit(tree->b, &model_profile_permissive, &settings), 0);
    assert_string_equal(settings.value[SETTING_SEED], "7");
    assert_string_equal(settings.value[SETTING_TOP_K], "6");
}

static void keeps_every_setting(void **state)
{
    static const char *const values[SETTING_MAX] = {
        "16:9", "2K",  "2",   "a b\nc", "0.5", "1", "3", "4", "5", "IMAGE", "Be brief.\nAnd kind.",
        "OFF",  "OFF", "OFF", "OFF",
    };
    const struct tree *tree = *state;

    for (int i = 0; i < SETTING_MAX; i++)
        assert_int_equal(values_set(tree->a_values, (enum setting)i, values[i]), 0);
    for (int i = 0; i < SETTING_MAX; i++) {
        assert_true(values_has(tree->a, (enum setting)i));
        assert_value(tree->b, (enum setting)i, values[i]);
    }
}

static char *repeat(char c, size_t length)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, c, length);
    text[length] = '\0';
    return text;
}

static void keeps_the_longest_value(void **state)
{
    const struct tree *tree = *state;
    cleanup_free char *longest = repeat('x', SETTINGS_VALUE_MAX_BYTES);
    cleanup_free char *longer = repeat('y', SETTINGS_VALUE_MAX_BYTES + 1);
    cleanup_free char *too_long = repeat('z', SETTINGS_VALUE_MAX_BYTES + 2);

    assert_int_equal(values_set(tree->model_values, SETTING_SYSTEM_INSTRUCTION, longest), 0);
    assert_value(tree->b, SETTING_SYSTEM_INSTRUCTION, longest);
    write_text(tree->place->fd, "m/a/settings/system_instruction", longer);
    assert_value(tree->b, SETTING_SYSTEM_INSTRUCTION, longest);
    assert_int_equal(values_set(tree->a_values, SETTING_SYSTEM_INSTRUCTION, too_long), -EFBIG);
    assert_content(tree->place->fd, "m/a/settings/system_instruction", longer);
}

/* Only one line end is the file's; the rest is the value's. */
static void keeps_line_ends_of_a_value(void **state)
{
    const struct tree *tree = *state;

    write_text(tree->place->fd, "m/settings/seed", "7");
    assert_value(tree->model, SETTING_SEED, "7");
    write_text(tree->place->fd, "m/settings/system_instruction", "one\ntwo\n\n");
    assert_value(tree->model, SETTING_SYSTEM_INSTRUCTION, "one\ntwo");
}

/* As if it were not there: the value from above holds. */
static void leaves_damage_aside(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } damage[] = {
        {"", 0},         {"\n", 1},      {" \n\t\n", 4},
        {"x\n", 2},      {"7\08", 3},    {"\xff\n", 2},
        {"7 8\n", 4},    {"1e400\n", 6}, {"99999999999999\n", 15},
        {"\0\0\0\0", 4},
    };
    const struct tree *tree = *state;
    char *large = repeat('7', 1 << 20);

    assert_int_equal(values_set(tree->model_values, SETTING_SEED, "1"), 0);
    assert_int_equal(values_set(tree->a_values, SETTING_TOP_K, "2"), 0);
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        write_file(tree->place->fd, "m/a/settings/seed", damage[i].text, damage[i].length);
        assert_value(tree->b, SETTING_SEED, "1");
        assert_value(tree->b, SETTING_TOP_K, "2");
    }
    write_text(tree->place->fd, "m/a/settings/seed", large);
    free(large);
    assert_value(tree->b, SETTING_SEED, "1");
    write_text(tree->place->fd, "m/a/settings/unknown", "x");
    assert_value(tree->b, SETTING_SEED, "1");
}

/* It was copied from the directory of a model that takes it. */
static void leaves_another_models_values_aside(void **state)
{
    const struct tree *tree = *state;
    const struct model_profile *profile = models_find_profile("gemini-2.5-flash-image", true);
    cleanup_settings struct settings settings = {0};

    assert_non_null(profile);
    assert_int_equal(values_set(tree->model_values, SETTING_ASPECT_RATIO, "16:9"), 0);
    assert_int_equal(values_set(tree->a_values, SETTING_ASPECT_RATIO, "1:77"), 0);
    assert_value(tree->b, SETTING_ASPECT_RATIO, "1:77");
    assert_int_equal(values_inherit(tree->b, profile, &settings), 0);
    assert_string_equal(settings.value[SETTING_ASPECT_RATIO], "16:9");
}

/* Nobody reads through a link what lies elsewhere. */
static void follows_no_links(void **state)
{
    const struct tree *tree = *state;
    cleanup_settings struct settings settings = {0};

    write_text(tree->place->fd, "m/a/seed", "13\n");
    assert_int_equal(values_set(tree->model_values, SETTING_SEED, "1"), 0);
    assert_int_equal(symlinkat("../seed", tree->place->fd, "m/a/settings/seed"), 0);
    assert_int_equal(values_inherit(tree->b, &model_profile_permissive, &settings), -ELOOP);
    assert_string_equal(settings.value[SETTING_SEED], "1");
    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "2"), 0); /* replaces the link */
    assert_content(tree->place->fd, "m/a/seed", "13\n");
    assert_value(tree->b, SETTING_SEED, "2");
    assert_int_equal(symlinkat("../seed", tree->place->fd, "m/a/settings/top_k.new"), 0);
    assert_int_equal(values_set(tree->a_values, SETTING_TOP_K, "2"), -ELOOP);
    assert_content(tree->place->fd, "m/a/seed", "13\n");
}

static void follows_no_link_to_a_directory(void **state)
{
    const struct tree *tree = *state;

    assert_int_equal(values_set(tree->a_values, SETTING_SEED, "2"), 0);
    assert_int_equal(unlinkat(tree->place->fd, "m/a/b/settings", AT_REMOVEDIR), 0);
    assert_value(tree->b, SETTING_SEED, "2");
    assert_int_equal(mkdirat(tree->place->fd, "elsewhere", 0700), 0);
    write_text(tree->place->fd, "elsewhere/seed", "13\n");
    assert_int_equal(symlinkat("../../../elsewhere", tree->place->fd, "m/a/b/settings"), 0);
    assert_content(tree->place->fd, "m/a/b/settings/seed", "13\n"); /* the link is right */
    assert_value(tree->b, SETTING_SEED, "2");
    assert_false(values_any(tree->b));
    assert_int_equal(unlinkat(tree->place->fd, "m/a/b/settings", 0), 0);
    write_text(tree->place->fd, "m/a/b/settings", "a file");
    assert_value(tree->b, SETTING_SEED, "2");
    assert_false(values_any(tree->b));
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tree_test(sets_and_resets),
        tree_test(resets),
        tree_test(inherits),
        tree_test(lays_over_what_is_set),
        tree_test(keeps_every_setting),
        tree_test(keeps_the_longest_value),
        tree_test(keeps_line_ends_of_a_value),
        tree_test(leaves_damage_aside),
        tree_test(leaves_another_models_values_aside),
        tree_test(follows_no_links),
        tree_test(follows_no_link_to_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
