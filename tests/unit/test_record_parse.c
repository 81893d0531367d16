/* SPDX-License-Identifier: MIT
 *
 * Reading records: what is not known, missing, too many or of a wrong type, and the format of
 * version 1 as it stands in people's stores. Damage is in test_record_damage.c.
 *
 * Promised: what has to be there (version, id, state, workspace, prompt_name, prompt; the name and
 * type of a reference, the staged name of a result, charge and errno of a failure, both ids of an
 * owner) is there and right, or the answer is -EBADMSG. Anything else that is missing or of a wrong
 * type is as if it had never been known, and members that this version does not know are left
 * aside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "record_sample.h"

/* Parse an object that has a right check and @members. */
static int parse_members(const char *members, struct record *ret_record)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};

    assert_int_equal(buf_printf(&json, CHECKED_START "%s}", members), 0);
    fix_check(json.data, json.length);
    return record_parse(json.data, json.length, ret_record);
}

#define NEEDED                                                                         \
    ",\"version\":1,\"id\":\"" SAMPLE_ID "\",\"state\":\"queued\",\"workspace\":\"m\"" \
    ",\"prompt_name\":\"prompt\",\"prompt\":\"p\""

/* A record with @count times @element in @array. */
static int parse_array(const char *array, const char *element, int count)
{
    cleanup_buf struct buf members = {.max = RECORD_MAX_BYTES};
    struct record read;
    int error;

    assert_int_equal(buf_printf(&members, NEEDED ",\"%s\":[", array), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(buf_printf(&members, "%s%s", i ? "," : "", element), 0);
    assert_int_equal(buf_append_text(&members, "]"), 0);
    error = parse_members(buf_text(&members), &read);
    if (!error)
        record_fini(&read);
    return error;
}

static void refuses_more_files(void **state)
{
    static const char reference[] = "{\"name\":\"a\",\"mime\":\"image/png\"}";
    static const char result[] = "{\"staged\":\"" SAMPLE_ID ".1.png\"}";

    (void)state;
    assert_int_equal(parse_array("references", reference, RECORD_REFERENCES_MAX), 0);
    assert_int_equal(parse_array("references", reference, RECORD_REFERENCES_MAX + 1), -EBADMSG);
    assert_int_equal(parse_array("results", result, RECORD_RESULTS_MAX), 0);
    assert_int_equal(parse_array("results", result, RECORD_RESULTS_MAX + 1), -EBADMSG);
}

/* Names out of a file lead out of no directory. */
static void refuses_bad_names(void **state)
{
    static const char *const references[] = {
        "{}",
        "{\"name\":\"a\"}",
        "{\"mime\":\"image/png\"}",
        "{\"name\":1,\"mime\":\"image/png\"}",
        "{\"name\":\"a\",\"mime\":\"image/none\"}",
        "{\"name\":\"\",\"mime\":\"image/png\"}",
        "{\"name\":\"../a\",\"mime\":\"image/png\"}",
        "{\"name\":\"..\",\"mime\":\"image/png\"}",
        "1",
        "null",
        "[]",
        "\"a\"",
    };
    static const char *const results[] = {
        "{}",
        "{\"name\":\"a\"}",
        "{\"staged\":\"a.1.png\"}",
        "{\"staged\":\"" SAMPLE_ID "\"}",
        "{\"staged\":\"" SAMPLE_ID ".1\"}",
        "{\"staged\":\"" SAMPLE_ID "x.1.png\"}",
        "{\"staged\":\"" SAMPLE_ID ".1/../../a.png\"}",
        "{\"staged\":\"" SAMPLE_ID ".1.png\",\"name\":\"a/b\"}",
        "{\"staged\":\"" SAMPLE_ID ".1.png\",\"name\":\"..\"}",
        "{\"staged\":\"" SAMPLE_ID ".1.png\",\"name\":\".\"}",
        "{\"staged\":\"" SAMPLE_ID ".1.png\",\"name\":\"\"}",
        "null",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        assert_int_equal(parse_array("references", references[i], 1), -EBADMSG);
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        assert_int_equal(parse_array("results", results[i], 1), -EBADMSG);
}

static const char *const needed_members[] = {
    ",\"version\":1",       ",\"id\":\"" SAMPLE_ID "\"",   ",\"state\":\"queued\"",
    ",\"workspace\":\"m\"", ",\"prompt_name\":\"prompt\"", ",\"prompt\":\"p\"",
};

#define NEEDED_COUNT (sizeof(needed_members) / sizeof(needed_members[0]))

/* The needed members with @other in the place of one. */
static int parse_with(size_t place, const char *other)
{
    cleanup_buf struct buf members = {.max = RECORD_MAX_BYTES};
    struct record read;
    int error;

    for (size_t i = 0; i < NEEDED_COUNT; i++)
        assert_int_equal(buf_append_text(&members, i == place ? other : needed_members[i]), 0);
    error = parse_members(buf_text(&members), &read);
    if (!error)
        record_fini(&read);
    return error;
}

static void needs_what_it_needs(void **state)
{
    static const struct {
        size_t place;
        const char *other;
    } wrong[] = {
        {0, ",\"version\":0"},
        {0, ",\"version\":2"},
        {0, ",\"version\":-1"},
        {0, ",\"version\":1e300"},
        {0, ",\"version\":\"1\""},
        {0, ",\"Version\":1"},
        {1, ",\"id\":1"},
        {1, ",\"id\":\"\""},
        {1, ",\"id\":\"0199f0a1b2c0000deadbee\""},
        {1, ",\"id\":\"0199f0a1b2c0000deadbeef0\""},
        {1, ",\"id\":\"0199f0a1b2c0000DEADBEEF\""},
        {1, ",\"id\":\"../9f0a1b2c0000deadbeef\""},
        {2, ",\"state\":\"\""},
        {2, ",\"state\":\"Queued\""},
        {2, ",\"state\":1"},
        {2, ",\"state\":null"},
        {3, ",\"workspace\":1"},
        {4, ",\"prompt_name\":[]"},
        {4, ",\"prompt_name\":\"a/b\""},
        {4, ",\"prompt_name\":\"..\""},
        {5, ",\"prompt\":{}"},
        {5, ",\"prompt\":true"},
    };

    (void)state;
    assert_int_equal(parse_with(NEEDED_COUNT, ""), 0);
    for (size_t i = 0; i < NEEDED_COUNT; i++)
        assert_int_equal(parse_with(i, ""), -EBADMSG);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse_with(wrong[i].place, wrong[i].other), -EBADMSG);
}

static void needs_a_sound_failure(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "1",
        "null",
        "{\"error\":5}",
        "{\"charge\":\"none\"}",
        "{\"error\":5,\"charge\":\"some\"}",
        "{\"error\":-5,\"charge\":\"none\"}",
        "{\"error\":\"5\",\"charge\":\"none\"}",
    };
    struct record read;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cleanup_buf struct buf members = {.max = 4096};

        assert_int_equal(buf_printf(&members, NEEDED ",\"failure\":%s", wrong[i]), 0);
        assert_int_equal(parse_members(buf_text(&members), &read), -EBADMSG);
    }
}

