/* SPDX-License-Identifier: MIT */
#include "api/plain.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/redact.h"
#include "base/text.h"

static const char ellipsis[] = "...";

const char *plain_find(const char *text, size_t length, const char *sought)
{
    size_t sought_length = strlen(sought);

    for (size_t i = 0; i + sought_length <= length; i++) {
        if (tolower((unsigned char)text[i]) == tolower((unsigned char)*sought) &&
            !strncasecmp(text + i, sought, sought_length))
            return text + i;
    }
    return NULL;
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The length of the tag or comment that @text begins with, or 0. */
static size_t tag_length(const char *text, const char *end)
{
    const char *close;

    if (end - text < 2 || text[0] != '<' || (!is_letter(text[1]) && !strchr("/!?", text[1])))
        return 0;
    close = memchr(text, '>', (size_t)(end - text));
    return close ? (size_t)(close - text) + 1 : (size_t)(end - text);
}

static bool begins_json(const char *text, const char *end)
{
    if (*text != '{')
        return false;
    do
        text++;
    while (text < end && is_space(*text));
    return text < end && *text == '"';
}

/* The next piece of the text: how much of it is taken, and what stands for that. */
static size_t take(const char *text, const char *end, const char *key, const char **ret_shown,
                   size_t *ret_shown_length)
{
    size_t length = redact_match(text, (size_t)(end - text), key);

    if (length) {
        *ret_shown = "[key]";
        *ret_shown_length = strlen(*ret_shown);
        return length;
    }
    length = tag_length(text, end);
    *ret_shown = length || is_space(*text) ? " " : text;
    *ret_shown_length = 1;
    return length ? length : 1;
}

/* Drop a sequence that the end of the text cuts in two. */
static size_t cut_at_character(const char *text, size_t length)
{
    for (size_t tail = 1; tail < 4 && tail <= length; tail++) {
        if (text_utf8_is_incomplete(text + length - tail, tail))
            return length - tail;
    }
    return length;
}

static void squeeze_spaces(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (*from != ' ' || (to > text && to[-1] != ' '))
            *to++ = *from;
    }
    if (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

void plain_copy(const char *text, size_t length, const char *key, char *to, size_t size)
{
    const char *end = text + length;
    size_t max = size - sizeof(ellipsis);
    size_t done = 0;
    bool cut = false;

    while (text < end && !cut && !begins_json(text, end)) {
        const char *shown;
        size_t shown_length;
        size_t taken = take(text, end, key, &shown, &shown_length);

        cut = done + shown_length > max;
        if (!cut && (*shown != ' ' || (done && to[done - 1] != ' '))) {
            memcpy(to + done, shown, shown_length);
            done += shown_length;
        }
        text += taken;
    }
    if (cut)
        done = cut_at_character(to, done);
    to[done] = '\0';
    text_make_printable(to, ' ');
    squeeze_spaces(to);
    if (cut)
        memcpy(to + strlen(to), ellipsis, sizeof(ellipsis));
}

bool plain_html_title(const char *text, size_t length, const char **ret_title,
                      size_t *ret_title_length)
{
    const char *end = text + length;
    const char *title = plain_find(text, length, "<title");
    const char *close;

    if (!title && !plain_find(text, length, "<html") && !plain_find(text, length, "<!doctype") &&
        !plain_find(text, length, "<body"))
        return false;
    *ret_title = text;
    *ret_title_length = 0;
    title = title ? memchr(title, '>', (size_t)(end - title)) : NULL;
    if (!title)
        return true;
    title++;
    close = memchr(title, '<', (size_t)(end - title));
    *ret_title = title;
    *ret_title_length = (size_t)((close ? close : end) - title);
    return true;
}
