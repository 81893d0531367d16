/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/lift.h"
#include "api_lifted.h"

static void depth_is_limited(void **state)
{
    (void)state;
    for (size_t depth = LIFT_DEPTH_MAX - 1; depth <= LIFT_DEPTH_MAX + 1; depth++) {
        for (int object = 0; object < 2; object++) {
            cleanup_buf struct buf body;
            cleanup_lifted struct lifted lifted;
            buf_init(&body, 1 << 20);
            append_many(&body, object ? "{\"a\":" : "[", depth);
            append_many(&body, "1", 1);
            append_many(&body, object ? "}" : "]", depth);
            lifted = lift_pieces(body.data, body.length, 0, 3, NULL);
            assert_int_equal(lifted.feed_error, depth > LIFT_DEPTH_MAX ? -ELOOP : 0);
            assert_int_equal(lifted.finish_error, 0);
            assert_int_equal(lifted.result.verdict, depth > LIFT_DEPTH_MAX ? LIFT_CUT : LIFT_WHOLE);
            assert_int_equal(lift_feed(lifted.lift, "", 0), lifted.feed_error);
        }
    }
}

static void parts_are_limited(void **state)
{
    cleanup_buf struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    append_many(&text, "?", LIFT_INLINE_MAX + 1);
    for (size_t count = LIFT_PARTS_MAX; count <= LIFT_PARTS_MAX + 1; count++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        buf_init(&body, 2 << 20);
        for (size_t i = 0; i < count; i++)
            buf_printf(&body, "%s\"%s\"", i ? "," : "[", text.data);
        append_many(&body, "]", 1);
        lifted = lift_all(body.data, body.length);
        assert_int_equal(lifted.feed_error, count > LIFT_PARTS_MAX ? -E2BIG : 0);
        assert_int_equal(lifted.finish_error, 0);
        assert_int_equal(lifted.result.verdict, count > LIFT_PARTS_MAX ? LIFT_CUT : LIFT_WHOLE);
        assert_int_equal(lifted.result.part_count, LIFT_PARTS_MAX);
        for (size_t i = 0; i < LIFT_PARTS_MAX; i++)
            assert_true(lifted.result.parts[i].complete);
        if (count > LIFT_PARTS_MAX)
            assert_string_equal(lifted.result.skeleton + lifted.result.skeleton_length - 6,
                                ",null]");
    }
}

static void a_cut_body_has_room_for_no_more_parts(void **state)
{
    cleanup_buf struct buf body;
    cleanup_buf struct buf text;
    cleanup_lifted struct lifted lifted;

    (void)state;
    buf_init(&text, 1 << 20);
    append_many(&text, "?", LIFT_INLINE_MAX + 1);
    buf_init(&body, 2 << 20);
    for (size_t i = 0; i < LIFT_PARTS_MAX; i++)
        buf_printf(&body, "%s\"%s\"", i ? "," : "[", text.data);
    append_many(&body, ",\"cut", 1);
    lifted = lift_all(body.data, body.length);
    assert_int_equal(lifted.feed_error, 0);
    assert_int_equal(lifted.finish_error, 0);
    assert_int_equal(lifted.result.verdict, LIFT_CUT);
    assert_string_equal(lifted.result.skeleton + lifted.result.skeleton_length - 6, ",null]");
}

static void the_skeleton_is_limited(void **state)
{
    const char *body = "{\"key\":[\"abc\",12,\"d\\u0001\"]}";
    size_t whole = strlen(body);

    (void)state;
    for (size_t max = 1; max <= whole + 1; max++) {
        const struct lift_limits limits = {.skeleton_bytes = max};
        cleanup_lifted struct lifted lifted = lift_pieces(body, whole, 0, 1, &limits);
        assert_int_equal(lifted.feed_error, max < whole ? -EMSGSIZE : 0);
        assert_int_equal(lifted.finish_error, 0);
        assert_int_equal(lifted.result.verdict, max < whole ? LIFT_CUT : LIFT_WHOLE);
        assert_true(lifted.result.skeleton_length <= max + LIFT_COMPLETION_MAX);
    }
}

/* What completes it at the end has room of its own. */
static void a_full_skeleton_is_completed(void **state)
{
    static const char *const rows[][2] = {
        {"[1,2,3", "[1,2]"},  {"[1,\"ab", "[1,\"\\u00010\"]"},    {"12345", "12345"},
        {"[[[[", "[[[[]]]]"}, {"{\"abcdef", "{\"abcdef\":null}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lift_limits limits = {.skeleton_bytes = 4};
        const char *body = rows[i][0];
        cleanup_lifted struct lifted lifted = lift_pieces(body, strlen(body), 0, SIZE_MAX, &limits);
        assert_int_equal(lifted.feed_error, i == 0 ? -EMSGSIZE : 0);
        assert_int_equal(lifted.finish_error, 0);
        assert_string_equal(lifted.result.skeleton, rows[i][1]);
    }
}

static void the_default_skeleton_is_a_mebibyte(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        buf_init(&body, 2 << 20);
        append_many(&body, "[", 1);
        append_many(&body, "0,", LIFT_SKELETON_MAX / 2 - 2);
        append_many(&body, over ? "100]" : "10]", 1);
        assert_int_equal(body.length, LIFT_SKELETON_MAX + over);
        lifted = lift_all(body.data, body.length);
        assert_int_equal(lifted.feed_error, over ? -EMSGSIZE : 0);
    }
}

