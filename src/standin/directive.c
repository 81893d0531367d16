/* SPDX-License-Identifier: MIT */
#include "standin/directive.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_OPEN   "[[standin:"
#define TOKEN_CLOSE  "]]"
#define MAX_NAME     32
#define MAX_VALUE    65536
#define MAX_ARGUMENT ((int64_t)256 << 20) /* of a word, unless its own default is larger */

struct reader {
    const char *at;
    const char *end;
    char *reason; /* DIRECTIVE_REASON_SIZE bytes */
};

/* One item as read, before its meaning: the value is unquoted and owned. */
struct item {
    char name[MAX_NAME + 1];
    bool has_value;
    char *value;
};

static int fail(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct reader *reader, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reader->reason, DIRECTIVE_REASON_SIZE, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && isspace((unsigned char)*reader->at))
        reader->at++;
}

static int read_quoted(struct reader *reader, char *value, size_t *length)
{
    reader->at++;
    while (reader->at < reader->end && *reader->at != '"') {
        if (*reader->at == '\\' && reader->at + 1 < reader->end)
            reader->at++;
        value[(*length)++] = *reader->at++;
    }
    if (reader->at == reader->end)
        return fail(reader, "a quoted value is not closed");
    reader->at++;
    return 0;
}

static void read_plain(struct reader *reader, char *value, size_t *length)
{
    while (reader->at < reader->end && *reader->at != ',' && *reader->at != '|')
        value[(*length)++] = *reader->at++;
    while (*length && isspace((unsigned char)value[*length - 1]))
        --*length;
}

static int read_value(struct reader *reader, struct item *item)
{
    size_t length = 0;
    int error = 0;

    skip_space(reader);
    if (reader->end - reader->at > MAX_VALUE)
        return fail(reader, "a list of directives is longer than %d bytes", MAX_VALUE);
    item->value = malloc((size_t)(reader->end - reader->at) + 1);
    if (!item->value)
        return -ENOMEM;
    item->has_value = true;
    if (reader->at < reader->end && *reader->at == '"')
        error = read_quoted(reader, item->value, &length);
    else
        read_plain(reader, item->value, &length);
    item->value[length] = '\0';
    return error;
}

static int read_item(struct reader *reader, struct item *item)
{
    size_t length = 0;

    *item = (struct item){0};
    skip_space(reader);
    while (reader->at < reader->end &&
           (isalnum((unsigned char)*reader->at) || *reader->at == '_')) {
        if (length == MAX_NAME)
            return fail(reader, "a directive's name is too long");
        item->name[length++] = *reader->at++;
    }
    if (!length)
        return fail(reader, "a directive's name is missing");
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != '=')
        return 0;
    reader->at++;
    return read_value(reader, item);
}

static int parse_number(struct reader *reader, const char *name, const char *text, int64_t min,
                        int64_t max, int64_t *ret_number)
{
    char *end;
    int64_t number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return fail(reader, "%s=%.40s: not a number from %lld to %lld", name, text, (long long)min,
                    (long long)max);
    *ret_number = number;
    return 0;
}

static int find_word(const struct word *words, const char *text, size_t length)
{
    for (int i = 1; words[i].name; i++)
        if (strlen(words[i].name) == length && !memcmp(words[i].name, text, length))
            return i;
    return 0;
}

static int set_text(struct directive_value *value, const char *text)
{
    value->text = strdup(text);
    return value->text ? 0 : -ENOMEM;
}

/* What a word is given, behind its colon: NULL for nothing. */
static int parse_argument(struct reader *reader, const struct vocabulary *entry,
                          const struct word *word, const char *text, struct directive_value *value)
{
    int64_t max = word->max ? word->max : MAX_ARGUMENT;

    if (!word->max && word->fallback > max)
        max = word->fallback;
    value->number = word->fallback;
    if (!text) {
        if (word->argument == ARGUMENT_NUMBER || word->argument == ARGUMENT_TEXT)
            return fail(reader, "%s=%s needs an argument", entry->name, word->name);
        return 0;
    }
    if (word->argument == ARGUMENT_NONE)
        return fail(reader, "%s=%s takes no argument", entry->name, word->name);
    if (word->argument == ARGUMENT_NUMBER || word->argument == ARGUMENT_DEFAULT)
        return parse_number(reader, word->name, text, word->min, max, &value->number);
    return set_text(value, text);
}

