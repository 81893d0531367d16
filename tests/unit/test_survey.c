/* SPDX-License-Identifier: MIT
 *
 * What is remembered of a directory is what is in it, whoever changes it while it is looked at.
 */
#include "store_place.h"

#include <errno.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "job/survey.h"

struct scene {
    struct place *place;
    struct jobs jobs; /* only what job/survey uses */
    struct inode directory;
    int fd;
};

static int make_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    void *place = NULL;

    if (!scene || make_place(&place))
        return -1;
    scene->place = place;
    *state = scene;
    mutex_init(&scene->jobs.numbering_mutex);
    if (mkdirat(scene->place->fd, "w", 0700))
        return -1;
    scene->directory.fd = openat(scene->place->fd, "w", O_PATH | O_DIRECTORY | O_CLOEXEC);
    scene->fd = openat(scene->place->fd, "w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return scene->directory.fd < 0 || scene->fd < 0;
}

static int remove_scene(void **state)
{
    struct scene *scene = *state;
    void *place = scene->place;

    mutex_fini(&scene->jobs.numbering_mutex);
    close(scene->directory.fd);
    close(scene->fd);
    free(scene->directory.survey);
    free(scene);
    return remove_place(&place);
}

static void make_result(const struct scene *scene, const char *name)
{
    int fd = openat(scene->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fsetxattr(fd, STORE_XATTR_JOB, "x", 1, 0), 0);
    close(fd);
}

static bool has_name(const struct survey *survey, const char *name)
{
    for (size_t at = 0; at < survey->size; at += strlen(survey->names + at) + 1) {
        if (strcmp(survey->names + at, name) == 0)
            return true;
    }
    return false;
}

/* Look, and expect the highest number and the candidates ("a b", in any order). */
static void expect(struct scene *scene, unsigned highest, const char *names)
{
    struct survey *survey = NULL;
    char copy[64];
    char *rest = copy;
    const char *name;
    size_t size = 0;

    assert_int_equal(survey_get(&scene->jobs, &scene->directory, &survey), 0);
    assert_int_equal(survey->highest, highest);
    snprintf(copy, sizeof(copy), "%s", names);
    while ((name = strsep(&rest, " "))) {
        if (!*name)
            continue;
        assert_true(has_name(survey, name));
        size += strlen(name) + 1;
    }
    assert_int_equal(survey->size, size);
    free(survey);
}

static void finds_what_matters(void **state)
{
    struct scene *scene = *state;

    expect(scene, 0, "");
    write_text(scene->fd, "cat.png", "");
    write_text(scene->fd, "0003.png", "");
    write_text(scene->fd, "prompt", "");
    write_text(scene->fd, "x.prompt", "");
    write_text(scene->fd, ".hidden", "");
    make_result(scene, "0007.jpg");
    make_result(scene, "dog.jpg");
    assert_int_equal(mkdirat(scene->fd, "below", 0700), 0);
    assert_int_equal(symlinkat("cat.png", scene->fd, "link"), 0);
    jobs_name_changed(&scene->jobs, &scene->directory, "cat.png");
    expect(scene, 7, "cat.png 0003.png");
}

/* Remembered: nothing is found that came in a way that does not count. */
static void remembers(void **state)
{
    struct scene *scene = *state;

    expect(scene, 0, "");
    write_text(scene->fd, "0009.png", "");
    expect(scene, 0, "");
    jobs_name_changed(&scene->jobs, &scene->directory, "prompt");
    jobs_name_changed(&scene->jobs, &scene->directory, "cat.prompt");
    jobs_name_changed(&scene->jobs, &scene->directory, ".0009.png.Xy12");
    expect(scene, 0, "");
    jobs_name_changed(&scene->jobs, &scene->directory, "0009.png");
    expect(scene, 9, "0009.png");
}

static void counts_what_is_published(void **state)
{
    struct scene *scene = *state;

    expect(scene, 0, "");
    survey_published(&scene->jobs, &scene->directory, "0004.png");
    survey_published(&scene->jobs, &scene->directory, "cat.png");
    survey_published(&scene->jobs, &scene->directory, "0002.png");
    expect(scene, 4, "");
    assert_non_null(scene->directory.survey);
    survey_published(&scene->jobs, &scene->directory, "0005.png");
    expect(scene, 5, "");
}

/* 64 KiB of names are kept, and what has more is read again each time. */
static void keeps_no_more_than_it_may(void **state)
{
    struct scene *scene = *state;
    struct survey *survey;
    char name[256];

    for (int i = 0; i < 512; i++) { /* each of 128 bytes with its NUL */
        snprintf(name, sizeof(name), "%0127d", i);
        write_text(scene->fd, name, "");
    }
    assert_int_equal(survey_get(&scene->jobs, &scene->directory, &survey), 0);
    assert_int_equal(survey->size, 64 * 1024);
    assert_non_null(scene->directory.survey);
    free(survey);
    write_text(scene->fd, "x", "");
    jobs_name_changed(&scene->jobs, &scene->directory, "x");
    assert_int_equal(survey_get(&scene->jobs, &scene->directory, &survey), 0);
    assert_int_equal(survey->size, 64 * 1024 + 2);
    assert_null(scene->directory.survey);
    free(survey);
}

static void tells_what_it_cannot_read(void **state)
{
    struct scene *scene = *state;
    struct survey *survey;

    close(scene->directory.fd);
    write_text(scene->place->fd, "file", "");
    scene->directory.fd = openat(scene->place->fd, "file", O_PATH | O_CLOEXEC);
    assert_int_equal(survey_get(&scene->jobs, &scene->directory, &survey), -ENOTDIR);
    close(scene->directory.fd);
    scene->directory.fd = openat(scene->place->fd, "w", O_PATH | O_CLOEXEC);
    expect(scene, 0, "");
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, make_scene, remove_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(finds_what_matters),        scene_test(remembers),
        scene_test(counts_what_is_published),  scene_test(keeps_no_more_than_it_may),
        scene_test(tells_what_it_cannot_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
