/* SPDX-License-Identifier: MIT
 *
 * Records as JSON and back: ordinary and extreme values in every field, the limits, and ids. What
 * is read out of texts that easelfs did not write so is in test_record_parse.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>

#include "conf/prompt.h"
#include "record_sample.h"

/* Every whole number below it is exact in a record; any other reads as 0. */
#define NUMBER_END INT64_C(1000000000000000)

static void round_trip(const struct record *record, struct record *ret_record)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};

    assert_int_equal(record_format(record, &json), 0);
    assert_int_equal(record_parse(buf_text(&json), json.length, ret_record), 0);
}

static void keeps_every_field(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record read = {0};

    (void)state;
    assert_int_equal(sample_fill(&record), 0);
    round_trip(&record, &read);
    assert_true(same_record(&record, &read));
}

static void keeps_every_state(void **state)
{
    static const char *const names[JOB_STATE_COUNT] = {
        "waiting", "queued", "sending", "received", "done", "failed", "unknown", "cancelled",
    };

    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        cleanup_record struct record record = {0};
        cleanup_record struct record read = {0};

        assert_string_equal(record_state_name((enum job_state)i), names[i]);
        assert_int_equal(sample_fill(&record), 0);
        record.state = (enum job_state)i;
        round_trip(&record, &read);
        assert_int_equal(read.state, i);
    }
}

static void keeps_every_setting(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record read = {0};

    (void)state;
    memcpy(record.id, SAMPLE_ID, RECORD_ID_SIZE);
    for (int i = 0; i < SETTING_MAX; i++) {
        char value[] = {(char)('a' + i), '"', '\n', '\0'};
        assert_int_equal(record_set_text(&record.settings.value[i], value), 0);
    }
    round_trip(&record, &read);
    assert_true(same_settings(&record.settings, &read.settings));
}

/* What never was known comes back as not known; the three texts that are needed as "". */
static void keeps_nothing(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record read = {0};
    cleanup_record struct record expected = {0};

    (void)state;
    memcpy(record.id, SAMPLE_ID, RECORD_ID_SIZE);
    round_trip(&record, &read);
    memcpy(expected.id, SAMPLE_ID, RECORD_ID_SIZE);
    assert_int_equal(record_set_text(&expected.workspace, ""), 0);
    assert_int_equal(record_set_text(&expected.prompt_name, ""), 0);
    assert_int_equal(record_set_text(&expected.prompt, ""), 0);
    assert_true(same_record(&expected, &read));
}

static void keeps_every_number(void **state)
{
    static const struct {
        int64_t number, read;
    } numbers[] = {
        {0, 0},
        {1, 1},
        {INT32_MAX, INT32_MAX},
        {INT64_C(4294967296), INT64_C(4294967296)},
        {999999999999998, 999999999999998},
        {NUMBER_END - 1, NUMBER_END - 1},
        {NUMBER_END, 0},
        {INT64_C(1) << 53, 0},
        {INT64_MAX, 0},
        {-1, 0},
        {INT64_MIN, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        cleanup_record struct record record = {0};
        cleanup_record struct record read = {0};
        int64_t number = numbers[i].number;

        assert_int_equal(sample_fill(&record), 0);
        record.created_ms = record.sent_ms = record.finished_ms = number;
        record.prompt_tokens = record.candidates_tokens = number;
        record.thoughts_tokens = record.total_tokens = number;
        record.references[0].bytes = (uint64_t)number;
        round_trip(&record, &read);
        record.created_ms = record.sent_ms = record.finished_ms = numbers[i].read;
        record.prompt_tokens = record.candidates_tokens = numbers[i].read;
        record.thoughts_tokens = record.total_tokens = numbers[i].read;
        record.references[0].bytes = (uint64_t)numbers[i].read;
        assert_true(same_record(&record, &read));
    }
}

/* No count turns into a small one because it is large. */
static void keeps_large_counts_large(void **state)
{
    static const struct {
        unsigned count, read;
    } counts[] = {{0, 0}, {1, 1}, {65535, 65535}, {65536, 65535}, {UINT_MAX, 65535}};
    struct record read;

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        cleanup_record struct record record = {0};

        assert_int_equal(sample_fill(&record), 0);
        record.attempt_count = counts[i].count;
        round_trip(&record, &read);
        assert_int_equal(read.attempt_count, counts[i].read);
        record_fini(&read);
    }
}