static void needs_a_sound_owner(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "1000",
        "null",
        "{\"uid\":1000}",
        "{\"gid\":1000}",
        "{\"uid\":\"1000\",\"gid\":1000}",
        "{\"uid\":-1,\"gid\":1000}",
        "{\"uid\":0.5,\"gid\":1000}",
        "{\"uid\":4294967295,\"gid\":1000}",
        "{\"uid\":1000,\"gid\":4294967295}",
        "{\"uid\":1e300,\"gid\":1000}",
    };
    struct record read;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cleanup_buf struct buf members = {.max = 4096};

        assert_int_equal(buf_printf(&members, NEEDED ",\"owner\":%s", wrong[i]), 0);
        assert_int_equal(parse_members(buf_text(&members), &read), -EBADMSG);
    }
    assert_int_equal(parse_members(NEEDED ",\"owner\":{\"uid\":0,\"gid\":4294967294}", &read), 0);
    assert_true(read.has_owner);
    assert_int_equal(read.owner.uid, 0);
    assert_true(read.owner.gid == 4294967294);
    record_fini(&read);
}

/* Neither what nobody knows nor what has the wrong type makes a job unreadable. */
static void leaves_the_rest_aside(void **state)
{
    static const char *const members[] = {
        ",\"new\":{\"deep\":[1,{\"id\":\"x\"}]},\"new\":null",
        ",\"model\":1,\"settings\":[],\"created_ms\":\"1\",\"sent_ms\":-1,\"finished_ms\":null",
        ",\"model\":\"\",\"settings\":{\"count\":\"\"},\"answer\":{\"finish_reason\":\"\"}",
        ",\"attempts\":\"2\",\"references\":{},\"results\":3,\"answer\":\"x\"",
        ",\"settings\":{\"count\":2,\"unknown\":\"x\"},\"answer\":{\"prompt_tokens\":[1],\"x\":1}",
        ",\"created_ms\":1e300,\"sent_ms\":0.5,\"answer\":{\"total_tokens\":-1e300}",
    };
    cleanup_record struct record expected = {0};

    (void)state;
    assert_int_equal(parse_members(NEEDED, &expected), 0);
    assert_string_equal(expected.id, SAMPLE_ID);
    assert_int_equal(expected.state, JOB_QUEUED);
    assert_string_equal(expected.workspace, "m");
    assert_string_equal(expected.prompt_name, "prompt");
    assert_string_equal(expected.prompt, "p");
    assert_null(expected.model);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        cleanup_buf struct buf all = {.max = 4096};
        cleanup_record struct record read = {0};

        assert_int_equal(buf_printf(&all, NEEDED "%s", members[i]), 0);
        assert_int_equal(parse_members(buf_text(&all), &read), 0);
        assert_true(same_record(&expected, &read));
    }
}

