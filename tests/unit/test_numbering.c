/* SPDX-License-Identifier: MIT
 *
 * Numbers for results: above all that are there, above all that are promised, never twice.
 */
#include "store_place.h"

#include <pthread.h>
#include <stdatomic.h>

#include "job/numbering.h"
#include "job/survey.h"

struct gallery {
    struct place *place;
    struct jobs jobs;       /* only what job/numbering uses */
    struct inode directory; /* the same */
    struct inode other;
};

static int make_gallery(void **state)
{
    struct gallery *gallery = calloc(1, sizeof(*gallery));
    void *place = NULL;

    if (!gallery || make_place(&place))
        return -1;
    gallery->place = place;
    *state = gallery;
    if (mkdirat(gallery->place->fd, "a", 0700) || mkdirat(gallery->place->fd, "b", 0700))
        return -1;
    mutex_init(&gallery->jobs.numbering_mutex);
    gallery->directory.fd = openat(gallery->place->fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
    gallery->other.fd = openat(gallery->place->fd, "b", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return gallery->directory.fd < 0 || gallery->other.fd < 0;
}

static int remove_gallery(void **state)
{
    struct gallery *gallery = *state;
    void *place = gallery->place;

    assert_null(gallery->jobs.numberings);
    mutex_fini(&gallery->jobs.numbering_mutex);
    close(gallery->directory.fd);
    close(gallery->other.fd);
    free(gallery->directory.survey);
    free(gallery->other.survey);
    free(gallery);
    return remove_place(&place);
}

/* As a user does, through the tree. */
static void make_file(struct gallery *gallery, struct inode *directory, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/%s", directory == &gallery->directory ? "a" : "b", name);
    write_text(gallery->place->fd, path, "");
    jobs_name_changed(&gallery->jobs, directory, name);
}

static void counts_on(void **state)
{
    struct gallery *gallery = *state;
    struct jobs *jobs = &gallery->jobs;

    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 1);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 2);
    make_file(gallery, &gallery->directory, "0007.png");
    make_file(gallery, &gallery->directory, "0005.jpg");
    make_file(gallery, &gallery->directory, "9999");
    make_file(gallery, &gallery->directory, "cat-0099.png");
    assert_int_equal(numbering_take(jobs, &gallery->directory), 8);
    assert_int_equal(unlinkat(gallery->place->fd, "a/0007.png", 0), 0);
    jobs_name_changed(jobs, &gallery->directory, "0007.png");
    assert_int_equal(numbering_take(jobs, &gallery->directory), 9);
    numbering_leave(jobs, &gallery->directory);
    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 6); /* none of them came about */
    numbering_leave(jobs, &gallery->directory);
}

/* A promise holds as long as one delivery is there, and no longer. */
static void forgets_with_the_last(void **state)
{
    struct gallery *gallery = *state;
    struct jobs *jobs = &gallery->jobs;

    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 1);
    numbering_leave(jobs, &gallery->directory);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 2);
    numbering_leave(jobs, &gallery->directory);
    assert_null(jobs->numberings);
    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 1);
    numbering_leave(jobs, &gallery->directory);
}

static void keeps_directories_apart(void **state)
{
    struct gallery *gallery = *state;
    struct jobs *jobs = &gallery->jobs;

    make_file(gallery, &gallery->other, "0041.png");
    assert_int_equal(numbering_enter(jobs, &gallery->directory), 0);
    assert_int_equal(numbering_enter(jobs, &gallery->other), 0);
    assert_int_equal(numbering_take(jobs, &gallery->other), 42);
    assert_int_equal(numbering_take(jobs, &gallery->directory), 1);
    numbering_leave(jobs, &gallery->directory); /* the one that is not first in the list */
    assert_int_equal(numbering_take(jobs, &gallery->other), 43);
    numbering_leave(jobs, &gallery->other);
}

/* The directory was removed: the names are still different. */
static void counts_without_a_directory(void **state)
{
    struct gallery *gallery = *state;

    assert_int_equal(unlinkat(gallery->place->fd, "a", AT_REMOVEDIR), 0);
    assert_int_equal(numbering_enter(&gallery->jobs, &gallery->directory), 0);
    assert_int_equal(numbering_take(&gallery->jobs, &gallery->directory), 1);
    assert_int_equal(numbering_take(&gallery->jobs, &gallery->directory), 2);
    numbering_leave(&gallery->jobs, &gallery->directory);
}

#define THREAD_COUNT 6
#define TAKE_COUNT   100
#define NUMBER_END   (THREAD_COUNT * TAKE_COUNT + 1)

static _Atomic unsigned taken[NUMBER_END];
static _Atomic unsigned wrong_count;

/* Deliveries one after another, each with a file or without. */
static void *deliver(void *context)
{
    struct gallery *gallery = context;

    for (int i = 0; i < TAKE_COUNT; i++) {
        unsigned number;
        char name[24];
        int fd;

        if (numbering_enter(&gallery->jobs, &gallery->directory))
            atomic_fetch_add(&wrong_count, 1);
        number = numbering_take(&gallery->jobs, &gallery->directory);
        if (!number || number >= NUMBER_END || atomic_fetch_add(&taken[number], 1))
            atomic_fetch_add(&wrong_count, 1);
        snprintf(name, sizeof(name), "a/%04u.png", number);
        fd = openat(gallery->place->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            atomic_fetch_add(&wrong_count, 1);
        else
            close(fd);
        survey_published(&gallery->jobs, &gallery->directory, strchr(name, '/') + 1);
        numbering_leave(&gallery->jobs, &gallery->directory);
    }
    return NULL;
}

static void no_number_twice(void **state)
{
    struct gallery *gallery = *state;
    pthread_t threads[THREAD_COUNT];

    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, deliver, gallery), 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong_count), 0);
    for (int i = 1; i < NUMBER_END; i++) /* and none is left out */
        assert_int_equal(atomic_load(&taken[i]), 1);
}

#define gallery_test(test) cmocka_unit_test_setup_teardown(test, make_gallery, remove_gallery)

int main(void)
{
    const struct CMUnitTest tests[] = {
        gallery_test(counts_on),
        gallery_test(forgets_with_the_last),
        gallery_test(keeps_directories_apart),
        gallery_test(counts_without_a_directory),
        gallery_test(no_number_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
