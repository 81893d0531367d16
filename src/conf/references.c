/* SPDX-License-Identifier: MIT
 *
 * The setting `references`: "all", "none", or file names of the directory, one a line.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "conf/setting_value.h"

static bool is_line(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* The next line of @text that is not blank, without CR; NULL at the end. */
static const char *next_line(const char **text, size_t *rest, size_t *ret_length)
{
    while (*rest) {
        const char *line = *text;
        const char *end = memchr(line, '\n', *rest);
        size_t length = end ? (size_t)(end - line) : *rest;

        *text += length + (end != NULL);
        *rest -= length + (end != NULL);
        if (length && line[length - 1] == '\r')
            length--;
        if (!text_is_blank(line, length)) {
            *ret_length = length;
            return line;
        }
    }
    return NULL;
}

static bool has_control(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return true;
    }
    return false;
}

static bool is_file_name(const char *name, size_t length)
{
    return length <= SETTINGS_REFERENCE_MAX_BYTES && !memchr(name, '/', length) &&
           !is_line(name, length, ".") && !is_line(name, length, "..") &&
           !has_control(name, length);
}

/* Whether @name is already a line of @value. */
static bool is_listed(const struct buf *value, const char *name, size_t length)
{
    const char *text = buf_text(value);
    size_t rest = value->length;
    const char *line;
    size_t line_length;

    while ((line = next_line(&text, &rest, &line_length))) {
        if (line_length == length && memcmp(line, name, length) == 0)
            return true;
    }
    return false;
}

/* A second mention of a name changes nothing. */
static int add_name(struct buf *value, const char *name, size_t length)
{
    int error;

    if (is_listed(value, name, length))
        return 0;
    error = value->length ? buf_append(value, "\n", 1) : 0;
    return error ? error : buf_append(value, name, length);
}

static unsigned int count_lines(const struct buf *value)
{
    unsigned int count = value->length != 0;

    for (size_t i = 0; i < value->length; i++)
        count += value->data[i] == '\n';
    return count;
}

static int refuse_name(const char *name, size_t length, struct failure *failure)
{
    size_t shown = length > 60 ? text_utf8_prefix(name, 60) : length;

    return failure_set(failure, -EINVAL,
                       "references: \"%.*s%s\" is not the name of a file beside the prompt: no "
                       "path, at most %d bytes, one name a line.",
                       (int)shown, name, shown < length ? "..." : "", SETTINGS_REFERENCE_MAX_BYTES);
}

static int add_names(const struct setting_input *input, struct buf *value, struct failure *failure)
{
    const char *text = input->text;
    size_t rest = input->length;
    const char *name;
    size_t length;

    while ((name = next_line(&text, &rest, &length))) {
        int error;

        if (!is_file_name(name, length))
            return refuse_name(name, length, failure);
        if (is_line(name, length, "all") || is_line(name, length, "none"))
            return failure_set(failure, -EINVAL,
                               "references: \"%.*s\" stands alone, without names.", (int)length,
                               name);
        error = add_name(value, name, length);
        if (error)
            return error;
        if (count_lines(value) > input->profile->references_max)
            return failure_set(
                failure, -EINVAL,
                "references: more than %u names, which is all that this model takes.",
                input->profile->references_max);
    }
    return 0;
}

int setting_check_references(const struct setting_input *input, struct buf *value,
                             struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;

    setting_trim(&text, &length);
    if (is_line(text, length, "all") || is_line(text, length, "none"))
        return buf_append(value, text, length);
    return add_names(input, value, failure);
}

int setting_describe_references(const struct setting_input *input, struct buf *buf)
{
    return buf_printf(buf,
                      "all (not set: that), none, or at most %u file names of the directory, one a "
                      "line",
                      input->profile->references_max);
}
