/* SPDX-License-Identifier: MIT */
#include "standin/encode.h"

#include <errno.h>
#include <stdio.h> /* jpeglib.h needs FILE */
#include <jpeglib.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "standin/noise.h"
#include "standin/text.h"

#define MAX_FILE     (256u << 20)
#define JPEG_QUALITY 90

static const char *const mimes[] = {
    [PICTURE_PNG] = "image/png",     [PICTURE_JPEG] = "image/jpeg",  [PICTURE_WEBP] = "image/webp",
    [PICTURE_GIF] = "image/gif",     [PICTURE_TEXT] = "text/plain",  [PICTURE_HTML] = "text/html",
    [PICTURE_SVG] = "image/svg+xml", [PICTURE_RANDOM] = "image/png", [PICTURE_EMPTY] = "image/png",
    [PICTURE_BOMB] = "image/png"};

const char *encode_mime(enum picture_word kind)
{
    return mimes[kind];
}

static int adopt_text(struct text *text, struct blob **ret_blob)
{
    size_t length = text->length;
    char *data = text_steal(text);

    return data ? blob_adopt(data, length, ret_blob) : -ENOMEM;
}

static cairo_status_t write_text(void *closure, const unsigned char *data, unsigned length)
{
    struct text *text = closure;

    text_add(text, data, length);
    return text->error ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

int encode_png(cairo_surface_t *surface, struct blob **ret_blob)
{
    struct text file;

    text_init(&file, MAX_FILE);
    if (cairo_surface_write_to_png_stream(surface, write_text, &file) != CAIRO_STATUS_SUCCESS) {
        text_fini(&file);
        return -ENOMEM;
    }
    return adopt_text(&file, ret_blob);
}

/* libjpeg reports errors by a function that must not return. */
struct jpeg_errors {
    struct jpeg_error_mgr base; /* first: libjpeg sees only this */
    jmp_buf escape;
};

static void jpeg_fail(j_common_ptr jpeg)
{
    longjmp(((struct jpeg_errors *)jpeg->err)->escape, 1);
}

/* Between setjmp and longjmp only what @data and @size point to changes. */
static bool compress(cairo_surface_t *surface, unsigned char **data, unsigned long *size)
{
    struct jpeg_errors errors;
    struct jpeg_compress_struct jpeg;

    jpeg.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = jpeg_fail;
    if (setjmp(errors.escape)) {
        jpeg_destroy_compress(&jpeg);
        return false;
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, data, size);
    jpeg.image_width = (JDIMENSION)cairo_image_surface_get_width(surface);
    jpeg.image_height = (JDIMENSION)cairo_image_surface_get_height(surface);
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_EXT_BGRX;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, JPEG_QUALITY, TRUE);
    jpeg.comp_info[0].h_samp_factor = 1; /* full colour resolution: letters stay crisp */
    jpeg.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = cairo_image_surface_get_data(surface) +
                       (size_t)cairo_image_surface_get_stride(surface) * jpeg.next_scanline;

        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return true;
}

int encode_jpeg(cairo_surface_t *surface, struct blob **ret_blob)
{
    unsigned char *data = NULL;
    unsigned long size = 0;

    if (!compress(surface, &data, &size)) {
        free(data);
        return -ENOMEM;
    }
    return blob_adopt(data, size, ret_blob);
}

static void little(struct text *file, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));

        text_add(file, &byte, 1);
    }
}

/* Bits of a VP8L stream, least significant first. */
struct bits {
    unsigned char bytes[32];
    unsigned count;
};

static void put_bits(struct bits *bits, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++, bits->count++)
        bits->bytes[bits->count / 8] |= (unsigned char)((value >> i & 1) << bits->count % 8);
}

/* A prefix code with a single symbol, which then takes no bits in the data. */
static void put_code(struct bits *bits, uint32_t symbol)
{
    put_bits(bits, 1, 1); /* simple code */
    put_bits(bits, 0, 1); /* of one symbol */
    put_bits(bits, 1, 1); /* of eight bits */
    put_bits(bits, symbol, 8);
}

/* Lossless WebP (RFC 9649 section 3) whose five codes have one symbol each: every pixel is the same
 * and the pixels take no room at all, whatever the size. */
static void write_webp(struct text *file, int width, int height, uint32_t colour)
{
    struct bits bits = {.count = 0};
    uint32_t size;

    put_bits(&bits, 0x2f, 8);
    put_bits(&bits, (uint32_t)width - 1, 14);
    put_bits(&bits, (uint32_t)height - 1, 14);
    put_bits(&bits, 0, 1); /* alpha is not used */
    put_bits(&bits, 0, 3); /* version */
    put_bits(&bits, 0, 3); /* no transform, no colour cache, no meta prefix codes */
    put_code(&bits, colour >> 8 & 255);
    put_code(&bits, colour >> 16 & 255);
    put_code(&bits, colour & 255);
    put_code(&bits, 255);
    put_code(&bits, 0); /* distance */
    size = (bits.count + 7) / 8;
    text_puts(file, "RIFF");
    little(file, 4 + 8 + size + size % 2, 4);
    text_puts(file, "WEBPVP8L");
    little(file, size, 4);
    text_add(file, bits.bytes, size + size % 2);
}

/* One pixel of colour on a screen of the asked size. */
static void write_gif(struct text *file, int width, int height, uint32_t colour)
{
    const unsigned char palette[6] = {(unsigned char)(colour >> 16),
                                      (unsigned char)(colour >> 8),
                                      (unsigned char)colour,
                                      0,
                                      0,
                                      0};

    text_puts(file, "GIF89a");
    little(file, (uint32_t)width, 2);
    little(file, (uint32_t)height, 2);
    text_add(file, "\x80\0\0", 3); /* a palette of two colours; the first is the background */
    text_add(file, palette, sizeof(palette));
    text_add(file, ",\0\0\0\0\1\0\1\0\0", 10);
    text_add(file, "\2\2\x44\1\0;", 6);
}

int encode_odd(enum picture_word kind, int width, int height, uint32_t colour, size_t size,
               struct blob **ret_blob)
{
    struct text file;

    text_init(&file, MAX_FILE);
    if (kind == PICTURE_WEBP)
        write_webp(&file, width, height, colour);
    else if (kind == PICTURE_GIF)
        write_gif(&file, width, height, colour);
    else if (kind == PICTURE_TEXT)
        text_puts(&file, "I am sorry, but these bytes are a sentence and no picture.\n");
    else if (kind == PICTURE_HTML)
        text_puts(&file, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n");
    else if (kind == PICTURE_SVG)
        text_printf(&file,
                    "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
                    "width=\"%d\" height=\"%d\"/>\n",
                    width, height);
    else if (kind == PICTURE_RANDOM)
        return noise_random(size, colour, ret_blob);
    else if (kind == PICTURE_BOMB)
        return noise_bomb(ret_blob);
    return adopt_text(&file, ret_blob);
}