/* A record of version 1 with @owner among its members, or none. */
static int parse_version_1(const char *owner, struct record *ret_record)
{
    cleanup_buf struct buf members = {.max = 4096};

    assert_int_equal(
        buf_printf(
            &members,
            ",\"version\":1,\"id\":\"" SAMPLE_ID "\",\"state\":\"sending\","
            "\"model\":\"gemini-3-pro-image-preview\","
            "%s\"workspace\":\"gemini-3-pro-image-preview\\/caf\\u00e9\","
            "\"prompt_name\":\"a \\\"cat\\\"\\n.prompt\","
            "\"prompt\":\"A cat\\ton a\\\\mat \\u0001 \\ud83d\\udc08\\n\","
            "\"settings\":{\"count\":\"2\",\"system_instruction\":\"Be brief.\\nAnd kind.\"},"
            "\"created_ms\":1763838000001,\"sent_ms\":1763838000002,\"finished_ms\":1763838000003,"
            "\"attempts\":3,\"notes\":\"Asked for 2K.\\n\",\"references\":[{\"name\":\"cat.jpg\",\"mime\":\"image/jpeg\","
            "\"bytes\":12345,\"sha256\":\"" SAMPLE_DIGEST
            "\"},{\"name\":\"\xff.png\",\"mime\":\"image/png\"}],"
            "\"results\":[{\"staged\":\"" SAMPLE_ID ".1.png\",\"name\":\"0001.png\"},"
            "{\"staged\":\"" SAMPLE_ID ".2.jpg\"}],"
            "\"answer\":{\"finish_reason\":\"STOP\",\"model_version\":\"v1\","
            "\"response_id\":\"r-1\",\"prompt_tokens\":11,\"candidates_tokens\":1290,"
            "\"thoughts_tokens\":7,\"total_tokens\":1308},"
            "\"failure\":{\"error\":5,\"http_status\":503,\"charge\":\"possible\","
            "\"text\":\"It did not \\\"answer\\\".\",\"advice\":\"Try again.\","
            "\"request_id\":\"req-1\"}",
            owner),
        0);
    return parse_members(buf_text(&members), ret_record);
}

static void reads_version_1(void **state)
{
    cleanup_record struct record read = {0};
    cleanup_record struct record before = {0};
    cleanup_record struct record expected = {0};

    (void)state;
    assert_int_equal(sample_fill(&expected), 0);
    assert_int_equal(parse_version_1("\"owner\":{\"uid\":4294967294,\"gid\":0},", &read), 0);
    assert_true(same_record(&expected, &read));
    assert_int_equal(parse_version_1("", &before), 0); /* there were no owners */
    expected.has_owner = false;
    expected.owner = (struct owner){0, 0};
    assert_true(same_record(&expected, &before));
}

/* No number turns into a small one because it is large. */
static void keeps_large_numbers_large(void **state)
{
    struct record read;

    (void)state;
    assert_int_equal(parse_members(NEEDED ",\"failure\":{\"error\":65536,\"http_status\":70000,"
                                          "\"charge\":\"certain\"}",
                                   &read),
                     0);
    assert_int_equal(read.failure.error, -4095);
    assert_int_equal(read.failure.http_status, 32767);
    assert_int_equal(read.failure.charge, CHARGE_CERTAIN);
    record_fini(&read);
}

/* Blanks behind the object fill the text up to @length. */
static int parse_padded(size_t length)
{
    char *json = malloc(length + 1);
    struct record read;
    int error;
    int start;

    assert_non_null(json);
    start = snprintf(json, length, "%s", CHECKED_START NEEDED "}");
    memset(json + start, ' ', length - (size_t)start);
    json[length] = '\0';
    fix_check(json, length);
    error = record_parse(json, length, &read);
    if (!error)
        record_fini(&read);
    free(json);
    return error;
}

static void has_a_longest_text(void **state)
{
    (void)state;
    assert_int_equal(parse_padded(RECORD_MAX_BYTES), 0);
    assert_int_equal(parse_padded(RECORD_MAX_BYTES + 1), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_more_files),    cmocka_unit_test(refuses_bad_names),
        cmocka_unit_test(needs_what_it_needs),   cmocka_unit_test(needs_a_sound_failure),
        cmocka_unit_test(needs_a_sound_owner),   cmocka_unit_test(keeps_large_numbers_large),
        cmocka_unit_test(leaves_the_rest_aside), cmocka_unit_test(reads_version_1),
        cmocka_unit_test(has_a_longest_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
