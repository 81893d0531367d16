/* SPDX-License-Identifier: MIT */
#include "standin/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "standin/vocabulary.h"

#define LINE 76

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void fill_values(uint8_t values[256])
{
    memset(values, 0xff, 256);
    for (uint8_t i = 0; i < 64; i++)
        values[(unsigned char)standard[i]] = i;
}

int base64_decode(const char *text, size_t length, struct blob **ret_bytes)
{
    uint8_t values[256];
    size_t padding = 0;
    size_t count;
    uint32_t group = 0;
    unsigned char *bytes;
    struct blob *blob;

    if (length % 4)
        return -EINVAL;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    count = length - padding;
    if (blob_create(length / 4 * 3 - padding, &bytes, &blob))
        return -ENOMEM;
    fill_values(values);
    for (size_t i = 0; i < count; i++) {
        uint8_t value = values[(unsigned char)text[i]];

        if (value == 0xff) {
            blob_unref(blob);
            return -EINVAL;
        }
        group = group << 6 | value;
        if (i % 4 != 3)
            continue;
        *bytes++ = (unsigned char)(group >> 16);
        *bytes++ = (unsigned char)(group >> 8);
        *bytes++ = (unsigned char)group;
        group = 0;
    }
    /* With padding, 4 or 2 bits of the last character are left over and must be zero. */
    if ((padding == 2 && group & 0xf) || (padding == 1 && group & 0x3)) {
        blob_unref(blob);
        return -EINVAL;
    }
    if (padding == 2)
        *bytes = (unsigned char)(group >> 4);
    if (padding == 1) {
        *bytes++ = (unsigned char)(group >> 10);
        *bytes = (unsigned char)(group >> 2);
    }
    *ret_bytes = blob;
    return 0;
}

/* @return the length of the text with its padding. */
static size_t encode(const unsigned char *bytes, size_t length, const char *alphabet, char *text)
{
    char *at = text;

    for (; length >= 3; bytes += 3, length -= 3) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = alphabet[group >> 6 & 63];
        *at++ = alphabet[group & 63];
    }
    if (length) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (length == 2 ? (uint32_t)bytes[1] << 8 : 0);

        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = length == 2 ? alphabet[group >> 6 & 63] : '=';
        *at++ = '=';
    }
    return (size_t)(at - text);
}

static bool has(int64_t spelling, enum base64_word word)
{
    return spelling >> (word - 1) & 1;
}

/* One character as JSON writers may write it. @return the length. */
static size_t escape(char character, int64_t spelling, char out[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char start[4] = {'\\', 'u', '0', '0'};
    bool special = character == '/' || character == '+' || character == '=';

    if (has(spelling, BASE64_ESCAPED_ALL) || (special && has(spelling, BASE64_ESCAPED_UNICODE))) {
        memcpy(out, start, sizeof(start));
        out[4] = hex[(unsigned char)character >> 4];
        out[5] = hex[character & 15];
        return 6;
    }
    if (character == '/' && has(spelling, BASE64_ESCAPED_SLASH)) {
        out[0] = '\\';
        out[1] = '/';
        return 2;
    }
    out[0] = character;
    return 1;
}

/* Escape and break the plain text. @out may be NULL to measure. @return the length. */
static size_t respell(const char *text, size_t length, int64_t spelling, char *out)
{
    bool crlf = has(spelling, BASE64_CRLF);
    bool lines = crlf || has(spelling, BASE64_NEWLINES);
    const char *end = crlf ? "\\r\\n" : "\\n";
    size_t end_size = strlen(end);
    size_t written = 0;

    for (size_t i = 0; i < length; i++) {
        char spelled[6];
        size_t size = escape(text[i], spelling, spelled);

        if (out)
            memcpy(out + written, spelled, size);
        written += size;
        if (!lines || (i % LINE != LINE - 1 && i != length - 1))
            continue;
        for (size_t k = 0; out && k < end_size; k++)
            out[written + k] = end[k];
        written += end_size;
    }
    return written;
}

/* Damage the plain text as asked. @return its new length. */
static size_t damage(char *text, size_t length, int64_t spelling)
{
    while (has(spelling, BASE64_UNPADDED) && length && text[length - 1] == '=')
        length--;
    if (has(spelling, BASE64_CUT) && length > 4)
        length = length / 4 * 4 - 3;
    if (has(spelling, BASE64_BROKEN) && length)
        text[length / 2] = '*';
    return length;
}

int base64_spell(const struct blob *bytes, int64_t spelling, struct blob **ret_text)
{
    const char *alphabet = has(spelling, BASE64_URLSAFE) ? urlsafe : standard;
    const int64_t escapes = 1 << (BASE64_NEWLINES - 1) | 1 << (BASE64_CRLF - 1) |
                            1 << (BASE64_ESCAPED_SLASH - 1) | 1 << (BASE64_ESCAPED_UNICODE - 1) |
                            1 << (BASE64_ESCAPED_ALL - 1);
    unsigned char *plain;
    unsigned char *spelled;
    struct blob *plain_blob;
    struct blob *spelled_blob;
    size_t length;
    size_t kept;

    length = (blob_size(bytes) + 2) / 3 * 4;
    if (blob_create(length, &plain, &plain_blob))
        return -ENOMEM;
    length = encode(blob_data(bytes), blob_size(bytes), alphabet, (char *)plain);
    kept = damage((char *)plain, length, spelling);
    if (kept == length && !(spelling & escapes)) {
        *ret_text = plain_blob;
        return 0;
    }
    if (blob_create(respell((char *)plain, kept, spelling, NULL), &spelled, &spelled_blob)) {
        blob_unref(plain_blob);
        return -ENOMEM;
    }
    respell((char *)plain, kept, spelling, (char *)spelled);
    blob_unref(plain_blob);
    *ret_text = spelled_blob;
    return 0;
}
