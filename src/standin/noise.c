/* SPDX-License-Identifier: MIT */
#include "standin/noise.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "standin/encode.h"

#define STORED_MAX 65535u                           /* bytes of a stored block of deflate */
#define CHUNK      12u                              /* length, type and CRC of a PNG chunk */
#define FRAME      (8 + CHUNK + 13 + CHUNK + CHUNK) /* all of a PNG but what IDAT holds */

/* Slicing by 8: table[k][b] is the CRC of byte b followed by k zero bytes. */
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void fill_crc_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        crc_table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++)
            crc_table[k][byte] =
                crc_table[k - 1][byte] >> 8 ^ crc_table[0][crc_table[k - 1][byte] & 255];
}

uint32_t noise_crc32(uint32_t crc, const void *data, size_t length)
{
    const unsigned char *at = data;

    pthread_once(&crc_once, fill_crc_table);
    crc = ~crc;
    for (; length >= 8; at += 8, length -= 8) {
        crc ^=
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = crc_table[7][crc & 255] ^ crc_table[6][crc >> 8 & 255] ^
              crc_table[5][crc >> 16 & 255] ^ crc_table[4][crc >> 24] ^ crc_table[3][at[4]] ^
              crc_table[2][at[5]] ^ crc_table[1][at[6]] ^ crc_table[0][at[7]];
    }
    for (; length; at++, length--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *at) & 255];
    return ~crc;
}

void noise_fill(void *data, size_t size, uint64_t seed)
{
    unsigned char *at = data;

    for (size_t done = 0; done < size; done += 8) {
        uint64_t word = seed += 0x9e3779b97f4a7c15;

        word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
        word = (word ^ word >> 27) * 0x94d049bb133111eb;
        word ^= word >> 31;
        memcpy(at + done, &word, size - done < 8 ? size - done : 8);
    }
}

static unsigned char *put_big32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *at++ = (unsigned char)(value >> (24 - 8 * i));
    return at;
}

/* Write the frame of a chunk around @length bytes that already stand at @at + 8. */
static unsigned char *close_chunk(unsigned char *at, const char *type, size_t length)
{
    put_big32(at, (uint32_t)length);
    memcpy(at + 4, type, 4);
    return put_big32(at + 8 + length, noise_crc32(0, at + 4, length + 4));
}

/* How the pixels of a noise PNG are stored. */
struct shape {
    uint32_t width, height;
    unsigned char depth; /* bits per sample */
    unsigned char type;  /* 2 = RGB, 0 = grey */
};

static size_t row_bytes(const struct shape *shape)
{
    size_t samples = (size_t)shape->width * (shape->type == 2 ? 3 : 1);

    return 1 + (samples * shape->depth + 7) / 8;
}

/* Length of the zlib stream of stored blocks. */
static size_t stream_bytes(const struct shape *shape)
{
    size_t raw = row_bytes(shape) * shape->height;

    return 2 + (raw + STORED_MAX - 1) / STORED_MAX * 5 + raw + 4;
}

/* Whether the picture comes to exactly @size bytes, with a filling chunk where one is needed. */
static bool shape_fits(const struct shape *shape, size_t size)
{
    size_t least = FRAME + stream_bytes(shape);

    return least == size || least + CHUNK <= size;
}

/* The richest pixels that fit; fewer of them where even one bit each is too much. */
static struct shape choose_shape(int width, int height, size_t size)
{
    struct shape shape = {(uint32_t)width, (uint32_t)height, 8, 2};

    if (shape_fits(&shape, size))
        return shape;
    shape.type = 0;
    if (shape_fits(&shape, size))
        return shape;
    shape.depth = 1;
    while (!shape_fits(&shape, size) && (shape.width > 1 || shape.height > 1)) {
        shape.width = (shape.width + 1) / 2;
        shape.height = (shape.height + 1) / 2;
    }
    return shape;
}

