/* SPDX-License-Identifier: MIT */
#include "standin/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/fault.h"
#include "standin/model.h"

#define DEFAULT_PAGE 50
#define MAX_PAGE     1000
#define MAX_NAME     256
#define MAX_METHOD   32
#define ENDLESS      ((size_t)1 << 30)

/* One page of the list. */
struct page {
    size_t first;
    size_t end; /* exclusive */
    size_t total;
    bool made_up;      /* by list_count, instead of those of model.c */
    const char *given; /* by list_names, instead of those, too; NULL: not */
};

/* An entry of the list. */
struct entry {
    char name[MAX_NAME];
    char method[MAX_METHOD];
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

/* The word number @index of @words. @return its length; 0 where there are not so many. */
static size_t find_word(const char *words, size_t index, const char **ret_word)
{
    for (;; index--) {
        words += strspn(words, " ");
        *ret_word = words;
        if (!*words || !index)
            return strcspn(words, " ");
        words += strcspn(words, " ");
    }
}

static size_t count_models(const struct page *page, const struct directives *directives)
{
    const char *word;
    size_t count = 0;

    if (page->made_up)
        return (size_t)directive_number(directives, D_LIST_COUNT, ENDLESS);
    while (page->given ? find_word(page->given, count, &word) > 0 : model_listed(count) != NULL)
        count++;
    return count;
}

static struct page turn_to(const char *query, int shape, const struct directives *directives)
{
    size_t size = query_number(query, "pageSize", DEFAULT_PAGE);
    struct page page = {.made_up =
                            shape == LIST_ENDLESS || directive_given(directives, D_LIST_COUNT),
                        .given = directive_text(directives, D_LIST_NAMES, NULL)};

    if (size < 1 || size > MAX_PAGE)
        size = size < 1 ? DEFAULT_PAGE : MAX_PAGE;
    if (shape == LIST_ENDLESS)
        size = 1;
    page.total = count_models(&page, directives);
    page.first = shape == LIST_LOOP ? 0 : query_number(query, "pageToken", 0);
    if (shape == LIST_OPENAI) { /* knows no pages */
        page.first = 0;
        size = page.total;
    }
    if (page.first > page.total)
        page.first = page.total;
    page.end = page.total - page.first < size ? page.total : page.first + size;
    return page;
}

static struct entry entry_of(const struct page *page, size_t index)
{
    struct entry entry = {.method = "generateContent"};
    const char *word = "";
    const char *colon;
    size_t length;

    if (page->made_up) {
        snprintf(entry.name, MAX_NAME, "standin-image-%zu", index + 1);
    } else if (page->given) {
        length = find_word(page->given, index, &word);
        colon = memchr(word, ':', length);
        snprintf(entry.name, MAX_NAME, "%.*s", (int)(colon ? (size_t)(colon - word) : length),
                 word);
        if (colon)
            snprintf(entry.method, MAX_METHOD, "%.*s", (int)(length - (size_t)(colon + 1 - word)),
                     colon + 1);
    } else {
        snprintf(entry.name, MAX_NAME, "%s", model_listed(index));
        if (!strncmp(entry.name, "text-embedding", 14))
            snprintf(entry.method, MAX_METHOD, "embedContent");
    }
    return entry;
}

static void write_model(const struct entry *entry, struct text *text)
{
    text_printf(text,
                "{\"name\":\"models/%s\",\"version\":\"001\",\"displayName\":\"%s\","
                "\"inputTokenLimit\":65536,\"outputTokenLimit\":32768,"
                "\"supportedGenerationMethods\":[\"%s\",\"countTokens\"]}",
                entry->name, entry->name, entry->method);
}

static void write_entry(int shape, const struct entry *entry, struct text *text)
{
    if (shape == LIST_OPENAI)
        text_printf(text, "{\"id\":\"%s\",\"object\":\"model\",\"owned_by\":\"stand-in\"}",
                    entry->name);
    else if (shape == LIST_BARE || shape == LIST_ARRAY)
        text_printf(text, "{\"name\":\"%s\"}", entry->name);
    else
        write_model(entry, text);
}

static void write_list(const struct page *page, int shape, struct text *text)
{
    text_puts(text, shape == LIST_OPENAI  ? "{\"object\":\"list\",\"data\":["
                    : shape == LIST_ARRAY ? "["
                                          : "{\"models\":[");
    for (size_t i = page->first; i < page->end; i++) {
        struct entry entry = entry_of(page, i);

        text_puts(text, i > page->first ? "," : "");
        write_entry(shape, &entry, text);
    }
    text_puts(text, "]");
    if (shape == LIST_LOOP)
        text_puts(text, ",\"nextPageToken\":\"again+and/again\"");
    else if (page->end < page->total && shape != LIST_ARRAY)
        text_printf(text, ",\"nextPageToken\":\"%zu\"", page->end);
    text_puts(text, shape == LIST_ARRAY ? "" : "}");
}

int models_answer_list(const char *query, const struct directives *directives,
                       struct answer *answer)
{
    int shape = directive_word(directives, D_LIST, LIST_GOOGLE);
    struct text *text = &answer->body.text;
    struct page page = turn_to(query, shape, directives);
    const char *type = "application/json; charset=UTF-8";

    answer->status = 200;
    if (shape == LIST_ERROR) {
        int error = fault_write(500, NULL, directives, answer);

        answer->status = 200;
        return error;
    }
    if (shape == LIST_HTML) {
        text_puts(text, "<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n");
        type = "text/html; charset=UTF-8";
    } else {
        write_list(&page, shape, text);
    }
    if (shape == LIST_CUT)
        text->length /= 2;
    return answer_header(answer, "Content-Type", type);
}

int models_answer_one(const char *name, const struct directives *directives, struct answer *answer)
{
    const struct page page = {.made_up = false};
    struct entry entry;
    char message[200];
    size_t i = 0;

    while (model_listed(i) && strcmp(model_listed(i), name) != 0)
        i++;
    if (!model_listed(i)) {
        snprintf(message, sizeof(message),
                 "models/%.128s is not found for API version v1beta, or is not supported.", name);
        return fault_write(404, message, directives, answer);
    }
    entry = entry_of(&page, i);
    answer->status = 200;
    write_model(&entry, &answer->body.text);
    return answer_header(answer, "Content-Type", "application/json; charset=UTF-8");
}
