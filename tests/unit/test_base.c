/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/text.h"

/* buf */

static void a_new_buffer_is_an_empty_text(void **state)
{
    cleanup_buf struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    assert_string_equal(buf_text(&buf), "");
    assert_null(buf.data);
    assert_int_equal(buf_append(&buf, "", 0), 0);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf.length, 0);
}

static void a_buffer_holds_its_maximum_and_no_more(void **state)
{
    static const size_t maxima[] = {0, 1, 127, 128, 129, 255, 256, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
        cleanup_buf struct buf buf;

        buf_init(&buf, maxima[i]);
        for (size_t j = 0; j < maxima[i]; j++)
            assert_int_equal(buf_append(&buf, "x", 1), 0);
        assert_int_equal(buf.length, maxima[i]);
        assert_int_equal(strlen(buf_text(&buf)), maxima[i]);
        assert_int_equal(buf_append(&buf, "x", 1), -EFBIG);
        assert_int_equal(buf_append_text(&buf, "x"), -EFBIG);
        assert_int_equal(buf_printf(&buf, "%d", 1), -EFBIG);
        assert_int_equal(buf_append(&buf, "x", SIZE_MAX), -EFBIG);
        assert_int_equal(buf.length, maxima[i]);
        assert_int_equal(strlen(buf_text(&buf)), maxima[i]);
    }
}

static void what_does_not_fit_changes_nothing(void **state)
{
    cleanup_buf struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_int_equal(buf_append_text(&buf, "def"), -EFBIG);
    assert_string_equal(buf_text(&buf), "abc");
    assert_int_equal(buf_printf(&buf, "%s", "de"), 0);
    assert_string_equal(buf_text(&buf), "abcde");
}

static void a_buffer_keeps_bytes_of_every_kind(void **state)
{
    cleanup_buf struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    assert_int_equal(buf_append(&buf, "a\0b", 3), 0);
    assert_int_equal(buf_printf(&buf, "%05.1f|%s", 2.25, "x"), 0);
    assert_int_equal(buf.length, 10);
    assert_memory_equal(buf.data, "a\0b002.2|x", 11);
}

static void clearing_and_stealing(void **state)
{
    cleanup_buf struct buf buf;
    cleanup_free char *stolen = NULL;

    (void)state;
    buf_init(&buf, 100);
    assert_null(buf_steal(&buf));
    assert_int_equal(buf_append_text(&buf, "first"), 0);
    buf_clear(&buf);
    assert_int_equal(buf.length, 0);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_append_text(&buf, "second"), 0);
    stolen = buf_steal(&buf);
    assert_string_equal(stolen, "second");
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_append_text(&buf, "third"), 0);
    assert_string_equal(buf_text(&buf), "third");
    buf_fini(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, 100);
}

/* cleanup */

static void stealing_leaves_nothing_to_clean(void **state)
{
    char *memory = malloc(1);
    char *pointer = memory;
    int fd = 7;

    (void)state;
    assert_ptr_equal(steal_ptr(pointer), memory);
    assert_null(pointer);
    assert_int_equal(steal_fd(&fd), 7);
    assert_int_equal(fd, -1);
    free(memory);
}

/* text */

static void the_longest_prefix_that_is_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t length, valid;
    } rows[] = {
        {"", 0, 0},
        {"abc", 3, 3},
        {"a\0b", 3, 1},
        {"\x01\x7f", 2, 2},
        {"\xc2\x80\xdf\xbf", 4, 4},
        {"\xc1\xbf", 2, 0}, /* overlong */
        {"\xc0\x80", 2, 0}, /* overlong NUL */
        {"\xe0\xa0\x80", 3, 3},
        {"\xe0\x9f\xbf", 3, 0}, /* overlong */
        {"\xed\x9f\xbf", 3, 3}, /* the last before the surrogates */
        {"\xed\xa0\x80", 3, 0}, /* the first surrogate */
        {"\xee\x80\x80", 3, 3}, /* the first behind them */
        {"\xef\xbf\xbf", 3, 3},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, 0}, /* one above */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\x80", 1, 0},
        {"\xff", 1, 0},
        {"ab\xe2\x82", 4, 2}, /* cut off */
        {"ab\xe2\x82z", 5, 2},
        {"\xe2\x82\xac", 2, 0}, /* the length ends inside */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_utf8_prefix(rows[i].text, rows[i].length), rows[i].valid);
}

