/* SPDX-License-Identifier: MIT
 *
 * The file that keeps an answer: saved and loaded, at its limits, and damaged. Promised: what comes
 * back is what was saved, or an error; damage of any byte, a missing end and a foreign file are
 * -EBADMSG.
 */
#include "store_place.h"

#include <errno.h>
#include <sys/xattr.h>

#include "base/hash.h"
#include "job/answerfile.h"
#include "job/flight.h"
#include "store/store.h"

#define ID "0199f0a1b2c0000deadbeef"

#define SKELETON "{\"a\":\"\\u00010\",\n\"b\":\"caf\xc3\xa9\"}"

/* One of each kind, in the order in which lift makes them. */
static const struct lift_part sample_parts[] = {
    {LIFT_BYTES, 5, true, false, 0, LIFT_NONE, "image/png"},
    {LIFT_BYTES, 4, true, true, 4099, 2, ""},
    {LIFT_REST, 3, true, false, 0, LIFT_NONE, ""},
    {LIFT_TEXT, UINT64_MAX, false, false, UINT64_MAX, LIFT_NONE, ""},
    {LIFT_REMAINDER, 9, true, false, 0, LIFT_NONE, ""},
};

#define PART_COUNT (sizeof(sample_parts) / sizeof(sample_parts[0]))

static struct lift_result sample_result(void)
{
    return (struct lift_result){
        .verdict = LIFT_TRAILING,
        .total_bytes = UINT64_MAX,
        .skeleton = SKELETON,
        .skeleton_length = strlen(SKELETON),
        .parts = sample_parts,
        .part_count = PART_COUNT,
        .remainder = "<html></",
        .remainder_length = 8,
    };
}

static void write_part(const struct place *place, unsigned part, const char *text)
{
    char name[FLIGHT_NAME_SIZE];

    flight_part_name(part, name);
    write_text(place->fd, name, text);
}

static void write_parts(const struct place *place, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_part(place, (unsigned)i, "<html></");
}

static void save_sample(const struct place *place)
{
    const struct lift_result result = sample_result();

    write_parts(place, PART_COUNT);
    assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
}

static void assert_same_part(const struct lift_part *left, const struct lift_part *right)
{
    assert_int_equal(left->encoding, right->encoding);
    assert_int_equal(left->bytes, right->bytes);
    assert_int_equal(left->complete, right->complete);
    assert_int_equal(left->damaged, right->damaged);
    assert_int_equal(left->damaged_offset, right->damaged_offset);
    assert_int_equal(left->rest, right->rest);
    assert_string_equal(left->mime, right->mime);
}

static void assert_same(const struct lift_result *left, const struct lift_result *right)
{
    assert_int_equal(left->verdict, right->verdict);
    assert_int_equal(left->total_bytes, right->total_bytes);
    assert_int_equal(left->skeleton_length, right->skeleton_length);
    assert_string_equal(left->skeleton, right->skeleton);
    assert_int_equal(left->remainder_length, right->remainder_length);
    assert_string_equal(left->remainder, right->remainder);
    assert_int_equal(left->part_count, right->part_count);
    for (size_t i = 0; i < left->part_count; i++)
        assert_same_part(&left->parts[i], &right->parts[i]);
}

/* What answerfile_load() says; what it loads is dropped. */
static int load_error(const struct place *place)
{
    struct answerfile answer = {.text = (char *)1};
    int error = answerfile_load(place->fd, &answer);

    if (error)
        assert_ptr_equal(answer.text, (char *)1);
    else
        answerfile_unload(&answer);
    return error;
}

static void keeps_everything(void **state)
{
    const struct place *place = *state;
    const struct lift_result expected = sample_result();
    struct answerfile answer;

    assert_false(answerfile_exists(place->fd));
    save_sample(place);
    assert_true(answerfile_exists(place->fd));
    assert_false(is_there(place->fd, "answer.new"));
    assert_int_equal(answerfile_load(place->fd, &answer), 0);
    assert_same(&answer.result, &expected);
    answerfile_unload(&answer);
    assert_null(answer.text);
    assert_null(answer.result.parts);
}

static void keeps_an_answer_without_parts(void **state)
{
    const struct place *place = *state;
    struct lift_result result = {.skeleton = "null", .skeleton_length = 4, .remainder = ""};
    struct answerfile answer;

    for (int verdict = LIFT_WHOLE; verdict <= LIFT_NOT_JSON; verdict++) {
        result.verdict = (enum lift_verdict)verdict;
        assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
        assert_int_equal(answerfile_load(place->fd, &answer), 0);
        assert_same(&answer.result, &result);
        answerfile_unload(&answer);
    }
}

static void has_this_format(void **state)
{
    static const char rest[] = "2 18446744073709551615 5\n"
                               "1 5 1 0 0 4294967295 image/png\n"
                               "1 4 1 1 4099 2 -\n"
                               "2 3 1 0 0 4294967295 -\n"
                               "0 18446744073709551615 0 0 18446744073709551615 4294967295 -\n"
                               "3 9 1 0 0 4294967295 -\n" SKELETON;
    const struct place *place = *state;
    char expected[512];

    save_sample(place);
    snprintf(expected, sizeof(expected), "easelfs answer 2 %016llx\n%s",
             (unsigned long long)hash_bytes(HASH_START, rest, strlen(rest)), rest);
    assert_content(place->fd, "answer", expected);
}

