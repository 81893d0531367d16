/* SPDX-License-Identifier: MIT */
#include "store/record.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* How many hexadecimal digits of an id are its time. */
#define ID_TIME_DIGITS 11

static const char *const state_names[JOB_STATE_COUNT] = {
    [JOB_WAITING] = "waiting",   [JOB_QUEUED] = "queued",       [JOB_SENDING] = "sending",
    [JOB_RECEIVED] = "received", [JOB_DONE] = "done",           [JOB_FAILED] = "failed",
    [JOB_UNKNOWN] = "unknown",   [JOB_CANCELLED] = "cancelled",
};

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
    snprintf(id, RECORD_ID_SIZE, "%011llx%04x%07x0", (unsigned long long)wall_ms & 0xfffffffffffULL,
             atomic_fetch_add(&counter, 1) & 0xffffU, noise & 0xfffffffU);
}

void record_sibling_id(const char *id, unsigned index, char sibling_id[RECORD_ID_SIZE])
{
    snprintf(sibling_id, RECORD_ID_SIZE, "%.*s%x", RECORD_ID_SIZE - 2, id, index & 0xfU);
}

unsigned record_sibling_index(const char *id)
{
    return (unsigned)strtoul(id + RECORD_ID_SIZE - 2, NULL, 16);
}

bool record_are_siblings(const char *id, const char *other_id)
{
    return strncmp(id, other_id, RECORD_ID_SIZE - 2) == 0;
}

bool record_is_id(const char *text)
{
    return strlen(text) == RECORD_ID_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == RECORD_ID_SIZE - 1;
}

int64_t record_id_time_ms(const char *id)
{
    char digits[ID_TIME_DIGITS + 1] = "";

    memcpy(digits, id, ID_TIME_DIGITS);
    return strtoll(digits, NULL, 16);
}

void record_init(struct record *record)
{
    memset(record, 0, sizeof(*record));
}

void record_drop_references(struct record *record)
{
    for (size_t i = 0; i < record->reference_count; i++)
        free(record->references[i].name);
    free(record->references);
    record->references = NULL;
    record->reference_count = 0;
}

void record_fini(struct record *record)
{
    record_drop_references(record);
    for (size_t i = 0; i < record->result_count; i++) {
        free(record->results[i].staged);
        free(record->results[i].name);
    }
    free(record->results);
    free(record->model);
    free(record->workspace);
    free(record->prompt_name);
    free(record->prompt);
    free(record->notes);
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

int record_add_reference(struct record *record, const char *name, const char *mime, uint64_t bytes)
{
    struct record_reference *references;

    if (record->reference_count >= RECORD_REFERENCES_MAX)
        return -E2BIG;
    references = realloc(record->references, (record->reference_count + 1) * sizeof(*references));
    if (!references)
        return -ENOMEM;
    record->references = references;
    references += record->reference_count;
    *references = (struct record_reference){.name = strdup(name), .mime = mime, .bytes = bytes};
    if (!references->name)
        return -ENOMEM;
    record->reference_count++;
    return 0;
}

int record_add_note(struct record *record, const char *text)
{
    char *notes = NULL;

    if (record->notes && strstr(record->notes, text))
        return 0;
    if (asprintf(&notes, "%s%s\n", record->notes ? record->notes : "", text) < 0)
        return -ENOMEM;
    free(record->notes);
    record->notes = notes;
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

int record_copy(const struct record *from, struct record *to)
{
    cleanup_buf struct buf json = {.max = RECORD_MAX_BYTES};
    int error = record_format(from, &json);

    return error ? error : record_parse(buf_text(&json), json.length, to);
}