static void what_may_begin_a_longer_sequence(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        bool incomplete;
    } rows[] = {
        {"", 0, false},         {"a", 1, false},        {"\xc2", 1, true},
        {"\xc2\x80", 2, false}, {"\xe2", 1, true},      {"\xe2\x82", 2, true},
        {"\xe2\x41", 2, false}, {"\xe0\x9f", 2, false}, {"\xf0\x9f\x98", 3, true},
        {"\xf4\x90", 2, false}, {"\x80", 1, false},     {"\xc1", 1, false},
        {"\xf5", 1, false},     {"\0", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_utf8_is_incomplete(rows[i].text, rows[i].length), rows[i].incomplete);
}

static void blank_texts(void **state)
{
    (void)state;
    assert_true(text_is_blank("", 0));
    assert_true(text_is_blank(" \t\r\n\v\f", 6));
    assert_false(text_is_blank(" a", 2));
    assert_false(text_is_blank("\0", 1));
    assert_false(text_is_blank("\xc2\xa0", 2)); /* a no-break space is something */
    assert_true(text_is_blank(" a", 1));
}

static void text_made_printable(void **state)
{
    static const struct {
        const char *text, *printable;
    } rows[] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"\x1b[31mred\r\x07", "?[31mred??"},
        {"\x7f\x01\x1f", "???"},
        {"\xc2\x9b"
         "1m",
         "?1m"},                  /* CSI in eight bits */
        {"\xc2\xa0", "\xc2\xa0"}, /* the first behind C1 */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff\xe2\x82", "???"},
        {"a\xc0\x80z", "a??z"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_free char *text = strdup(rows[i].text);

        assert_non_null(text);
        text_make_printable(text, '?');
        assert_string_equal(text, rows[i].printable);
    }
}

static void text_in_lower_case(void **state)
{
    char text[] = "@AZ[`az{ \xc3\x89 09.X";

    (void)state;
    text_lower(text, strlen(text) - 1);
    assert_string_equal(text, "@az[`az{ \xc3\x89 09.X");
    text_lower(text, strlen(text));
    assert_string_equal(text, "@az[`az{ \xc3\x89 09.x");
}

