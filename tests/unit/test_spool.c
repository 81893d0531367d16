/* SPDX-License-Identifier: MIT
 *
 * The spool on a real directory: what each call leaves in jobs/, done/ and corrupt/, and the exact
 * error of each that cannot be done.
 */
#include "spool_place.h"

#include <sys/resource.h>

static void creates(void **state)
{
    struct spool *spool = *state;
    struct stat status;

    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOENT);
    create(spool, SAMPLE_ID);
    assert_loads(spool);
    assert_int_equal(fstatat(spool->place->fd, JOB, &status, 0), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0700);
    assert_int_equal(fstatat(spool->place->fd, JOB "/record.json", &status, 0), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_false(has(spool, JOB "/record.json.new"));
}

/* A job is never put in the place of another one. */
static void creates_once(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    spool->record.state = JOB_WAITING;
    assert_int_equal(spool_create(spool->store, &spool->record), -EEXIST);
    spool->record.state = JOB_SENDING;
    assert_loads(spool);
}

/* What cannot be saved leaves nothing behind when it is new, and the old one when it is not. */
static void fails_cleanly(void **state)
{
    struct spool *spool = *state;
    struct record large;
    char *old_prompt;

    create(spool, SAMPLE_ID);
    large = spool->record;
    old_prompt = malloc(RECORD_MAX_BYTES + 1);
    assert_non_null(old_prompt);
    memset(old_prompt, 'x', RECORD_MAX_BYTES);
    old_prompt[RECORD_MAX_BYTES] = '\0';
    large.prompt = old_prompt;
    assert_int_equal(spool_save(spool->store, &large), -EFBIG);
    assert_loads(spool);
    assert_int_equal(spool_finish(spool->store, &large, false), -EFBIG);
    assert_loads(spool);
    assert_true(has(spool, JOB));
    assert_false(has(spool, JOB "/record.json.new"));
    memcpy(large.id, OTHER_ID, RECORD_ID_SIZE);
    assert_int_equal(spool_create(spool->store, &large), -EFBIG);
    assert_false(has(spool, "jobs/" OTHER_ID));
    free(old_prompt);
}

static void saves(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_save(spool->store, &spool->record), -ENOENT);
    create(spool, SAMPLE_ID);
    spool->record.state = JOB_RECEIVED;
    spool->record.attempt_count++;
    assert_int_equal(spool_save(spool->store, &spool->record), 0);
    assert_loads(spool);
}

static void opens(void **state)
{
    struct spool *spool = *state;
    int fd;

    assert_int_equal(spool_open(spool->store, SAMPLE_ID), -ENOENT);
    create(spool, SAMPLE_ID);
    fd = spool_open(spool->store, SAMPLE_ID);
    assert_true(fd >= 0);
    assert_true(is_there(fd, "record.json"));
    close(fd);
    write_text(spool->store->jobs_fd, OTHER_ID, "");
    assert_int_equal(spool_open(spool->store, OTHER_ID), -ENOTDIR);
    assert_int_equal(symlinkat(SAMPLE_ID, spool->store->jobs_fd, LATER_ID), 0);
    assert_int_equal(spool_open(spool->store, LATER_ID), -ENOTDIR);
}

static void finishes(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    write_text(spool->place->fd, JOB "/answer", "a");
    write_text(spool->place->fd, JOB "/part-0", "b");
    spool->record.state = JOB_DONE;
    assert_int_equal(spool_finish(spool->store, &spool->record, false), 0);
    assert_false(has(spool, JOB));
    assert_true(has(spool, DONE "/record.json"));
    assert_false(has(spool, DONE "/answer"));
    assert_false(has(spool, DONE "/part-0"));
    assert_loads(spool);
    assert_int_equal(spool_save(spool->store, &spool->record), -ENOENT);
    assert_int_equal(spool_open(spool->store, SAMPLE_ID), -ENOENT);
}

static void finishes_with_its_files(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    write_text(spool->place->fd, JOB "/part-0", "paid for");
    spool->record.state = JOB_FAILED;
    assert_int_equal(spool_finish(spool->store, &spool->record, true), 0);
    assert_content(spool->place->fd, DONE "/part-0", "paid for");
    assert_loads(spool);
}

/* A call that moved the job and failed after that is made again, for each of the ends. */
static void finishes_again(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_finish(spool->store, &spool->record, false), -ENOENT);
    create(spool, SAMPLE_ID);
    spool->record.state = JOB_CANCELLED;
    assert_int_equal(spool_finish(spool->store, &spool->record, false), 0);
    assert_int_equal(spool_finish(spool->store, &spool->record, false), 0);
    spool->record.state = JOB_DONE;
    assert_int_equal(spool_finish(spool->store, &spool->record, false), 0);
    spool->record.state = JOB_CANCELLED;
    assert_loads(spool);
}

