/* SPDX-License-Identifier: MIT */
#include "api/response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/fault_internal.h"
#include "api/plain.h"
#include "api/response_internal.h"
#include "base/cleanup.h"

struct finish_row {
    const char *reason; /* as Google or OpenAI spell it; case does not matter */
    enum sentence sentence;
};

static const struct finish_row finish_rows[] = {
    {"SAFETY", SENTENCE_PICTURE_WITHHELD},
    {"IMAGE_SAFETY", SENTENCE_PICTURE_WITHHELD},
    {"PROHIBITED_CONTENT", SENTENCE_PICTURE_WITHHELD},
    {"IMAGE_PROHIBITED_CONTENT", SENTENCE_PICTURE_WITHHELD},
    {"BLOCKLIST", SENTENCE_PICTURE_WITHHELD},
    {"SPII", SENTENCE_PICTURE_WITHHELD},
    {"content_filter", SENTENCE_PICTURE_WITHHELD},
    {"RECITATION", SENTENCE_RECITATION},
    {"IMAGE_RECITATION", SENTENCE_RECITATION},
    {"NO_IMAGE", SENTENCE_NO_IMAGE},
    {"IMAGE_OTHER", SENTENCE_NO_IMAGE},
    {"MAX_TOKENS", SENTENCE_MAX_TOKENS},
    {"length", SENTENCE_MAX_TOKENS},
    {"LANGUAGE", SENTENCE_LANGUAGE},
};

static enum sentence finish_sentence(const char *reason)
{
    for (size_t i = 0; i < sizeof(finish_rows) / sizeof(finish_rows[0]); i++) {
        if (!strcasecmp(reason, finish_rows[i].reason))
            return finish_rows[i].sentence;
    }
    return SENTENCE_STOPPED;
}

/* The first of the model's words that are at hand, or "". */
static const char *first_words(const struct answer *answer)
{
    for (size_t i = 0; i < answer->text_count; i++) {
        if (answer->texts[i].text)
            return answer->texts[i].text;
    }
    return "";
}

/* "REASON: words", of which either may be absent. */
static void describe(const char *reason, const char *words, const char *key,
                     char detail[PLAIN_SIZE])
{
    size_t used;

    plain_copy(reason, strlen(reason), key, detail, 100);
    used = strlen(detail);
    if (!*words)
        return;
    if (used) {
        memcpy(detail + used, ": ", 3);
        used += 2;
    }
    plain_copy(words, strlen(words), key, detail + used, PLAIN_SIZE - used);
    if (used && !detail[used])
        detail[used - 2] = '\0';
}

/* The candidate ended for a reason of its own. @return whether it did */
static bool tell_finish(const struct answer *answer, const char *key, struct failure *failure)
{
    char detail[PLAIN_SIZE];

    if (response_is_plain_finish(answer->finish_reason))
        return false;
    describe(answer->finish_reason,
             answer->finish_message ? answer->finish_message : first_words(answer), key, detail);
    sentence_tell(failure, finish_sentence(answer->finish_reason), detail);
    return true;
}

static bool tell_block(const struct answer *answer, const char *key, struct failure *failure)
{
    char detail[PLAIN_SIZE];

    if (!answer->block_reason || !strcasecmp(answer->block_reason, "BLOCK_REASON_UNSPECIFIED"))
        return false;
    describe(answer->block_reason, answer->block_message ? answer->block_message : "", key, detail);
    sentence_tell(failure, SENTENCE_PROMPT_BLOCKED, detail);
    return true;
}

/* The body is not one whole piece of JSON. @return whether that was told */
static bool tell_verdict(const struct reading *reading, const char *key, struct failure *failure)
{
    const struct lift_result *result = reading->result;
    char detail[PLAIN_SIZE];
    const char *shown = result->remainder ? result->remainder : "";
    size_t length = result->remainder_length;
    bool is_answer = reading->candidate_count != 0;

    if (result->verdict == LIFT_WHOLE || (result->verdict == LIFT_TRAILING && is_answer))
        return false;
    if (result->verdict == LIFT_CUT || is_answer) {
        sentence_tell(failure, SENTENCE_INCOMPLETE, "");
        return true;
    }
    if (!result->part_count)
        return false; /* nothing but white space: an empty answer */
    plain_html_title(shown, length, &shown, &length);
    plain_copy(shown, length, key, detail, sizeof(detail));
    sentence_tell(failure, SENTENCE_NOT_JSON, detail);
    return true;
}

