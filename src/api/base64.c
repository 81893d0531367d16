/* SPDX-License-Identifier: MIT */
#include "api/base64.h"

#include <endian.h>
#include <string.h>

/* Classes of characters that have no value. All values are below 0x40: one mask tells them apart.
 */
enum { SP = 0x40, PD = 0x41, XX = 0x80, NO_VALUE = 0xc0 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each character in both alphabets of RFC 4648 (sections 4 and 5), or its class. */
/* clang-format off */
static const unsigned char values[256] = {
    XX, XX, XX, XX, XX, XX, XX, XX, XX, SP, SP, SP, SP, SP, XX, XX, /* 00 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* 10 */
    SP, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, 62, XX, 63, /* 20 */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, PD, XX, XX, /* 30 */
    XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, /* 40 */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, 63, /* 50 */
    XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* 60 */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX, /* 70 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* 80 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* 90 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* a0 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* b0 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* c0 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* d0 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* e0 */
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, /* f0 */
};
/* clang-format on */

uint64_t base64_encoded_length(uint64_t length)
{
    return (length / 3 + (length % 3 != 0)) * 4;
}

void base64_encode_start(struct base64_encoder *encoder)
{
    *encoder = (struct base64_encoder){0};
}

static void encode_group(const unsigned char *data, char *text)
{
    uint32_t bits = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];

    text[0] = alphabet[bits >> 18];
    text[1] = alphabet[bits >> 12 & 0x3f];
    text[2] = alphabet[bits >> 6 & 0x3f];
    text[3] = alphabet[bits & 0x3f];
}

size_t base64_encode(struct base64_encoder *encoder, const void *data, size_t length, char *text)
{
    const unsigned char *from = data;
    const unsigned char *end = from + length;
    char *to = text;

    while (encoder->count && from < end) {
        encoder->carry[encoder->count++] = *from++;
        if (encoder->count == 3) {
            encode_group(encoder->carry, to);
            to += 4;
            encoder->count = 0;
        }
    }
    for (; end - from >= 3; from += 3, to += 4)
        encode_group(from, to);
    while (from < end)
        encoder->carry[encoder->count++] = *from++;
    return (size_t)(to - text);
}

size_t base64_encode_finish(struct base64_encoder *encoder, char text[4])
{
    unsigned count = encoder->count;

    if (!count)
        return 0;
    memset(encoder->carry + count, 0, sizeof(encoder->carry) - count);
    encode_group(encoder->carry, text);
    memset(text + count + 1, '=', 3 - count);
    base64_encode_start(encoder);
    return 4;
}

void base64_decode_start(struct base64_decoder *decoder)
{
    *decoder = (struct base64_decoder){0};
}

/* Add one value; three bytes are written where it fills a group. */
static size_t decode_value(struct base64_decoder *decoder, unsigned value, unsigned char *data)
{
    decoder->bits = decoder->bits << 6 | value;
    decoder->offset++;
    if (++decoder->count < 4)
        return 0;
    data[0] = (unsigned char)(decoder->bits >> 16);
    data[1] = (unsigned char)(decoder->bits >> 8);
    data[2] = (unsigned char)decoder->bits;
    decoder->bits = 0;
    decoder->count = 0;
    return 3;
}

/*
 * Decode groups of eight characters as long as all of them have values. Each is written with one
 * store of eight bytes, two more than it has: BASE64_DECODE_ROOM() counts them in.
 */
static size_t decode_groups(const unsigned char *text, size_t length, unsigned char *data)
{
    size_t done = 0;

    for (; length - done >= 8; done += 8, data += 6) {
        const unsigned char *c = text + done;
        uint64_t v0 = values[c[0]], v1 = values[c[1]], v2 = values[c[2]], v3 = values[c[3]];
        uint64_t v4 = values[c[4]], v5 = values[c[5]], v6 = values[c[6]], v7 = values[c[7]];
        uint64_t bits;

        if ((v0 | v1 | v2 | v3 | v4 | v5 | v6 | v7) & NO_VALUE)
            break;
        bits = htobe64(v0 << 58 | v1 << 52 | v2 << 46 | v3 << 40 | v4 << 34 | v5 << 28 | v6 << 22 |
                       v7 << 16);
        memcpy(data, &bits, sizeof(bits));
    }
    return done;
}

size_t base64_decode_run(struct base64_decoder *decoder, const char *text, size_t length,
                         void *data, size_t *written)
{
    const unsigned char *from = (const unsigned char *)text;
    unsigned char *to = data;
    size_t done = 0;

    *written = 0;
    if (decoder->damaged || decoder->pads)
        return 0;
    while (done < length && !(values[from[done]] & NO_VALUE)) {
        if (!decoder->count && length - done >= 8) {
            size_t fast = decode_groups(from + done, length - done, to);
            done += fast;
            decoder->offset += fast;
            to += fast / 4 * 3;
            if (fast)
                continue;
        }
        to += decode_value(decoder, values[from[done++]], to);
    }
    *written = (size_t)(to - (unsigned char *)data);
    return done;
}

/* Write the bytes of an unfinished group. @return how many, or -1 where bits would be lost. */
static int decode_tail(const struct base64_decoder *decoder, unsigned char *data)
{
    if (decoder->count == 2 && !(decoder->bits & 0x0f)) {
        data[0] = (unsigned char)(decoder->bits >> 4);
        return 1;
    }
    if (decoder->count == 3 && !(decoder->bits & 0x03)) {
        data[0] = (unsigned char)(decoder->bits >> 10);
        data[1] = (unsigned char)(decoder->bits >> 2);
        return 2;
    }
    return -1;
}

static size_t decode_pad(struct base64_decoder *decoder, unsigned char *data)
{
    int written = decoder->pads ? 0 : decode_tail(decoder, data);

    if (written < 0 || decoder->count + decoder->pads == 4) {
        decoder->damaged = true;
        return 0;
    }
    decoder->pads++;
    decoder->offset++;
    return (size_t)written;
}

size_t base64_decode(struct base64_decoder *decoder, const char *text, size_t length, void *data)
{
    unsigned char *to = data;
    size_t done = 0;

    while (done < length && !decoder->damaged) {
        size_t written;
        done += base64_decode_run(decoder, text + done, length - done, to, &written);
        to += written;
        if (done == length)
            break;
        switch (values[(unsigned char)text[done]]) {
        case SP:
            decoder->offset++;
            break;
        case PD:
            to += decode_pad(decoder, to);
            break;
        default:
            decoder->damaged = true;
        }
        done++;
    }
    return (size_t)(to - (unsigned char *)data);
}

size_t base64_decode_finish(struct base64_decoder *decoder, unsigned char data[2])
{
    int written;

    if (decoder->damaged || decoder->pads || !decoder->count)
        return 0;
    written = decode_tail(decoder, data);
    if (written < 0) {
        decoder->damaged = true;
        return 0;
    }
    decoder->bits = 0;
    decoder->count = 0;
    return (size_t)written;
}

size_t base64_decode_pending(const struct base64_decoder *decoder, char text[3])
{
    size_t count = decoder->pads ? 0 : decoder->count;

    for (size_t i = 0; i < count; i++)
        text[i] = alphabet[decoder->bits >> 6 * (count - 1 - i) & 0x3f];
    return count;
}

bool base64_is_alphabet(char c)
{
    return !(values[(unsigned char)c] & NO_VALUE);
}
