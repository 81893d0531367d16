/* SPDX-License-Identifier: MIT
 *
 * A record as JSON, both ways.
 */
#include "store/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "store/imagetype.h"

#define RECORD_VERSION 1

/* The hash as it stands in the text, and what stands there while it is computed. */
#define CHECK_DIGITS 16
#define CHECK_ZEROS  "0000000000000000"

/* What is larger in a file is read as this. */
#define ATTEMPTS_MAX    65535
#define HTTP_STATUS_MAX 32767
#define ERRNO_MAX       4095 /* the kernel's MAX_ERRNO */

static const char *const charge_names[] = {
    [CHARGE_NONE] = "none",
    [CHARGE_POSSIBLE] = "possible",
    [CHARGE_CERTAIN] = "certain",
};

#define CHARGE_COUNT (sizeof(charge_names) / sizeof(charge_names[0]))

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return !text || !*text || cJSON_AddStringToObject(object, name, text);
}

/* What has to be there is there even where it is empty. */
static bool add_needed_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text ? text : "");
}

static bool add_number(cJSON *object, const char *name, int64_t number)
{
    return number <= 0 || cJSON_AddNumberToObject(object, name, (double)number);
}

static bool add_settings(cJSON *object, const struct settings *settings)
{
    cJSON *values = cJSON_AddObjectToObject(object, "settings");

    for (int i = 0; values && i < SETTING_MAX; i++) {
        if (!add_text(values, settings_name((enum setting)i), settings->value[i]))
            return false;
    }
    return values != NULL;
}

static cJSON *add_element(cJSON *array)
{
    cJSON *element = cJSON_CreateObject();

    if (element && !cJSON_AddItemToArray(array, element)) {
        cJSON_Delete(element);
        return NULL;
    }
    return element;
}

static bool add_files(cJSON *object, const struct record *record)
{
    cJSON *references = cJSON_AddArrayToObject(object, "references");
    cJSON *results = cJSON_AddArrayToObject(object, "results");

    if (!references || !results)
        return false;
    for (size_t i = 0; i < record->reference_count; i++) {
        const struct record_reference *reference = &record->references[i];
        cJSON *element = add_element(references);

        if (!element || !add_text(element, "name", reference->name) ||
            !add_text(element, "mime", reference->mime) ||
            !add_number(element, "bytes", (int64_t)reference->bytes) ||
            !add_text(element, "sha256", reference->sha256))
            return false;
    }
    for (size_t i = 0; i < record->result_count; i++) {
        cJSON *element = add_element(results);

        if (!element || !add_text(element, "staged", record->results[i].staged) ||
            !add_text(element, "name", record->results[i].name))
            return false;
    }
    return true;
}

static bool add_answer(cJSON *object, const struct record *record)
{
    cJSON *answer = cJSON_AddObjectToObject(object, "answer");

    return answer && add_text(answer, "finish_reason", record->finish_reason) &&
           add_text(answer, "model_version", record->model_version) &&
           add_text(answer, "response_id", record->response_id) &&
           add_number(answer, "prompt_tokens", record->prompt_tokens) &&
           add_number(answer, "candidates_tokens", record->candidates_tokens) &&
           add_number(answer, "thoughts_tokens", record->thoughts_tokens) &&
           add_number(answer, "total_tokens", record->total_tokens);
}

static bool add_failure(cJSON *object, const struct failure *failure)
{
    cJSON *member;

    if (!failure->error)
        return true;
    member = cJSON_AddObjectToObject(object, "failure");
    return member && add_number(member, "error", -failure->error) &&
           add_number(member, "http_status", failure->http_status) &&
           add_text(member, "charge", charge_names[failure->charge]) &&
           add_text(member, "text", failure->text) && add_text(member, "advice", failure->advice) &&
           add_text(member, "request_id", failure->request_id);
}

/* Zero is a user, too. */
static bool add_owner(cJSON *object, const struct record *record)
{
    cJSON *owner;

    if (!record->has_owner)
        return true;
    owner = cJSON_AddObjectToObject(object, "owner");
    return owner && cJSON_AddNumberToObject(owner, "uid", record->owner.uid) &&
           cJSON_AddNumberToObject(owner, "gid", record->owner.gid);
}

static bool add_all(cJSON *object, const struct record *record)
{
    return add_text(object, "check", CHECK_ZEROS) &&
           add_number(object, "version", RECORD_VERSION) && add_text(object, "id", record->id) &&
           add_text(object, "state", record_state_name(record->state)) &&
           add_owner(object, record) && add_text(object, "model", record->model) &&
           add_needed_text(object, "workspace", record->workspace) &&
           add_needed_text(object, "prompt_name", record->prompt_name) &&
           add_needed_text(object, "prompt", record->prompt) &&
           add_settings(object, &record->settings) &&
           add_number(object, "created_ms", record->created_ms) &&
           add_number(object, "sent_ms", record->sent_ms) &&
           add_number(object, "finished_ms", record->finished_ms) &&
           add_number(object, "attempts", record->attempt_count) &&
           add_text(object, "notes", record->notes) && add_files(object, record) &&
           add_answer(object, record) && add_failure(object, &record->failure);
}

