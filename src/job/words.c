/* SPDX-License-Identifier: MIT */
#include "job/words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/redact.h"
#include "base/text.h"
#include "job/job.h"

#define CHUNK_BYTES 65536

/* A longer description is not that of a picture. */
#define HELD_MAX 512

static const char data_uri[] = "data:";

enum place {
    IN_TEXT,
    AFTER_BANG,  /* "!" */
    IN_ALT,      /* "![": the description */
    AFTER_ALT,   /* "![..]" */
    IN_TARGET,   /* "![..](": it may begin with "data:" */
    IN_DATA_URI, /* it does: dropped up to the closing bracket */
};

/* A text on its way into the words. */
struct filter {
    struct buf *words;
    enum place place;
    char held[HELD_MAX]; /* what may turn out to be the beginning of a picture */
    size_t held_length;
    size_t target_length; /* of it, how much is the target's */
};

/* It was no picture after all. */
static int release(struct filter *filter)
{
    size_t length = filter->held_length;

    filter->place = IN_TEXT;
    filter->held_length = 0;
    filter->target_length = 0;
    return buf_append(filter->words, filter->held, length);
}

/* Where @c, which is held, leads to; IN_TEXT: it was no picture. */
static enum place next_place(struct filter *filter, char c)
{
    switch (filter->place) {
    case AFTER_BANG:
        return c == '[' ? IN_ALT : IN_TEXT;
    case IN_ALT:
        return c == ']' ? AFTER_ALT : IN_ALT;
    case AFTER_ALT:
        return c == '(' ? IN_TARGET : IN_TEXT;
    case IN_TARGET:
        if (c != data_uri[filter->target_length++])
            return IN_TEXT;
        return data_uri[filter->target_length] ? IN_TARGET : IN_DATA_URI;
    default:
        return IN_TEXT;
    }
}

/* Take a byte where a picture may have begun. */
static int take_held(struct filter *filter, char c)
{
    filter->held[filter->held_length++] = c;
    filter->place = next_place(filter, c);
    if (filter->place == IN_DATA_URI)
        filter->held_length = filter->target_length = 0;
    else if (filter->place == IN_TEXT || filter->held_length == HELD_MAX)
        return release(filter);
    return 0;
}

static int feed(void *context, const char *text, size_t length)
{
    struct filter *filter = context;
    int error = 0;

    for (size_t i = 0; !error && i < length; i++) {
        const char *bang;

        if (filter->place == IN_DATA_URI) {
            filter->place = text[i] == ')' ? IN_TEXT : IN_DATA_URI;
        } else if (filter->place != IN_TEXT) {
            error = take_held(filter, text[i]);
        } else {
            bang = memchr(text + i, '!', length - i);
            error =
                buf_append(filter->words, text + i, bang ? (size_t)(bang - text) - i : length - i);
            if (!bang)
                break;
            i = (size_t)(bang - text);
            filter->place = AFTER_BANG;
            filter->held[filter->held_length++] = '!';
        }
    }
    return error;
}

static int add_text(const struct flight *flight, const struct answer_text *text, struct buf *words)
{
    struct filter filter = {.words = words};
    int error = words->length ? buf_append_text(words, "\n\n") : 0;

    if (!error && text->text)
        error = feed(&filter, text->text, strlen(text->text));
    else if (!error)
        error = flight_read_part(flight, text->part, feed, &filter);
    return error ? error : release(&filter);
}

int words_collect(const struct flight *flight, struct buf *words)
{
    const struct key *key = flight->job->jobs->setup.key;
    const struct answer *answer = flight->answer;
    int error = 0;

    for (size_t i = 0; !error && i < answer->text_count; i++)
        error = add_text(flight, &answer->texts[i], words);
    if (error && error != -EFBIG)
        return error;
    if (text_is_blank(buf_text(words), words->length)) {
        buf_clear(words);
        return 0;
    }
    text_make_printable(words->data, '?');
    redact(words->data, key ? key_text(key) : NULL);
    words->length = strlen(words->data);
    if (words->data[words->length - 1] == '\n')
        return 0;
    error = buf_append(words, "\n", 1);
    return error == -EFBIG ? 0 : error;
}
