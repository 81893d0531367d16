/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out in job/: each allocation fails in turn, in the file of the answer, the
 * limits and the numbering.
 */
#include "failing_memory.h"
#include "store_place.h"

#include "job/answerfile.h"
#include "job/flight.h"
#include "job/numbering.h"

#define ID "0199f0a1b2c0000deadbeef"

typedef int scandir_filter(const struct dirent *entry);
typedef int scandir_order(const struct dirent **left, const struct dirent **right);

/* What scandirat(3) is called where files may be large. The C library allocates, the caller frees.
 */
int __real_scandirat64(int dirfd, const char *name, struct dirent ***list, scandir_filter *filter,
                       scandir_order *order);
int __wrap_scandirat64(int dirfd, const char *name, struct dirent ***list, scandir_filter *filter,
                       scandir_order *order);
int __wrap_scandirat64(int dirfd, const char *name, struct dirent ***list, scandir_filter *filter,
                       scandir_order *order)
{
    int count = __real_scandirat64(dirfd, name, list, filter, order);

    if (count >= 0)
        live_count += count + (*list != NULL);
    return count;
}

static int save_answer(void *context)
{
    static const struct lift_part parts[] = {
        {LIFT_BYTES, 5, true, false, 0, LIFT_NONE, "image/png"},
        {LIFT_REMAINDER, 9, true, false, 0, LIFT_NONE, ""},
    };
    const struct lift_result result = {
        .skeleton = "null", .skeleton_length = 4, .parts = parts, .part_count = 2};
    const struct place *place = context;
    int error = answerfile_save(place->fd, ID, &result);

    assert_int_equal(answerfile_exists(place->fd), error == 0);
    if (!error)
        assert_int_equal(unlinkat(place->fd, "answer", 0), 0);
    return error;
}

static int load_answer(void *context)
{
    const struct place *place = context;
    struct answerfile answer = {.text = (char *)1};
    int error = answerfile_load(place->fd, &answer);

    if (error) {
        assert_ptr_equal(answer.text, (char *)1);
        return error;
    }
    assert_string_equal(answer.result.skeleton, "null");
    answerfile_unload(&answer);
    return 0;
}

static void answers(void **state)
{
    const struct lift_part part = {LIFT_REMAINDER, 9, true, false, 0, LIFT_NONE, ""};
    const struct lift_result result = {
        .skeleton = "null", .skeleton_length = 4, .parts = &part, .part_count = 1};
    struct place *place = *state;

    for (unsigned i = 0; i < 2; i++) {
        char name[FLIGHT_NAME_SIZE];

        flight_part_name(i, name);
        write_text(place->fd, name, "remainder");
    }
    assert_true(fail_each(save_answer, place) >= 2);
    assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
    assert_int_equal(fail_each(load_answer, place), 3); /* text, parts, remainder */
}

static int create_limits(void *context)
{
    const struct limits_rates rates = {.per_minute = 60, .per_day = 10};
    const struct store *store = context;
    struct limits *limits = NULL;
    struct accounts *accounts;
    int error = accounts_create(&accounts);

    if (error)
        return error;
    error = limits_create(store, accounts, &rates, INT64_C(1795348800000), 0, &limits);
    assert_int_equal(error == 0, limits != NULL);
    limits_destroy(limits);
    accounts_destroy(accounts);
    return error;
}

/* Also where the clock was set back, so that there is something to carry over. */
static int create_limits_after_a_jump(void *context)
{
    const struct store *store = context;
    int error;

    write_text(store->usage_fd, "2036-01-01", "+" ID "\n");
    error = create_limits(context);
    if (error)
        assert_true(is_there(store->usage_fd, "2036-01-01") ||
                    is_there(store->usage_fd, "2036-01-01.carried"));
    return error;
}

static void limits(void **state)
{
    const struct place *place = *state;
    struct store store = {.usage_fd = place->fd};

    assert_int_equal(fail_each(create_limits, &store), 3);
    assert_int_equal(fail_each(create_limits_after_a_jump, &store), 7);
}

static int number(void *context)
{
    struct jobs *jobs = context;
    const struct inode directory = {.fd = -1};
    int error = numbering_enter(jobs, &directory);

    if (!error)
        numbering_leave(jobs, &directory);
    assert_null(jobs->numberings);
    return error;
}

static void numbers(void **state)
{
    static struct jobs jobs;

    (void)state;
    mutex_init(&jobs.numbering_mutex);
    assert_int_equal(fail_each(number, &jobs), 1);
    mutex_fini(&jobs.numbering_mutex);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(answers),
        place_test(limits),
        cmocka_unit_test(numbers),
    };

    hook_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