/* Where the digits of the check stand, or NULL. Nothing but punctuation comes before its name. */
static const char *find_check(const char *json)
{
    static const char name[] = "\"check\"";
    const char *at = json + strspn(json, "{ \t\r\n");

    if (strncmp(at, name, strlen(name)) != 0)
        return NULL;
    at += strlen(name);
    at += strspn(at, ": \t");
    return *at == '"' && strcspn(at + 1, "\"") == CHECK_DIGITS ? at + 1 : NULL;
}

/* The digits that have to stand at @check. */
static void compute_check(const char *json, size_t length, const char *check,
                          char digits[CHECK_DIGITS + 1])
{
    const char *rest = check + CHECK_DIGITS;
    uint64_t hash = hash_bytes(HASH_START, json, (size_t)(check - json));

    hash = hash_bytes(hash, CHECK_ZEROS, CHECK_DIGITS);
    hash = hash_bytes(hash, rest, length - (size_t)(rest - json));
    snprintf(digits, CHECK_DIGITS + 1, "%016llx", (unsigned long long)hash);
}

static void fill_check(char *json)
{
    char *check = (char *)find_check(json);
    char digits[CHECK_DIGITS + 1];

    compute_check(json, strlen(json), check, digits);
    memcpy(check, digits, CHECK_DIGITS);
}

static bool has_right_check(const char *json, size_t length)
{
    const char *check = find_check(json);
    char digits[CHECK_DIGITS + 1];

    if (!check)
        return false;
    compute_check(json, length, check, digits);
    return memcmp(check, digits, CHECK_DIGITS) == 0;
}

int record_format(const struct record *record, struct buf *json)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    int error = -ENOMEM;

    if (object && add_all(object, record))
        text = cJSON_Print(object);
    if (text) {
        fill_check(text);
        error = buf_append_text(json, text);
    }
    cJSON_free(text);
    cJSON_Delete(object);
    return error;
}

static const char *get_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* An empty text is not written where it says nothing, and read like one that is not there. */
static int copy_text(const cJSON *object, const char *name, char **member)
{
    const char *text = get_text(object, name);

    return record_set_text(member, text && *text ? text : NULL);
}

static int copy_needed_text(const cJSON *object, const char *name, char **member)
{
    const char *text = get_text(object, name);

    return text ? record_set_text(member, text) : -EBADMSG;
}

/*
 * Numbers out of a file: anything that is not a sensible count is 0. cJSON writes 15 digits, and
 * more only where it thinks that they matter.
 */
static int64_t get_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble > 0 && item->valuedouble < 1e15))
        return 0;
    return (int64_t)item->valuedouble;
}

/* The same for what is kept in less room: what is larger than @max is @max. */
static int get_small_number(const cJSON *object, const char *name, int max)
{
    int64_t number = get_number(object, name);

    return number < max ? (int)number : max;
}

static int find_state(const char *text)
{
    for (int i = 0; text && i < JOB_STATE_COUNT; i++) {
        if (strcmp(text, record_state_name((enum job_state)i)) == 0)
            return i;
    }
    return -EBADMSG;
}

static int find_charge(const char *text)
{
    for (size_t i = 0; text && i < CHARGE_COUNT; i++) {
        if (strcmp(text, charge_names[i]) == 0)
            return (int)i;
    }
    return -EBADMSG;
}

