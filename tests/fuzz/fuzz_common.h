/* SPDX-License-Identifier: MIT
 *
 * What several fuzz targets need: a check that aborts, bytes taken one after another from the
 * input, short inputs that stand for long texts, and what no sentence for people may hold.
 */
#ifndef EASELFS_TESTS_FUZZ_COMMON_H
#define EASELFS_TESTS_FUZZ_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/failure.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* The rest of the input. */
struct input {
    const uint8_t *data;
    size_t size;
};

/* The next byte, or 0 at the end. */
static inline uint8_t input_byte(struct input *input)
{
    if (!input->size)
        return 0;
    input->size--;
    return *input->data++;
}

/* The next bytes up to @max as a C string without NUL in it; the caller frees it. */
static inline char *input_text(struct input *input, size_t max)
{
    char *text = malloc(max + 1);
    size_t length = 0;

    CHECK(text);
    while (length < max && input->size) {
        char c = (char)input_byte(input);
        if (!c)
            break;
        text[length++] = c;
    }
    text[length] = '\0';
    return text;
}

/* A sequence of numbers that depends on nothing but @state. */
static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Runs end here, so that an input of many runs does not take a second. */
#define EXPANDED_MAX 32768

/*
 * Append the rest of the input; the bytes 0xfc to 0xff, which no UTF-8 has, stand for a long run of
 * base64, of lines of base64, of text, or of the byte behind them. So a mutation of one byte makes
 * a string that leaves the skeleton.
 */
static inline void append_expanded(struct input input, struct buf *body)
{
    while (input.size) {
        uint8_t c = input_byte(&input);
        const char *unit = c == 0xfc ? "Zm9v" : c == 0xfd ? "Zm9vYmFy\\n" : "Word, ";
        char repeated[2] = {0};
        if (c < 0xfc) {
            CHECK(!buf_append(body, &c, 1));
            continue;
        }
        if (c == 0xff) {
            repeated[0] = (char)input_byte(&input);
            unit = repeated;
        }
        for (size_t length = 0; length < 4200 && *unit && body->length < EXPANDED_MAX;
             length += strlen(unit))
            CHECK(!buf_append_text(body, unit));
    }
}

/* A sentence for people: one line of printable UTF-8 without markup, JSON or the key. */
static inline void check_sentence(const char *text, const char *key)
{
    size_t length = strlen(text);

    CHECK(text_utf8_prefix(text, length) == length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = (unsigned char)text[i + 1];
        CHECK(c >= 0x20 && c != 0x7f);
        CHECK(!(c == 0xc2 && next < 0xa0));
        CHECK(c != '<' || !((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
                            next == '/' || next == '!' || next == '?'));
        CHECK(c != '{' || next != '"');
    }
    CHECK(!strstr(text, key));
}

static inline void check_failure(const struct failure *failure, const char *key)
{
    CHECK(failure->error < 0);
    CHECK(strlen(failure->text) > 10);
    CHECK(strlen(failure->text) < FAILURE_TEXT_SIZE - 1);
    CHECK(strlen(failure->advice) > 10);
    CHECK(strchr(".!?", failure->text[strlen(failure->text) - 1]));
    check_sentence(failure->text, key);
    check_sentence(failure->advice, key);
    check_sentence(failure->request_id, key);
    CHECK(failure->retry || !failure->retry_after_ms);
    CHECK(failure->retry_after_ms >= 0);
}

#endif
