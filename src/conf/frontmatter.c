/* SPDX-License-Identifier: MIT */
#include "conf/frontmatter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "conf/setting_value.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* Walks the lines of the front matter, which has a closing line. */
struct reader {
    const char *text; /* the next line */
    const char *end;
    unsigned int number; /* of the line last read, from 1 */
    const struct model_profile *profile;
    struct settings *settings;
    bool seen[SETTING_MAX];
    struct failure *failure;
};

/* A line without its end; the text moves behind it. */
struct line {
    const char *text;
    size_t length;
};

static bool next_line(const char **text, const char *end, struct line *ret_line)
{
    const char *newline;
    size_t length;

    if (*text == end)
        return false;
    newline = memchr(*text, '\n', (size_t)(end - *text));
    length = (size_t)((newline ? newline : end) - *text);
    *ret_line = (struct line){*text, length};
    *text += length + (newline != NULL);
    if (length && ret_line->text[length - 1] == '\r')
        ret_line->length--;
    return true;
}

static bool is_fence(const struct line *line)
{
    return line->length >= 3 && memcmp(line->text, "---", 3) == 0 &&
           text_is_blank(line->text + 3, line->length - 3);
}

/* Where the text begins behind the closing line; NULL where there is no front matter. */
static const char *find_body(const char *text, const char *end)
{
    struct line line;

    if (!next_line(&text, end, &line) || !is_fence(&line))
        return NULL;
    while (next_line(&text, end, &line)) {
        if (is_fence(&line))
            return text;
    }
    return NULL;
}

/* "x" and 'x' are x. There are no escapes: a value with both kinds inside goes without quotes. */
static void strip_quotes(const char **text, size_t *length)
{
    char first = *length >= 2 ? **text : '\0';

    if ((first == '"' || first == '\'') &&
        memchr(*text + 1, first, *length - 1) == *text + *length - 1) {
        (*text)++;
        *length -= 2;
    }
}

static int refuse_line(const struct reader *reader, const char *what)
{
    return failure_set(reader->failure, -EINVAL, "Line %u of the front matter: %s", reader->number,
                       what);
}

/* Put the line's number before the sentence that a check has set. */
static int number_sentence(const struct reader *reader, unsigned int number, int error)
{
    char sentence[FAILURE_TEXT_SIZE];

    if (error == -ENOMEM)
        return error;
    memcpy(sentence, reader->failure->text, sizeof(sentence));
    return failure_set(reader->failure, -EINVAL, "Line %u of the front matter: %s", number,
                       sentence);
}

/* Append the lines "- name" that follow a bare `references:`. */
static int read_items(struct reader *reader, struct buf *names)
{
    const char *ahead = reader->text;
    struct line line;
    int error = 0;

    while (!error && next_line(&ahead, reader->end, &line)) {
        const char *text = line.text;
        size_t length = line.length;

        setting_trim(&text, &length);
        if (!length || *text != '-' || is_fence(&line))
            break;
        text++;
        length--;
        setting_trim(&text, &length);
        strip_quotes(&text, &length);
        error = buf_append(names, text, length);
        if (!error)
            error = buf_append(names, "\n", 1);
        reader->text = ahead;
        reader->number++;
    }
    return error;
}

static int set_items(struct reader *reader, unsigned int number)
{
    cleanup_buf struct buf names;
    int error;

    buf_init(&names, SETTINGS_VALUE_MAX_BYTES);
    error = read_items(reader, &names);
    if (error == -EFBIG)
        return refuse_line(reader, "the list of references is too long.");
    if (error)
        return error;
    error = settings_set(reader->settings, SETTING_REFERENCES, buf_text(&names), names.length,
                         reader->profile, reader->failure);
    return error ? number_sentence(reader, number, error) : 0;
}

static int set_value(struct reader *reader, enum setting setting, const char *text, size_t length)
{
    unsigned int number = reader->number;
    int error;

    setting_trim(&text, &length);
    if (setting == SETTING_REFERENCES) {
        if (!length)
            return set_items(reader, number);
        if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
            text++;
            length -= 2;
        }
    }
    strip_quotes(&text, &length);
    error = settings_set_line(reader->settings, setting, text, length, reader->profile,
                              reader->failure);
    return error ? number_sentence(reader, number, error) : 0;
}

static int refuse_key(const struct reader *reader, const char *key, size_t length)
{
    size_t shown = length > 40 ? text_utf8_prefix(key, 40) : length;

    return failure_set(reader->failure, -EINVAL,
                       "Line %u of the front matter: there is no setting \"%.*s\". The names are "
                       "those of the files in settings/.",
                       reader->number, (int)shown, key);
}

static int read_line(struct reader *reader, const struct line *line)
{
    const char *key = line->text;
    const char *colon = memchr(line->text, ':', line->length);
    size_t length = line->length;
    enum setting setting;

    setting_trim(&key, &length);
    if (!length || *key == '#')
        return 0;
    if (!colon)
        return refuse_line(reader, "it is not \"key: value\".");
    length = (size_t)(colon - key);
    setting_trim(&key, &length);
    setting = settings_find(key, length);
    if (setting == SETTING_MAX)
        return refuse_key(reader, key, length);
    if (reader->seen[setting])
        return refuse_line(reader, "the same setting stands twice.");
    reader->seen[setting] = true;
    return set_value(reader, setting, colon + 1, line->length - (size_t)(colon + 1 - line->text));
}

int frontmatter_parse(const char *text, size_t length, const struct model_profile *profile,
                      struct settings *ret_settings, size_t *ret_offset, struct failure *failure)
{
    size_t mark = sizeof(byte_order_mark) - 1;
    size_t skipped = length >= mark && memcmp(text, byte_order_mark, mark) == 0 ? mark : 0;
    const char *body = find_body(text + skipped, text + length);
    cleanup_settings struct settings settings = {0};
    struct reader reader = {
        .text = text + skipped,
        .end = text + length,
        .profile = profile,
        .settings = &settings,
        .failure = failure,
    };
    struct line line;

    while (body && next_line(&reader.text, reader.end, &line) && reader.text != body) {
        int error = 0;

        if (++reader.number > 1)
            error = read_line(&reader, &line);
        if (error)
            return error;
    }
    *ret_offset = body ? (size_t)(body - text) : 0;
    *ret_settings = settings;
    settings = (struct settings){0};
    return 0;
}
