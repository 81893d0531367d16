/* SPDX-License-Identifier: MIT
 *
 * A body, lifted into memory: for the tests of lift.h.
 */
#ifndef EASELFS_TESTS_API_LIFTED_H
#define EASELFS_TESTS_API_LIFTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/lift.h"
#include "api_parts.h"
#include "base/buf.h"
#include "base/cleanup.h"

/* The marker of part 0. */
#define M0 "\"\\u00010\""

struct lifted {
    struct lift *lift;
    struct lift_result result;
    struct api_parts *parts;
    int feed_error;
    int finish_error;
};

static inline void lifted_fini(struct lifted *lifted)
{
    lift_destroy(lifted->lift);
    api_parts_destroy(lifted->parts);
}

#define cleanup_lifted cleanup_(lifted_fini)

/* Feed @first bytes, then the rest in pieces of @step bytes, each in memory of its own. */
static inline struct lifted lift_pieces(const char *body, size_t length, size_t first, size_t step,
                                        const struct lift_limits *limits)
{
    struct lifted lifted = {.parts = api_parts_create()};
    struct lift_sink sink = api_parts_sink(lifted.parts);
    size_t done = 0;

    assert_int_equal(lift_create(&sink, limits, &lifted.lift), 0);
    while (done < length && !lifted.feed_error) {
        size_t piece = !done && first ? first : step;
        cleanup_free char *exact = NULL;
        piece = length - done < piece ? length - done : piece;
        exact = malloc(piece);
        memcpy(exact, body + done, piece);
        lifted.feed_error = lift_feed(lifted.lift, exact, piece);
        done += piece;
    }
    lifted.finish_error = lift_finish(lifted.lift, &lifted.result);
    assert_false(lifted.parts->out_of_order);
    return lifted;
}

static inline struct lifted lift_all(const char *body, size_t length)
{
    return lift_pieces(body, length, 0, SIZE_MAX, NULL);
}

static inline struct lifted lift_text(const char *body)
{
    return lift_all(body, strlen(body));
}

static inline void expect_part(const struct lifted *lifted, size_t part,
                               enum lift_encoding encoding, const void *data, size_t length)
{
    assert_true(part < lifted->result.part_count);
    assert_int_equal(lifted->result.parts[part].encoding, encoding);
    assert_int_equal(lifted->parts->encoding[part], encoding);
    assert_int_equal(lifted->result.parts[part].bytes, length);
    assert_int_equal(lifted->parts->data[part].length, length);
    assert_memory_equal(buf_text(&lifted->parts->data[part]), data, length);
}

/* Append @text, @count times. */
static inline void append_many(struct buf *buf, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_append_text(buf, text), 0);
}

/* Bytes of a picture, and their base64. */
struct sample {
    unsigned char data[20000];
    char text[BASE64_ENCODE_ROOM(20000) + 4];
    size_t length; /* of the text */
};

static inline void make_sample(struct sample *sample, size_t size)
{
    struct base64_encoder encoder;

    for (size_t i = 0; i < size; i++)
        sample->data[i] = (unsigned char)(i * i * 7 + (i >> 8) * 31 + i);
    base64_encode_start(&encoder);
    sample->length = base64_encode(&encoder, sample->data, size, sample->text);
    sample->length += base64_encode_finish(&encoder, sample->text + sample->length);
    sample->text[sample->length] = '\0';
}

#endif