/* The job stays unfinished, and what was paid for stays there, where it cannot be moved. */
static void finishes_over_nothing(void **state)
{
    struct spool *spool = *state;

    create(spool, SAMPLE_ID);
    assert_int_equal(mkdirat(spool->place->fd, DONE, 0700), 0);
    write_text(spool->place->fd, DONE "/part-0", "of another");
    assert_int_equal(spool_finish(spool->store, &spool->record, true), -ENOTEMPTY);
    assert_true(has(spool, JOB "/record.json"));
    assert_content(spool->place->fd, DONE "/part-0", "of another");
}

static void discards(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_discard(spool->store, SAMPLE_ID), -ENOENT);
    create(spool, SAMPLE_ID);
    create(spool, OTHER_ID);
    write_text(spool->place->fd, JOB "/reference-0", "a");
    assert_int_equal(spool_discard(spool->store, SAMPLE_ID), 0);
    assert_false(has(spool, JOB));
    assert_true(has(spool, "jobs/" OTHER_ID "/record.json"));
}

/* Only what a crash in spool_create() can leave is taken for that. */
static void discards_the_unborn(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_discard_unborn(spool->store, SAMPLE_ID), -ENOENT);
    assert_int_equal(mkdirat(spool->place->fd, JOB, 0700), 0);
    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOENT);
    assert_int_equal(spool_discard_unborn(spool->store, SAMPLE_ID), 0);
    assert_false(has(spool, JOB));

    assert_int_equal(mkdirat(spool->place->fd, JOB, 0700), 0);
    write_text(spool->place->fd, JOB "/record.json.new", "{\"check\":");
    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOENT);
    assert_int_equal(spool_discard_unborn(spool->store, SAMPLE_ID), 0);
    assert_false(has(spool, JOB));

    create(spool, SAMPLE_ID);
    assert_int_equal(spool_discard_unborn(spool->store, SAMPLE_ID), -ENOTEMPTY);
    assert_loads(spool);

    assert_int_equal(mkdirat(spool->place->fd, "jobs/" OTHER_ID, 0700), 0);
    write_text(spool->place->fd, "jobs/" OTHER_ID "/part-0", "paid for");
    assert_int_equal(spool_discard_unborn(spool->store, OTHER_ID), -ENOTEMPTY);
    assert_content(spool->place->fd, "jobs/" OTHER_ID "/part-0", "paid for");
}

static void sets_aside(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "why"), -ENOENT);
    create(spool, SAMPLE_ID);
    write_text(spool->place->fd, JOB "/part-0", "paid for");
    assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "its record is damaged"), 0);
    assert_false(has(spool, JOB));
    assert_content(spool->place->fd, CORRUPT "/reason", "its record is damaged");
    assert_content(spool->place->fd, CORRUPT "/part-0", "paid for");
    assert_true(has(spool, CORRUPT "/record.json"));
    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOENT);
    create(spool, SAMPLE_ID);
    assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "again"), -ENOTEMPTY);
    assert_loads(spool);
    assert_content(spool->place->fd, CORRUPT "/reason", "its record is damaged");
}

/* What stands in the place of a job's directory and is none goes, too. */
static void sets_aside_what_is_no_job(void **state)
{
    struct spool *spool = *state;

    write_text(spool->store->jobs_fd, SAMPLE_ID, "a file");
    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOTDIR);
    assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "why"), 0);
    assert_content(spool->place->fd, CORRUPT, "a file");
}

static void lists_in_order(void **state)
{
    static const char *const sorted[] = {
        "00000000000000000000000", OTHER_ID, SAMPLE_ID, LATER_ID, "fffffffffff000000000000",
    };
    static const int order[] = {3, 0, 4, 2, 1};
    struct spool *spool = *state;
    cleanup_spool_ids struct spool_ids ids = {0};

    assert_int_equal(spool_list(spool->store, &ids), 0);
    assert_int_equal(ids.count, 0);
    assert_null(ids.ids);
    for (int i = 0; i < 5; i++)
        assert_int_equal(mkdirat(spool->store->jobs_fd, sorted[order[i]], 0700), 0);
    write_text(spool->store->jobs_fd, "note", "");
    write_text(spool->store->jobs_fd, ".hidden", "");
    assert_int_equal(mkdirat(spool->store->jobs_fd, SAMPLE_ID "0", 0700), 0);
    assert_int_equal(spool_list(spool->store, &ids), 0);
    assert_int_equal(ids.count, 5);
    for (size_t i = 0; i < ids.count; i++)
        assert_string_equal(ids.ids[i], sorted[i]);
    spool_ids_fini(&ids);
    assert_int_equal(ids.count, 0);
}

