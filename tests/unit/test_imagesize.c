/* SPDX-License-Identifier: MIT
 *
 * The size that the header of a picture gives, of each kind; with the header cut at every byte; and
 * at the limits of what is given out as a picture, and one above.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "store/imagesize.h"

struct bytes {
    const char *data;
    size_t length;
    size_t reads;
};

static ssize_t read_bytes(void *context, void *to, size_t length, uint64_t offset)
{
    struct bytes *bytes = context;

    bytes->reads++;
    if (offset >= bytes->length)
        return 0;
    if (length > bytes->length - offset)
        length = bytes->length - (size_t)offset;
    memcpy(to, bytes->data + offset, length);
    return (ssize_t)length;
}

static struct image_size measure(struct bytes *bytes)
{
    const struct imagesize_source source = {.read = read_bytes, .context = bytes};

    return imagesize_read(&source);
}

#define BYTES(text) text, sizeof(text) - 1
#define LONE_SOI    "\xff\xd8"
#define APP0        "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define SOF(marker) "\xff" marker "\0\x11\x08\x01\x02\x03\x04\x03\1\x22\0\2\x11\1\3\x11\1"

static const struct sample {
    const char *data;
    size_t length;
    unsigned width;
    unsigned height;
    size_t needed; /* with fewer bytes it is not known */
} samples[] = {
    {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\2\0\0\3\4\x08\2\0\0\0"), 0x102, 0x304, 24},
    {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\1\2\0\0\3\4\x08\2\0\0\0"), 0, 0, 0},
    {BYTES(LONE_SOI APP0 SOF("\xc0")), 0x304, 0x102, 29},
    {BYTES(LONE_SOI APP0 SOF("\xc2")), 0x304, 0x102, 29},
    {BYTES(LONE_SOI "\xff\xff\xff\xd0\xff\x01" SOF("\xcf")), 0x304, 0x102, 17},
    {BYTES(LONE_SOI SOF("\xc4") "\xff\xda\0\2"), 0, 0, 0},
    {BYTES(LONE_SOI SOF("\xc8") SOF("\xcc") "\xff\xd9\0\0"), 0, 0, 0},
    {BYTES(LONE_SOI APP0 "JFIF" SOF("\xc0")), 0, 0, 0},
    {BYTES("GIF87a\2\1\4\3\0\0"), 0x102, 0x304, 12},
    {BYTES("GIF89a\2\1\4\3\0\0"), 0x102, 0x304, 12},
    {BYTES("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\1\1\0\3\3\0"), 0x102, 0x304, 30},
    {BYTES("RIFF\0\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x01\xc1\xc0\x00\0\0\0\0\0"), 0x102, 0x304, 30},
    {BYTES("RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\2\1\4\3"), 0x102, 0x304, 30},
    {BYTES("RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\0\x01\x2a\2\1\4\3"), 0, 0, 0},
    {BYTES("RIFF\0\0\0\0WAVEVP8X\x0a\0\0\0\0\0\0\0\1\1\0\3\3\0"), 0, 0, 0},
    {BYTES("BM\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0\2\1\4\3\1\0\x18\0"), 0x102, 0x304, 26},
    {BYTES("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\2\1\0\0\4\3\0\0"), 0x102, 0x304, 26},
    {BYTES("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\2\1\0\0\xfc\xff\xff\xff"), 0x102, 4, 26},
    {BYTES("8BPS\0\1\0\0\0\0\0\0\0\3\0\0\3\4\0\0\1\2"), 0x102, 0x304, 22},
    {BYTES("II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\2\1\0\0\1\1\4\0\1\0\0\0\4\3\0\0"), 0x102, 0x304,
     34},
    {BYTES("MM\0*\0\0\0\x08\0\2\1\0\0\3\0\0\0\1\1\2\0\0\1\1\0\4\0\0\0\1\0\0\3\4"), 0x102, 0x304,
     34},
    {BYTES("\0\0\0\x10"
           "ftypavif....\0\0\0\x14ispe\0\0\0\0\0\0\1\2\0\0\3\4"
           "\0\0\0\x14ispe\0\0\0\0\0\0\0\1\0\0\0\1"),
     0x102, 0x304, 36},
    {BYTES("\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x16ihdr\0\0\3\4\0\0\1\2\0\0\0\0"), 0x102, 0x304, 32},
    {BYTES(""), 0, 0, 0},
    {BYTES("A cat on a mat.\n"), 0, 0, 0},
    {BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"99999\"/>"), 0, 0, 0},
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct bytes bytes = {samples[i].data, samples[i].length, 0};
        struct image_size size = measure(&bytes);

        if (size.width != samples[i].width || size.height != samples[i].height)
            fail_msg("sample %zu: %u x %u", i, size.width, size.height);
    }
}

