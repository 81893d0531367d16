/* SPDX-License-Identifier: MIT
 *
 * For tests of records: one with something in every field, equality of two, and texts with the
 * right check.
 */
#ifndef EASELFS_TESTS_RECORD_SAMPLE_H
#define EASELFS_TESTS_RECORD_SAMPLE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/imagetype.h"
#include "store/record.h"

#define SAMPLE_ID     "0199f0a1b2c0000deadbeef"
#define SAMPLE_DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static inline int sample_texts(struct record *record)
{
    const struct {
        char **member;
        const char *text;
    } texts[] = {
        {&record->model, "gemini-3-pro-image-preview"},
        {&record->workspace, "gemini-3-pro-image-preview/caf\xc3\xa9"},
        {&record->prompt_name, "a \"cat\"\n.prompt"},
        {&record->prompt, "A cat\ton a\\mat \x01 \xf0\x9f\x90\x88\n"},
        {&record->settings.value[SETTING_COUNT_OF_PICTURES], "2"},
        {&record->settings.value[SETTING_SYSTEM_INSTRUCTION], "Be brief.\nAnd kind."},
        {&record->finish_reason, "STOP"},
        {&record->model_version, "v1"},
        {&record->response_id, "r-1"},
        {&record->notes, "Asked for 2K.\n"},
    };
    int error = 0;

    for (size_t i = 0; !error && i < sizeof(texts) / sizeof(texts[0]); i++)
        error = record_set_text(texts[i].member, texts[i].text);
    return error;
}

static inline int sample_files(struct record *record)
{
    int error = record_add_reference(record, "cat.jpg", imagetype_find("image/jpeg")->mime, 12345);

    if (!error)
        error = record_add_reference(record, "\xff.png", imagetype_find("image/png")->mime, 0);
    if (!error)
        memcpy(record->references[0].sha256, SAMPLE_DIGEST, DIGEST_SIZE);
    if (!error)
        error = record_add_result(record, SAMPLE_ID ".1.png");
    if (!error)
        error = record_add_result(record, SAMPLE_ID ".2.jpg");
    if (!error)
        error = record_set_text(&record->results[0].name, "0001.png");
    return error;
}

/* An empty record gets something in every field. @return 0 or -ENOMEM; then it is half full. */
static inline int sample_fill(struct record *record)
{
    int error = sample_texts(record);

    if (!error)
        error = sample_files(record);
    memcpy(record->id, SAMPLE_ID, RECORD_ID_SIZE);
    record->state = JOB_SENDING;
    record->has_owner = true;
    record->owner = (struct owner){4294967294, 0};
    record->created_ms = 1763838000001;
    record->sent_ms = 1763838000002;
    record->finished_ms = 1763838000003;
    record->attempt_count = 3;
    record->prompt_tokens = 11;
    record->candidates_tokens = 1290;
    record->thoughts_tokens = 7;
    record->total_tokens = 1308;
    record->failure.charge = CHARGE_POSSIBLE;
    record->failure.http_status = 503;
    failure_set(&record->failure, -5, "It did not \"answer\".");
    failure_advise(&record->failure, "Try again.");
    snprintf(record->failure.request_id, sizeof(record->failure.request_id), "req-1");
    return error;
}

static inline bool same_text(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

static inline bool same_files(const struct record *left, const struct record *right)
{
    bool same = left->reference_count == right->reference_count &&
                left->result_count == right->result_count;

    for (size_t i = 0; same && i < left->reference_count; i++)
        same = same_text(left->references[i].name, right->references[i].name) &&
               left->references[i].mime == right->references[i].mime &&
               left->references[i].bytes == right->references[i].bytes &&
               same_text(left->references[i].sha256, right->references[i].sha256);
    for (size_t i = 0; same && i < left->result_count; i++)
        same = same_text(left->results[i].staged, right->results[i].staged) &&
               same_text(left->results[i].name, right->results[i].name);
    return same;
}

static inline bool same_settings(const struct settings *left, const struct settings *right)
{
    bool same = true;

    for (int i = 0; same && i < SETTING_MAX; i++)
        same = same_text(left->value[i], right->value[i]);
    return same;
}

/* What a record keeps of a failure. */
static inline bool same_failure(const struct failure *left, const struct failure *right)
{
    return left->error == right->error && left->http_status == right->http_status &&
           left->charge == right->charge && same_text(left->text, right->text) &&
           same_text(left->advice, right->advice) && same_text(left->request_id, right->request_id);
}

static inline bool same_record(const struct record *left, const struct record *right)
{
    return same_text(left->id, right->id) && left->state == right->state &&
           left->has_owner == right->has_owner && left->owner.uid == right->owner.uid &&
           left->owner.gid == right->owner.gid && same_text(left->model, right->model) &&
           same_text(left->workspace, right->workspace) &&
           same_text(left->prompt_name, right->prompt_name) &&
           same_text(left->prompt, right->prompt) &&
           same_settings(&left->settings, &right->settings) &&
           left->created_ms == right->created_ms && left->sent_ms == right->sent_ms &&
           left->finished_ms == right->finished_ms && left->attempt_count == right->attempt_count &&
           same_files(left, right) && same_text(left->finish_reason, right->finish_reason) &&
           same_text(left->model_version, right->model_version) &&
           same_text(left->response_id, right->response_id) &&
           left->prompt_tokens == right->prompt_tokens &&
           left->candidates_tokens == right->candidates_tokens &&
           left->thoughts_tokens == right->thoughts_tokens &&
           left->total_tokens == right->total_tokens &&
           same_failure(&left->failure, &right->failure);
}

/* How a text begins whose check can be made right. */
#define CHECKED_START "{\"check\":\"0000000000000000\""

/* Make the check right of a text that begins like that. */
static inline void fix_check(char *json, size_t length)
{
    char *digits = json + strlen("{\"check\":\"");
    char hash[17];

    memset(digits, '0', 16);
    snprintf(hash, sizeof(hash), "%016llx",
             (unsigned long long)hash_bytes(HASH_START, json, length));
    memcpy(digits, hash, 16);
}

#endif
