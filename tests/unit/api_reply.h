/* SPDX-License-Identifier: MIT
 *
 * An answer, from the body on: for the tests of response.h.
 */
#ifndef EASELFS_TESTS_API_REPLY_H
#define EASELFS_TESTS_API_REPLY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/response.h"
#include "api_parts.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define KEY "sk-canary-0123456789"

static const struct fault_context context = {.body_complete = true, .key = KEY};

struct reply {
    struct api_parts *parts;
    struct lift *lift;
    struct lift_result result;
    struct answer *answer;
};

static inline void reply_fini(struct reply *reply)
{
    response_destroy(reply->answer);
    lift_destroy(reply->lift);
    api_parts_destroy(reply->parts);
}

#define cleanup_reply cleanup_(reply_fini)

/*
 * Append @text, with some marks replaced by what is too long to write down: @B is 6000 characters
 * of base64, @D the same with damage in it, @T 6000 characters of text.
 */
static inline void append_expanded(struct buf *body, const char *text)
{
    for (; *text; text++) {
        if (text[0] != '@' || !strchr("BDT", text[1])) {
            assert_int_equal(buf_append(body, text, 1), 0);
            continue;
        }
        text++;
        for (int i = 0; i < 1500; i++)
            buf_append_text(body, *text == 'T'                ? "Tex,"
                                  : i == 1400 && *text == 'D' ? "Z*9v"
                                                              : "Zm9v");
    }
}

static inline struct reply read_reply(const char *text)
{
    struct reply reply = {.parts = api_parts_create()};
    struct lift_sink sink = api_parts_sink(reply.parts);
    cleanup_buf struct buf body;

    buf_init(&body, 1 << 20);
    append_expanded(&body, text);
    assert_int_equal(lift_create(&sink, NULL, &reply.lift), 0);
    assert_int_equal(lift_feed(reply.lift, body.data, body.length), 0);
    assert_int_equal(lift_finish(reply.lift, &reply.result), 0);
    assert_int_equal(response_parse(&reply.result, &context, &reply.answer), 0);
    return reply;
}

#define PARTS(parts)  "{\"candidates\":[{\"content\":{\"parts\":[" parts "]}}]}"
#define PNG(data)     "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"" data "\"}}"
#define TEXT(text)    "{\"text\":\"" text "\"}"
#define CHAT(message) "{\"choices\":[{\"message\":{" message "},\"finish_reason\":\"stop\"}]}"

#endif
