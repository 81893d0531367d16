/* SPDX-License-Identifier: MIT */
#include "standin/generate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/fault.h"
#include "standin/forms.h"
#include "standin/thumbnail.h"

#define MAX_SEED_TEXT (70 << 10) /* of a prompt, as far as it makes colours */
#define DRAFT_SCALE   4

static const char default_words[] = "Here is your picture.";

static const char *finish_message(const struct order *order)
{
    return directive_text(order->directives, D_MESSAGE,
                          "Unable to show the generated image. The image was filtered out because "
                          "it violated Google's Generative AI Prohibited Use policy.");
}

/* Equal prompts, variants, seeds and indices give equal colours. */
static void choose_colours(const struct order *order, unsigned index, struct painting *painting)
{
    struct text text;

    text_init(&text, MAX_SEED_TEXT);
    text_printf(&text, "%u %lld %lld ", index, (long long)order->variant,
                (long long)order->request->seed);
    text_add(&text, order->text, strnlen(order->text, MAX_SEED_TEXT - 100));
    sha256_digest(text.data ? text.data : "", text.length, painting->digest);
    text_fini(&text);
}

static void choose_size(const struct order *order, struct painting *painting)
{
    const struct request *request = order->request;
    int64_t size = directive_number(order->directives, D_SIZE, 0);
    int width = 0;
    int height = 0;

    if (size) {
        painting->width = (int)(size >> 16);
        painting->height = (int)(size & 0xffff);
        return;
    }
    if (!request->ratio && request->reference_count) {
        const struct blob *first = request->references[0].bytes;

        thumbnail_size(blob_data(first), blob_size(first), &width, &height);
    }
    model_pixels(order->model, request->ratio, request->size, width, height, &painting->width,
                 &painting->height);
}

static enum picture_word choose_kind(const struct order *order)
{
    bool jpeg = model_profile(order->model)->jpeg;

    return (enum picture_word)directive_word(order->directives, D_PICTURE,
                                             jpeg ? PICTURE_JPEG : PICTURE_PNG);
}

/* What stands behind "stand-in": the model, the size, and which one it is where there are more. */
static void write_mark(const struct order *order, const struct painting *painting, unsigned index,
                       unsigned count, bool draft, char *mark, size_t size)
{
    int length = snprintf(mark, size, "%s%.60s · %d × %d", draft ? "draft · " : "", order->model,
                          painting->width, painting->height);

    if (!draft && count > 1)
        length += snprintf(mark + length, size - (size_t)length, " · %u of %u", index + 1, count);
    if (order->variant)
        snprintf(mark + length, size - (size_t)length, " · no. %zu", order->variant + 1);
}

/* Make picture @index of @count; a draft is smaller and has colours of its own. */
static int make(const struct order *order, unsigned index, unsigned count, bool draft,
                struct picture *picture)
{
    char mark[200];
    struct commission commission = {
        .kind = choose_kind(order),
        .bytes = (size_t)directive_number(order->directives, D_PICTURE_BYTES, 0),
        .index = draft ? 1000 + index : index,
        .painting = {.text = order->text,
                     .mark = mark,
                     .references = order->request->references,
                     .reference_count = order->request->reference_count}};

    choose_size(order, &commission.painting);
    choose_colours(order, commission.index, &commission.painting);
    if (draft) {
        commission.kind = model_profile(order->model)->jpeg ? PICTURE_JPEG : PICTURE_PNG;
        commission.painting.width = (commission.painting.width + DRAFT_SCALE - 1) / DRAFT_SCALE;
        commission.painting.height = (commission.painting.height + DRAFT_SCALE - 1) / DRAFT_SCALE;
        commission.bytes = commission.bytes > 100000 ? 100000 : commission.bytes;
    }
    write_mark(order, &commission.painting, index, count, draft, mark, sizeof(mark));
    return picture_make(order->cache, &commission,
                        draft ? 0 : directive_number(order->directives, D_BASE64, 0), picture);
}

static int add_drafts(const struct order *order, struct contents *contents)
{
    const struct directives *directives = order->directives;
    bool thinks = model_profile(order->model)->thinks;
    bool only = directive_number(directives, D_DRAFTS_ONLY, 0);
    int64_t count = directive_number(directives, D_DRAFTS, thinks || only ? 1 : 0);
    int error = 0;

    if (count &&
        !contents_add_words(contents, "Planning the composition, light and colours.", NULL, true))
        error = -ENOMEM;
    for (unsigned i = 0; i < count && !error; i++) {
        struct picture picture;

        error = make(order, i, (unsigned)count, true, &picture);
        if (error)
            return error;
        error = contents_add_picture(contents, &picture, true);
        picture_fini(&picture);
    }
    return error;
}