/* WORD or WORD:ARGUMENT. For `url`, a bare status is short for status:NNN. */
static int parse_word(struct reader *reader, enum directive_name name, const char *text,
                      struct directive_value *value)
{
    const struct vocabulary *entry = &vocabulary[name];
    const char *colon = strchrnul(text, ':');

    if (name == D_URL && isdigit((unsigned char)*text)) {
        value->word = URL_STATUS;
        return parse_number(reader, entry->name, text, 200, 599, &value->number);
    }
    value->word = find_word(entry->words, text, (size_t)(colon - text));
    if (!value->word)
        return fail(reader, "%s=%.60s: no such word", entry->name, text);
    return parse_argument(reader, entry, &entry->words[value->word], *colon ? colon + 1 : NULL,
                          value);
}

/* WORD+WORD: a set of bits. */
static int parse_words(struct reader *reader, const struct vocabulary *entry, const char *text,
                       struct directive_value *value)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        int word;

        end = strchrnul(text, '+');
        word = find_word(entry->words, text, (size_t)(end - text));
        if (!word)
            return fail(reader, "%s=%.60s: no such word", entry->name, text);
        value->number |= (int64_t)1 << (word - 1);
    }
    return value->number ? 0 : fail(reader, "%s needs a word", entry->name);
}

static int parse_size(struct reader *reader, const struct vocabulary *entry, char *text,
                      struct directive_value *value)
{
    char *by = strchr(text, 'x');
    int64_t width = 0;
    int64_t height = 0;
    int error;

    if (!by)
        return fail(reader, "%s=%.40s: not WxH", entry->name, text);
    *by = '\0';
    error = parse_number(reader, entry->name, text, entry->min, entry->max, &width);
    if (!error)
        error = parse_number(reader, entry->name, by + 1, entry->min, entry->max, &height);
    value->number = width << 16 | height;
    return error;
}

static int parse_redirect(struct reader *reader, const struct vocabulary *entry, char *text,
                          struct directive_value *value)
{
    char *colon = strchr(text, ':');
    int error;

    if (!colon)
        return fail(reader, "%s=%.40s: not CODE:URL", entry->name, text);
    *colon = '\0';
    error = parse_number(reader, entry->name, text, entry->min, entry->max, &value->number);
    return error ? error : set_text(value, colon + 1);
}

static int parse_value(struct reader *reader, enum directive_name name, char *text,
                       struct directive_value *value)
{
    const struct vocabulary *entry = &vocabulary[name];

    switch (entry->kind) {
    case KIND_FLAG:
    case KIND_NUMBER:
        return parse_number(reader, entry->name, text, entry->min, entry->max, &value->number);
    case KIND_SIZE:
        return parse_size(reader, entry, text, value);
    case KIND_TEXT:
        return set_text(value, text);
    case KIND_WORD:
        return parse_word(reader, name, text, value);
    case KIND_WORDS:
        return parse_words(reader, entry, text, value);
    case KIND_REDIRECT:
        return parse_redirect(reader, entry, text, value);
    }
    return -EINVAL;
}

/* The words of no_picture stand for themselves: `safety`, `blocked=OTHER`, `error_in_200=429`. */
static int apply_no_picture(struct reader *reader, const struct item *item,
                            struct directive_value *value)
{
    const struct vocabulary *entry = &vocabulary[D_NO_PICTURE];
    int word = find_word(entry->words, item->name, strlen(item->name));
    bool plain = !item->has_value || !strcmp(item->value, "1");

    if (!word)
        return fail(reader, "there is no directive \"%s\"", item->name);
    free(value->text);
    *value = (struct directive_value){.given = true, .word = word};
    if (!plain && entry->words[word].argument == ARGUMENT_NONE)
        return fail(reader, "%s takes no value", item->name);
    return parse_argument(reader, entry, &entry->words[word], plain ? NULL : item->value, value);
}

