/* SPDX-License-Identifier: MIT
 *
 * Records. An input that begins with `{` is read as it is. Any other is what follows the check in
 * one, and gets a right check, since no mutation would ever find that by itself. What is read is
 * written and read again, which must give the same; and damage to it is found.
 */
#include "fuzz_common.h"
#include "record_sample.h"

#include <errno.h>

static bool is_file_name(const char *text)
{
    return *text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

/* What others rely on. */
static void check_record(const struct record *record)
{
    CHECK(record_is_id(record->id));
    CHECK(record->state >= 0 && record->state < JOB_STATE_COUNT);
    CHECK(record->workspace && record->prompt_name && record->prompt);
    CHECK(!strchr(record->prompt_name, '/') && strcmp(record->prompt_name, "..") != 0);
    CHECK(!record->has_owner || (record->owner.uid != (uid_t)-1 && record->owner.gid != (gid_t)-1));
    CHECK(!record->model || *record->model);
    CHECK(record->created_ms >= 0 && record->sent_ms >= 0 && record->finished_ms >= 0);
    CHECK(record->attempt_count <= 65535);
    CHECK(record->reference_count <= RECORD_REFERENCES_MAX);
    CHECK(record->result_count <= RECORD_RESULTS_MAX);
    for (size_t i = 0; i < record->reference_count; i++) {
        CHECK(is_file_name(record->references[i].name));
        CHECK(imagetype_find(record->references[i].mime));
    }
    for (size_t i = 0; i < record->result_count; i++) {
        CHECK(strncmp(record->results[i].staged, record->id, RECORD_ID_SIZE - 1) == 0);
        CHECK(is_file_name(record->results[i].staged));
        CHECK(!record->results[i].name || is_file_name(record->results[i].name));
    }
    CHECK(record->failure.error <= 0 && record->failure.error >= -4095);
    CHECK(record->failure.error || !record->failure.text[0]);
}

/* One byte that is changed, anywhere. */
static void check_damage(struct buf *json, size_t place, uint8_t change)
{
    struct record read;

    json->data[place % json->length] ^= (char)(change ? change : 1);
    CHECK(record_parse(json->data, json->length, &read) == -EBADMSG);
}

static void check_again(const struct record *record, size_t place, uint8_t change)
{
    struct record again;
    struct buf json;

    buf_init(&json, RECORD_MAX_BYTES);
    CHECK(!record_format(record, &json));
    CHECK(!record_parse(json.data, json.length, &again));
    CHECK(same_record(record, &again));
    check_damage(&json, place, change);
    record_fini(&again);
    buf_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct buf json;
    int error;

    buf_init(&json, RECORD_MAX_BYTES + 1);
    if (!size || *data != '{')
        CHECK(!buf_append_text(&json, CHECKED_START));
    CHECK(!buf_append(&json, data, size));
    if (!size || *data != '{')
        fix_check(json.data, json.length);
    error = record_parse(buf_text(&json), json.length, &record);
    CHECK(error == 0 || error == -EBADMSG);
    if (!error) {
        check_record(&record);
        check_again(&record, size * 7919, data[size / 2]);
        record_fini(&record);
    }
    buf_fini(&json);
    return 0;
}
