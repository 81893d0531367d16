/* SPDX-License-Identifier: MIT */
#include "api/json.h"

#include <errno.h>
#include <string.h>

cJSON *json_parse(const char *skeleton, size_t length)
{
    /* With the NUL, which cJSON asks for where nothing else may follow the value. */
    return cJSON_ParseWithLengthOpts(skeleton, length + 1, NULL, true);
}

int json_append_string(struct buf *buf, const char *text)
{
    cJSON *string = cJSON_CreateStringReference(text);
    char *printed = string ? cJSON_PrintUnformatted(string) : NULL;
    int error = printed ? buf_append_text(buf, printed) : -ENOMEM;

    cJSON_free(printed);
    cJSON_Delete(string);
    return error;
}

static size_t count_digits(const char *text, const char *end)
{
    const char *digit = text;

    while (digit < end && *digit >= '0' && *digit <= '9')
        digit++;
    return (size_t)(digit - text);
}

bool json_is_number(const char *text, size_t length)
{
    const char *end = text + length;
    size_t digits;

    if (text < end && *text == '-')
        text++;
    digits = count_digits(text, end);
    if (!digits || (digits > 1 && *text == '0'))
        return false;
    text += digits;
    if (text < end && *text == '.') {
        digits = count_digits(++text, end);
        if (!digits)
            return false;
        text += digits;
    }
    if (text < end && (*text == 'e' || *text == 'E')) {
        text++;
        if (text < end && (*text == '+' || *text == '-'))
            text++;
        digits = count_digits(text, end);
        if (!digits)
            return false;
        text += digits;
    }
    return text == end;
}

/* Not there, null, or empty. */
static bool says_nothing(const cJSON *member)
{
    const char *text = cJSON_GetStringValue(member);

    if (cJSON_IsObject(member) || cJSON_IsArray(member))
        return !member->child;
    return !member || cJSON_IsNull(member) || (text && !*text);
}

const cJSON *json_member(const cJSON *object, const char *name, const char *other)
{
    const cJSON *member;

    if (!cJSON_IsObject(object))
        return NULL;
    member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (other && says_nothing(member)) {
        const cJSON *second = cJSON_GetObjectItemCaseSensitive(object, other);

        member = says_nothing(second) ? member : second;
    }
    return cJSON_IsNull(member) ? NULL : member;
}

const char *json_member_text(const cJSON *object, const char *name, const char *other)
{
    return cJSON_GetStringValue(json_member(object, name, other));
}

int64_t json_member_count(const cJSON *object, const char *name, const char *other)
{
    const cJSON *member = json_member(object, name, other);
    const char *text = cJSON_GetStringValue(member);
    int64_t count = 0;

    if (cJSON_IsNumber(member))
        return member->valuedouble >= 0 && member->valuedouble <= 1e15
                   ? (int64_t)member->valuedouble
                   : -1;
    if (!text || !*text || strlen(text) > 15)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        count = count * 10 + (*text - '0');
    }
    return count;
}

bool json_member_is_true(const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name, NULL);
    const char *text = cJSON_GetStringValue(member);

    if (text)
        return !strcmp(text, "true");
    return cJSON_IsTrue(member) || (cJSON_IsNumber(member) && member->valuedouble != 0);
}
