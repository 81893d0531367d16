/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "api/response.h"
#include "api_reply.h"

/* What an answer holds, in one line. */
static void summarize(const struct answer *answer, struct buf *text)
{
    for (size_t i = 0; i < answer->picture_count; i++) {
        const struct picture *picture = &answer->pictures[i];
        assert_int_equal(picture->source == PICTURE_PART, picture->part != LIFT_NONE);
        assert_int_equal(picture->source == PICTURE_BYTES, picture->bytes != NULL);
        assert_int_equal(picture->source == PICTURE_URL, picture->url != NULL);
        if (picture->source == PICTURE_PART)
            buf_printf(text, "part %u <%s>; ", picture->part, picture->mime);
        else if (picture->source == PICTURE_URL)
            buf_printf(text, "%s <%s>; ", picture->url, picture->mime);
        else
            buf_printf(text, "'%.*s' <%s>; ", (int)picture->length, picture->bytes, picture->mime);
    }
    if (answer->draft_count)
        buf_printf(text, "drafts %zu; ", answer->draft_count);
    for (size_t i = 0; i < answer->broken_count; i++)
        buf_printf(text, "broken %u; ", answer->broken[i]);
    if (answer->unusable_count)
        buf_printf(text, "unusable %zu; ", answer->unusable_count);
    for (size_t i = 0; i < answer->text_count; i++) {
        if (answer->texts[i].text)
            buf_printf(text, "\"%s\"; ", answer->texts[i].text);
        else
            buf_printf(text, "text %u; ", answer->texts[i].part);
    }
    if (answer->scan_texts)
        buf_printf(text, "scan; ");
    if (answer->incomplete)
        buf_printf(text, "incomplete; ");
}

struct picture_row {
    const char *body;
    const char *summary;
};