/* Pictures are known by their job, wherever they go; nothing else is. */
static void marks_pictures(void **state)
{
    const struct place *place = *state;

    save_sample(place);
    for (size_t i = 0; i < PART_COUNT; i++) {
        char name[FLIGHT_NAME_SIZE];
        char id[64] = "";
        int fd;

        flight_part_name((unsigned)i, name);
        fd = openat(place->fd, name, O_RDONLY | O_CLOEXEC);
        assert_int_equal(fgetxattr(fd, STORE_XATTR_JOB, id, sizeof(id) - 1),
                         sample_parts[i].encoding == LIFT_BYTES ? (ssize_t)strlen(ID) : -1);
        assert_string_equal(id, sample_parts[i].encoding == LIFT_BYTES ? ID : "");
        close(fd);
    }
}

/* That there is an answer says that all of it is there. */
static void saves_nothing_without_its_parts(void **state)
{
    const struct place *place = *state;
    const struct lift_result result = sample_result();

    write_parts(place, PART_COUNT - 1);
    assert_int_equal(answerfile_save(place->fd, ID, &result), -ENOENT);
    assert_false(answerfile_exists(place->fd));
    assert_int_equal(symlinkat("part-0", place->fd, "link"), 0);
    assert_int_equal(renameat(place->fd, "link", place->fd, "part-4"), 0);
    assert_int_equal(answerfile_save(place->fd, ID, &result), -ELOOP);
    assert_false(answerfile_exists(place->fd));
}

/* The beginning of the first part that is no JSON, as lift gives it. */
static void loads_the_remainder(void **state)
{
    const struct place *place = *state;
    struct lift_result result = sample_result();
    struct answerfile answer;
    char *large = malloc(LIFT_REMAINDER_MAX + 2);

    assert_non_null(large);
    save_sample(place);
    for (int more = -1; more <= 1; more++) {
        size_t length = (size_t)(LIFT_REMAINDER_MAX + more);

        memset(large, 'x', length);
        large[length] = '\0';
        write_part(place, 4, large);
        assert_int_equal(answerfile_load(place->fd, &answer), 0);
        large[more > 0 ? LIFT_REMAINDER_MAX : length] = '\0';
        assert_int_equal(answer.result.remainder_length, strlen(large));
        assert_string_equal(answer.result.remainder, large);
        answerfile_unload(&answer);
    }
    free(large);
    assert_int_equal(unlinkat(place->fd, "part-4", 0), 0);
    assert_int_equal(load_error(place), -ENOENT);
    result.part_count = PART_COUNT - 1;
    assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
    assert_int_equal(answerfile_load(place->fd, &answer), 0);
    assert_string_equal(answer.result.remainder, "");
    assert_int_equal(answer.result.remainder_length, 0);
    answerfile_unload(&answer);
}

static void reports_what_cannot_be_read(void **state)
{
    const struct place *place = *state;

    assert_int_equal(load_error(place), -ENOENT);
    assert_int_equal(symlinkat("elsewhere", place->fd, "answer"), 0);
    assert_int_equal(load_error(place), -ELOOP);
    assert_int_equal(unlinkat(place->fd, "answer", 0), 0);
    assert_int_equal(mkdirat(place->fd, "answer", 0700), 0);
    assert_int_equal(load_error(place), -EISDIR);
}

static void refuses_each_cut(void **state)
{
    const struct place *place = *state;
    cleanup_buf struct buf text = {.max = 4096};

    save_sample(place);
    assert_int_equal(io_read_file(place->fd, "answer", &text), 0);
    for (size_t length = 0; length < text.length; length++) {
        write_file(place->fd, "answer", text.data, length);
        assert_int_equal(load_error(place), -EBADMSG);
    }
    write_file(place->fd, "answer", text.data, text.length);
    assert_int_equal(load_error(place), 0);
    assert_int_equal(buf_append(&text, "\0x", 2), 0); /* nor is there anything behind it */
    for (size_t more = 1; more <= 2; more++) {
        write_file(place->fd, "answer", text.data, text.length - 2 + more);
        assert_int_equal(load_error(place), -EBADMSG);
    }
}

static void refuses_each_changed_byte(void **state)
{
    static const int changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xff};
    const struct place *place = *state;
    cleanup_buf struct buf text = {.max = 4096};

    save_sample(place);
    assert_int_equal(io_read_file(place->fd, "answer", &text), 0);
    for (size_t i = 0; i < text.length; i++) {
        char old = text.data[i];

        for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++) {
            text.data[i] = (char)(old ^ changes[j]);
            write_file(place->fd, "answer", text.data, text.length);
            assert_int_equal(load_error(place), -EBADMSG);
        }
        text.data[i] = '\0';
        write_file(place->fd, "answer", text.data, text.length);
        assert_int_equal(load_error(place), -EBADMSG);
        text.data[i] = old;
    }
}

