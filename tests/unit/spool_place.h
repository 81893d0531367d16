/* SPDX-License-Identifier: MIT
 *
 * For tests of the spool: a store of their own, a record that is not in it yet, and short ways to
 * look at both.
 */
#ifndef EASELFS_TESTS_SPOOL_PLACE_H
#define EASELFS_TESTS_SPOOL_PLACE_H

#include "store_place.h"

#include <errno.h>

#include "record_sample.h"
#include "store/spool.h"

#define OTHER_ID "0199f0a1b2c0000deadbeee"
#define LATER_ID "0199f0a1b2d0000deadbeef"
#define JOB      "jobs/" SAMPLE_ID
#define DONE     "done/" SAMPLE_ID
#define CORRUPT  "corrupt/" SAMPLE_ID

struct spool {
    struct place *place;
    struct store *store;
    struct record record; /* nothing of it is in the store yet */
};

static inline int make_spool(void **state)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    void *place = NULL;
    struct failure failure;

    if (!spool || make_place(&place))
        return -1;
    spool->place = place;
    *state = spool;
    return store_open(spool->place->path, &spool->store, &failure) || sample_fill(&spool->record);
}

static inline int remove_spool(void **state)
{
    struct spool *spool = *state;
    void *place = spool->place;

    record_fini(&spool->record);
    store_close(spool->store);
    free(spool);
    return remove_place(&place);
}

static inline void create(struct spool *spool, const char *id)
{
    memcpy(spool->record.id, id, RECORD_ID_SIZE);
    assert_int_equal(spool_create(spool->store, &spool->record), 0);
    memcpy(spool->record.id, SAMPLE_ID, RECORD_ID_SIZE);
}

static inline bool has(const struct spool *spool, const char *path)
{
    return is_there(spool->place->fd, path);
}

static inline void assert_loads(const struct spool *spool)
{
    cleanup_record struct record read = {0};

    assert_int_equal(spool_load(spool->store, spool->record.id, &read), 0);
    assert_true(same_record(&spool->record, &read));
}

static inline int load_error(const struct spool *spool, const char *id)
{
    struct record read = {.attempt_count = 77};
    int error = spool_load(spool->store, id, &read);

    assert_int_equal(read.attempt_count, 77);
    return error;
}

#define spool_test(test) cmocka_unit_test_setup_teardown(test, make_spool, remove_spool)

#endif
