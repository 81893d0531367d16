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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_is_an_empty_text),
        cmocka_unit_test(a_buffer_holds_its_maximum_and_no_more),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(a_buffer_keeps_bytes_of_every_kind),
        cmocka_unit_test(clearing_and_stealing),
        cmocka_unit_test(stealing_leaves_nothing_to_clean),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