static uint32_t adler32(const unsigned char *data, size_t length)
{
    uint32_t a = 1;
    uint32_t b = 0;

    while (length) {
        size_t run = length < 5552 ? length : 5552; /* the most that cannot overflow b */

        length -= run;
        while (run--) {
            a += *data++;
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

/* The pixels as a zlib stream. @return its end. */
static unsigned char *write_stream(unsigned char *at, const unsigned char *raw, size_t length)
{
    uint32_t sum = adler32(raw, length);

    *at++ = 0x78;
    *at++ = 0x01;
    while (length) {
        size_t block = length < STORED_MAX ? length : STORED_MAX;

        *at++ = block == length; /* the last one */
        *at++ = (unsigned char)block;
        *at++ = (unsigned char)(block >> 8);
        *at++ = (unsigned char)~block;
        *at++ = (unsigned char)(~block >> 8);
        memcpy(at, raw, block);
        at += block;
        raw += block;
        length -= block;
    }
    return put_big32(at, sum);
}

static unsigned char *write_header(unsigned char *at, const struct shape *shape)
{
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    memcpy(at, signature, sizeof(signature));
    at += sizeof(signature);
    put_big32(at + 8, shape->width);
    put_big32(at + 12, shape->height);
    at[16] = shape->depth;
    at[17] = shape->type;
    memset(at + 18, 0, 3);
    return close_chunk(at, "IHDR", 13);
}

int noise_png(int width, int height, size_t size, uint64_t seed, struct blob **ret_blob)
{
    struct shape shape = choose_shape(width, height, size);
    size_t row = row_bytes(&shape);
    size_t stream = stream_bytes(&shape);
    size_t least = FRAME + stream;
    size_t filling = size >= least + CHUNK ? size - least - CHUNK : 0;
    struct blob *raw_blob;
    struct blob *blob;
    unsigned char *raw;
    unsigned char *at;

    if (blob_create(row * shape.height, &raw, &raw_blob))
        return -ENOMEM;
    if (blob_create(size > least ? least + CHUNK + filling : least, &at, &blob)) {
        blob_unref(raw_blob);
        return -ENOMEM;
    }
    noise_fill(raw, row * shape.height, seed);
    for (size_t y = 0; y < shape.height; y++)
        raw[y * row] = 0; /* no filter */
    at = write_header(at, &shape);
    write_stream(at + 8, raw, row * shape.height);
    at = close_chunk(at, "IDAT", stream);
    if (size > least) {
        noise_fill(at + 8, filling, ~seed);
        at = close_chunk(at, "noIs", filling);
    }
    close_chunk(at, "IEND", 0);
    blob_unref(raw_blob);
    *ret_blob = blob;
    return 0;
}

int noise_bomb(struct blob **ret_blob)
{
    const struct shape shape = {65535, 65535, 8, 2};
    const unsigned char nothing[1] = {0};
    unsigned char *start;
    unsigned char *at;
    int error = blob_create(FRAME + 2 + 5 + 1 + 4, &start, ret_blob);

    if (error)
        return error;
    at = write_header(start, &shape);
    write_stream(at + 8, nothing, 1);
    at = close_chunk(at, "IDAT", 2 + 5 + 1 + 4);
    close_chunk(at, "IEND", 0);
    return 0;
}

int noise_random(size_t size, uint64_t seed, struct blob **ret_blob)
{
    unsigned char *data;
    int error = blob_create(size, &data, ret_blob);

    if (error)
        return error;
    noise_fill(data, size, seed);
    if (size)
        data[0] = 0x01; /* like no picture's first byte */
    return 0;
}

int noise_jpeg(int width, int height, size_t size, uint64_t seed, struct blob **ret_blob)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cr = cairo_create(surface);
    unsigned char *data;
    struct blob *plain;
    struct blob *blob;
    size_t length;
    int error;

    cairo_set_source_rgb(cr, 0.3 + (double)(seed % 7) / 20, 0.5, 0.5);
    cairo_paint(cr);
    cairo_destroy(cr);
    error = encode_jpeg(surface, &plain);
    cairo_surface_destroy(surface);
    if (error)
        return error;
    length = blob_size(plain);
    if (size <= length) {
        *ret_blob = plain;
        return 0;
    }
    error = blob_create(size, &data, &blob);
    if (!error) {
        memcpy(data, blob_data(plain), length);
        noise_fill(data + length, size - length, seed);
        *ret_blob = blob;
    }
    blob_unref(plain);
    return error;
}
