/* SPDX-License-Identifier: MIT
 *
 * Base64: what is encoded is decoded to the same, however it is cut; and the decoder agrees with a
 * slow one that is written from the rules alone.
 */
#include "api/base64.h"
#include "fuzz_common.h"

static void check_round_trip(const uint8_t *data, size_t size, uint32_t random)
{
    struct base64_encoder encoder;
    struct base64_decoder decoder;
    size_t length = (size_t)base64_encoded_length(size);
    char *text = malloc(length + 4);
    unsigned char *back = malloc(size + 2);
    size_t done = 0;
    size_t decoded = 0;

    CHECK(text && back);
    base64_encode_start(&encoder);
    for (size_t i = 0; i < size;) {
        size_t piece = next_random(&random) % 40 + 1;
        char *room;
        size_t written;
        piece = size - i < piece ? size - i : piece;
        room = malloc(BASE64_ENCODE_ROOM(piece));
        written = base64_encode(&encoder, data + i, piece, room);
        memcpy(text + done, room, written);
        free(room);
        done += written;
        i += piece;
    }
    done += base64_encode_finish(&encoder, text + done);
    CHECK(done == length);
    base64_decode_start(&decoder);
    for (size_t i = 0; i < length;) {
        size_t piece = next_random(&random) % 40 + 1;
        unsigned char *room;
        size_t written;
        piece = length - i < piece ? length - i : piece;
        room = malloc(BASE64_DECODE_ROOM(piece));
        written = base64_decode(&decoder, text + i, piece, room);
        CHECK(decoded + written <= size);
        memcpy(back + decoded, room, written);
        free(room);
        decoded += written;
        i += piece;
    }
    decoded += base64_decode_finish(&decoder, back + decoded);
    CHECK(!decoder.damaged && decoded == size && !memcmp(back, data, size));
    free(text);
    free(back);
}

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Decode by the rules. @return the offset of the damage, or -1 */
static long decode_slowly(const uint8_t *text, size_t size, unsigned char *data, size_t *ret_length)
{
    unsigned long bits = 0;
    unsigned count = 0;
    unsigned pads = 0;
    size_t length = 0;

    *ret_length = 0;
    for (size_t i = 0; i <= size; i++) {
        bool is_end = i == size;
        int value = is_end ? -1 : value_of(text[i]);
        if (!is_end && text[i] && strchr(" \t\r\n\v\f", text[i]))
            continue;
        if (value >= 0 && pads)
            return (long)i;
        if (value >= 0) {
            bits = bits << 6 | (unsigned)value;
            if (++count < 4)
                continue;
            data[length++] = (unsigned char)(bits >> 16);
            data[length++] = (unsigned char)(bits >> 8);
            data[length++] = (unsigned char)bits;
            *ret_length = length;
            bits = count = 0;
            continue;
        }
        if (!is_end && text[i] != '=')
            return (long)i;
        if (is_end && (pads || !count))
            return -1;
        if (count < 2 || count + pads == 4)
            return (long)i;
        if (!pads) {
            if (bits & (count == 2 ? 0xf : 0x3))
                return (long)i;
            data[length++] = (unsigned char)(bits >> (count == 2 ? 4 : 10));
            if (count == 3)
                data[length++] = (unsigned char)(bits >> 2);
            *ret_length = length;
        }
        if (is_end)
            return -1;
        pads++;
    }
    return -1;
}

static void check_decoder(const uint8_t *text, size_t size)
{
    struct base64_decoder decoder;
    unsigned char *fast = malloc(BASE64_DECODE_ROOM(size));
    unsigned char *slow = malloc(size + 3);
    size_t fast_length;
    size_t slow_length;
    long damage = decode_slowly(text, size, slow, &slow_length);

    CHECK(fast && slow);
    base64_decode_start(&decoder);
    fast_length = base64_decode(&decoder, (const char *)text, size, fast);
    fast_length += base64_decode_finish(&decoder, fast + fast_length);
    CHECK(decoder.damaged == (damage >= 0));
    CHECK(decoder.offset == (damage >= 0 ? (uint64_t)damage : size));
    CHECK(fast_length == slow_length && !memcmp(fast, slow, slow_length));
    free(fast);
    free(slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_round_trip(data, size, (uint32_t)size * 31 + (size ? data[0] : 0));
    check_decoder(data, size);
    return 0;
}
