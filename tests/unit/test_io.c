/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"

struct place {
    char path[64];
    int fd;
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (!place)
        return -1;
    snprintf(place->path, sizeof(place->path), "/tmp/easelfs-base-XXXXXX");
    if (!mkdtemp(place->path))
        return -1;
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = place;
    return place->fd < 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    int error = io_remove_tree(AT_FDCWD, place->path);

    close(place->fd);
    free(place);
    return error;
}

static int open_new(const struct place *place, const char *name, int flags)
{
    int fd = openat(place->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600);

    assert_true(fd >= 0);
    return fd;
}

static void assert_content(const struct place *place, const char *name, const char *expected)
{
    cleanup_buf struct buf buf;

    buf_init(&buf, 1 << 20);
    assert_int_equal(io_read_file(place->fd, name, &buf), 0);
    assert_int_equal(buf.length, strlen(expected));
    assert_string_equal(buf_text(&buf), expected);
}

struct pipe_end {
    int fd;
    size_t length;
    int result;
};

static void *write_into_pipe(void *argument)
{
    struct pipe_end *end = argument;
    cleanup_free char *data = malloc(end->length);

    memset(data, 'p', end->length);
    end->result = io_write_all(end->fd, data, end->length);
    close(end->fd);
    return NULL;
}

/* A pipe takes and gives in small pieces: both sides must go on. */
static void all_is_written_and_read_through_a_pipe(void **state)
{
    int fds[2];
    struct pipe_end end = {.length = 1 << 20, .result = 1};
    pthread_t writer;
    cleanup_buf struct buf buf;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    end.fd = fds[1];
    buf_init(&buf, end.length);
    assert_int_equal(pthread_create(&writer, NULL, write_into_pipe, &end), 0);
    assert_int_equal(io_read_all(fds[0], &buf), 0);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(end.result, 0);
    assert_int_equal(buf.length, end.length);
    assert_int_equal(strspn(buf_text(&buf), "p"), end.length);
    close(fds[0]);
}

static void reading_respects_the_buffer(void **state)
{
    const struct place *place = *state;
    cleanup_close int fd = open_new(place, "f", 0);
    cleanup_buf struct buf exact;
    cleanup_buf struct buf small;

    assert_int_equal(io_write_all(fd, "12345", 5), 0);
    buf_init(&exact, 5);
    buf_init(&small, 4);
    assert_int_equal(io_read_file(place->fd, "f", &exact), 0);
    assert_string_equal(buf_text(&exact), "12345");
    assert_int_equal(io_read_file(place->fd, "f", &small), -EFBIG);
    assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
    buf_clear(&exact);
    assert_int_equal(io_read_all(fd, &exact), 0);
    assert_string_equal(buf_text(&exact), "45");
}

static void errors_of_reading_and_writing(void **state)
{
    const struct place *place = *state;
    cleanup_close int readonly = open(place->path, O_RDONLY | O_CLOEXEC);
    cleanup_buf struct buf buf;

    buf_init(&buf, 100);
    assert_int_equal(io_write_all(readonly, "x", 1), -EBADF);
    assert_int_equal(io_read_all(readonly, &buf), -EISDIR);
    assert_int_equal(io_read_file(place->fd, "nothing", &buf), -ENOENT);
    assert_int_equal(symlinkat("nothing", place->fd, "link"), 0);
    assert_int_equal(io_read_file(place->fd, "link", &buf), -ELOOP);
    assert_int_equal(buf.length, 0);
}

