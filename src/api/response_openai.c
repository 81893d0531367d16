/* SPDX-License-Identifier: MIT */
#include "api/response_internal.h"

/* {"b64_json":".."}, {"url":".."}, {"image_url":".."}, {"image_url":{"url":".."}} or a string */
static int read_image(struct reading *reading, const cJSON *image)
{
    const cJSON *image_url = json_member(image, "image_url", NULL);
    const char *url = cJSON_IsString(image_url) ? cJSON_GetStringValue(image_url)
                                                : json_member_text(image_url, "url", NULL);
    int error;

    if (cJSON_IsString(image))
        return response_take_picture(reading, cJSON_GetStringValue(image), NULL, true);
    error = response_take_picture(reading, json_member_text(image, "b64_json", NULL), NULL, true);
    if (!error)
        error = response_take_picture(reading, url, NULL, false);
    return error
               ? error
               : response_take_picture(reading, json_member_text(image, "url", NULL), NULL, false);
}

static int read_images(struct reading *reading, const cJSON *images)
{
    const cJSON *image;
    int error = 0;

    if (!cJSON_IsArray(images))
        return 0;
    cJSON_ArrayForEach(image, images)
    {
        if (!error)
            error = read_image(reading, image);
    }
    return error;
}

/* A string, or an array of {"type":"text","text":".."} and {"type":"image_url",..}. */
static int read_content(struct reading *reading, const cJSON *content)
{
    const cJSON *item;
    int error = response_take_text(reading, cJSON_GetStringValue(content));

    if (!cJSON_IsArray(content))
        return error;
    cJSON_ArrayForEach(item, content)
    {
        if (!error)
            error = response_take_text(reading, json_member_text(item, "text", NULL));
        if (!error && cJSON_IsObject(item))
            error = read_image(reading, item);
    }
    return error;
}

static int read_choice(struct reading *reading, const cJSON *choice)
{
    const cJSON *message = json_member(choice, "message", NULL);
    int error;

    if (!cJSON_IsObject(choice))
        return 0;
    reading->candidate_count++;
    error = read_content(reading, json_member(message, "content", NULL));
    if (!error)
        error = read_images(reading, json_member(message, "images", NULL));
    return error ? error
                 : response_set_finish(reading->answer,
                                       json_member_text(choice, "finish_reason", NULL),
                                       json_member_text(message, "refusal", NULL));
}

int response_read_openai(struct reading *reading, const cJSON *object)
{
    struct answer *answer = reading->answer;
    const cJSON *choices = json_member(object, "choices", NULL);
    const cJSON *usage = json_member(object, "usage", NULL);
    const cJSON *choice;
    int error = read_images(reading, json_member(object, "data", NULL));

    if (cJSON_IsArray(choices)) {
        cJSON_ArrayForEach(choice, choices)
        {
            if (!error)
                error = read_choice(reading, choice);
        }
    }
    response_set_count(&answer->prompt_tokens,
                       json_member_count(usage, "prompt_tokens", "input_tokens"));
    response_set_count(&answer->candidates_tokens,
                       json_member_count(usage, "completion_tokens", "output_tokens"));
    response_set_count(&answer->total_tokens, json_member_count(usage, "total_tokens", NULL));
    if (!error)
        error = response_set(&answer->model_version, json_member_text(object, "model", NULL));
    return error ? error : response_set(&answer->response_id, json_member_text(object, "id", NULL));
}