/* Answers with a picture: each place of API.md, section 3, and each rule. */
static const struct picture_row picture_rows[] = {
    /* 1: inline */
    {PARTS(PNG("Zm9vYmFy")), "'foobar' <image/png>; "},
    {PARTS(PNG("@B")), "part 0 <image/png>; "},
    {PARTS("{\"inline_data\":{\"mime_type\":\"image/jpeg\",\"data\":\"Zm9v\"}}"),
     "'foo' <image/jpeg>; "},
    {PARTS("{\"inlineData\":{\"data\":\"Zm9v\"}}"), "'foo' <>; "},
    {PARTS("{\"inlineData\":{\"data\":\"Zm9v\",\"mimeType\":7}}"), "'foo' <>; "},
    {PARTS("{\"inlineData\":{\"data\":\"Zm9v\",\"mimeType\":\"IMAGE/PNG; x=y\"}}"),
     "'foo' <image/png>; "},
    {PARTS("{\"inlineData\":{\"data\":\"Zm9v\",\"mimeType\":\"../../etc\\n\"}}"), "'foo' <>; "},
    {PARTS(PNG("Zm9vYg")), "'foob' <image/png>; "},
    {PARTS(PNG("Pz8_\\nPz8\\/")), "'\?\?\?\?\?\?' <image/png>; "},
    /* 2: the same holding a URL or a data: URI */
    {PARTS(PNG("https:\\/\\/h\\/p.png?a=b&c=d")), "https://h/p.png?a=b&c=d <image/png>; "},
    {PARTS(PNG(" http://h/p \\n")), "http://h/p <image/png>; "},
    {PARTS(PNG("data:image/webp;base64,Zm9v")), "'foo' <image/webp>; "},
    {PARTS(PNG("data:;base64,Zm9v")), "'foo' <image/png>; "},
    {PARTS(PNG("data:image/webp;base64,@B")), "part 0 <image/webp>; "},
    /* 3: files and URLs */
    {PARTS("{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":\"https://h/f\"}}"),
     "https://h/f <image/png>; "},
    {PARTS("{\"file_data\":{\"mime_type\":\"image/png\",\"file_uri\":\"https://h/f\"}}"),
     "https://h/f <image/png>; "},
    {PARTS("{\"url\":\"https://h/u\"}"), "https://h/u <>; "},
    {PARTS("{\"url\":\"data:image/png;base64,@B\"}"), "part 0 <image/png>; "},
    /* 4: Markdown, where nothing else is there */
    {PARTS(TEXT("See ![a](https://h/m)")), "https://h/m <>; \"See ![a](https://h/m)\"; "},
    {PARTS(TEXT("![a](data:image/png;base64,Zm9v)")),
     "'foo' <image/png>; \"![a](data:image/png;base64,Zm9v)\"; "},
    {PARTS(TEXT("![a](https://h/m)") "," PNG("Zm9v")),
     "'foo' <image/png>; \"![a](https://h/m)\"; "},
    {PARTS(TEXT("data:image/png;base64,Zm9v")), "'foo' <image/png>; "},
    {PARTS(TEXT("data:image/png;base64,@B") "," TEXT("words")), "part 0 <image/png>; \"words\"; "},
    {PARTS(TEXT("data:image/png;base64,@B") "," PNG("Zm9v")), "'foo' <image/png>; "},
    {PARTS(TEXT("![](https://h/1)") "," TEXT("![](https://h/2) ![](https://h/1)")),
     "https://h/1 <>; https://h/2 <>; \"![](https://h/1)\"; "
     "\"![](https://h/2) ![](https://h/1)\"; "},
    /* 5: OpenAI's forms */
    {"{\"created\":1,\"data\":[{\"b64_json\":\"Zm9v\"},{\"url\":\"https://h/d\"}]}",
     "'foo' <>; https://h/d <>; "},
    {"{\"data\":[{\"b64_json\":\"@B\"}]}", "part 0 <>; "},
    {CHAT("\"content\":\"Here.\",\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
          "\"data:image/png;base64,Zm9v\"}}]"),
     "'foo' <image/png>; \"Here.\"; "},
    {CHAT("\"images\":[{\"image_url\":{\"url\":\"data:image/png;base64,@B\"}}]"),
     "part 0 <image/png>; "},
    {CHAT("\"images\":[{\"image_url\":\"https://h/s\"},{\"url\":\"https://h/t\"},\"https://h/u\"]"),
     "https://h/s <>; https://h/t <>; https://h/u <>; "},
    /* in the order of the text, also around one that is damaged */
    {PARTS(TEXT("![](https://h/1) ![](data:image/png;base64,Zm9v) ![](data:;base64,Zm9) "
                "![](https://h/2) ![](data:;base64,YmFy)")),
     "https://h/1 <>; 'foo' <image/png>; https://h/2 <>; 'bar' <>; unusable 1; "
     "\"![](https://h/1) ![](data:image/png;base64,Zm9v) ![](data:;base64,Zm9) "
     "![](https://h/2) ![](data:;base64,YmFy)\"; "},
    {CHAT("\"content\":\"![x](https://h/c)\""), "https://h/c <>; \"![x](https://h/c)\"; "},
    {CHAT("\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"image_url\",\"image_url\":{"
          "\"url\":\"https://h/c\"}}]"),
     "https://h/c <>; \"t\"; "},
    /* 6: wrapped in an array */
    {"[" PARTS(PNG("Zm9v")) "]", "'foo' <image/png>; "},
    {"[" PARTS(TEXT("a")) "," PARTS(PNG("Zm9v")) "," PARTS(TEXT("b")) "]",
     "'foo' <image/png>; \"a\"; \"b\"; "},
    {"[null,7,\"x\",[]," PARTS(PNG("Zm9v")) "]", "'foo' <image/png>; "},
    /* drafts are no results */
    {PARTS("{\"text\":\"plan\",\"thought\":true},{\"thought\":true,\"inlineData\":{\"mimeType\":"
           "\"image/jpeg\",\"data\":\"ZHJhZnQ=\"}}," PNG("Zm9v") "," TEXT("Here.")),
     "'foo' <image/png>; drafts 1; \"Here.\"; "},
    {PARTS("{\"thought\":\"true\",\"inlineData\":{\"data\":\"ZHJhZnQ=\"}},{\"inlineData\":{"
           "\"data\":\"Zm9v\"},\"thought\":false,\"thoughtSignature\":\"@B\"}"),
     "'foo' <>; drafts 1; "},
    {PARTS("{\"thought\":true,\"inlineData\":{\"data\":\"@B\"}}," PNG("@B")),
     "part 1 <image/png>; drafts 1; "},
    /* several pictures; the same one twice */
    {PARTS(PNG("Zm9v") "," PNG("YmFy") "," PNG("Zm9v")), "'foo' <image/png>; 'bar' <image/png>; "},
    {PARTS(PNG("@B") "," PNG("@B")), "part 0 <image/png>; part 1 <image/png>; "},
    {"{\"candidates\":[{\"content\":{\"parts\":[" PNG("Zm9v") "]}},{\"content\":{\"parts\":[" PNG(
         "YmFy") "]}}]}",
     "'foo' <image/png>; 'bar' <image/png>; "},
    {PARTS(PNG("https://h/p") "," PNG("https://h/p")), "https://h/p <image/png>; "},
    /* members absent, null, empty, of the wrong type, in any order, twice */
    {"{\"usageMetadata\":null,\"promptFeedback\":null,\"candidates\":[null,{},{\"content\":null},"
     "{\"content\":[]},{\"content\":{\"parts\":null}},{\"content\":{\"parts\":\"x\"}},{\"content\":"
     "{\"parts\":[null,1,\"x\",[],{},{\"inlineData\":null},{\"inlineData\":[]},{\"text\":null},"
     "{\"text\":\"\"},{\"text\":{}},{\"inlineData\":{\"data\":null}},{\"inlineData\":{\"data\":\"\""
     "}}," PNG("Zm9v") "]}}]}",
     "'foo' <image/png>; "},
    {"{\"candidates\":[{\"content\":{\"parts\":" PNG("Zm9v") "}}]}", "'foo' <image/png>; "},
    {"{\"candidates\":[{\"content\":{\"parts\":[" PNG("Zm9v") "]}}],\"candidates\":[]}",
     "'foo' <image/png>; "},
    {"{\"inlineData\":null,\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":null,"
     "\"inline_data\":{\"data\":\"Zm9v\"}}]}}]}",
     "'foo' <>; "},
    /* with an error beside a picture, the picture counts */
    {"{\"error\":{\"code\":500,\"message\":\"x\"},\"candidates\":[{\"finishReason\":\"OTHER\","
     "\"content\":{\"parts\":[" PNG("Zm9v") "]}}]}",
     "'foo' <image/png>; "},
    /* whole pictures of a body that is not whole */
    {"{\"candidates\":[{\"content\":{\"parts\":[" PNG("Zm9v") "," TEXT("and"),
     "'foo' <image/png>; \"and\"; incomplete; "},
    {"{\"candidates\":[{\"content\":{\"parts\":[" PNG("@B") ",{\"inlineData\":{\"data\":\"@B",
     "part 0 <image/png>; broken 1; incomplete; "},
    {PARTS(PNG("Zm9v")) " garbage", "'foo' <image/png>; incomplete; "},
    {PARTS(PNG("Zm9v") "," PNG("@D") "," PNG("Zm9*")), "'foo' <image/png>; broken 0; unusable 1; "},
    {PARTS(PNG("Zm9v") ",{\"fileData\":{\"fileUri\":\"gs://bucket/x\"}}"),
     "'foo' <image/png>; unusable 1; "},
    /* what looks like a marker is a text */
    {PARTS(TEXT("\\u00010") "," PNG("Zm9v")), "'foo' <image/png>; \" 0\"; "},
    {PARTS(TEXT("a\\u001b[31m\\nb\\u0000") "," PNG("Zm9v")),
     "'foo' <image/png>; \"a [31m\nb\xef\xbf\xbd\"; "},
};