static void keeps_every_failure(void **state)
{
    (void)state;
    for (int charge = CHARGE_NONE; charge <= CHARGE_CERTAIN; charge++) {
        cleanup_record struct record record = {0};
        cleanup_record struct record read = {0};

        assert_int_equal(sample_fill(&record), 0);
        failure_init(&record.failure);
        record.failure.error = -EDQUOT;
        record.failure.charge = (enum charge)charge;
        round_trip(&record, &read);
        assert_true(same_failure(&record.failure, &read.failure));
        memset(record.failure.text, 'x', FAILURE_TEXT_SIZE - 1);
        memset(record.failure.advice, 'y', FAILURE_ADVICE_SIZE - 1);
        memset(record.failure.request_id, 'z', FAILURE_REQUEST_ID_SIZE - 1);
        record_fini(&read);
        round_trip(&record, &read);
        assert_true(same_failure(&record.failure, &read.failure));
    }
}

static void limits_files(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record read = {0};
    const char *mime = imagetype_find("image/webp")->mime;

    (void)state;
    memcpy(record.id, SAMPLE_ID, RECORD_ID_SIZE);
    for (int i = 0; i < RECORD_REFERENCES_MAX; i++)
        assert_int_equal(record_add_reference(&record, "a", mime, 1), 0);
    for (int i = 0; i < RECORD_RESULTS_MAX; i++)
        assert_int_equal(record_add_result(&record, SAMPLE_ID ".1.png"), 0);
    assert_int_equal(record_add_reference(&record, "a", mime, 1), -E2BIG);
    assert_int_equal(record_add_result(&record, SAMPLE_ID ".1.png"), -E2BIG);
    assert_int_equal(record.reference_count, RECORD_REFERENCES_MAX);
    assert_int_equal(record.result_count, RECORD_RESULTS_MAX);
    round_trip(&record, &read);
    assert_int_equal(read.reference_count, RECORD_REFERENCES_MAX);
    assert_int_equal(read.result_count, RECORD_RESULTS_MAX);
    record_drop_references(&record);
    assert_int_equal(record.reference_count, 0);
    assert_null(record.references);
}

static void set_repeated(char **member, char c, size_t length)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, c, length);
    text[length] = '\0';
    *member = text;
}

/* The longest prompt and values, every character escaped: what RECORD_MAX_BYTES promises. */
static void has_room_for_the_largest(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record read = {0};
    char name[NAME_MAX + 1];

    (void)state;
    memset(name, '\x01', NAME_MAX);
    name[NAME_MAX] = '\0';
    memcpy(record.id, SAMPLE_ID, RECORD_ID_SIZE);
    set_repeated(&record.prompt, '\x01', PROMPT_MAX_BYTES);
    set_repeated(&record.workspace, '\x01', 4096);
    set_repeated(&record.settings.value[SETTING_SYSTEM_INSTRUCTION], '\x01',
                 SETTINGS_VALUE_MAX_BYTES);
    set_repeated(&record.settings.value[SETTING_REFERENCES], '\n', SETTINGS_VALUE_MAX_BYTES);
    assert_int_equal(record_set_text(&record.prompt_name, name), 0);
    for (int i = 0; i < RECORD_REFERENCES_MAX; i++)
        assert_int_equal(record_add_reference(&record, name, "image/png", UINT32_MAX), 0);
    for (int i = 0; i < RECORD_RESULTS_MAX; i++) {
        assert_int_equal(record_add_result(&record, SAMPLE_ID ".64.png"), 0);
        assert_int_equal(record_set_text(&record.results[i].name, name), 0);
    }
    round_trip(&record, &read);
    assert_string_equal(read.prompt, record.prompt);
    assert_true(same_settings(&read.settings, &record.settings));
}

