/* SPDX-License-Identifier: MIT */
#include "api/response_internal.h"

/* A part of a candidate's content. The places of a picture are those of API.md, section 3. */
static int read_part(struct reading *reading, const cJSON *part)
{
    const cJSON *inline_data = json_member(part, "inlineData", "inline_data");
    const cJSON *file_data = json_member(part, "fileData", "file_data");
    const char *data = json_member_text(inline_data, "data", NULL);
    const char *uri = json_member_text(file_data, "fileUri", "file_uri");
    const char *url = json_member_text(part, "url", NULL);
    int error;

    if (json_member_is_true(part, "thought")) {
        reading->answer->draft_count += data || uri || url;
        return 0;
    }
    error = response_take_picture(reading, data,
                                  json_member_text(inline_data, "mimeType", "mime_type"), true);
    if (!error)
        error = response_take_picture(reading, uri,
                                      json_member_text(file_data, "mimeType", "mime_type"), false);
    if (!error)
        error = response_take_picture(reading, url, NULL, false);
    return error ? error : response_take_text(reading, json_member_text(part, "text", NULL));
}

static int read_candidate(struct reading *reading, const cJSON *candidate)
{
    const cJSON *parts = json_member(json_member(candidate, "content", NULL), "parts", NULL);
    const cJSON *part;
    int error = 0;

    if (!cJSON_IsObject(candidate))
        return 0;
    reading->candidate_count++;
    if (cJSON_IsObject(parts))
        error = read_part(reading, parts);
    else
        cJSON_ArrayForEach(part, parts)
        {
            if (!error)
                error = read_part(reading, part);
        }
    if (error)
        return error;
    return response_set_finish(reading->answer,
                               json_member_text(candidate, "finishReason", "finish_reason"),
                               json_member_text(candidate, "finishMessage", "finish_message"));
}

static int read_feedback(struct answer *answer, const cJSON *object)
{
    const cJSON *feedback = json_member(object, "promptFeedback", "prompt_feedback");
    int error = response_set(&answer->block_reason,
                             json_member_text(feedback, "blockReason", "block_reason"));

    return error ? error
                 : response_set(
                       &answer->block_message,
                       json_member_text(feedback, "blockReasonMessage", "block_reason_message"));
}

static int read_usage(struct answer *answer, const cJSON *object)
{
    const cJSON *usage = json_member(object, "usageMetadata", "usage_metadata");

    response_set_count(&answer->prompt_tokens,
                       json_member_count(usage, "promptTokenCount", "prompt_token_count"));
    response_set_count(&answer->candidates_tokens,
                       json_member_count(usage, "candidatesTokenCount", "candidates_token_count"));
    response_set_count(&answer->thoughts_tokens,
                       json_member_count(usage, "thoughtsTokenCount", "thoughts_token_count"));
    response_set_count(&answer->total_tokens,
                       json_member_count(usage, "totalTokenCount", "total_token_count"));
    return response_set(&answer->traffic_type,
                        json_member_text(usage, "trafficType", "traffic_type"));
}

int response_read_google(struct reading *reading, const cJSON *object)
{
    struct answer *answer = reading->answer;
    const cJSON *candidates = json_member(object, "candidates", NULL);
    const cJSON *candidate;
    int error = 0;

    if (cJSON_IsArray(candidates)) {
        cJSON_ArrayForEach(candidate, candidates)
        {
            if (!error)
                error = read_candidate(reading, candidate);
        }
    }
    if (!error)
        error = read_feedback(answer, object);
    if (!error)
        error = read_usage(answer, object);
    if (!error)
        error = response_set(&answer->model_version,
                             json_member_text(object, "modelVersion", "model_version"));
    if (!error)
        error = response_set(&answer->response_id,
                             json_member_text(object, "responseId", "response_id"));
    if (!error)
        error = response_set(&answer->create_time,
                             json_member_text(object, "createTime", "create_time"));
    return error;
}
