/* SPDX-License-Identifier: MIT
 *
 * For tests of what is kept on disk: a directory of their own, made before a test and removed after
 * it, and short ways to look at files.
 */
#ifndef EASELFS_TESTS_STORE_PLACE_H
#define EASELFS_TESTS_STORE_PLACE_H

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

struct place {
    char path[64];
    int fd;
};

static inline int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (!place)
        return -1;
    snprintf(place->path, sizeof(place->path), "/tmp/easelfs-store-XXXXXX");
    if (!mkdtemp(place->path))
        return -1;
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = place;
    return place->fd < 0;
}

static inline int remove_place(void **state)
{
    struct place *place = *state;
    int error = io_remove_tree(AT_FDCWD, place->path);

    close(place->fd);
    free(place);
    return error;
}

static inline void write_file(int dirfd, const char *name, const void *data, size_t length)
{
    cleanup_close int fd =
        openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, data, length), 0);
}

static inline void write_text(int dirfd, const char *name, const char *text)
{
    write_file(dirfd, name, text, strlen(text));
}

static inline void assert_content(int dirfd, const char *name, const char *expected)
{
    cleanup_buf struct buf text = {.max = 1 << 20};

    assert_int_equal(io_read_file(dirfd, name, &text), 0);
    assert_string_equal(buf_text(&text), expected);
}

static inline bool is_there(int dirfd, const char *name)
{
    return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline int make_directory(int dirfd, const char *name)
{
    int fd;

    assert_int_equal(mkdirat(dirfd, name, 0700), 0);
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* How many descriptors this process has, but for the one that looks. */
static inline unsigned count_descriptors(void)
{
    cleanup_closedir DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    return count;
}

#endif