static void write_checked(const struct place *place, const char *rest)
{
    cleanup_buf struct buf text = {.max = 1 << 20};

    assert_int_equal(buf_printf(&text, "easelfs answer 2 %016llx\n%s",
                                (unsigned long long)hash_bytes(HASH_START, rest, strlen(rest)),
                                rest),
                     0);
    write_file(place->fd, "answer", text.data, text.length);
}

/* A right check alone makes no answer. */
static void refuses_checked_nonsense(void **state)
{
    static const char *const rests[] = {
        "",
        "\n",
        "0 1 0",
        "0 1\n{}",
        "x 1 0\n{}",
        "4 1 0\n{}",
        "-1 1 0\n{}",
        "0 1 1\n{}",
        "0 1 257\n{}",
        "0 1 -1\n{}",
        "0 1 18446744073709551615\n{}",
        "0 1 1\n4 0 1 0 0 0 -\n{}",
        "0 1 1\n-1 0 1 0 0 0 -\n{}",
        "0 1 1\n0 0 1 0 0 0\n{}",
        "0 1 1\n0 0 1 0 0 0 -",
        "0 1 2\n0 0 1 0 0 0 -\n{}",
    };
    const struct place *place = *state;
    char long_line[400];

    write_checked(place, "0 1 0\n{}");
    assert_int_equal(load_error(place), 0);
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        write_checked(place, rests[i]);
        assert_int_equal(load_error(place), -EBADMSG);
    }
    memset(long_line, ' ', sizeof(long_line));
    snprintf(long_line + 300, 100, "0 1 0\n{}");
    write_checked(place, long_line);
    assert_int_equal(load_error(place), -EBADMSG);
}

static void refuses_other_versions(void **state)
{
    const struct place *place = *state;

    write_text(place->fd, "answer", "easelfs answer 1 0 1 0\n{}");
    assert_int_equal(load_error(place), -EBADMSG);
    write_text(place->fd, "answer", "{}");
    assert_int_equal(load_error(place), -EBADMSG);
}

/* A skeleton of @length bytes. */
static char *make_skeleton(size_t length)
{
    char *skeleton = malloc(length + 1);

    assert_non_null(skeleton);
    memset(skeleton, ' ', length);
    skeleton[length] = '\0';
    memcpy(skeleton, "[]", 2);
    return skeleton;
}

/* All that lift can make, closing brackets included, with the longest line for each part. */
static void has_room_for_the_largest(void **state)
{
    const size_t length = LIFT_SKELETON_MAX + LIFT_COMPLETION_MAX;
    const struct place *place = *state;
    cleanup_free char *skeleton = make_skeleton(length);
    struct lift_part parts[LIFT_PARTS_MAX];
    struct lift_result result = sample_result();
    struct answerfile answer;

    result.skeleton = skeleton;
    result.skeleton_length = length;
    result.part_count = 0;
    result.parts = parts;
    result.remainder = "";
    result.remainder_length = 0;
    assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
    assert_int_equal(answerfile_load(place->fd, &answer), 0);
    assert_same(&answer.result, &result);
    answerfile_unload(&answer);
    for (size_t i = 0; i < LIFT_PARTS_MAX; i++) {
        parts[i] = sample_parts[3];
        parts[i].damaged = true;
        memset(parts[i].mime, 'x', LIFT_MIME_SIZE - 1);
        parts[i].mime[LIFT_MIME_SIZE - 1] = '\0';
    }
    write_parts(place, LIFT_PARTS_MAX);
    result.part_count = LIFT_PARTS_MAX;
    assert_int_equal(answerfile_save(place->fd, ID, &result), 0);
    assert_int_equal(answerfile_load(place->fd, &answer), 0);
    assert_same(&answer.result, &result);
    answerfile_unload(&answer);
}

static void refuses_what_is_too_long(void **state)
{
    const size_t length = 2 * LIFT_SKELETON_MAX;
    const struct place *place = *state;
    cleanup_free char *skeleton = make_skeleton(length);
    struct lift_result result = {.skeleton = skeleton, .skeleton_length = length};

    assert_int_equal(answerfile_save(place->fd, ID, &result), -EFBIG);
    assert_false(answerfile_exists(place->fd));
    write_file(place->fd, "answer", skeleton, length);
    assert_int_equal(load_error(place), -EBADMSG);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(keeps_everything),
        place_test(keeps_an_answer_without_parts),
        place_test(has_this_format),
        place_test(marks_pictures),
        place_test(saves_nothing_without_its_parts),
        place_test(loads_the_remainder),
        place_test(reports_what_cannot_be_read),
        place_test(refuses_each_cut),
        place_test(refuses_each_changed_byte),
        place_test(refuses_checked_nonsense),
        place_test(refuses_other_versions),
        place_test(has_room_for_the_largest),
        place_test(refuses_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
