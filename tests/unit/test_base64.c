/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "base/cleanup.h"

/* Encode with pieces of @step bytes. The text has just the promised room, which ASan watches. */
static char *encode(const void *data, size_t length, size_t step)
{
    struct base64_encoder encoder;
    char *text = malloc(base64_encoded_length(length) + 1);
    size_t done = 0;

    assert_non_null(text);
    base64_encode_start(&encoder);
    for (size_t i = 0; i < length; i += step) {
        size_t piece = length - i < step ? length - i : step;
        cleanup_free char *room = malloc(BASE64_ENCODE_ROOM(piece));
        size_t written = base64_encode(&encoder, (const char *)data + i, piece, room);
        memcpy(text + done, room, written);
        done += written;
    }
    done += base64_encode_finish(&encoder, text + done);
    assert_int_equal(done, base64_encoded_length(length));
    text[done] = '\0';
    return text;
}

/* Decode with pieces of @step characters. @return the bytes, NUL behind them */
static unsigned char *decode(const char *text, size_t length, size_t step,
                             struct base64_decoder *decoder, size_t *ret_length)
{
    unsigned char *data = malloc(length + 1);
    size_t done = 0;

    assert_non_null(data);
    base64_decode_start(decoder);
    for (size_t i = 0; i < length; i += step) {
        size_t piece = length - i < step ? length - i : step;
        cleanup_free char *exact = malloc(piece);
        cleanup_free unsigned char *room = malloc(BASE64_DECODE_ROOM(piece));
        size_t written;
        memcpy(exact, text + i, piece);
        written = base64_decode(decoder, exact, piece, room);
        memcpy(data + done, room, written);
        done += written;
    }
    done += base64_decode_finish(decoder, data + done);
    data[done] = '\0';
    *ret_length = done;
    return data;
}

static void encodes_the_vectors_of_rfc_4648(void **state)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        for (size_t step = 1; step < 8; step++) {
            cleanup_free char *text = encode(vectors[i][0], strlen(vectors[i][0]), step);
            assert_string_equal(text, vectors[i][1]);
        }
    }
}

static void knows_the_length_beforehand(void **state)
{
    (void)state;
    assert_int_equal(base64_encoded_length(0), 0);
    assert_int_equal(base64_encoded_length(1), 4);
    assert_int_equal(base64_encoded_length(3), 4);
    assert_int_equal(base64_encoded_length(4), 8);
    assert_true(base64_encoded_length(UINT64_C(3) << 60) == UINT64_C(1) << 62);
}

static void round_trips_every_length_in_every_piece(void **state)
{
    unsigned char data[300];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 151 + 17);
    for (size_t length = 0; length <= sizeof(data); length++) {
        static const size_t steps[] = {1, 2, 3, 5, 7, 8, 13, 64, 400};
        for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
            cleanup_free char *text = encode(data, length, steps[s]);
            struct base64_decoder decoder;
            size_t decoded;
            cleanup_free unsigned char *back =
                decode(text, strlen(text), steps[s], &decoder, &decoded);
            assert_false(decoder.damaged);
            assert_int_equal(decoder.offset, strlen(text));
            assert_int_equal(decoded, length);
            assert_memory_equal(back, data, length);
        }
    }
}

struct spelling {
    const char *text;
    const char *data; /* what it decodes to */
    int damage;       /* offset of the damage, or -1 */
};

static const struct spelling spellings[] = {
    {"Zm9vYmFy", "foobar", -1},
    {"Zm9vYg==", "foob", -1},
    {"Zm9vYg", "foob", -1},
    {"Zm9vYg=", "foob", -1},
    {"Zm9vYmE", "fooba", -1},
    {" Zm9v\r\nYm\tFy\n", "foobar", -1},
    {"Zm9v\f\vYmFy", "foobar", -1},
    {"Zm9vYg\n=\n=\n", "foob", -1},
    {"Pz8/Pj4+", "\?\?\?>>>", -1},
    {"Pz8_Pj4-", "\?\?\?>>>", -1},
    {"Pz8_Pj4+", "\?\?\?>>>", -1},
    {"", "", -1},
    {" \n", "", -1},
    /* anything else is an error, and tells where */
    {"Zm9v!mFy", "foo", 4},
    {"!", "", 0},
    {"Zm9vYmFyZm9vYmFyZm9v*mFy", "foobarfoobarfoo", 20},
    {"Zm9vYg==Zm9v", "foob", 8},
    {"Zm9vYg=Z", "foob", 7},
    {"Zm9vYmE==", "fooba", 8},
    {"Zm9vYg===", "foob", 8},
    {"=", "", 0},
    {"Zm9v=", "foo", 4},
    {"Z===", "", 1},
    {"Zm9vY", "foo", 5},
    {"Zm9vYh==", "foo", 6}, /* bits that no byte takes up */
    {"Zm9vYh", "foo", 6},
    {"Zm9vYmF=", "foo", 7},
    {"Zm9vYmF", "foo", 7},
    {"Zm9v\xc3\xa9", "foo", 4},
    {"Zm9vYg\\u003d", "foo", 6},
};

