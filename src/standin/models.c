/* SPDX-License-Identifier: MIT */
#include "standin/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/fault.h"
#include "standin/model.h"

#define DEFAULT_PAGE 50
#define MAX_PAGE     1000
#define MAX_NAME     64

/* One page of the list. */
struct page {
    size_t first;
    size_t end; /* exclusive */
    size_t total;
    bool made_up; /* by list_count, instead of those of model.c */
};

/* The value of @name in @query as a number; @fallback where it is missing. */
static size_t query_number(const char *query, const char *name, size_t fallback)
{
    size_t length = strlen(name);

    for (const char *at = query; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (!strncmp(at, name, length) && at[length] == '=')
            return strtoul(at + length + 1, NULL, 10);
    }
    return fallback;
}

static struct page turn_to(const char *query, const struct directives *directives)
{
    size_t size = query_number(query, "pageSize", DEFAULT_PAGE);
    struct page page = {.made_up = directive_given(directives, D_LIST_COUNT)};

    if (size < 1 || size > MAX_PAGE)
        size = size < 1 ? DEFAULT_PAGE : MAX_PAGE;
    while (!page.made_up && model_listed(page.total))
        page.total++;
    if (page.made_up)
        page.total = (size_t)directive_number(directives, D_LIST_COUNT, 0);
    page.first = query_number(query, "pageToken", 0);
    if (page.first > page.total)
        page.first = page.total;
    page.end = page.total - page.first < size ? page.total : page.first + size;
    return page;
}

static void name_of(const struct page *page, size_t index, char name[MAX_NAME])
{
    if (page->made_up)
        snprintf(name, MAX_NAME, "standin-image-%zu", index + 1);
    else
        snprintf(name, MAX_NAME, "%s", model_listed(index));
}

static void write_model(const char *name, struct text *text)
{
    const char *method = !strncmp(name, "text-embedding", 14) ? "embedContent" : "generateContent";

    text_printf(text,
                "{\"name\":\"models/%s\",\"version\":\"001\",\"displayName\":\"%s\","
                "\"inputTokenLimit\":65536,\"outputTokenLimit\":32768,"
                "\"supportedGenerationMethods\":[\"%s\",\"countTokens\"]}",
                name, name, method);
}

static void write_entry(int shape, const char *name, struct text *text)
{
    if (shape == LIST_GOOGLE)
        write_model(name, text);
    else if (shape == LIST_OPENAI)
        text_printf(text, "{\"id\":\"%s\",\"object\":\"model\",\"owned_by\":\"stand-in\"}", name);
    else
        text_printf(text, "{\"name\":\"%s\"}", name);
}

int models_answer_list(const char *query, const struct directives *directives,
                       struct answer *answer)
{
    int shape = directive_word(directives, D_LIST, LIST_GOOGLE);
    struct text *text = &answer->body.text;
    struct page page = turn_to(query, directives);

    if (shape == LIST_OPENAI) /* knows no pages */
        page = (struct page){.end = page.total, .total = page.total, .made_up = page.made_up};
    answer->status = 200;
    text_puts(text, shape == LIST_OPENAI  ? "{\"object\":\"list\",\"data\":["
                    : shape == LIST_ARRAY ? "["
                                          : "{\"models\":[");
    for (size_t i = page.first; i < page.end; i++) {
        char name[MAX_NAME];

        name_of(&page, i, name);
        text_puts(text, i > page.first ? "," : "");
        write_entry(shape, name, text);
    }
    text_puts(text, "]");
    if (page.end < page.total && shape != LIST_ARRAY)
        text_printf(text, ",\"nextPageToken\":\"%zu\"", page.end);
    text_puts(text, shape == LIST_ARRAY ? "" : "}");
    return answer_header(answer, "Content-Type", "application/json; charset=UTF-8");
}

int models_answer_one(const char *name, const struct directives *directives, struct answer *answer)
{
    char message[200];
    size_t i = 0;

    while (model_listed(i) && strcmp(model_listed(i), name) != 0)
        i++;
    if (!model_listed(i)) {
        snprintf(message, sizeof(message),
                 "models/%.128s is not found for API version v1beta, or is not supported.", name);
        return fault_write(404, message, directives, answer);
    }
    answer->status = 200;
    write_model(name, &answer->body.text);
    return answer_header(answer, "Content-Type", "application/json; charset=UTF-8");
}