static void finds_pictures_in_every_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(picture_rows) / sizeof(picture_rows[0]); i++) {
        cleanup_reply struct reply reply = read_reply(picture_rows[i].body);
        cleanup_buf struct buf summary;
        buf_init(&summary, 1 << 16);
        summarize(reply.answer, &summary);
        if (strcmp(buf_text(&summary), picture_rows[i].summary) != 0)
            fail_msg("%s:\n%s", picture_rows[i].body, buf_text(&summary));
        assert_int_equal(reply.answer->failure.error, 0);
        assert_int_equal(reply.answer->failure.text[0], 0);
    }
}

static void keeps_what_is_known_of_the_answer(void **state)
{
    cleanup_reply struct reply reply = read_reply("{\"candidates\":[{\"content\":{\"parts\":[" PNG(
        "Zm9v") "]},\"finishReason\":\"STOP\","
                "\"finishMessage\":\"Model generated stop.\",\"index\":0}],"
                "\"usageMetadata\":{\"promptTokenCount\":123,\"candidatesTokenCount\":\"456\","
                "\"thoughtsTokenCount\":7,\"totalTokenCount\":586,\"trafficType\":\"ON_DEMAND\"},"
                "\"modelVersion\":\"gemini-3-pro\\u0007image\",\"responseId\":\"r-1\","
                "\"createTime\":\"2026-05-21T00:00:00Z\"}");

    (void)state;
    assert_string_equal(reply.answer->finish_reason, "STOP");
    assert_string_equal(reply.answer->finish_message, "Model generated stop.");
    assert_null(reply.answer->block_reason);
    assert_string_equal(reply.answer->model_version, "gemini-3-pro image");
    assert_string_equal(reply.answer->response_id, "r-1");
    assert_string_equal(reply.answer->create_time, "2026-05-21T00:00:00Z");
    assert_string_equal(reply.answer->traffic_type, "ON_DEMAND");
    assert_int_equal(reply.answer->prompt_tokens, 123);
    assert_int_equal(reply.answer->candidates_tokens, 456);
    assert_int_equal(reply.answer->thoughts_tokens, 7);
    assert_int_equal(reply.answer->total_tokens, 586);
}

