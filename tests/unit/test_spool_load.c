/* SPDX-License-Identifier: MIT
 *
 * Reading jobs out of the spool, sound ones and damaged ones, and making siblings of them.
 */
#include "spool_place.h"

static void loads_no_damage(void **state)
{
    struct spool *spool = *state;
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    char *large;

    create(spool, SAMPLE_ID);
    assert_int_equal(io_read_file(spool->place->fd, JOB "/record.json", &json), 0);
    write_file(spool->place->fd, JOB "/record.json", json.data, json.length - 1);
    assert_int_equal(load_error(spool, SAMPLE_ID), -EBADMSG);
    write_text(spool->place->fd, JOB "/record.json", "");
    assert_int_equal(load_error(spool, SAMPLE_ID), -EBADMSG);
    large = calloc(1, RECORD_MAX_BYTES + 1);
    assert_non_null(large);
    write_file(spool->place->fd, JOB "/record.json", large, RECORD_MAX_BYTES + 1);
    free(large);
    assert_int_equal(load_error(spool, SAMPLE_ID), -EBADMSG);
    assert_int_equal(unlinkat(spool->place->fd, JOB "/record.json", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", spool->place->fd, JOB "/record.json"), 0);
    assert_int_equal(load_error(spool, SAMPLE_ID), -ELOOP);
    assert_int_equal(unlinkat(spool->place->fd, JOB "/record.json", 0), 0);
    assert_int_equal(mkdirat(spool->place->fd, JOB "/record.json", 0700), 0);
    assert_int_equal(load_error(spool, SAMPLE_ID), -EISDIR);
}

/* A sound record in the directory of another job. */
static void loads_no_stranger(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    assert_int_equal(renameat(spool->place->fd, JOB, spool->place->fd, "jobs/" OTHER_ID), 0);
    assert_int_equal(load_error(spool, OTHER_ID), -EBADMSG);
}

static void loads_only_ids(void **state)
{
    static const char *const texts[] = {
        "", ".", "..", "../jobs", SAMPLE_ID "0", SAMPLE_ID "/", "0199F0A1B2C0000DEADBEEF",
    };
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(load_error(spool, texts[i]), -EINVAL);
}

/* What is cloned has no results yet: they bear its id. */
static void drop_results(struct record *record)
{
    for (size_t i = 0; i < record->result_count; i++) {
        free(record->results[i].staged);
        free(record->results[i].name);
    }
    record->result_count = 0;
}

/*
 * A sibling has the files, as links, and a record of its own: also where a crash cut the saving of
 * the record that it is made from, and that goes on afterwards.
 */
static void clones(void **state)
{
    struct spool *spool = *state;
    struct stat files[2];

    drop_results(&spool->record);
    memcpy(spool->record.id, OTHER_ID, RECORD_ID_SIZE);
    assert_int_equal(spool_clone(spool->store, SAMPLE_ID, &spool->record), -ENOENT);
    create(spool, SAMPLE_ID);
    write_text(spool->place->fd, JOB "/reference-0", "a cat");
    write_text(spool->place->fd, JOB "/record.json.new", "cut");
    memcpy(spool->record.id, OTHER_ID, RECORD_ID_SIZE);
    assert_false(spool_has(spool->store, OTHER_ID));
    assert_int_equal(spool_clone(spool->store, SAMPLE_ID, &spool->record), 0);
    assert_true(spool_has(spool->store, OTHER_ID));
    assert_int_equal(fstatat(spool->place->fd, JOB "/reference-0", &files[0], 0), 0);
    assert_int_equal(fstatat(spool->place->fd, "jobs/" OTHER_ID "/reference-0", &files[1], 0), 0);
    assert_int_equal(files[0].st_ino, files[1].st_ino);
    assert_loads(spool);
    assert_int_equal(spool_clone(spool->store, SAMPLE_ID, &spool->record), -EEXIST);
    memcpy(spool->record.id, SAMPLE_ID, RECORD_ID_SIZE);
    assert_int_equal(spool_save(spool->store, &spool->record), 0);
    assert_loads(spool);
    memcpy(spool->record.id, OTHER_ID, RECORD_ID_SIZE);
    assert_loads(spool);
    assert_int_equal(spool_discard(spool->store, OTHER_ID), 0);
    assert_false(spool_has(spool->store, OTHER_ID));
    assert_content(spool->place->fd, JOB "/reference-0", "a cat");
    memcpy(spool->record.id, SAMPLE_ID, RECORD_ID_SIZE);
    assert_loads(spool);
}

/* All or nothing: no job that lacks a file, and none that is only a beginning. */
static void clones_whole(void **state)
{
    struct spool *spool = *state;
    cleanup_spool_ids struct spool_ids ids = {0};

    create(spool, SAMPLE_ID);
    memcpy(spool->record.id, OTHER_ID, RECORD_ID_SIZE);
    assert_int_equal(mkdirat(spool->place->fd, JOB "/directory", 0700), 0); /* takes no link */
    assert_int_equal(spool_clone(spool->store, SAMPLE_ID, &spool->record), -EPERM);
    assert_false(spool_has(spool->store, OTHER_ID));
    assert_int_equal(spool_list(spool->store, &ids), 0);
    assert_int_equal(ids.count, 1);
    assert_string_equal(ids.ids[0], SAMPLE_ID);
}

/* Unfinished, finished, or set aside. */
static void has_what_it_had(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    assert_true(spool_has(spool->store, SAMPLE_ID));
    assert_int_equal(spool_finish(spool->store, &spool->record, false), 0);
    assert_true(spool_has(spool->store, SAMPLE_ID));
    assert_int_equal(spool_forget(spool->store, SAMPLE_ID), 0);
    assert_false(spool_has(spool->store, SAMPLE_ID));
    create(spool, SAMPLE_ID);
    assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "why"), 0);
    assert_true(spool_has(spool->store, SAMPLE_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        spool_test(loads_no_damage), spool_test(loads_no_stranger), spool_test(loads_only_ids),
        spool_test(clones),          spool_test(clones_whole),      spool_test(has_what_it_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
