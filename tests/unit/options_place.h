/* SPDX-License-Identifier: MIT
 *
 * For tests of command lines and configuration files: a home directory of their own, and calls of
 * options_parse() that end in options or in an exact sentence.
 */
#ifndef EASELFS_TESTS_OPTIONS_PLACE_H
#define EASELFS_TESTS_OPTIONS_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/options.h"

#define ARGUMENTS_MAX 16

struct place {
    char directory[64]; /* $HOME of the test */
    char config[128];   /* the user's configuration file in it; not made yet */
    char argument[160]; /* to read that and not the one of this machine */
};

static inline int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    char config_home[96];

    if (!place)
        return -1;
    snprintf(place->directory, sizeof(place->directory), "/tmp/easelfs-options-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    snprintf(config_home, sizeof(config_home), "%s/config/easelfs", place->directory);
    snprintf(place->config, sizeof(place->config), "%s/easelfs.conf", config_home);
    snprintf(place->argument, sizeof(place->argument), "--config=%s", place->config);
    if (io_make_dirs(config_home, 0700) < 0)
        return -1;
    *strrchr(config_home, '/') = '\0';
    setenv("HOME", place->directory, 1);
    setenv("XDG_CONFIG_HOME", config_home, 1);
    unsetenv("XDG_DATA_HOME");
    *state = place;
    return 0;
}

static inline int remove_place(void **state)
{
    struct place *place = *state;
    int error = io_remove_tree(AT_FDCWD, place->directory);

    free(place);
    return error;
}

static inline void write_file(const char *path, const char *text, mode_t mode)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

/* Parse @program and what follows, up to NULL. */
static inline enum exit_status run(const char *program, const struct options **options,
                                   struct failure *failure, va_list arguments)
{
    char *argv[ARGUMENTS_MAX + 1] = {strdup(program)};
    int argc = 1;
    enum exit_status status;

    for (const char *text; (text = va_arg(arguments, const char *)); argc++) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc] = strdup(text);
    }
    failure_init(failure);
    *options = NULL;
    status = options_parse(argc, argv, options, failure);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    if (status != EXIT_STATUS_OK)
        assert_null(*options);
    return status;
}

/* Without the files of this machine; the caller destroys. */
static inline const struct options *parse(const char *first, ...)
{
    const struct options *options;
    struct failure failure;
    enum exit_status status;
    va_list arguments;

    va_start(arguments, first);
    status = run(first, &options, &failure, arguments);
    va_end(arguments);
    if (status != EXIT_STATUS_OK)
        fail_msg("%d: %s", (int)status, failure.text);
    return options;
}

static inline void refuse(enum exit_status expected, const char *sentence, const char *first, ...)
{
    const struct options *options;
    struct failure failure;
    enum exit_status status;
    va_list arguments;

    va_start(arguments, first);
    status = run(first, &options, &failure, arguments);
    va_end(arguments);
    options_destroy(options);
    assert_string_equal(failure.text, sentence);
    assert_int_equal(status, expected);
}

static inline enum exit_status attempt(const struct options **options, struct failure *failure,
                                       const char *first, ...)
{
    enum exit_status status;
    va_list arguments;

    va_start(arguments, first);
    status = run(first, options, failure, arguments);
    va_end(arguments);
    return status;
}

#define NOFILE "--config=/dev/null"

#define each(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

#endif