static int apply_item(struct reader *reader, const struct item *item, struct directives *step)
{
    int name = 0;
    struct directive_value *value;

    while (name < D_COUNT && strcmp(vocabulary[name].name, item->name) != 0)
        name++;
    if (name == D_COUNT)
        return apply_no_picture(reader, item, &step->values[D_NO_PICTURE]);
    value = &step->values[name];
    if (!item->has_value && vocabulary[name].kind != KIND_FLAG)
        return fail(reader, "%s needs a value", item->name);
    free(value->text);
    *value = (struct directive_value){.given = true, .number = 1};
    if (!item->has_value)
        return 0;
    value->number = 0;
    return parse_value(reader, (enum directive_name)name, item->value, value);
}

static int parse_step(struct reader *reader, struct directives *step)
{
    for (;;) {
        struct item item;
        int error = read_item(reader, &item);

        if (!error && (item.has_value || strcmp(item.name, "ok") != 0))
            error = apply_item(reader, &item, step);
        free(item.value);
        if (error)
            return error;
        skip_space(reader);
        if (reader->at == reader->end || *reader->at == '|')
            return 0;
        if (*reader->at++ != ',')
            return fail(reader, "after \"%s\": a comma is missing", item.name);
    }
}

int directive_list_parse(const char *text, size_t length, struct directive_list **ret_list,
                         char reason[DIRECTIVE_REASON_SIZE])
{
    struct reader reader = {text, text + length, reason};
    struct directive_list *list = calloc(1, sizeof(*list));
    int error = list ? 0 : -ENOMEM;

    skip_space(&reader);
    while (reader.end > reader.at && isspace((unsigned char)reader.end[-1]))
        reader.end--;
    if (list)
        list->source = strndup(reader.at, (size_t)(reader.end - reader.at));
    if (list && !list->source)
        error = -ENOMEM;
    while (!error) {
        error = parse_step(&reader, &list->steps[list->count++]);
        if (error || reader.at == reader.end)
            break;
        reader.at++;
        if (list->count == DIRECTIVE_MAX_STEPS)
            error = fail(&reader, "more than %d steps", DIRECTIVE_MAX_STEPS);
    }
    if (error)
        directive_list_free(list);
    else
        *ret_list = list;
    return error;
}

void directives_fini(struct directives *directives)
{
    for (size_t i = 0; i < D_COUNT; i++)
        free(directives->values[i].text);
    *directives = (struct directives){0};
}

void directive_list_free(struct directive_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        directives_fini(&list->steps[i]);
    free(list->source);
    free(list);
}

const struct directives *directive_list_step(const struct directive_list *list, size_t index)
{
    return &list->steps[index < list->count ? index : list->count - 1];
}

int directives_merge(struct directives *into, const struct directives *from)
{
    for (size_t i = 0; i < D_COUNT; i++) {
        char *text = NULL;

        if (!from->values[i].given)
            continue;
        if (from->values[i].text) {
            text = strdup(from->values[i].text);
            if (!text)
                return -ENOMEM;
        }
        free(into->values[i].text);
        into->values[i] = from->values[i];
        into->values[i].text = text;
    }
    return 0;
}

bool token_find(const char *prompt, struct token *ret_token)
{
    const char *open = strstr(prompt, TOKEN_OPEN);
    const char *list = open ? open + strlen(TOKEN_OPEN) : NULL;
    bool quoted = false;

    for (const char *at = list; at && *at; at++) {
        if (quoted && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && !strncmp(at, TOKEN_CLOSE, strlen(TOKEN_CLOSE))) {
            ret_token->start = (size_t)(open - prompt);
            ret_token->list = (size_t)(list - prompt);
            ret_token->list_end = (size_t)(at - prompt);
            ret_token->end = ret_token->list_end + strlen(TOKEN_CLOSE);
            return true;
        }
    }
    return false;
}

bool directive_given(const struct directives *directives, enum directive_name name)
{
    return directives->values[name].given;
}

int64_t directive_number(const struct directives *directives, enum directive_name name,
                         int64_t fallback)
{
    const struct directive_value *value = &directives->values[name];

    return value->given ? value->number : fallback;
}

int directive_word(const struct directives *directives, enum directive_name name, int fallback)
{
    const struct directive_value *value = &directives->values[name];

    return value->given ? value->word : fallback;
}

const char *directive_text(const struct directives *directives, enum directive_name name,
                           const char *fallback)
{
    const struct directive_value *value = &directives->values[name];

    return value->given && value->text ? value->text : fallback;
}
