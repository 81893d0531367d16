/* SPDX-License-Identifier: MIT */
#include "standin/members.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum type { OBJECT, ARRAY, STRING, BOOLEAN, NUMBER, INTEGER };

struct member {
    const char *name;
    enum type type;
    double min, max; /* of numbers */
};

#define INT32   -2147483648.0, 2147483647.0
#define LARGEST 2147483647.0

static const struct member request_members[] = {{"contents", ARRAY, 0, 0},
                                                {"generationConfig", OBJECT, 0, 0},
                                                {"systemInstruction", OBJECT, 0, 0},
                                                {"safetySettings", ARRAY, 0, 0},
                                                {"tools", ARRAY, 0, 0},
                                                {"toolConfig", OBJECT, 0, 0},
                                                {"cachedContent", STRING, 0, 0},
                                                {"labels", OBJECT, 0, 0},
                                                {"serviceTier", STRING, 0, 0},
                                                {"store", BOOLEAN, 0, 0},
                                                {NULL, OBJECT, 0, 0}};

static const struct member content_members[] = {
    {"role", STRING, 0, 0}, {"parts", ARRAY, 0, 0}, {NULL, OBJECT, 0, 0}};

static const struct member part_members[] = {{"text", STRING, 0, 0},
                                             {"inlineData", OBJECT, 0, 0},
                                             {"fileData", OBJECT, 0, 0},
                                             {"thought", BOOLEAN, 0, 0},
                                             {"thoughtSignature", STRING, 0, 0},
                                             {"mediaResolution", OBJECT, 0, 0},
                                             {NULL, OBJECT, 0, 0}};

static const struct member inline_data_members[] = {
    {"mimeType", STRING, 0, 0}, {"data", STRING, 0, 0}, {NULL, OBJECT, 0, 0}};

static const struct member file_data_members[] = {
    {"mimeType", STRING, 0, 0}, {"fileUri", STRING, 0, 0}, {NULL, OBJECT, 0, 0}};

static const struct member generation_config_members[] = {{"responseModalities", ARRAY, 0, 0},
                                                          {"imageConfig", OBJECT, 0, 0},
                                                          {"temperature", NUMBER, 0, 2},
                                                          {"topP", NUMBER, 0, 1},
                                                          {"topK", INTEGER, 1, LARGEST},
                                                          {"seed", INTEGER, INT32},
                                                          {"maxOutputTokens", INTEGER, 1, LARGEST},
                                                          {"candidateCount", INTEGER, 1, 1},
                                                          {"stopSequences", ARRAY, 0, 0},
                                                          {"presencePenalty", NUMBER, -2, 2},
                                                          {"frequencyPenalty", NUMBER, -2, 2},
                                                          {"responseMimeType", STRING, 0, 0},
                                                          {"responseSchema", OBJECT, 0, 0},
                                                          {"thinkingConfig", OBJECT, 0, 0},
                                                          {"mediaResolution", STRING, 0, 0},
                                                          {NULL, OBJECT, 0, 0}};

static const struct member image_config_members[] = {
    {"aspectRatio", STRING, 0, 0}, {"imageSize", STRING, 0, 0}, {NULL, OBJECT, 0, 0}};

static const struct member safety_setting_members[] = {
    {"category", STRING, 0, 0}, {"threshold", STRING, 0, 0}, {NULL, OBJECT, 0, 0}};

static const struct member *const tables[MEMBERS_TABLES] = {
    [MEMBERS_REQUEST] = request_members,
    [MEMBERS_CONTENT] = content_members,
    [MEMBERS_PART] = part_members,
    [MEMBERS_INLINE_DATA] = inline_data_members,
    [MEMBERS_FILE_DATA] = file_data_members,
    [MEMBERS_GENERATION_CONFIG] = generation_config_members,
    [MEMBERS_IMAGE_CONFIG] = image_config_members,
    [MEMBERS_SAFETY_SETTING] = safety_setting_members};

static const char *const categories[] = {
    "HARM_CATEGORY_HARASSMENT",        "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",   NULL};

static const char *const thresholds[] = {
    "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF", NULL};

int refuse(struct refusal *refusal, unsigned status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
    refusal->status = status;
    return -EINVAL;
}

static int check_number(const cJSON *value, const struct member *member, const char *where,
                        struct refusal *refusal)
{
    double number = value->valuedouble;

    if (member->type == INTEGER && number != floor(number))
        return refuse(refusal, 400, "Invalid value at '%s.%s' (TYPE_INT32), %g", where,
                      member->name, number);
    if (number < member->min || number > member->max)
        return refuse(refusal, 400,
                      "Unable to submit request because it has a %s value of %g but the supported "
                      "range is from %g to %g inclusive.",
                      member->name, number, member->min, member->max);
    return 0;
}

static int check_type(const cJSON *value, const struct member *member, const char *where,
                      struct refusal *refusal)
{
    bool right = false;

    switch (member->type) {
    case OBJECT:
        right = cJSON_IsObject(value);
        break;
    case ARRAY:
        right = cJSON_IsArray(value);
        break;
    case STRING:
        right = cJSON_IsString(value);
        break;
    case BOOLEAN:
        right = cJSON_IsBool(value);
        break;
    case NUMBER:
    case INTEGER:
        if (cJSON_IsNumber(value))
            return check_number(value, member, where, refusal);
        break;
    }
    if (!right)
        return refuse(refusal, 400, "Invalid value at '%s.%s': wrong type", where, member->name);
    return 0;
}

int members_check(const cJSON *object, enum member_table what, const char *where,
                  struct refusal *refusal)
{
    const cJSON *value;

    if (!cJSON_IsObject(object))
        return refuse(refusal, 400, "Invalid value at '%s': not an object", where);
    cJSON_ArrayForEach(value, object)
    {
        const struct member *member = tables[what];
        int error;

        while (member->name && strcmp(member->name, value->string) != 0)
            member++;
        if (!member->name)
            return refuse(refusal, 400,
                          "Invalid JSON payload received. Unknown name \"%.60s\" at '%s': Cannot "
                          "find field.",
                          value->string, where);
        if (cJSON_GetObjectItemCaseSensitive(object, value->string) != value)
            return refuse(refusal, 400, "Invalid value at '%s': \"%s\" stands there twice", where,
                          member->name);
        error = check_type(value, member, where, refusal);
        if (error)
            return error;
    }
    return 0;
}

static bool is_one_of(const cJSON *value, const char *const *names)
{
    if (!cJSON_IsString(value))
        return false;
    while (*names && strcmp(*names, value->valuestring) != 0)
        names++;
    return *names;
}

int members_check_safety(const cJSON *settings, struct refusal *refusal)
{
    const cJSON *setting;

    cJSON_ArrayForEach(setting, settings)
    {
        int error = members_check(setting, MEMBERS_SAFETY_SETTING, "safety_settings", refusal);

        if (error)
            return error;
        if (!is_one_of(cJSON_GetObjectItemCaseSensitive(setting, "category"), categories))
            return refuse(refusal, 400, "Invalid value at 'safety_settings.category'");
        if (!is_one_of(cJSON_GetObjectItemCaseSensitive(setting, "threshold"), thresholds))
            return refuse(refusal, 400, "Invalid value at 'safety_settings.threshold'");
    }
    return 0;
}
