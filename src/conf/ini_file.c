/* SPDX-License-Identifier: MIT */
#include "conf/ini_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * libinih asks for one line after the other and calls back for each "key = value" and for each
 * continuation. An entry is complete only when the next one begins, so it is kept until then.
 */
struct parser {
    const char *name;
    const char *text; /* the next line */
    size_t rest;
    unsigned int line; /* last handed out, from 1 */
    bool indented;     /* it begins with a blank */
    int error;         /* no more lines are handed out */

    bool pending;
    struct ini_entry entry; /* its texts are in the buffers below */
    struct buf section;
    struct buf key;
    struct buf value;

    ini_file_handler *handler;
    void *context;
    struct failure *failure;
};

static int refuse(struct parser *parser, unsigned int line, const char *what)
{
    parser->error = failure_set(parser->failure, -EINVAL, "%s:%u: %s", parser->name, line, what);
    return parser->error;
}

/* Put file and line before the sentence that the handler has set. */
static void locate(struct parser *parser, unsigned int line)
{
    char sentence[FAILURE_TEXT_SIZE];

    memcpy(sentence, parser->failure->text, sizeof(sentence));
    failure_set(parser->failure, parser->error, "%s:%u: %s", parser->name, line, sentence);
}

static int flush(struct parser *parser)
{
    struct ini_entry entry = parser->entry;

    if (!parser->pending || parser->error)
        return parser->error;
    parser->pending = false;
    entry.section = buf_text(&parser->section);
    entry.key = buf_text(&parser->key);
    entry.value = buf_text(&parser->value);
    parser->error = parser->handler(parser->context, &entry, parser->failure);
    if (parser->error)
        locate(parser, entry.line);
    return parser->error;
}

/* libinih would cut the name of the section. */
static bool is_section_too_long(const char *line)
{
    const char *name = line + strspn(line, " \t");

    return *name == '[' && strcspn(name + 1, "]") > INI_FILE_NAME_MAX_BYTES;
}

/* What fgets(3) is for ini_parse_file(). */
static char *read_line(char *line, int size, void *stream)
{
    struct parser *parser = stream;
    const char *end = memchr(parser->text, '\n', parser->rest);
    size_t length = end ? (size_t)(end - parser->text) : parser->rest;
    size_t whole = length + (end != NULL);

    if (parser->error || parser->rest == 0)
        return NULL;
    parser->line++;
    if (length > INI_FILE_LINE_MAX_BYTES || whole >= (size_t)size) {
        refuse(parser, parser->line,
               "the line is too long: 190 bytes at most. Go on in the next "
               "line, which begins with a space.");
        return NULL;
    }
    memcpy(line, parser->text, whole);
    line[whole] = '\0';
    parser->indented = length && (line[0] == ' ' || line[0] == '\t');
    parser->text += whole;
    parser->rest -= whole;
    if (!(parser->indented && parser->pending) && is_section_too_long(line)) {
        refuse(parser, parser->line, "the name in brackets is too long: 49 bytes at most.");
        return NULL;
    }
    return line;
}

static int set_text(struct buf *buf, const char *text)
{
    buf_clear(buf);
    return buf_append_text(buf, text);
}

static int begin_entry(struct parser *parser, const char *section, const char *key,
                       const char *value)
{
    int error = set_text(&parser->section, section);

    if (!error)
        error = set_text(&parser->key, key);
    if (!error)
        error = set_text(&parser->value, value);
    parser->pending = true;
    parser->entry = (struct ini_entry){.line = parser->line};
    return error;
}

static int continue_entry(struct parser *parser, const char *value)
{
    int error = parser->value.length ? buf_append(&parser->value, "\n", 1) : 0;

    parser->entry.continued = true;
    return error ? error : buf_append_text(&parser->value, value);
}

/* @return 1 to go on, 0 to have the line counted as a fault: libinih's convention. */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
    struct parser *parser = user;
    bool continuation = parser->indented && parser->pending &&
                        strcmp(section, buf_text(&parser->section)) == 0 &&
                        strcmp(key, buf_text(&parser->key)) == 0;
    int error;

    if (parser->error)
        return 0;
    if (continuation) {
        error = continue_entry(parser, value);
    } else {
        error = flush(parser);
        if (!error)
            error = begin_entry(parser, section, key, value);
    }
    if (error && !parser->error)
        parser->error = failure_set_errno(parser->failure, error, parser->name);
    return !error;
}

static int check_text(const char *name, const char *text, size_t length, struct failure *failure)
{
    if (length > INI_FILE_MAX_BYTES)
        return failure_set(failure, -EFBIG, "%s: longer than %d KiB.", name,
                           INI_FILE_MAX_BYTES / 1024);
    if (text_utf8_prefix(text, length) != length)
        return failure_set(failure, -EINVAL, "%s: it is not UTF-8 text.", name);
    return 0;
}

static int parse(struct parser *parser)
{
    int fault = ini_parse_stream(read_line, parser, take_entry, parser);

    if (!parser->error && fault < 0)
        parser->error = failure_set_errno(parser->failure, -ENOMEM, parser->name);
    if (!parser->error && fault)
        refuse(parser, (unsigned int)fault, "it is neither \"key = value\" nor \"[section]\".");
    return flush(parser);
}

int ini_file_parse(const char *name, const char *text, size_t length, ini_file_handler *handler,
                   void *context, struct failure *failure)
{
    struct parser parser = {
        .name = name,
        .text = text,
        .rest = length,
        .handler = handler,
        .context = context,
        .failure = failure,
    };
    int error = check_text(name, text, length, failure);

    if (error)
        return error;
    buf_init(&parser.section, INI_FILE_LINE_MAX_BYTES);
    buf_init(&parser.key, INI_FILE_LINE_MAX_BYTES);
    buf_init(&parser.value, INI_FILE_MAX_BYTES);
    error = parse(&parser);
    buf_fini(&parser.section);
    buf_fini(&parser.key);
    buf_fini(&parser.value);
    return error;
}

int ini_file_refuse_lines(const struct ini_entry *entry, struct failure *failure)
{
    return failure_set(failure, -EINVAL,
                       "%s: its value goes on in the next line, because that begins with a blank. "
                       "Begin each key at the start of its line.",
                       entry->key);
}

/* How key and value are joined: behind " = " unless `;` would then begin a comment, or the line get
 * too long. */
static const char *join(const char *key, const char *value, size_t length)
{
    size_t whole = strlen(key) + strlen(" = ") + length;

    if (length == 0)
        return " =";
    if (value[0] != ';' && whole <= INI_FILE_LINE_MAX_BYTES)
        return " = ";
    return whole - strlen("  ") <= INI_FILE_LINE_MAX_BYTES ? "=" : " =\n ";
}

int ini_file_print(const char *key, const char *value, struct buf *buf)
{
    size_t length = strcspn(value, "\n");
    int error = buf_printf(buf, "%s%s", key, join(key, value, length));

    if (!error)
        error = buf_append(buf, value, length);
    while (!error && value[length]) {
        value += length + 1;
        length = strcspn(value, "\n");
        error = buf_append_text(buf, "\n ");
        if (!error)
            error = buf_append(buf, value, length);
    }
    return error ? error : buf_append(buf, "\n", 1);
}