static void obeys_the_buffer(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_buf struct buf whole = {.max = RECORD_MAX_BYTES};
    cleanup_buf struct buf exact = {0};
    cleanup_buf struct buf tight = {0};

    (void)state;
    assert_int_equal(sample_fill(&record), 0);
    assert_int_equal(record_format(&record, &whole), 0);
    exact.max = whole.length;
    tight.max = whole.length - 1;
    assert_int_equal(record_format(&record, &exact), 0);
    assert_string_equal(buf_text(&exact), buf_text(&whole));
    assert_int_equal(record_format(&record, &tight), -EFBIG);
    assert_int_equal(tight.length, 0);
}

static void makes_ids(void **state)
{
    char ids[3][RECORD_ID_SIZE];

    (void)state;
    record_make_id(INT64_C(1763838000001), ids[0]);
    record_make_id(INT64_C(1763838000001), ids[1]);
    record_make_id(INT64_C(1763838000002), ids[2]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(strlen(ids[i]), RECORD_ID_SIZE - 1);
        assert_true(record_is_id(ids[i]));
        assert_int_equal(record_id_time_ms(ids[i]), INT64_C(1763838000001) + (i == 2));
    }
    assert_true(strcmp(ids[0], ids[1]) < 0);
    assert_true(strcmp(ids[1], ids[2]) < 0);
    record_make_id(0, ids[0]);
    assert_int_equal(record_id_time_ms(ids[0]), 0);
    record_make_id(INT64_C(0xfffffffffff), ids[0]);
    assert_int_equal(record_id_time_ms(ids[0]), INT64_C(0xfffffffffff));
    assert_true(record_is_id(ids[0]));
}

/* A prompt with a `count` is as many jobs: their ids differ in the last digit, and so sort. */
static void makes_siblings(void **state)
{
    char first[RECORD_ID_SIZE];
    char other[RECORD_ID_SIZE];
    char id[RECORD_ID_SIZE];
    char again[RECORD_ID_SIZE];

    (void)state;
    record_make_id(INT64_C(1763838000001), first);
    record_make_id(INT64_C(1763838000001), other);
    assert_int_equal(record_sibling_index(first), 0);
    assert_false(record_are_siblings(first, other));
    for (unsigned index = 0; index < 16; index++) {
        record_sibling_id(first, index, id);
        assert_true(record_is_id(id));
        assert_int_equal(record_sibling_index(id), index);
        assert_true(record_are_siblings(first, id));
        assert_false(record_are_siblings(other, id));
        assert_int_equal(strcmp(id, first) > 0, index > 0);
        record_sibling_id(id, 0, again); /* of any of them: the first */
        assert_string_equal(again, first);
    }
}

static void copies(void **state)
{
    cleanup_record struct record record = {0};
    cleanup_record struct record copy = {0};
    struct record bad = {0};

    (void)state;
    assert_int_equal(sample_fill(&record), 0);
    assert_int_equal(record_copy(&record, &copy), 0);
    assert_true(same_record(&record, &copy));
    assert_ptr_not_equal(record.prompt, copy.prompt);
    bad.attempt_count = 77;
    memcpy(record.id, "no id", sizeof("no id"));
    assert_int_equal(record_copy(&record, &bad), -EBADMSG);
    assert_int_equal(bad.attempt_count, 77);
}

static void knows_ids(void **state)
{
    (void)state;
    assert_true(record_is_id(SAMPLE_ID));
    assert_false(record_is_id(""));
    assert_false(record_is_id("."));
    assert_false(record_is_id("0199f0a1b2c0000deadbee"));
    assert_false(record_is_id(SAMPLE_ID "0"));
    assert_false(record_is_id("0199f0a1b2c0000deadbeeF"));
    assert_false(record_is_id("0199f0a1b2c0000deadbee/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_field),
        cmocka_unit_test(keeps_every_state),
        cmocka_unit_test(keeps_every_setting),
        cmocka_unit_test(keeps_nothing),
        cmocka_unit_test(keeps_every_number),
        cmocka_unit_test(keeps_large_counts_large),
        cmocka_unit_test(keeps_every_failure),
        cmocka_unit_test(limits_files),
        cmocka_unit_test(has_room_for_the_largest),
        cmocka_unit_test(obeys_the_buffer),
        cmocka_unit_test(makes_ids),
        cmocka_unit_test(makes_siblings),
        cmocka_unit_test(copies),
        cmocka_unit_test(knows_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