static void lists_many(void **state)
{
    struct spool *spool = *state;
    cleanup_spool_ids struct spool_ids ids = {0};
    char id[RECORD_ID_SIZE];

    for (unsigned i = 0; i < 1000; i++) { /* 7 has no factor with 1000: each number once */
        snprintf(id, sizeof(id), "0199f0a1b2c%012x", i * 7 % 1000);
        assert_int_equal(mkdirat(spool->store->jobs_fd, id, 0700), 0);
    }
    assert_int_equal(spool_list(spool->store, &ids), 0);
    assert_int_equal(ids.count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "0199f0a1b2c%012x", i);
        assert_string_equal(ids.ids[i], id);
    }
}

static void lists_finished(void **state)
{
    struct spool *spool = *state;
    cleanup_spool_ids struct spool_ids ids = {0};
    int64_t time_ms = record_id_time_ms(LATER_ID);

    assert_int_equal(mkdirat(spool->store->done_fd, LATER_ID, 0700), 0);
    assert_int_equal(mkdirat(spool->store->done_fd, SAMPLE_ID, 0700), 0);
    assert_int_equal(mkdirat(spool->store->jobs_fd, OTHER_ID, 0700), 0);
    assert_int_equal(spool_list_finished(spool->store, time_ms, &ids), 0);
    assert_int_equal(ids.count, 1);
    assert_string_equal(ids.ids[0], SAMPLE_ID);
    spool_ids_fini(&ids);
    assert_int_equal(spool_list_finished(spool->store, time_ms + 1, &ids), 0);
    assert_int_equal(ids.count, 2);
    assert_string_equal(ids.ids[1], LATER_ID);
    spool_ids_fini(&ids);
    assert_int_equal(spool_list_finished(spool->store, 0, &ids), 0);
    assert_int_equal(ids.count, 0);
}

/* Without a descriptor to spare: an error and no empty list, which would read as "no job". */
static void lists_or_fails(void **state)
{
    const struct spool *spool = *state;
    struct spool_ids ids = {.count = 77};
    struct rlimit old;
    struct rlimit none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(spool_list(spool->store, &ids), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(ids.count, 77);
}

static void forgets(void **state)
{
    struct spool *spool = *state;

    assert_int_equal(spool_forget(spool->store, SAMPLE_ID), -ENOENT);
    create(spool, SAMPLE_ID);
    assert_int_equal(spool_forget(spool->store, SAMPLE_ID), -ENOENT);
    assert_loads(spool);
    write_text(spool->place->fd, JOB "/part-0", "kept");
    spool->record.state = JOB_FAILED;
    assert_int_equal(spool_finish(spool->store, &spool->record, true), 0);
    assert_int_equal(spool_forget(spool->store, SAMPLE_ID), 0);
    assert_false(has(spool, DONE));
    assert_int_equal(load_error(spool, SAMPLE_ID), -ENOENT);
}

/* Each call once, done and not done. */
static void leaks_no_descriptor(void **state)
{
    struct spool *spool = *state;
    cleanup_spool_ids struct spool_ids ids = {0};
    unsigned before = count_descriptors();

    for (int round = 0; round < 2; round++) {
        create(spool, SAMPLE_ID);
        assert_int_equal(spool_create(spool->store, &spool->record), -EEXIST);
        assert_int_equal(spool_save(spool->store, &spool->record), 0);
        assert_int_equal(spool_discard_unborn(spool->store, SAMPLE_ID), -ENOTEMPTY);
        assert_loads(spool);
        assert_int_equal(spool_list(spool->store, &ids), 0);
        spool_ids_fini(&ids);
        assert_int_equal(spool_set_aside(spool->store, SAMPLE_ID, "why"), round ? -ENOTEMPTY : 0);
        assert_int_equal(spool_finish(spool->store, &spool->record, true), round ? 0 : -ENOENT);
        assert_int_equal(spool_forget(spool->store, SAMPLE_ID), round ? 0 : -ENOENT);
        assert_int_equal(spool_discard(spool->store, SAMPLE_ID), -ENOENT);
        assert_int_equal(count_descriptors(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        spool_test(creates),
        spool_test(creates_once),
        spool_test(fails_cleanly),
        spool_test(saves),
        spool_test(opens),
        spool_test(finishes),
        spool_test(finishes_with_its_files),
        spool_test(finishes_again),
        spool_test(finishes_over_nothing),
        spool_test(discards),
        spool_test(discards_the_unborn),
        spool_test(sets_aside),
        spool_test(sets_aside_what_is_no_job),
        spool_test(lists_in_order),
        spool_test(lists_many),
        spool_test(lists_finished),
        spool_test(lists_or_fails),
        spool_test(forgets),
        spool_test(leaks_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
