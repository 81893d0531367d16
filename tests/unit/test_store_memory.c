/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out in store/: each allocation fails in turn, in the records, the spool, the
 * inodes and the values. And the reading of a directory that breaks off.
 */
#include "failing_memory.h"
#include "record_sample.h"
#include "store_place.h"

#include "store/inode.h"
#include "store/spool.h"
#include "store/values.h"

struct node_kind {
    char unused;
};

static const struct node_kind kind;

static bool breaks;         /* reading directories fails, as soon as there are */
static unsigned reads_left; /* no entries left */

/* What readdir(3) is called where files may be large. */
struct dirent *__real_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir)
{
    if (breaks && reads_left == 0) {
        errno = EIO;
        return NULL;
    }
    reads_left -= breaks;
    return __real_readdir64(dir);
}

static int fill(void *context)
{
    struct record record = {0};
    int error = sample_fill(&record);

    (void)context;
    record_fini(&record);
    return error;
}

static int format(void *context)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    int error = record_format(context, &json);

    if (error)
        assert_int_equal(json.length, 0);
    return error;
}

static int parse(void *context)
{
    const struct buf *json = context;
    struct record read = {.attempt_count = 77};
    int error = record_parse(json->data, json->length, &read);

    if (error)
        assert_int_equal(read.attempt_count, 77);
    else
        record_fini(&read);
    return error;
}

static void records(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};

    (void)state;
    assert_int_equal(sample_fill(&record), 0);
    assert_int_equal(record_format(&record, &json), 0);
    assert_true(fail_each(fill, NULL) > 15);
    assert_true(fail_each(format, &record) > 50);
    assert_true(fail_each(parse, &json) > 50);
}

struct spool {
    struct store *store;
    struct record record;
};

static int create_job(void *context)
{
    const struct spool *spool = context;
    int error = spool_create(spool->store, &spool->record);

    if (error)
        assert_false(is_there(spool->store->jobs_fd, spool->record.id));
    else
        assert_int_equal(spool_discard(spool->store, spool->record.id), 0);
    return error;
}

static int save_job(void *context)
{
    const struct spool *spool = context;

    return spool_save(spool->store, &spool->record);
}

static int load_job(void *context)
{
    const struct spool *spool = context;
    struct record read = {.attempt_count = 77};
    int error = spool_load(spool->store, spool->record.id, &read);

    if (error) {
        assert_int_equal(read.attempt_count, 77);
        return error;
    }
    assert_true(same_record(&spool->record, &read));
    record_fini(&read);
    return 0;
}

static int list_jobs(void *context)
{
    const struct spool *spool = context;
    struct spool_ids ids = {.count = 77};
    int error = spool_list(spool->store, &ids);

    if (error) {
        assert_int_equal(ids.count, 77);
        return error;
    }
    assert_int_equal(ids.count, 5);
    spool_ids_fini(&ids);
    return 0;
}

/* A job that is not listed would be forgotten until the next start: a part is no list. */
static void read_in_part(const struct spool *spool)
{
    unsigned readable = 0;
    int error;

    do {
        struct spool_ids ids = {.count = 77};

        breaks = true;
        reads_left = readable++;
        error = spool_list(spool->store, &ids);
        breaks = false;
        assert_int_equal(error, error ? -EIO : 0);
        assert_int_equal(ids.count, error ? 77 : 5);
        if (!error)
            spool_ids_fini(&ids);
    } while (error);
    assert_true(readable > 5 + 2 + 1); /* ".", ".." and the end */
}

static void spools(void **state)
{
    const struct place *place = *state;
    struct spool spool = {0};
    struct failure failure;

    assert_int_equal(store_open(place->path, &spool.store, &failure), 0);
    assert_int_equal(sample_fill(&spool.record), 0);
    assert_true(fail_each(create_job, &spool) > 50);
    assert_int_equal(spool_create(spool.store, &spool.record), 0);
    assert_true(fail_each(save_job, &spool) > 50);
    assert_true(fail_each(load_job, &spool) > 50);
    for (unsigned i = 0; i < 4; i++) {
        char id[RECORD_ID_SIZE];

        snprintf(id, sizeof(id), "0199f0a1b2c%012x", i);
        assert_int_equal(mkdirat(spool.store->jobs_fd, id, 0700), 0);
    }
    assert_int_equal(fail_each(list_jobs, &spool), 4); /* for 1, 2, 4 and 8 */
    read_in_part(&spool);
    record_fini(&spool.record);
    store_close(spool.store);
}

static int open_store(void *context)
{
    const struct place *place = context;
    struct store *store = NULL;
    struct failure failure;
    int error = store_open(place->path, &store, &failure);

    if (error)
        assert_null(store);
    store_close(store);
    return error;
}

static void stores(void **state)
{
    assert_true(fail_each(open_store, *state) >= 3);
}

static int use_inodes(void *context)
{
    const struct place *place = context;
    unsigned descriptors = count_descriptors();
    int fd = openat(place->fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct inode_table *table = NULL;
    struct inode *root = NULL;
    struct inode *a = NULL;
    int error = inode_table_create(&table);

    if (!error)
        error = inode_get_virtual(table, &kind, S_IFDIR, NULL, "", &root);
    if (error)
        close(fd);
    else
        error = inode_get_real(table, fd, &kind, root, "a", &a);
    if (!error)
        error = inode_move(a, root, "b");
    inode_unref(a);
    inode_unref(root);
    inode_table_destroy(table);
    assert_int_equal(count_descriptors(), descriptors);
    return error;
}

static void inodes(void **state)
{
    struct place *place = *state;

    assert_int_equal(mkdirat(place->fd, "a", 0700), 0);
    assert_int_equal(fail_each(use_inodes, place), 2 + 2 + 2 + 1);
}

static int inherit(void *context)
{
    cleanup_settings struct settings settings = {0};

    return values_inherit(context, &model_profile_permissive, &settings);
}

static int set_value(void *context)
{
    const int *fd = context;

    return values_set(*fd, SETTING_SEED, "7");
}

static void values(void **state)
{
    const struct place *place = *state;
    int fd = openat(place->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct inode_table *table = NULL;
    struct inode *inode = NULL;
    int values_fd = make_directory(place->fd, "settings");

    assert_int_equal(inode_table_create(&table), 0);
    assert_int_equal(inode_get_real(table, fd, &kind, NULL, "", &inode), 0);
    assert_true(fail_each(set_value, &values_fd) >= 1);
    assert_int_equal(values_set(values_fd, SETTING_SYSTEM_INSTRUCTION, "Be brief."), 0);
    assert_true(fail_each(inherit, inode) >= 4);
    inode_unref(inode);
    inode_table_destroy(table);
    close(values_fd);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records), place_test(spools), place_test(stores),
        place_test(inodes),        place_test(values),
    };

    hook_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