/* Each name before all that follow, whichever side it stands on. */
static void natural_order(void **state)
{
    static const char *const names[] = {
        "",
        "01",
        "1",
        "2",
        "10",
        "A",
        "a",
        "a0",
        "a00",
        "a1",
        "a1b",
        "a02",
        "a2",
        "a02b1",
        "a2b01",
        "a10",
        "a99999999999999999999998",
        "a99999999999999999999999",
        "b",
        "cat",
        "cat.jpg",
        "cat2",
        "cat2.jpg",
        "cat10",
        "\xc3\xa9",
    };
    size_t count = sizeof(names) / sizeof(names[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(text_natural_compare(names[i], names[i]), 0);
        for (size_t j = i + 1; j < count; j++) {
            assert_true(text_natural_compare(names[i], names[j]) < 0);
            assert_true(text_natural_compare(names[j], names[i]) > 0);
        }
    }
}

/* failure */

static void a_failure_is_made_and_advised(void **state)
{
    struct failure failure;

    (void)state;
    failure_init(&failure);
    assert_int_equal(failure.error, 0);
    assert_string_equal(failure.text, "");
    assert_string_equal(failure.advice, "");
    assert_string_equal(failure.request_id, "");
    assert_int_equal(failure.charge, CHARGE_NONE);
    assert_false(failure.retry);
    failure.http_status = 429;
    failure.retry = true;
    assert_int_equal(failure_set(&failure, -EIO, "%s %d", "lost", 7), -EIO);
    failure_advise(&failure, "try %s", "later");
    assert_int_equal(failure.error, -EIO);
    assert_string_equal(failure.text, "lost 7");
    assert_string_equal(failure.advice, "try later");
    assert_int_equal(failure.http_status, 429);
    assert_true(failure.retry);
    assert_int_equal(failure_set_errno(&failure, -ENOENT, "the file"), -ENOENT);
    assert_string_equal(failure.text, "the file: No such file or directory.");
    assert_string_equal(failure.advice, "try later");
}

static void a_failure_has_no_control_characters(void **state)
{
    struct failure failure;

    (void)state;
    failure_init(&failure);
    failure_set(&failure, -EIO, "%s", "a\x1b[2Jb\xff");
    failure_advise(&failure, "%s", "c\rd");
    assert_string_equal(failure.text, "a [2Jb ");
    assert_string_equal(failure.advice, "c d");
}

static void a_failure_is_cut_at_its_limit(void **state)
{
    char text[FAILURE_TEXT_SIZE + 8];
    struct failure failure;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[FAILURE_TEXT_SIZE - 1] = '\0';
    failure_init(&failure);
    failure_set(&failure, -EIO, "%s", text);
    assert_string_equal(failure.text, text);
    text[FAILURE_TEXT_SIZE - 1] = 'x';
    text[FAILURE_TEXT_SIZE] = '\0';
    failure_set(&failure, -EIO, "%s", text);
    assert_int_equal(strlen(failure.text), FAILURE_TEXT_SIZE - 1);
    failure_advise(&failure, "%s", text);
    assert_int_equal(strlen(failure.advice), FAILURE_ADVICE_SIZE - 1);
}

/* The last character does not fit: what is kept must still be UTF-8. */
static void a_failure_is_cut_between_characters(void **state)
{
    char text[FAILURE_TEXT_SIZE + 8];
    struct failure failure;

    (void)state;
    for (size_t kept = 1; kept <= 3; kept++) {
        size_t length = FAILURE_TEXT_SIZE - 1 - kept;

        memset(text, 'x', length);
        memcpy(text + length, "\xf0\x9f\x98\x80", 5);
        failure_init(&failure);
        failure_set(&failure, -EIO, "%s", text);
        assert_int_equal(text_utf8_prefix(failure.text, strlen(failure.text)),
                         strlen(failure.text));
        assert_memory_equal(failure.text, text, length);
    }
}

/* clock */

static void times_as_text(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {999, "1970-01-01T00:00:00Z"},
        {1000, "1970-01-01T00:00:01Z"},
        {951782399000, "2000-02-28T23:59:59Z"},
        {951782400000, "2000-02-29T00:00:00Z"},
        {4294967295000, "2106-02-07T06:28:15Z"},
        {253402300799999, "9999-12-31T23:59:59Z"},
    };
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        clock_format(rows[i].wall_ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void the_clocks_go(void **state)
{
    struct timespec pause = {.tv_nsec = 2000000};
    int64_t before = clock_now_ms();
    int64_t wall = clock_wall_ms();

    (void)state;
    assert_int_equal(nanosleep(&pause, NULL), 0);
    assert_true(clock_now_ms() >= before + 2);
    assert_true(wall > 1700000000000); /* it was after 2023 when this was written */
}

/* mutex */

static void a_condition_times_out_at_its_deadline(void **state)
{
    struct mutex mutex = MUTEX_INIT;
    struct cond cond;
    int64_t deadline = clock_now_ms() + 5;

    (void)state;
    cond_init(&cond);
    mutex_lock(&mutex);
    while (cond_wait_until(&cond, &mutex, deadline))
        continue;
    mutex_unlock(&mutex);
    assert_true(clock_now_ms() >= deadline);
    cond_fini(&cond);
    mutex_fini(&mutex);
}

struct signalled {
    struct mutex mutex;
    struct cond cond;
    bool asked, answered; /* both guarded by mutex */
};

static void *answer(void *argument)
{
    struct signalled *shared = argument;

    mutex_lock(&shared->mutex);
    while (!shared->asked)
        cond_wait(&shared->cond, &shared->mutex);
    shared->answered = true;
    cond_broadcast(&shared->cond);
    mutex_unlock(&shared->mutex);
    return NULL;
}

static void a_condition_is_signalled_before_its_deadline(void **state)
{
    struct signalled shared = {0};
    pthread_t thread;
    bool in_time = true;

    (void)state;
    mutex_init(&shared.mutex);
    cond_init(&shared.cond);
    assert_int_equal(pthread_create(&thread, NULL, answer, &shared), 0);
    mutex_lock(&shared.mutex);
    shared.asked = true;
    cond_signal(&shared.cond);
    while (!shared.answered && in_time)
        in_time = cond_wait_until(&shared.cond, &shared.mutex, clock_now_ms() + 60000);
    mutex_unlock(&shared.mutex);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(shared.answered);
    cond_fini(&shared.cond);
    mutex_fini(&shared.mutex);
}

/* log */

/* What is written to standard error while one line is logged. */
static void log_and_read(enum log_level level, const char *text, struct buf *seen)
{
    int saved = dup(STDERR_FILENO);
    int fds[2];

    buf_init(seen, 8192);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    log_write(level, "%s", text);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(saved);
    close(fds[1]);
    assert_int_equal(io_read_all(fds[0], seen), 0);
    close(fds[0]);
}

static void lines_of_the_log(void **state)
{
    static const struct {
        enum log_level limit, level;
        const char *text, *line;
    } rows[] = {
        {LOG_LEVEL_INFO, LOG_LEVEL_ERROR, "bad", "easelfs: error: bad\n"},
        {LOG_LEVEL_INFO, LOG_LEVEL_WARNING, "odd", "easelfs: warning: odd\n"},
        {LOG_LEVEL_INFO, LOG_LEVEL_INFO, "so", "easelfs: so\n"},
        {LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, "much", ""},
        {LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, "much", "easelfs: debug: much\n"},
        {LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, "odd", ""},
        {LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, "a\x1b[31mb\r\xff", "easelfs: error: a?[31mb??\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf seen;

        log_set_level(rows[i].limit);
        log_and_read(rows[i].level, rows[i].text, &seen);
        assert_string_equal(buf_text(&seen), rows[i].line);
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void long_lines_of_the_log_are_cut(void **state)
{
    char text[4096];
    cleanup_buf struct buf seen;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    log_and_read(LOG_LEVEL_INFO, text, &seen);
    assert_int_equal(seen.length, strlen("easelfs: ") + 2047 + strlen("\n"));
}

/* io */

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
        cmocka_unit_test(a_new_buffer_is_an_empty_text),
        cmocka_unit_test(a_buffer_holds_its_maximum_and_no_more),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(a_buffer_keeps_bytes_of_every_kind),
        cmocka_unit_test(clearing_and_stealing),
        cmocka_unit_test(stealing_leaves_nothing_to_clean),
        cmocka_unit_test(the_longest_prefix_that_is_utf8),
        cmocka_unit_test(what_may_begin_a_longer_sequence),
        cmocka_unit_test(blank_texts),
        cmocka_unit_test(text_made_printable),
        cmocka_unit_test(text_in_lower_case),
        cmocka_unit_test(natural_order),
        cmocka_unit_test(a_failure_is_made_and_advised),
        cmocka_unit_test(a_failure_has_no_control_characters),
        cmocka_unit_test(a_failure_is_cut_at_its_limit),
        cmocka_unit_test(a_failure_is_cut_between_characters),
        cmocka_unit_test(times_as_text),
        cmocka_unit_test(the_clocks_go),
        cmocka_unit_test(a_condition_times_out_at_its_deadline),
        cmocka_unit_test(a_condition_is_signalled_before_its_deadline),
        cmocka_unit_test(lines_of_the_log),
        cmocka_unit_test(long_lines_of_the_log_are_cut),
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