static void decodes_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const struct spelling *row = &spellings[i];
        for (size_t step = 1; step < 10; step++) {
            struct base64_decoder decoder;
            size_t length;
            cleanup_free unsigned char *data =
                decode(row->text, strlen(row->text), step, &decoder, &length);
            assert_string_equal((char *)data, row->data);
            assert_int_equal(length, strlen(row->data));
            assert_int_equal(decoder.damaged, row->damage >= 0);
            if (row->damage >= 0)
                assert_int_equal(decoder.offset, row->damage);
        }
    }
}

/* At each place of a group of eight, which is decoded at once, each byte that is not allowed. */
static void finds_every_illegal_character_everywhere(void **state)
{
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
                                "= \t\r\n\v\f";

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t place = 0; place < 16; place++) {
            char text[17] = "QUFBQUFBQUFBQUFB";
            struct base64_decoder decoder;
            size_t length;
            unsigned char *data;
            if (c && strchr(legal, c))
                continue;
            text[place] = (char)c;
            data = decode(text, 16, 16, &decoder, &length);
            assert_true(decoder.damaged);
            assert_int_equal(decoder.offset, place);
            assert_int_equal(length, place / 4 * 3);
            free(data);
        }
    }
}

static void nothing_is_decoded_after_damage(void **state)
{
    struct base64_decoder decoder;
    unsigned char data[BASE64_DECODE_ROOM(8)];
    size_t written;

    (void)state;
    base64_decode_start(&decoder);
    assert_int_equal(base64_decode(&decoder, "Zm9v!", 5, data), 3);
    assert_int_equal(base64_decode(&decoder, "Zm9vYmFy", 8, data), 0);
    assert_int_equal(base64_decode_run(&decoder, "Zm9vYmFy", 8, data, &written), 0);
    assert_int_equal(base64_decode_finish(&decoder, data), 0);
    assert_int_equal(decoder.offset, 4);
}

static void run_stops_before_what_is_not_alphabet(void **state)
{
    struct base64_decoder decoder;
    unsigned char data[BASE64_DECODE_ROOM(64)];
    char pending[3];
    size_t written;

    (void)state;
    base64_decode_start(&decoder);
    assert_int_equal(base64_decode_run(&decoder, "Zm9vYmFyZm9vYm\"}", 16, data, &written), 14);
    assert_int_equal(written, 9);
    assert_memory_equal(data, "foobarfoo", 9);
    assert_false(decoder.damaged);
    assert_int_equal(base64_decode_pending(&decoder, pending), 2);
    assert_memory_equal(pending, "Ym", 2);
    assert_int_equal(base64_decode_run(&decoder, "\"", 1, data, &written), 0);
    assert_int_equal(written, 0);
    assert_int_equal(base64_decode(&decoder, "==", 2, data), 0); /* bits would be lost */
    assert_true(decoder.damaged);
}

static void run_takes_nothing_after_padding(void **state)
{
    struct base64_decoder decoder;
    unsigned char data[BASE64_DECODE_ROOM(8)];
    char pending[3];
    size_t written;

    (void)state;
    base64_decode_start(&decoder);
    assert_int_equal(base64_decode(&decoder, "Zg=", 3, data), 1);
    assert_int_equal(base64_decode_pending(&decoder, pending), 0);
    assert_int_equal(base64_decode_run(&decoder, "Zm9v", 4, data, &written), 0);
    assert_false(decoder.damaged);
}

static void pending_is_spelled_in_the_standard_alphabet(void **state)
{
    struct base64_decoder decoder;
    unsigned char data[BASE64_DECODE_ROOM(8)];
    char pending[3];

    (void)state;
    base64_decode_start(&decoder);
    assert_int_equal(base64_decode(&decoder, "Zm9v-_A", 7, data), 3);
    assert_int_equal(base64_decode_pending(&decoder, pending), 3);
    assert_memory_equal(pending, "+/A", 3);
}

static void alphabet_is_both_alphabets(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";

    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(base64_is_alphabet((char)c), c && strchr(alphabet, c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_the_vectors_of_rfc_4648),
        cmocka_unit_test(knows_the_length_beforehand),
        cmocka_unit_test(round_trips_every_length_in_every_piece),
        cmocka_unit_test(decodes_every_spelling),
        cmocka_unit_test(finds_every_illegal_character_everywhere),
        cmocka_unit_test(nothing_is_decoded_after_damage),
        cmocka_unit_test(run_stops_before_what_is_not_alphabet),
        cmocka_unit_test(run_takes_nothing_after_padding),
        cmocka_unit_test(pending_is_spelled_in_the_standard_alphabet),
        cmocka_unit_test(alphabet_is_both_alphabets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