/* Whether a file could be called that: no path leads out of a directory by it. */
static bool is_file_name(const char *text)
{
    return *text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool is_staged_name(const char *text, const char *id)
{
    size_t length = strlen(id);

    return strncmp(text, id, length) == 0 && text[length] == '.' &&
           strchr(text + length + 1, '.') && is_file_name(text);
}

static int parse_settings(const cJSON *values, struct settings *settings)
{
    int error = 0;

    for (int i = 0; !error && i < SETTING_MAX; i++)
        error = copy_text(values, settings_name((enum setting)i), &settings->value[i]);
    return error;
}

static int parse_reference(const cJSON *element, struct record *record)
{
    const char *name = get_text(element, "name");
    const char *mime = get_text(element, "mime");
    const char *sha256 = get_text(element, "sha256");
    const struct image_type *type = mime ? imagetype_find(mime) : NULL;
    int error;

    if (!name || !type || !is_file_name(name) || record->reference_count == RECORD_REFERENCES_MAX)
        return -EBADMSG;
    error = record_add_reference(record, name, type->mime, (uint64_t)get_number(element, "bytes"));
    if (!error && sha256 && strlen(sha256) == DIGEST_SIZE - 1)
        memcpy(record->references[record->reference_count - 1].sha256, sha256, DIGEST_SIZE);
    return error;
}

static int parse_result(const cJSON *element, struct record *record)
{
    const char *staged = get_text(element, "staged");
    const char *name = get_text(element, "name");
    int error;

    if (!staged || !is_staged_name(staged, record->id) || (name && !is_file_name(name)) ||
        record->result_count == RECORD_RESULTS_MAX)
        return -EBADMSG;
    error = record_add_result(record, staged);
    if (error)
        return error;
    return record_set_text(&record->results[record->result_count - 1].name, name);
}

static int parse_files(const cJSON *object, struct record *record)
{
    const cJSON *element;
    int error = 0;

    cJSON_ArrayForEach(element, cJSON_GetObjectItemCaseSensitive(object, "references"))
    {
        if (!error)
            error = parse_reference(element, record);
    }
    cJSON_ArrayForEach(element, cJSON_GetObjectItemCaseSensitive(object, "results"))
    {
        if (!error)
            error = parse_result(element, record);
    }
    return error;
}

static int parse_answer(const cJSON *answer, struct record *record)
{
    int error = copy_text(answer, "finish_reason", &record->finish_reason);

    if (!error)
        error = copy_text(answer, "model_version", &record->model_version);
    if (!error)
        error = copy_text(answer, "response_id", &record->response_id);
    record->prompt_tokens = get_number(answer, "prompt_tokens");
    record->candidates_tokens = get_number(answer, "candidates_tokens");
    record->thoughts_tokens = get_number(answer, "thoughts_tokens");
    record->total_tokens = get_number(answer, "total_tokens");
    return error;
}

static int parse_failure(const cJSON *member, struct failure *failure)
{
    const char *text = get_text(member, "text");
    const char *advice = get_text(member, "advice");
    const char *request_id = get_text(member, "request_id");
    int charge = find_charge(get_text(member, "charge"));

    if (!member)
        return 0;
    if (charge < 0)
        return charge;
    failure->charge = (enum charge)charge;
    failure->http_status = get_small_number(member, "http_status", HTTP_STATUS_MAX);
    failure_set(failure, -get_small_number(member, "error", ERRNO_MAX), "%s", text ? text : "");
    failure_advise(failure, "%s", advice ? advice : "");
    snprintf(failure->request_id, sizeof(failure->request_id), "%s", request_id ? request_id : "");
    return failure->error ? 0 : -EBADMSG;
}

/* The id of a user or group: any but that of nobody at all, (uid_t)-1. */
static int parse_user_id(const cJSON *owner, const char *name, uint32_t *ret_id)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(owner, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < UINT32_MAX) ||
        item->valuedouble != (double)(uint32_t)item->valuedouble)
        return -EBADMSG;
    *ret_id = (uint32_t)item->valuedouble;
    return 0;
}

static int parse_owner(const cJSON *owner, struct record *record)
{
    int error;

    if (!owner)
        return 0;
    error = parse_user_id(owner, "uid", &record->owner.uid);
    if (!error)
        error = parse_user_id(owner, "gid", &record->owner.gid);
    record->has_owner = !error;
    return error;
}

static int parse_texts(const cJSON *object, struct record *record)
{
    const char *id = get_text(object, "id");
    int state = find_state(get_text(object, "state"));
    int error;

    if (get_number(object, "version") != RECORD_VERSION || !id || !record_is_id(id) || state < 0)
        return -EBADMSG;
    memcpy(record->id, id, RECORD_ID_SIZE);
    record->state = (enum job_state)state;
    error = copy_needed_text(object, "workspace", &record->workspace);
    if (!error)
        error = copy_needed_text(object, "prompt_name", &record->prompt_name);
    if (!error && *record->prompt_name && !is_file_name(record->prompt_name))
        error = -EBADMSG;
    if (!error)
        error = copy_needed_text(object, "prompt", &record->prompt);
    if (!error)
        error = copy_text(object, "model", &record->model);
    return error;
}

static int parse_all(const cJSON *object, struct record *record)
{
    int error = parse_texts(object, record);

    record->created_ms = get_number(object, "created_ms");
    record->sent_ms = get_number(object, "sent_ms");
    record->finished_ms = get_number(object, "finished_ms");
    record->attempt_count = (unsigned)get_small_number(object, "attempts", ATTEMPTS_MAX);
    if (!error)
        error =
            parse_settings(cJSON_GetObjectItemCaseSensitive(object, "settings"), &record->settings);
    if (!error)
        error = parse_owner(cJSON_GetObjectItemCaseSensitive(object, "owner"), record);
    if (!error)
        error = copy_text(object, "notes", &record->notes);
    if (!error)
        error = parse_files(object, record);
    if (!error)
        error = parse_answer(cJSON_GetObjectItemCaseSensitive(object, "answer"), record);
    if (!error)
        error =
            parse_failure(cJSON_GetObjectItemCaseSensitive(object, "failure"), &record->failure);
    return error;
}

int record_parse(const char *json, size_t length, struct record *ret_record)
{
    struct record record;
    cJSON *object;
    int error;

    if (length > RECORD_MAX_BYTES || !has_right_check(json, length))
        return -EBADMSG;
    errno = 0;
    object = cJSON_ParseWithLengthOpts(json, length + 1, NULL, true);
    if (!object) /* cJSON itself does not tell which it was; malloc(3) does */
        return errno == ENOMEM ? -ENOMEM : -EBADMSG;
    record_init(&record);
    error = parse_all(object, &record);
    cJSON_Delete(object);
    if (error)
        record_fini(&record);
    else
        *ret_record = record;
    return error;
}
