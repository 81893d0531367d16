/* SPDX-License-Identifier: MIT
 *
 * An answer with status 200, from the body to what the user is told: there is a picture or a
 * sentence, whatever came.
 */
#include <errno.h>

#include "api/response.h"
#include "api_parts.h"
#include "fuzz_common.h"

#define KEY "sk-canary-0123456789"

static const struct fault_context context = {.body_complete = true, .key = KEY};

static void check_picture(const struct picture *picture, const struct api_parts *parts)
{
    CHECK((picture->source == PICTURE_PART) == (picture->part != LIFT_NONE));
    CHECK((picture->source == PICTURE_BYTES) == (picture->bytes != NULL));
    CHECK((picture->source == PICTURE_URL) == (picture->url != NULL));
    CHECK(strlen(picture->mime) < LIFT_MIME_SIZE);
    if (picture->source == PICTURE_PART) {
        CHECK(picture->part < parts->count);
        CHECK(parts->closed[picture->part] && parts->info[picture->part].complete);
        CHECK(!parts->info[picture->part].damaged);
        CHECK(parts->encoding[picture->part] == LIFT_BYTES);
    }
    if (picture->source == PICTURE_BYTES)
        CHECK(picture->length > 0);
    if (picture->source == PICTURE_URL)
        for (const char *c = picture->url; *c; c++)
            CHECK((unsigned char)*c > ' ' && *c != 0x7f);
}

static void check_printable(const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (!text)
        return;
    CHECK(text_utf8_prefix(text, length) == length);
    for (size_t i = 0; i < length; i++)
        CHECK((unsigned char)text[i] >= 0x20 || text[i] == '\n' || text[i] == '\t');
}

static void check_answer(const struct answer *answer, const struct api_parts *parts)
{
    for (size_t i = 0; i < answer->picture_count; i++)
        check_picture(&answer->pictures[i], parts);
    for (size_t i = 0; i < answer->broken_count; i++)
        CHECK(answer->broken[i] < parts->count);
    for (size_t i = 0; i < answer->text_count; i++) {
        check_printable(answer->texts[i].text);
        CHECK(answer->texts[i].text || parts->encoding[answer->texts[i].part] == LIFT_TEXT);
    }
    check_printable(answer->finish_reason);
    check_printable(answer->finish_message);
    check_printable(answer->block_reason);
    check_printable(answer->block_message);
    check_printable(answer->model_version);
    check_printable(answer->response_id);
    check_printable(answer->create_time);
    check_printable(answer->traffic_type);
    CHECK(answer->prompt_tokens >= -1 && answer->total_tokens >= -1);
    CHECK((answer->failure.error != 0) == (answer->picture_count == 0));
    if (!answer->failure.error)
        return;
    check_failure(&answer->failure, KEY);
    CHECK(answer->failure.charge != CHARGE_NONE);
    CHECK(!answer->failure.retry && answer->failure.http_status == 200);
}

/* As the caller does: look for pictures in the texts that are in parts. */
static void scan_texts(struct answer *answer, struct api_parts *parts)
{
    unsigned part_count = parts->count;

    for (size_t i = 0; i < answer->text_count; i++) {
        struct lift_sink sink = api_parts_sink(parts);
        struct markdown *markdown = NULL;
        struct markdown_result found;
        const struct buf *text;
        if (answer->texts[i].text)
            continue;
        CHECK(answer->texts[i].part < part_count);
        text = &parts->data[answer->texts[i].part];
        CHECK(!markdown_create(&sink, parts->count, &markdown));
        CHECK(!markdown_feed(markdown, buf_text(text), text->length));
        CHECK(!markdown_finish(markdown, &found));
        CHECK(!response_take_markdown(answer, &found));
        markdown_destroy(markdown);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct api_parts *parts = api_parts_create();
    struct lift_sink sink = api_parts_sink(parts);
    struct lift *lift = NULL;
    struct lift_result result;
    struct answer *answer = NULL;
    struct failure failure;
    struct buf body;

    buf_init(&body, 64 << 20);
    append_expanded(input, &body);
    CHECK(!lift_create(&sink, NULL, &lift));
    lift_feed(lift, buf_text(&body), body.length);
    CHECK(!lift_finish(lift, &result));
    CHECK(!response_parse(&result, &context, &answer));
    check_answer(answer, parts);
    response_no_picture(answer, "text/html", &failure);
    check_failure(&failure, "\x01");
    if (answer->scan_texts) {
        CHECK(!answer->picture_count);
        scan_texts(answer, parts);
        check_answer(answer, parts);
    }
    response_destroy(answer);
    lift_destroy(lift);
    api_parts_destroy(parts);
    buf_fini(&body);
    return 0;
}