static int add_pictures(const struct order *order, struct contents *contents)
{
    const struct directives *directives = order->directives;
    unsigned count = (unsigned)directive_number(directives, D_PICTURES, 1);
    int times = directive_number(directives, D_DUPLICATE, 0) ? 2 : 1;
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        struct picture picture;

        error = make(order, i, count, false, &picture);
        if (error)
            return error;
        for (int j = 0; j < times && !error; j++)
            error = contents_add_picture(contents, &picture, false);
        picture_fini(&picture);
    }
    return error;
}

static int add_many_words(size_t size, struct contents *contents)
{
    static const char sentence[] = "All work and no play makes a long answer. ";
    unsigned char *bytes;
    struct blob *blob;
    int error = blob_create(size, &bytes, &blob);

    if (error)
        return error;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)sentence[i % (sizeof(sentence) - 1)];
    error = contents_add_words(contents, "", blob, false) ? 0 : -ENOMEM;
    blob_unref(blob);
    return error;
}

static int add_words(const struct order *order, struct contents *contents)
{
    const struct directives *directives = order->directives;
    size_t size = (size_t)directive_number(directives, D_WORDS_BYTES, 0);
    bool given = directive_given(directives, D_WORDS);
    const char *words = directive_text(directives, D_WORDS, default_words);

    if (size)
        return add_many_words(size, contents);
    if (!given && !order->request->wants_words)
        return 0;
    if (!*words)
        return 0;
    return contents_add_words(contents, words, NULL, false) ? 0 : -ENOMEM;
}

static int add_all(const struct order *order, struct contents *contents)
{
    bool only_words = directive_word(order->directives, D_NO_PICTURE, 0) == NO_PICTURE_WORDS_ONLY ||
                      !order->request->wants_picture;
    bool only_drafts = directive_number(order->directives, D_DRAFTS_ONLY, 0);
    int error = 0;

    if (only_words)
        return contents_add_words(contents,
                                  directive_text(order->directives, D_WORDS,
                                                 "I cannot draw this. Please describe it "
                                                 "differently."),
                                  NULL, false)
                   ? 0
                   : -ENOMEM;
    error = add_drafts(order, contents);
    if (!error && !only_drafts)
        error = add_pictures(order, contents);
    if (!error && !only_drafts)
        error = add_words(order, contents);
    return error;
}

/* Answers whose body is a fixed text. @return NULL for the others. */
static const char *fixed_body(int no_picture)
{
    switch (no_picture) {
    case NO_PICTURE_EMPTY_BODY:
        return "";
    case NO_PICTURE_EMPTY_OBJECT:
        return "{}";
    case NO_PICTURE_EMPTY_ARRAY:
        return "[]";
    case NO_PICTURE_NULL:
        return "null";
    case NO_PICTURE_NOT_JSON:
        return "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body></body></html>\n";
    default:
        return NULL;
    }
}

/* @return the finishReason; no parts go with most. */
static const char *finish_reason(const struct order *order)
{
    const struct directives *directives = order->directives;

    if (directive_word(directives, D_NO_PICTURE, 0) == NO_PICTURE_SAFETY)
        return "SAFETY";
    return directive_text(directives, D_FINISH, "STOP");
}

static int write_contents(const struct order *order, struct contents *contents,
                          struct answer *answer)
{
    const struct directives *directives = order->directives;
    int no_picture = directive_word(directives, D_NO_PICTURE, 0);
    const char *reason = finish_reason(order);
    bool stopped = strcmp(reason, "STOP") != 0 || (no_picture > NO_PICTURE_WORDS_ONLY);
    int error = 0;

    contents->finish_reason = reason;
    if (strcmp(reason, "STOP") != 0)
        contents->finish_message = finish_message(order);
    if (!stopped || directive_number(directives, D_KEEP_PICTURE, 0))
        error = add_all(order, contents);
    return error ? error : contents_write(contents, answer);
}

int generate(const struct order *order, struct answer *answer)
{
    int no_picture = directive_word(order->directives, D_NO_PICTURE, 0);
    const char *fixed = fixed_body(no_picture);
    struct contents *contents;
    int error;

    answer->status = 200;
    if (no_picture == NO_PICTURE_ERROR_IN_200) {
        error = fault_write((unsigned)directive_number(order->directives, D_NO_PICTURE, 500), NULL,
                            order->directives, answer);
        answer->status = 200;
        return error;
    }
    if (fixed) {
        body_add(&answer->body, fixed, strlen(fixed));
        return answer_header(answer, "Content-Type",
                             no_picture == NO_PICTURE_NOT_JSON ? "text/html; charset=UTF-8"
                                                               : "application/json; charset=UTF-8");
    }
    error = contents_create(order, &contents);
    if (error)
        return error;
    error = write_contents(order, contents, answer);
    contents_destroy(contents);
    return error;
}