static void counts_that_make_no_sense_are_unknown(void **state)
{
    cleanup_reply struct reply reply = read_reply(
        "[{\"usageMetadata\":{\"promptTokenCount\":-1,\"candidatesTokenCount\":\"4x\","
        "\"thoughtsTokenCount\":1e300,\"totalTokenCount\":null}},"
        "{\"usage_metadata\":{\"total_token_count\":5}},{\"usage\":{\"prompt_tokens\":3,"
        "\"completion_tokens\":4,\"total_tokens\":7},\"model\":\"m\",\"id\":\"chat-1\"}]");

    (void)state;
    assert_int_equal(reply.answer->prompt_tokens, 3);
    assert_int_equal(reply.answer->candidates_tokens, 4);
    assert_int_equal(reply.answer->thoughts_tokens, -1);
    assert_int_equal(reply.answer->total_tokens, 7);
    assert_string_equal(reply.answer->model_version, "m");
    assert_string_equal(reply.answer->response_id, "chat-1");
    assert_null(reply.answer->traffic_type);
}

/* A text too long for the skeleton is scanned by the caller; its pictures join the answer. */
static void takes_the_pictures_of_a_long_text(void **state)
{
    cleanup_reply struct reply reply = read_reply(
        PARTS(TEXT("@T ![a](https://h/m) ![b](data:image/png;base64,Zm9v)") "," TEXT("short")));
    struct lift_sink sink = api_parts_sink(reply.parts);
    cleanup_buf struct buf summary;
    struct markdown *markdown = NULL;
    struct markdown_result found;

    (void)state;
    buf_init(&summary, 1 << 16);
    assert_true(reply.answer->scan_texts);
    assert_int_equal(reply.answer->failure.error, -ENODATA);
    assert_int_equal(markdown_create(&sink, 1, &markdown), 0);
    assert_int_equal(
        markdown_feed(markdown, reply.parts->data[0].data, reply.parts->data[0].length), 0);
    assert_int_equal(markdown_finish(markdown, &found), 0);
    assert_int_equal(response_take_markdown(reply.answer, &found), 0);
    markdown_destroy(markdown);
    summarize(reply.answer, &summary);
    assert_string_equal(buf_text(&summary),
                        "https://h/m <>; part 1 <image/png>; text 0; \"short\"; ");
    assert_int_equal(reply.answer->failure.error, 0);
}