static void test_cut_headers_have_no_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t length = 0; length < samples[i].length; length++) {
            /* Of their own, so that a sanitizer sees a byte too many. */
            cleanup_free char *copy = malloc(length ? length : 1);
            struct bytes bytes = {copy, length, 0};
            struct image_size size;

            assert_non_null(copy);
            memcpy(copy, samples[i].data, length);
            size = measure(&bytes);
            if (length < samples[i].needed && size.width && size.height)
                fail_msg("sample %zu at %zu: %u x %u", i, length, size.width, size.height);
        }
    }
}

/* A JPEG with @count comments of @length bytes before its frame. */
static struct image_size measure_commented(size_t count, size_t length, size_t *ret_reads)
{
    static const char frame[] = SOF("\xc0");
    cleanup_free char *data = calloc(1, 2 + count * (length + 4) + sizeof(frame));
    struct bytes bytes = {data, 2, 0};
    struct image_size size;

    assert_non_null(data);
    memcpy(data, LONE_SOI, 2);
    for (size_t i = 0; i < count; i++, bytes.length += length + 4) {
        char *segment = data + bytes.length;

        segment[0] = (char)0xff;
        segment[1] = (char)0xfe;
        segment[2] = (char)((length + 2) >> 8);
        segment[3] = (char)((length + 2) & 0xff);
    }
    memcpy(data + bytes.length, frame, sizeof(frame) - 1);
    bytes.length += sizeof(frame) - 1;
    size = measure(&bytes);
    *ret_reads = bytes.reads;
    return size;
}

static void test_a_long_header_is_read_to_its_end_or_called_excessive(void **state)
{
    size_t reads;
    struct image_size size = measure_commented(200, 65533, &reads);

    (void)state;
    assert_int_equal(size.width, 0x304);
    assert_true(reads <= 202);
    size = measure_commented(4095, 0, &reads);
    assert_int_equal(size.width, 0x304);
    assert_true(reads <= 6);
    size = measure_commented(4096, 0, &reads);
    assert_int_equal(size.width, UINT32_MAX);
    assert_int_equal(size.height, UINT32_MAX);
    assert_true(imagesize_is_excessive(&size));
}

static void test_what_is_excessive(void **state)
{
    static const struct {
        struct image_size size;
        bool excessive;
    } cases[] = {
        {{0, 0}, false},        {{1, 16384}, false},     {{1, 16385}, true},
        {{16384, 1}, false},    {{16385, 1}, true},      {{16000, 16000}, false},
        {{16000, 16001}, true}, {{16384, 15625}, false}, {{16384, 15626}, true},
        {{65535, 65535}, true}, {{UINT32_MAX, 0}, true}, {{UINT32_MAX, UINT32_MAX}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(imagesize_is_excessive(&cases[i].size), cases[i].excessive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_cut_headers_have_no_size),
        cmocka_unit_test(test_a_long_header_is_read_to_its_end_or_called_excessive),
        cmocka_unit_test(test_what_is_excessive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
