/* SPDX-License-Identifier: MIT */
#include "api/response_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/base64.h"
#include "api/data_uri.h"
#include "api/sentence.h"
#include "base/cleanup.h"
#include "base/text.h"

/* The part that @string stands for, or NULL. */
static const struct lift_part *find_part(const struct reading *reading, const char *string,
                                         unsigned *ret_part)
{
    unsigned part;

    if (!lift_is_marker(string, &part) || part >= reading->result->part_count)
        return NULL;
    *ret_part = part;
    return &reading->result->parts[part];
}

static bool is_same(const struct picture *left, const struct picture *right)
{
    if (left->source != right->source)
        return false;
    switch (left->source) {
    case PICTURE_PART:
        return left->part == right->part;
    case PICTURE_URL:
        return !strcmp(left->url, right->url);
    case PICTURE_BYTES:
        return left->length == right->length && !memcmp(left->bytes, right->bytes, left->length);
    }
    return false;
}

static void picture_fini(struct picture *picture)
{
    free(picture->url);
    free(picture->bytes);
}

static bool has_picture(const struct answer *answer, const struct picture *picture)
{
    for (size_t i = 0; i < answer->picture_count; i++) {
        if (is_same(&answer->pictures[i], picture))
            return true;
    }
    return false;
}

/* Takes what @picture owns, also on error. One that is there already is dropped. */
static int add_picture(struct answer *answer, struct picture *picture)
{
    struct picture *pictures;

    if (answer->picture_count == RESPONSE_ITEMS_MAX || has_picture(answer, picture)) {
        picture_fini(picture);
        return 0;
    }
    pictures = reallocarray(answer->pictures, answer->picture_count + 1, sizeof(*pictures));
    if (!pictures) {
        picture_fini(picture);
        return -ENOMEM;
    }
    answer->pictures = pictures;
    pictures[answer->picture_count++] = *picture;
    return 0;
}

static int add_broken(struct answer *answer, unsigned part)
{
    unsigned *broken = reallocarray(answer->broken, answer->broken_count + 1, sizeof(*broken));

    if (!broken)
        return -ENOMEM;
    answer->broken = broken;
    broken[answer->broken_count++] = part;
    return 0;
}

static void copy_mime(const char *mime, char copy[LIFT_MIME_SIZE])
{
    copy[0] = '\0';
    if (mime)
        data_uri_copy_mime(mime, strcspn(mime, "; "), copy);
}

/* A part is a picture where all of it came and was base64. */
static int take_part(struct answer *answer, const struct lift_part *info, unsigned part,
                     const char *mime)
{
    struct picture picture = {.source = PICTURE_PART, .part = part};

    if (info->encoding != LIFT_BYTES || !info->complete || info->damaged)
        return answer->broken_count < LIFT_PARTS_MAX ? add_broken(answer, part) : 0;
    copy_mime(mime, picture.mime);
    if (info->mime[0])
        memcpy(picture.mime, info->mime, LIFT_MIME_SIZE);
    return add_picture(answer, &picture);
}

static bool is_url(const char *text)
{
    return !strncasecmp(text, "https://", 8) || !strncasecmp(text, "http://", 7);
}

static int take_url(struct answer *answer, const char *text, const char *mime)
{
    struct picture picture = {.source = PICTURE_URL, .part = LIFT_NONE};
    size_t length = strlen(text);

    while (length && (unsigned char)text[length - 1] <= ' ')
        length--;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f) {
            answer->unusable_count++;
            return 0;
        }
    }
    copy_mime(mime, picture.mime);
    picture.url = strndup(text, length);
    return picture.url ? add_picture(answer, &picture) : -ENOMEM;
}

/* Base64 so short that it stayed in the skeleton. */
static int take_base64(struct answer *answer, const char *text, const char *mime)
{
    struct picture picture = {.source = PICTURE_BYTES, .part = LIFT_NONE};
    struct base64_decoder decoder;
    size_t length = strlen(text);
    cleanup_free unsigned char *bytes = malloc(BASE64_DECODE_ROOM(length));

    if (!bytes)
        return -ENOMEM;
    base64_decode_start(&decoder);
    picture.length = base64_decode(&decoder, text, length, bytes);
    picture.length += base64_decode_finish(&decoder, bytes + picture.length);
    if (decoder.damaged || !picture.length) {
        answer->unusable_count++;
        return 0;
    }
    copy_mime(mime, picture.mime);
    picture.bytes = steal_ptr(bytes);
    return add_picture(answer, &picture);
}