static void a_long_text_may_hold_none(void **state)
{
    cleanup_reply struct reply reply = read_reply(PARTS(TEXT("@T")));
    const struct markdown_result none = {NULL, 0};

    (void)state;
    assert_true(reply.answer->scan_texts);
    assert_int_equal(response_take_markdown(reply.answer, &none), 0);
    assert_false(reply.answer->scan_texts);
    assert_string_equal(reply.answer->failure.text, "The model answered with words only.");
}

static void a_long_text_may_hold_a_damaged_one(void **state)
{
    cleanup_reply struct reply reply = read_reply(PARTS(TEXT("@T")));
    const struct markdown_link link = {
        .part = 1, .info = {.encoding = LIFT_BYTES, .damaged = true, .rest = LIFT_NONE}};
    const struct markdown_result found = {&link, 1};

    (void)state;
    assert_int_equal(response_take_markdown(reply.answer, &found), 0);
    assert_int_equal(reply.answer->broken_count, 1);
    assert_string_equal(reply.answer->failure.text, "The picture arrived damaged.");
}

static void a_damaged_one_does_not_outweigh_a_whole_one(void **state)
{
    cleanup_reply struct reply reply = read_reply(PARTS(TEXT("@T") "," TEXT("@T")));
    const struct markdown_link whole = {
        .part = 2, .info = {.encoding = LIFT_BYTES, .complete = true, .rest = LIFT_NONE}};
    const struct markdown_link cut = {.part = 3,
                                      .info = {.encoding = LIFT_BYTES, .rest = LIFT_NONE}};
    const struct markdown_result found[] = {{&whole, 1}, {&cut, 1}, {NULL, 0}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(response_take_markdown(reply.answer, &found[i]), 0);
        assert_int_equal(reply.answer->failure.error, 0);
    }
    assert_int_equal(reply.answer->picture_count, 1);
    assert_int_equal(reply.answer->broken_count, 1);
}

static void texts_are_not_scanned_where_there_is_a_picture(void **state)
{
    cleanup_reply struct reply reply = read_reply(PARTS(TEXT("@T") "," PNG("@B")));

    (void)state;
    assert_false(reply.answer->scan_texts);
    assert_int_equal(reply.answer->text_count, 1);
}

/* At the maximum and one above: what is more is ignored. */
static void items_are_limited(void **state)
{
    (void)state;
    for (size_t count = RESPONSE_ITEMS_MAX; count <= RESPONSE_ITEMS_MAX + 1; count++) {
        cleanup_buf struct buf body;
        cleanup_reply struct reply reply;
        buf_init(&body, 1 << 20);
        buf_append_text(&body, "{\"candidates\":[{\"content\":{\"parts\":[");
        for (size_t i = 0; i < count; i++)
            buf_printf(&body, "%s{\"url\":\"https://h/%zu\",\"text\":\"t\"}", i ? "," : "", i);
        buf_append_text(&body, "]}}]}");
        reply = read_reply(body.data);
        assert_int_equal(reply.answer->picture_count, RESPONSE_ITEMS_MAX);
        assert_int_equal(reply.answer->text_count, RESPONSE_ITEMS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_pictures_in_every_place),
        cmocka_unit_test(keeps_what_is_known_of_the_answer),
        cmocka_unit_test(counts_that_make_no_sense_are_unknown),
        cmocka_unit_test(takes_the_pictures_of_a_long_text),
        cmocka_unit_test(a_long_text_may_hold_none),
        cmocka_unit_test(a_long_text_may_hold_a_damaged_one),
        cmocka_unit_test(a_damaged_one_does_not_outweigh_a_whole_one),
        cmocka_unit_test(texts_are_not_scanned_where_there_is_a_picture),
        cmocka_unit_test(items_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