static void the_total_is_limited(void **state)
{
    const char *body = "{\"key\":[\"abc\"]} ";
    size_t whole = strlen(body);

    (void)state;
    for (size_t max = 1; max <= whole + 1; max++) {
        for (size_t step = 1; step <= whole; step++) {
            const struct lift_limits limits = {.total_bytes = max};
            cleanup_lifted struct lifted lifted = lift_pieces(body, whole, 0, step, &limits);
            assert_int_equal(lifted.feed_error, max < whole ? -EFBIG : 0);
            assert_int_equal(lifted.result.total_bytes, max < whole ? max : whole);
        }
    }
}

static void keys_are_limited(void **state)
{
    (void)state;
    for (size_t length = LIFT_KEY_MAX; length <= LIFT_KEY_MAX + 1; length++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        buf_init(&body, 1 << 20);
        append_many(&body, "{\"", 1);
        append_many(&body, "k", length);
        append_many(&body, "\":1}", 1);
        lifted = lift_pieces(body.data, body.length, 0, 100, NULL);
        assert_int_equal(lifted.feed_error, length > LIFT_KEY_MAX ? -ENAMETOOLONG : 0);
        assert_int_equal(lifted.finish_error, 0);
        if (length <= LIFT_KEY_MAX)
            assert_string_equal(lifted.result.skeleton, body.data);
    }
}

static void a_scalar_that_is_too_long_is_not_json(void **state)
{
    (void)state;
    for (size_t length = LIFT_SCALAR_MAX; length <= LIFT_SCALAR_MAX + 1; length++) {
        cleanup_buf struct buf body;
        cleanup_lifted struct lifted lifted;
        buf_init(&body, 1 << 20);
        append_many(&body, "[", 1);
        append_many(&body, "1", length);
        append_many(&body, "]", 1);
        lifted = lift_pieces(body.data, body.length, 0, 7, NULL);
        assert_int_equal(lifted.feed_error, 0);
        assert_int_equal(lifted.result.verdict,
                         length > LIFT_SCALAR_MAX ? LIFT_NOT_JSON : LIFT_WHOLE);
        if (length > LIFT_SCALAR_MAX) {
            assert_string_equal(lifted.result.skeleton, "[null]");
            expect_part(&lifted, 0, LIFT_REMAINDER, body.data + 1, body.length - 1);
        }
    }
}

/* Whichever call of the sink fails, its error comes back and nothing is called any more. */
static void an_error_of_the_sink_is_final(void **state)
{
    static struct sample sample;
    cleanup_buf struct buf body;
    unsigned failures = 0;

    (void)state;
    make_sample(&sample, 20000);
    buf_init(&body, 1 << 20);
    buf_printf(&body, "{\"data\":\"%s*x\",\"b\":\"%s\"} tail", sample.text, sample.text);
    for (unsigned call = 1;; call++, failures++) {
        struct lifted lifted = {.parts = api_parts_create()};
        struct lift_sink sink = api_parts_sink(lifted.parts);
        unsigned calls;
        lifted.parts->fail_at = call;
        lifted.parts->fail_with = -ENOSPC;
        assert_int_equal(lift_create(&sink, NULL, &lifted.lift), 0);
        lifted.feed_error = lift_feed(lifted.lift, body.data, body.length);
        calls = lifted.parts->call_count;
        lifted.finish_error = lift_finish(lifted.lift, &lifted.result);
        if (lifted.parts->call_count < call) {
            assert_int_equal(lifted.feed_error, 0);
            assert_int_equal(lifted.finish_error, 0);
            lifted_fini(&lifted);
            break;
        }
        assert_true(lifted.feed_error == -ENOSPC || lifted.finish_error == -ENOSPC);
        assert_true(!lifted.feed_error || lifted.parts->call_count == calls);
        if (!lifted.finish_error) {
            assert_int_equal(lifted.result.verdict, LIFT_CUT);
            for (size_t i = 0; i < lifted.result.part_count; i++)
                assert_true(lifted.parts->closed[i] == lifted.result.parts[i].complete);
        }
        lifted_fini(&lifted);
    }
    assert_true(failures > 10);
}

static void destroy_takes_what_is_unfinished(void **state)
{
    struct api_parts *parts = api_parts_create();
    struct lift_sink sink = api_parts_sink(parts);
    struct lift *lift = NULL;

    (void)state;
    lift_destroy(NULL);
    assert_int_equal(lift_create(&sink, NULL, &lift), 0);
    assert_int_equal(lift_feed(lift, "{\"a\":\"b", 7), 0);
    lift_destroy(lift);
    api_parts_destroy(parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(parts_are_limited),
        cmocka_unit_test(a_cut_body_has_room_for_no_more_parts),
        cmocka_unit_test(the_skeleton_is_limited),
        cmocka_unit_test(a_full_skeleton_is_completed),
        cmocka_unit_test(the_default_skeleton_is_a_mebibyte),
        cmocka_unit_test(the_total_is_limited),
        cmocka_unit_test(keys_are_limited),
        cmocka_unit_test(a_scalar_that_is_too_long_is_not_json),
        cmocka_unit_test(an_error_of_the_sink_is_final),
        cmocka_unit_test(destroy_takes_what_is_unfinished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