int response_take_picture(struct reading *reading, const char *string, const char *mime,
                          bool may_be_base64)
{
    struct answer *answer = reading->answer;
    char uri_mime[LIFT_MIME_SIZE];
    const struct lift_part *info;
    unsigned part;
    size_t prefix;

    if (!string)
        return 0;
    if (mime && lift_is_marker(mime, &part))
        mime = NULL;
    info = find_part(reading, string, &part);
    if (info)
        return take_part(answer, info, part, mime);
    string = lift_string(string);
    string += strspn(string, " \t\r\n");
    if (!*string)
        return 0;
    if (is_url(string))
        return take_url(answer, string, mime);
    prefix = data_uri_prefix(string, strlen(string), uri_mime);
    if (prefix)
        return take_base64(answer, string + prefix, uri_mime[0] ? uri_mime : mime);
    if (may_be_base64)
        return take_base64(answer, string, mime);
    answer->unusable_count++;
    return 0;
}

int response_set(char **slot, const char *string)
{
    unsigned part;

    if (*slot || !string || !*string || lift_is_marker(string, &part))
        return 0;
    *slot = strdup(lift_string(string));
    if (!*slot)
        return -ENOMEM;
    text_make_printable(*slot, ' ');
    return 0;
}

int response_take_text(struct reading *reading, const char *string)
{
    struct answer *answer = reading->answer;
    struct answer_text *texts;
    struct answer_text text = {NULL, LIFT_NONE};

    if (!string || answer->text_count == RESPONSE_ITEMS_MAX)
        return 0;
    if (!find_part(reading, string, &text.part) && text_is_blank(string, strlen(string)))
        return 0;
    texts = reallocarray(answer->texts, answer->text_count + 1, sizeof(*texts));
    if (!texts)
        return -ENOMEM;
    answer->texts = texts;
    if (text.part == LIFT_NONE) {
        int error = response_set(&text.text, string);
        if (error)
            return error;
    }
    texts[answer->text_count++] = text;
    return 0;
}

bool response_is_plain_finish(const char *reason)
{
    return !reason || !strcasecmp(reason, "STOP") ||
           !strcasecmp(reason, "FINISH_REASON_UNSPECIFIED");
}

int response_set_finish(struct answer *answer, const char *reason, const char *message)
{
    int error;

    if (!response_is_plain_finish(reason) && response_is_plain_finish(answer->finish_reason)) {
        free(answer->finish_reason);
        free(answer->finish_message);
        answer->finish_reason = NULL;
        answer->finish_message = NULL;
    }
    error = response_set(&answer->finish_reason, reason);
    return error ? error : response_set(&answer->finish_message, message);
}

void response_set_count(int64_t *slot, int64_t count)
{
    if (count >= 0)
        *slot = count;
}

/* A sink in memory, for the pictures in a text that is itself in memory. */
struct inline_pictures {
    struct buf bytes;      /* of the picture that is open */
    struct picture *found; /* by the numbers of their parts; without bytes: damaged */
    size_t count;
};

static void inline_fini(struct inline_pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++)
        picture_fini(&pictures->found[i]);
    free(pictures->found);
    buf_fini(&pictures->bytes);
}

static int inline_open(void *ctx, unsigned part, enum lift_encoding encoding)
{
    struct inline_pictures *pictures = ctx;
    struct picture *found = reallocarray(pictures->found, part + 1, sizeof(*found));

    (void)encoding;
    if (!found)
        return -ENOMEM;
    pictures->found = found;
    for (; pictures->count <= part; pictures->count++)
        found[pictures->count] = (struct picture){.source = PICTURE_BYTES, .part = LIFT_NONE};
    buf_clear(&pictures->bytes);
    return 0;
}

static int inline_write(void *ctx, unsigned part, const void *data, size_t length)
{
    struct inline_pictures *pictures = ctx;

    (void)part;
    return buf_append(&pictures->bytes, data, length);
}

