/* SPDX-License-Identifier: MIT */
#include "store/record.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <cjson/cJSON.h>

#include "store/imagetype.h"

#define RECORD_VERSION 1

static const char *const state_names[JOB_STATE_COUNT] = {
    [JOB_WAITING] = "waiting", [JOB_QUEUED] = "queued",   [JOB_SENDING] = "sending",
    [JOB_RECEIVED] = "received", [JOB_DONE] = "done",     [JOB_FAILED] = "failed",
    [JOB_UNKNOWN] = "unknown", [JOB_CANCELLED] = "cancelled",
};

static const char *const charge_names[] = {
    [CHARGE_NONE] = "none",
    [CHARGE_POSSIBLE] = "possible",
    [CHARGE_CERTAIN] = "certain",
};

#define CHARGE_COUNT (sizeof(charge_names) / sizeof(charge_names[0]))

const char *record_state_name(enum job_state state)
{
    return state_names[state];
}

void record_make_id(int64_t wall_ms, char id[RECORD_ID_SIZE])
{
    static _Atomic unsigned counter; /* jobs of one millisecond keep their order */
    uint32_t noise = 0;

    if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) != sizeof(noise))
        noise = (uint32_t)getpid();
    snprintf(id, RECORD_ID_SIZE, "%011llx%04x%08x",
             (unsigned long long)wall_ms & 0xfffffffffffULL,
             atomic_fetch_add(&counter, 1) & 0xffffU, noise);
}

bool record_is_id(const char *text)
{
    return strlen(text) == RECORD_ID_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == RECORD_ID_SIZE - 1;
}

void record_init(struct record *record)
{
    memset(record, 0, sizeof(*record));
}

void record_fini(struct record *record)
{
    for (size_t i = 0; i < record->reference_count; i++)
        free(record->references[i].name);
    for (size_t i = 0; i < record->result_count; i++) {
        free(record->results[i].staged);
        free(record->results[i].name);
    }
    free(record->references);
    free(record->results);
    free(record->model);
    free(record->workspace);
    free(record->prompt_name);
    free(record->prompt);
    free(record->finish_reason);
    free(record->model_version);
    free(record->response_id);
    settings_fini(&record->settings);
    record_init(record);
}

int record_set_text(char **member, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return -ENOMEM;
    free(*member);
    *member = copy;
    return 0;
}

int record_add_reference(struct record *record, const char *name, const char *mime,
                         uint64_t bytes)
{
    struct record_reference *references;

    if (record->reference_count >= RECORD_REFERENCES_MAX)
        return -E2BIG;
    references =
        realloc(record->references, (record->reference_count + 1) * sizeof(*references));
    if (!references)
        return -ENOMEM;
    record->references = references;
    references += record->reference_count;
    *references = (struct record_reference){strdup(name), mime, bytes};
    if (!references->name)
        return -ENOMEM;
    record->reference_count++;
    return 0;
}

int record_add_result(struct record *record, const char *staged)
{
    struct record_result *results;

    if (record->result_count >= RECORD_RESULTS_MAX)
        return -E2BIG;
    results = realloc(record->results, (record->result_count + 1) * sizeof(*results));
    if (!results)
        return -ENOMEM;
    record->results = results;
    results += record->result_count;
    *results = (struct record_result){.staged = strdup(staged)};
    if (!results->staged)
        return -ENOMEM;
    record->result_count++;
    return 0;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return !text || !*text || cJSON_AddStringToObject(object, name, text);
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
            !add_number(element, "bytes", (int64_t)reference->bytes))
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
           add_text(member, "text", failure->text) &&
           add_text(member, "advice", failure->advice) &&
           add_text(member, "request_id", failure->request_id);
}

static bool add_all(cJSON *object, const struct record *record)
{
    return add_number(object, "version", RECORD_VERSION) &&
           add_text(object, "id", record->id) &&
           add_text(object, "state", state_names[record->state]) &&
           add_text(object, "model", record->model) &&
           add_text(object, "workspace", record->workspace) &&
           add_text(object, "prompt_name", record->prompt_name) &&
           add_text(object, "prompt", record->prompt) &&
           add_settings(object, &record->settings) &&
           add_number(object, "created_ms", record->created_ms) &&
           add_number(object, "sent_ms", record->sent_ms) &&
           add_number(object, "finished_ms", record->finished_ms) &&
           add_number(object, "attempts", record->attempt_count) && add_files(object, record) &&
           add_answer(object, record) && add_failure(object, &record->failure);
}

