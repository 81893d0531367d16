/* SPDX-License-Identifier: MIT */
#include "standin/early.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const faults[] = {"reset_mid_body_upload", "early_answer"};

bool early_is_named(const char *list, size_t length)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        if (memmem(list, length, faults[i], strlen(faults[i])))
            return true;
    return false;
}

/* Whether the quote at @quote is the string's own and no escaped one. */
static bool is_bare(const char *start, const char *quote)
{
    const char *at = quote;

    while (at > start && at[-1] == '\\')
        at--;
    return (quote - at) % 2 == 0;
}

char *early_text(const char *body, size_t length)
{
    static const char open[] = "[[standin:";
    const char *token;
    const char *start;
    const char *end;
    cJSON *string;
    char *text;

    if (length > EARLY_MAX_BYTES)
        length = EARLY_MAX_BYTES;
    token = length ? memmem(body, length, open, sizeof(open) - 1) : NULL;
    if (!token)
        return NULL;
    start = token;
    while (start > body && !(*start == '"' && is_bare(body, start)))
        start--;
    end = token;
    while (end < body + length && !(*end == '"' && is_bare(body, end)))
        end++;
    if (*start != '"' || end == body + length || !early_is_named(token, (size_t)(end - token)))
        return NULL;
    string = cJSON_ParseWithLength(start, (size_t)(end - start) + 1);
    text = cJSON_IsString(string) ? strdup(string->valuestring) : NULL;
    cJSON_Delete(string);
    return text;
}
