/* SPDX-License-Identifier: MIT
 *
 * Header lines as servers write them: what is taken from them, and what is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "net/head.h"

static void add(struct head *head, const char *line)
{
    assert_int_equal(head_add_line(head, line, strlen(line)), 0);
}

static void the_length_is_that_of_what_is_written(void **state)
{
    static const struct {
        const char *line;
        int64_t length;
    } rows[] = {
        {"Content-Length: 12\r\n", 12},
        {"content-length:12\r\n", 12},
        {"CONTENT-LENGTH: \t 0 \r\n", 0},
        {"Content-Length: 999999999999999999\r\n", 999999999999999999},
        {"Content-Length: 1000000000000000000\r\n", -1},
        {"Content-Length: -1\r\n", -1},
        {"Content-Length: 1, 1\r\n", -1},
        {"Content-Length:\r\n", -1},
        {"Content-Length\r\n", -1},
        {"X-Content-Length: 12\r\n", -1},
        {"\r\n", -1},
        {"", -1},
    };
    struct head head = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        head_reset(&head);
        add(&head, rows[i].line);
        assert_int_equal(head.length, rows[i].length);
    }
    add(&head, "Content-Length: 12\r\n");
    add(&head, "Content-Encoding: identity\r\n");
    assert_int_equal(head.length, 12);
    add(&head, "Content-Encoding: gzip\r\n");
    assert_int_equal(head.length, -1);
    head_reset(&head);
    add(&head, "Transfer-Encoding: chunked\r\n");
    add(&head, "Content-Length: 12\r\n");
    assert_int_equal(head.length, -1);
    head_fini(&head);
}

static void the_best_name_of_a_request_wins(void **state)
{
    struct head head = {0};

    (void)state;
    head_reset(&head);
    assert_string_equal(head.request_id, "");
    add(&head, "CF-Ray: ray\r\n");
    assert_string_equal(head.request_id, "ray");
    add(&head, "X-Request-Id: id\r\n");
    add(&head, "X-Oneapi-Request-Id: one\r\n");
    assert_string_equal(head.request_id, "id");
    head_reset(&head);
    assert_string_equal(head.request_id, "");
    head_fini(&head);
}

static void texts_are_cut_and_made_printable(void **state)
{
    char line[300] = "Retry-After: ";
    struct head head = {0};

    (void)state;
    head_reset(&head);
    memset(line + strlen(line), '7', 200);
    add(&head, line);
    assert_int_equal(strlen(head.retry_after), sizeof(head.retry_after) - 1);
    add(&head, "Content-Type: a\x1b]0;b\xff\xc3\xa9\r\n");
    assert_string_equal(head.content_type, "a ]0;b \xc3\xa9");
    head_fini(&head);
}

static void a_location_has_a_maximum(void **state)
{
    size_t size = strlen("Location: ") + HEAD_LOCATION_MAX + 1;
    char *line = malloc(size + 1);
    struct head head = {0};

    (void)state;
    assert_non_null(line);
    memset(line, 'x', size);
    memcpy(line, "Location: ", strlen("Location: "));
    head_reset(&head);
    assert_int_equal(head_add_line(&head, line, size - 1), 0);
    assert_non_null(head.location);
    assert_int_equal(strlen(head.location), HEAD_LOCATION_MAX);
    assert_int_equal(head_add_line(&head, line, size), 0);
    assert_null(head.location);
    add(&head, "location:  /a b \r\n");
    assert_string_equal(head.location, "/a b");
    head_fini(&head);
    assert_null(head.location);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_is_that_of_what_is_written),
        cmocka_unit_test(the_best_name_of_a_request_wins),
        cmocka_unit_test(texts_are_cut_and_made_printable),
        cmocka_unit_test(a_location_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