static int inline_close(void *ctx, unsigned part, const struct lift_part *info)
{
    struct inline_pictures *pictures = ctx;
    struct picture *picture = &pictures->found[part];

    if (info->damaged || !info->complete || !info->bytes)
        return 0;
    memcpy(picture->mime, info->mime, LIFT_MIME_SIZE);
    picture->length = pictures->bytes.length;
    picture->bytes = (unsigned char *)buf_steal(&pictures->bytes);
    return 0;
}

static void cleanup_markdown_impl(struct markdown **markdown)
{
    markdown_destroy(*markdown);
}

/* The one that stood in part @part, if it is good. */
static int take_inline(struct answer *answer, struct inline_pictures *pictures, unsigned part)
{
    struct picture picture;

    if (part >= pictures->count || !pictures->found[part].bytes) {
        answer->unusable_count++;
        return 0;
    }
    picture = pictures->found[part];
    pictures->found[part].bytes = NULL;
    return add_picture(answer, &picture);
}

/* In the order of the text. */
static int take_inline_links(struct answer *answer, struct inline_pictures *pictures,
                             const struct markdown_result *found)
{
    int error = 0;

    for (size_t i = 0; i < found->count && !error; i++) {
        const struct markdown_link *link = &found->links[i];
        error = link->url ? take_url(answer, link->url, NULL)
                          : take_inline(answer, pictures, link->part);
    }
    return error;
}

static int scan_inline(struct answer *answer, const char *text)
{
    struct inline_pictures pictures = {0};
    const struct lift_sink sink = {&pictures, inline_open, inline_write, inline_close};
    cleanup_(cleanup_markdown_impl) struct markdown *markdown = NULL;
    struct markdown_result found;
    int error = markdown_create(&sink, 0, &markdown);

    buf_init(&pictures.bytes, LIFT_INLINE_MAX);
    if (!error)
        error = markdown_feed(markdown, text, strlen(text));
    if (!error)
        error = markdown_finish(markdown, &found);
    if (!error)
        error = take_inline_links(answer, &pictures, &found);
    inline_fini(&pictures);
    return error;
}

/* Look for pictures in one text. @param drop set where the text is nothing but a picture */
static int scan_text(struct reading *reading, const struct answer_text *text, bool *drop)
{
    struct answer *answer = reading->answer;
    char mime[LIFT_MIME_SIZE];
    size_t prefix;

    if (!text->text) {
        *drop = reading->result->parts[text->part].encoding != LIFT_TEXT;
        if (*drop)
            return take_part(answer, &reading->result->parts[text->part], text->part, NULL);
        answer->scan_texts = true;
        return 0;
    }
    prefix = data_uri_prefix(text->text, strlen(text->text), mime);
    *drop = prefix != 0;
    return prefix ? take_base64(answer, text->text + prefix, mime)
                  : scan_inline(answer, text->text);
}

int response_scan_texts(struct reading *reading)
{
    struct answer *answer = reading->answer;
    bool look = !answer->picture_count;
    size_t kept = 0;
    int error = 0;

    for (size_t i = 0; i < answer->text_count; i++) {
        struct answer_text text = answer->texts[i];
        bool drop = !text.text && reading->result->parts[text.part].encoding != LIFT_TEXT;

        if (look && !error)
            error = scan_text(reading, &text, &drop);
        if (drop)
            free(text.text);
        else
            answer->texts[kept++] = text;
    }
    answer->text_count = kept;
    if (answer->picture_count)
        answer->scan_texts = false;
    return error;
}

int response_take_markdown(struct answer *answer, const struct markdown_result *found)
{
    int error = 0;

    for (size_t i = 0; i < found->count && !error; i++) {
        const struct markdown_link *link = &found->links[i];
        error = link->url ? take_url(answer, link->url, NULL)
                          : take_part(answer, &link->info, link->part, NULL);
    }
    if (error)
        return error;
    answer->scan_texts = false;
    if (answer->picture_count)
        failure_init(&answer->failure);
    else if (answer->broken_count)
        sentence_tell(&answer->failure, SENTENCE_BROKEN_PICTURE, "");
    return 0;
}