/* There is no picture: say why, in the order of API.md, section 3. */
static void tell(const struct reading *reading, const char *key, struct failure *failure)
{
    const struct answer *answer = reading->answer;
    const char *words = first_words(answer);
    char detail[PLAIN_SIZE];

    if (!reading->candidate_count && tell_block(answer, key, failure))
        return;
    if (tell_finish(answer, key, failure) || tell_block(answer, key, failure) ||
        tell_verdict(reading, key, failure))
        return;
    if (answer->broken_count) {
        sentence_tell(failure, SENTENCE_BROKEN_PICTURE, "");
    } else if (answer->unusable_count) {
        sentence_tell(failure, SENTENCE_UNUSABLE_PICTURE, "");
    } else if (answer->draft_count) {
        sentence_tell(failure, SENTENCE_ONLY_DRAFTS, "");
    } else if (answer->text_count) {
        plain_copy(words, strlen(words), key, detail, sizeof(detail));
        sentence_tell(failure, SENTENCE_ONLY_WORDS, detail);
    } else {
        sentence_tell(failure, SENTENCE_EMPTY, "");
    }
}

/* A top-level error in an answer with status 200: the work may have been done all the same. */
static int tell_error(const cJSON *root, const char *key, struct failure *failure)
{
    struct fault_body body;
    enum sentence sentence = SENTENCE_ERROR_IN_ANSWER;
    int error = fault_body_from_json(root, key, &body);

    if (error)
        return error;
    if (body.code >= 400)
        sentence = fault_sentence(body.code, &body);
    sentence_tell(failure, sentence, body.message);
    failure->charge = CHARGE_POSSIBLE;
    failure->retry = false;
    memcpy(failure->request_id, body.request_id, sizeof(failure->request_id));
    return 0;
}

static int read_object(struct reading *reading, const cJSON *object)
{
    int error = response_read_google(reading, object);

    return error ? error : response_read_openai(reading, object);
}

/* The whole may be wrapped in an array, one element or several that are read as one. */
static int read_root(struct reading *reading, const cJSON *root)
{
    const cJSON *element;
    int error = 0;

    if (!cJSON_IsArray(root))
        return read_object(reading, root);
    cJSON_ArrayForEach(element, root)
    {
        if (!error)
            error = read_object(reading, element);
    }
    return error;
}

static struct answer *create_answer(void)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    if (!answer)
        return NULL;
    answer->prompt_tokens = -1;
    answer->candidates_tokens = -1;
    answer->thoughts_tokens = -1;
    answer->total_tokens = -1;
    failure_init(&answer->failure);
    return answer;
}

static void cleanup_answer_impl(struct answer **answer)
{
    response_destroy(*answer);
}

int response_parse(const struct lift_result *result, const struct fault_context *context,
                   struct answer **ret_answer)
{
    cleanup_(cleanup_answer_impl) struct answer *answer = create_answer();
    cleanup_json cJSON *root = json_parse(result->skeleton, result->skeleton_length);
    struct reading reading = {.result = result, .answer = answer};
    int error;

    if (!answer || !root)
        return -ENOMEM;
    answer->incomplete = result->verdict != LIFT_WHOLE;
    error = read_root(&reading, root);
    if (!error)
        error = response_scan_texts(&reading);
    if (!error && !answer->picture_count) {
        answer->failure.http_status = 200;
        if (fault_body_is_error(root))
            error = tell_error(root, context->key, &answer->failure);
        else
            tell(&reading, context->key, &answer->failure);
    }
    if (error)
        return error;
    *ret_answer = steal_ptr(answer);
    return 0;
}

void response_destroy(struct answer *answer)
{
    if (!answer)
        return;
    for (size_t i = 0; i < answer->picture_count; i++) {
        free(answer->pictures[i].bytes);
        free(answer->pictures[i].url);
    }
    for (size_t i = 0; i < answer->text_count; i++)
        free(answer->texts[i].text);
    free(answer->pictures);
    free(answer->texts);
    free(answer->broken);
    free(answer->finish_reason);
    free(answer->finish_message);
    free(answer->block_reason);
    free(answer->block_message);
    free(answer->model_version);
    free(answer->response_id);
    free(answer->create_time);
    free(answer->traffic_type);
    free(answer);
}

void response_no_picture(const struct answer *answer, const char *reason,
                         struct failure *ret_failure)
{
    char detail[PLAIN_SIZE];

    failure_init(ret_failure);
    ret_failure->http_status = 200;
    if (tell_finish(answer, NULL, ret_failure))
        return;
    plain_copy(reason, strlen(reason), NULL, detail, sizeof(detail));
    sentence_tell(ret_failure, SENTENCE_NOT_A_PICTURE, detail);
}
