/* SPDX-License-Identifier: MIT */
#include "standin/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    struct directive_list *list; /* owned */
};

struct sequence {
    struct line *lines; /* owned */
    size_t count;
    size_t size;
    size_t next;
    struct directive_list *rest; /* the `*` line; owned; NULL where there is none */
};

struct script {
    struct sequence sequences[SCRIPT_KINDS];
};

static int append(struct sequence *sequence, struct directive_list *list)
{
    if (sequence->count == sequence->size) {
        size_t size = sequence->size ? sequence->size * 2 : 16;
        struct line *lines = reallocarray(sequence->lines, size, sizeof(*lines));

        if (!lines)
            return -ENOMEM;
        sequence->lines = lines;
        sequence->size = size;
    }
    sequence->lines[sequence->count++].list = list;
    return 0;
}

static const char *skip_space(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static int read_line(struct script *script, const char *line, char *reason)
{
    struct sequence *sequence = &script->sequences[SCRIPT_GENERATE];
    struct directive_list *list;
    bool rest;
    int error;

    line = skip_space(line);
    if (!*line || *line == '#')
        return 0;
    if (!strncmp(line, "models", 6) && isspace((unsigned char)line[6])) {
        sequence = &script->sequences[SCRIPT_MODELS];
        line = skip_space(line + 6);
    }
    rest = *line == '*';
    if (rest)
        line = skip_space(line + 1);
    error = directive_list_parse(line, strcspn(line, "\r\n"), &list, reason);
    if (error)
        return error;
    if (rest) {
        directive_list_free(sequence->rest);
        sequence->rest = list;
        return 0;
    }
    error = append(sequence, list);
    if (error)
        directive_list_free(list);
    return error;
}

static int read_lines(struct script *script, FILE *file, char *reason)
{
    char *line = NULL;
    size_t size = 0;
    size_t total = 0;
    int number = 0;
    int error = 0;
    ssize_t length;

    while (!error && (length = getline(&line, &size, file)) >= 0) {
        char why[DIRECTIVE_REASON_SIZE] = "";

        number++;
        total += (size_t)length;
        error = total > SCRIPT_MAX_BYTES ? -EFBIG : read_line(script, line, why);
        if (error == -EINVAL)
            snprintf(reason, DIRECTIVE_REASON_SIZE, "line %d: %.170s", number, why);
    }
    if (!error && ferror(file))
        error = -EIO;
    free(line);
    return error;
}

int script_load(const char *path, struct script **ret_script, char reason[DIRECTIVE_REASON_SIZE])
{
    struct script *script = calloc(1, sizeof(*script));
    FILE *file = script ? fopen(path, "re") : NULL;
    int error = script ? 0 : -ENOMEM;

    if (!error && !file)
        error = -errno;
    if (!error)
        error = read_lines(script, file, reason);
    if (file)
        fclose(file);
    if (error)
        script_free(script);
    else
        *ret_script = script;
    return error;
}

void script_free(struct script *script)
{
    if (!script)
        return;
    for (size_t kind = 0; kind < SCRIPT_KINDS; kind++) {
        struct sequence *sequence = &script->sequences[kind];

        for (size_t i = 0; i < sequence->count; i++)
            directive_list_free(sequence->lines[i].list);
        free(sequence->lines);
        directive_list_free(sequence->rest);
    }
    free(script);
}

const struct directive_list *script_next(struct script *script, enum script_kind kind)
{
    struct sequence *sequence = script ? &script->sequences[kind] : NULL;

    if (!sequence)
        return NULL;
    if (sequence->next < sequence->count)
        return sequence->lines[sequence->next++].list;
    return sequence->rest;
}