static void a_file_is_replaced_whole(void **state)
{
    const struct place *place = *state;
    struct stat status;
    char name[300];

    assert_int_equal(io_replace_file(place->fd, "f", "first, long", 11, 0640), 0);
    assert_content(place, "f", "first, long");
    assert_int_equal(io_replace_file(place->fd, "f", "second", 6, 0600), 0);
    assert_content(place, "f", "second");
    assert_int_equal(fstatat(place->fd, "f", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(faccessat(place->fd, "f.new", F_OK, 0), -1);
    assert_int_equal(io_replace_file(place->fd, "f", NULL, 0, 0600), 0);
    assert_content(place, "f", "");
    memset(name, 'n', sizeof(name));
    name[252] = '\0';
    assert_int_equal(io_replace_file(place->fd, name, "x", 1, 0600), -ENAMETOOLONG);
    name[251] = '\0';
    assert_int_equal(io_replace_file(place->fd, name, "x", 1, 0600), 0);
}

static void a_failed_replacement_leaves_the_old_file(void **state)
{
    const struct place *place = *state;

    assert_int_equal(mkdirat(place->fd, "d", 0700), 0);
    assert_int_equal(io_replace_file(place->fd, "d", "x", 1, 0600), -EISDIR);
    assert_int_equal(faccessat(place->fd, "d.new", F_OK, 0), -1);
    assert_int_equal(io_replace_file(place->fd, "no/such", "x", 1, 0600), -ENOENT);
}

static void copies(void **state)
{
    const struct place *place = *state;
    cleanup_close int from = open_new(place, "from", 0);
    cleanup_close int to = open_new(place, "to", 0);

    assert_int_equal(io_write_all(from, "0123456789", 10), 0);
    assert_int_equal(io_copy(from, to, 0), 0);
    assert_int_equal(io_copy(from, to, 4), 4);
    assert_int_equal(io_copy(from, to, 10), 10);
    assert_int_equal(io_copy(from, to, UINT64_MAX), 10);
    assert_content(place, "to", "012301234567890123456789");
}

/* copy_file_range(2) does not write into a pipe: the plain way must give the same. */
static void copies_where_the_kernel_cannot(void **state)
{
    const struct place *place = *state;
    cleanup_close int from = open_new(place, "from", 0);
    cleanup_buf struct buf buf;
    int fds[2];

    assert_int_equal(io_write_all(from, "0123456789", 10), 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(io_copy(from, fds[1], 7), 7);
    close(fds[1]);
    buf_init(&buf, 100);
    assert_int_equal(io_read_all(fds[0], &buf), 0);
    assert_string_equal(buf_text(&buf), "0123456");
    close(fds[0]);
}

static void copies_that_fail(void **state)
{
    const struct place *place = *state;
    cleanup_close int from = open_new(place, "from", 0);
    cleanup_close int to = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(io_write_all(from, "x", 1), 0);
    assert_true(io_copy(from, to, 1) < 0);
    assert_int_equal(io_copy(-1, from, 1), -EBADF);
}

static void directories_on_the_way(void **state)
{
    const struct place *place = *state;
    char path[128];
    struct stat status;

    snprintf(path, sizeof(path), "%s/a/b/c", place->path);
    assert_int_equal(io_make_dirs(path, 0700), 0);
    assert_int_equal(io_make_dirs(path, 0700), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0700);
    close(open_new(place, "file", 0));
    snprintf(path, sizeof(path), "%s/file/x", place->path);
    assert_int_equal(io_make_dirs(path, 0700), -ENOTDIR);
    assert_int_equal(io_make_dirs("", 0700), -ENOENT);
}

static void a_path_descriptor_is_opened_again(void **state)
{
    const struct place *place = *state;
    cleanup_close int path = -1;
    cleanup_close int opened = -1;
    cleanup_buf struct buf buf;
    char text[IO_FD_PATH_SIZE];

    assert_int_equal(io_replace_file(place->fd, "f", "content", 7, 0600), 0);
    path = openat(place->fd, "f", O_PATH | O_CLOEXEC);
    io_fd_path(2147483647, text);
    assert_string_equal(text, "/proc/self/fd/2147483647");
    opened = io_reopen(path, O_RDONLY | O_NOFOLLOW);
    assert_true(opened >= 0);
    assert_int_equal(fcntl(opened, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    buf_init(&buf, 100);
    assert_int_equal(io_read_all(opened, &buf), 0);
    assert_string_equal(buf_text(&buf), "content");
    assert_int_equal(io_reopen(path, O_RDONLY | O_DIRECTORY), -ENOTDIR);
    assert_int_equal(io_reopen(-1, O_RDONLY), -ENOENT);
}

static void directories_are_synced_by_any_descriptor(void **state)
{
    const struct place *place = *state;
    cleanup_close int path = open(place->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int file = open_new(place, "f", 0);

    assert_int_equal(io_sync_dir(place->fd), 0);
    assert_int_equal(io_sync_dir(path), 0);
    assert_int_equal(io_sync_dir(file), -ENOTDIR);
}

static void a_tree_is_removed_and_nothing_behind_a_link(void **state)
{
    const struct place *place = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/tree/deep/er", place->path);
    assert_int_equal(io_make_dirs(path, 0700), 0);
    assert_int_equal(mkdirat(place->fd, "kept", 0700), 0);
    close(open_new(place, "kept/file", 0));
    close(open_new(place, "tree/deep/file", 0));
    assert_int_equal(symlinkat("../kept", place->fd, "tree/link"), 0);
    assert_int_equal(io_remove_tree(place->fd, "tree"), 0);
    assert_int_equal(faccessat(place->fd, "tree", F_OK, 0), -1);
    assert_int_equal(faccessat(place->fd, "kept/file", F_OK, 0), 0);
    assert_int_equal(io_remove_tree(place->fd, "tree"), -ENOENT);
    assert_int_equal(io_remove_tree(place->fd, "kept/file"), -ENOTDIR);
    assert_int_equal(symlinkat("kept", place->fd, "link"), 0);
    assert_true(io_remove_tree(place->fd, "link") < 0);
    assert_int_equal(faccessat(place->fd, "kept/file", F_OK, 0), 0);
}

#define in_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_written_and_read_through_a_pipe),
        in_place(reading_respects_the_buffer),
        in_place(errors_of_reading_and_writing),
        in_place(a_file_is_replaced_whole),
        in_place(a_failed_replacement_leaves_the_old_file),
        in_place(copies),
        in_place(copies_where_the_kernel_cannot),
        in_place(copies_that_fail),
        in_place(directories_on_the_way),
        in_place(a_path_descriptor_is_opened_again),
        in_place(directories_are_synced_by_any_descriptor),
        in_place(a_tree_is_removed_and_nothing_behind_a_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
