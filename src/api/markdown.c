/* SPDX-License-Identifier: MIT */
#include "api/markdown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/base64.h"
#include "api/data_uri.h"
#include "base/buf.h"

#define OUT_SIZE 8192 /* bytes that are gathered before the sink is called */
#define ALT_MAX  4096 /* bytes of what stands between the brackets */

enum state {
    IN_TEXT,      /* nothing yet */
    AFTER_BANG,   /* ! */
    IN_ALT,       /* ![.. */
    AFTER_ALT,    /* ![..] */
    BEFORE_URL,   /* ![..]( */
    IN_URL,       /* ![..](x */
    IN_DATA,      /* ![..](data:..;base64, */
    BEHIND_TARGET /* what comes before the closing parenthesis: a title, or what is damaged */
};

struct markdown {
    struct lift_sink sink;
    unsigned next_part;
    int error; /* negative errno, final */

    enum state state;
    unsigned brackets; /* open within the alternative text, its own included */
    size_t alt_length;
    unsigned parentheses; /* open within the URL */
    struct buf url;
    struct base64_decoder decoder;
    char out[OUT_SIZE]; /* bytes of the part that the sink has not got yet */
    size_t out_length;

    struct markdown_link *links;
    size_t count;
};

int markdown_create(const struct lift_sink *sink, unsigned first_part,
                    struct markdown **ret_markdown)
{
    struct markdown *markdown = calloc(1, sizeof(*markdown));

    if (!markdown)
        return -ENOMEM;
    markdown->sink = *sink;
    markdown->next_part = first_part;
    buf_init(&markdown->url, MARKDOWN_URL_MAX);
    *ret_markdown = markdown;
    return 0;
}

void markdown_destroy(struct markdown *markdown)
{
    if (!markdown)
        return;
    for (size_t i = 0; i < markdown->count; i++)
        free(markdown->links[i].url);
    free(markdown->links);
    buf_fini(&markdown->url);
    free(markdown);
}

static struct markdown_link *last_link(struct markdown *markdown)
{
    return &markdown->links[markdown->count - 1];
}

/* @param url copied; NULL where the picture is in a part */
static int add_link(struct markdown *markdown, const char *url, unsigned part)
{
    struct markdown_link *links;
    char *copy = NULL;

    links = reallocarray(markdown->links, markdown->count + 1, sizeof(*links));
    if (!links)
        return -ENOMEM;
    markdown->links = links;
    if (url) {
        copy = strdup(url);
        if (!copy)
            return -ENOMEM;
    }
    links[markdown->count++] = (struct markdown_link){
        .url = copy,
        .part = part,
        .info = {.encoding = LIFT_BYTES, .rest = LIFT_NONE},
    };
    return 0;
}

static int flush(struct markdown *markdown)
{
    struct markdown_link *link = last_link(markdown);
    size_t length = markdown->out_length;

    markdown->out_length = 0;
    link->info.bytes += length;
    return length ? markdown->sink.write(markdown->sink.ctx, link->part, markdown->out, length) : 0;
}

static int begin_data(struct markdown *markdown, const char *mime)
{
    unsigned part = markdown->next_part;
    int error = markdown->sink.open(markdown->sink.ctx, part, LIFT_BYTES);

    if (!error)
        error = add_link(markdown, NULL, part);
    if (error)
        return error;
    memcpy(last_link(markdown)->info.mime, mime, LIFT_MIME_SIZE);
    markdown->next_part++;
    markdown->state = IN_DATA;
    base64_decode_start(&markdown->decoder);
    return 0;
}

static int end_data(struct markdown *markdown, bool is_complete)
{
    struct markdown_link *link = last_link(markdown);
    unsigned char tail[2];
    size_t length = base64_decode_finish(&markdown->decoder, tail);
    int error;

    memcpy(markdown->out + markdown->out_length, tail, length);
    markdown->out_length += length;
    error = flush(markdown);
    if (error)
        return error;
    link->info.complete = is_complete;
    link->info.damaged = markdown->decoder.damaged;
    link->info.damaged_offset = link->info.damaged ? markdown->decoder.offset : 0;
    return markdown->sink.close(markdown->sink.ctx, link->part, &link->info);
}