int record_format(const struct record *record, struct buf *json)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    int error = -ENOMEM;

    if (object && add_all(object, record))
        text = cJSON_Print(object);
    if (text)
        error = buf_append_text(json, text);
    cJSON_free(text);
    cJSON_Delete(object);
    return error;
}

static const char *get_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int copy_text(const cJSON *object, const char *name, char **member)
{
    return record_set_text(member, get_text(object, name));
}

static int copy_needed_text(const cJSON *object, const char *name, char **member)
{
    return get_text(object, name) ? copy_text(object, name, member) : -EBADMSG;
}

/* Numbers out of a file: anything that is not a sensible count is 0. */
static int64_t get_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble > 0 && item->valuedouble < 9e15))
        return 0;
    return (int64_t)item->valuedouble;
}

static int find_name(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; text && i < count; i++) {
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    }
    return -EBADMSG;
}

static int parse_settings(const cJSON *values, struct settings *settings)
{
    int error = 0;

    for (int i = 0; !error && i < SETTING_MAX; i++)
        error = copy_text(values, settings_name((enum setting)i), &settings->value[i]);
    return error;
}

static int parse_files(const cJSON *object, struct record *record)
{
    const cJSON *element;
    int error = 0;

    cJSON_ArrayForEach (element, cJSON_GetObjectItemCaseSensitive(object, "references")) {
        const char *name = get_text(element, "name");
        const char *mime = get_text(element, "mime");
        const struct image_type *type = mime ? imagetype_find(mime) : NULL;

        if (!error && (!name || !type))
            error = -EBADMSG;
        if (!error)
            error = record_add_reference(record, name, type->mime,
                                         (uint64_t)get_number(element, "bytes"));
    }
    cJSON_ArrayForEach (element, cJSON_GetObjectItemCaseSensitive(object, "results")) {
        const char *staged = get_text(element, "staged");

        if (!error)
            error = staged ? record_add_result(record, staged) : -EBADMSG;
        if (!error)
            error = copy_text(element, "name", &record->results[record->result_count - 1].name);
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
    int charge = find_name(get_text(member, "charge"), charge_names, CHARGE_COUNT);

    if (!member)
        return 0;
    if (charge < 0)
        return charge;
    failure->charge = (enum charge)charge;
    failure->http_status = (int)(get_number(member, "http_status") & 0x7fff);
    failure_set(failure, -(int)(get_number(member, "error") & 0xfff), "%s", text ? text : "");
    failure_advise(failure, "%s", advice ? advice : "");
    snprintf(failure->request_id, sizeof(failure->request_id), "%s", request_id ? request_id : "");
    return failure->error ? 0 : -EBADMSG;
}

static int parse_texts(const cJSON *object, struct record *record)
{
    const char *id = get_text(object, "id");
    int state = find_name(get_text(object, "state"), state_names, JOB_STATE_COUNT);
    int error;

    if (get_number(object, "version") != RECORD_VERSION || !id || !record_is_id(id) || state < 0)
        return -EBADMSG;
    memcpy(record->id, id, RECORD_ID_SIZE);
    record->state = (enum job_state)state;
    error = copy_needed_text(object, "workspace", &record->workspace);
    if (!error)
        error = copy_needed_text(object, "prompt_name", &record->prompt_name);
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
    record->attempt_count = (unsigned)(get_number(object, "attempts") & 0xffff);
    if (!error)
        error = parse_settings(cJSON_GetObjectItemCaseSensitive(object, "settings"),
                               &record->settings);
    if (!error)
        error = parse_files(object, record);
    if (!error)
        error = parse_answer(cJSON_GetObjectItemCaseSensitive(object, "answer"), record);
    if (!error)
        error = parse_failure(cJSON_GetObjectItemCaseSensitive(object, "failure"),
                              &record->failure);
    return error;
}

int record_parse(const char *json, size_t length, struct record *ret_record)
{
    struct record record;
    cJSON *object;
    int error;

    if (length > RECORD_MAX_BYTES)
        return -EBADMSG;
    object = cJSON_ParseWithLengthOpts(json, length + 1, NULL, true);
    if (!object)
        return -EBADMSG;
    record_init(&record);
    error = parse_all(object, &record);
    cJSON_Delete(object);
    if (error)
        record_fini(&record);
    else
        *ret_record = record;
    return error;
}