/* Take characters of a data URI; its end is not among them. */
static int write_data(struct markdown *markdown, const char *data, size_t length)
{
    while (length) {
        size_t taken = ((size_t)OUT_SIZE / 2 - 16) / 3 * 4;
        int error = markdown->out_length >= OUT_SIZE / 2 - 2 ? flush(markdown) : 0;

        if (error)
            return error;
        taken = length < taken ? length : taken;
        markdown->out_length +=
            base64_decode(&markdown->decoder, data, taken, markdown->out + markdown->out_length);
        data += taken;
        length -= taken;
    }
    return 0;
}

static bool begins_with(const char *text, const char *expected)
{
    return !strncasecmp(text, expected, strlen(expected));
}

static int end_url(struct markdown *markdown)
{
    const char *url = buf_text(&markdown->url);

    if (!begins_with(url, "https://") && !begins_with(url, "http://"))
        return 0;
    return add_link(markdown, url, LIFT_NONE);
}

static int feed_url(struct markdown *markdown, char c)
{
    char mime[LIFT_MIME_SIZE];
    int error;

    if (c == ')' && markdown->parentheses) {
        markdown->parentheses--;
    } else if (c == ')' || c == '>' || (unsigned char)c <= ' ' || c == 0x7f) {
        markdown->state = c == ')' ? IN_TEXT : BEHIND_TARGET;
        return end_url(markdown);
    } else if (c == '(') {
        markdown->parentheses++;
    }
    error = buf_append(&markdown->url, &c, 1);
    if (error == -EFBIG) {
        markdown->state = BEHIND_TARGET;
        return 0;
    }
    if (!error && c == ',' && data_uri_prefix(markdown->url.data, markdown->url.length, mime))
        error = begin_data(markdown, mime);
    return error;
}

static void feed_alt(struct markdown *markdown, char c)
{
    if (c == '[')
        markdown->brackets++;
    else if (c == ']' && !--markdown->brackets)
        markdown->state = AFTER_ALT;
    if (++markdown->alt_length > ALT_MAX)
        markdown->state = IN_TEXT;
}

/* Take one byte that is not in a data URI. */
static int feed_byte(struct markdown *markdown, char c)
{
    switch (markdown->state) {
    case IN_TEXT:
        if (c == '!' && markdown->count < MARKDOWN_LINKS_MAX)
            markdown->state = AFTER_BANG;
        break;
    case AFTER_BANG:
        markdown->brackets = 1;
        markdown->alt_length = 0;
        if (c != '!')
            markdown->state = c == '[' ? IN_ALT : IN_TEXT;
        break;
    case IN_ALT:
        feed_alt(markdown, c);
        break;
    case AFTER_ALT:
        buf_clear(&markdown->url);
        markdown->parentheses = 0;
        markdown->state = c == '(' ? BEFORE_URL : IN_TEXT;
        if (c == '!')
            markdown->state = AFTER_BANG;
        break;
    case BEFORE_URL:
        if (strchr(" \t\r\n<", c) && c)
            break;
        markdown->state = IN_URL;
        return feed_url(markdown, c);
    case IN_URL:
        return feed_url(markdown, c);
    case IN_DATA:
    case BEHIND_TARGET:
        if (c == ')')
            markdown->state = IN_TEXT;
        break;
    }
    return 0;
}

/* Take bytes of a data URI up to what ends it. */
static int feed_data(struct markdown *markdown, const char **text, const char *end)
{
    size_t length = 0;
    int error;

    while (*text + length < end && !strchr(")>\"'", (*text)[length]))
        length++;
    error = write_data(markdown, *text, length);
    *text += length;
    if (error || *text == end)
        return error;
    markdown->state = BEHIND_TARGET; /* which looks at what ended it */
    return end_data(markdown, true);
}

int markdown_feed(struct markdown *markdown, const void *data, size_t length)
{
    const char *text = data;
    const char *end = length ? text + length : text;

    while (text < end && !markdown->error) {
        if (markdown->state == IN_DATA) {
            markdown->error = feed_data(markdown, &text, end);
        } else if (markdown->state == IN_TEXT && *text != '!') {
            text = memchr(text, '!', (size_t)(end - text));
            if (!text)
                break;
        } else {
            markdown->error = feed_byte(markdown, *text++);
        }
    }
    return markdown->error;
}

int markdown_finish(struct markdown *markdown, struct markdown_result *ret_result)
{
    if (!markdown->error && markdown->state == IN_DATA) {
        markdown->error = end_data(markdown, false);
        markdown->state = IN_TEXT;
    }
    if (markdown->error)
        return markdown->error;
    *ret_result = (struct markdown_result){markdown->links, markdown->count};
    return 0;
}
