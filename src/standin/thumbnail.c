/* SPDX-License-Identifier: MIT */
#include "standin/thumbnail.h"

#include <stdio.h> /* jpeglib.h needs FILE */
#include <jpeglib.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

static unsigned big16(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static bool png_size(const unsigned char *bytes, size_t length, int *ret_width, int *ret_height)
{
    if (length < 24 || memcmp(bytes + 12, "IHDR", 4) != 0)
        return false;
    *ret_width = (int)((big16(bytes + 16) & 0x7fff) << 16 | big16(bytes + 18));
    *ret_height = (int)((big16(bytes + 20) & 0x7fff) << 16 | big16(bytes + 22));
    return true;
}

/* Walk the segments to a start of frame: SOF0 to SOF15 without DHT, JPG and DAC. */
static bool jpeg_size(const unsigned char *bytes, size_t length, int *ret_width, int *ret_height)
{
    size_t at = 2;

    while (at + 9 <= length && bytes[at] == 0xff) {
        unsigned marker = bytes[at + 1];

        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
            marker != 0xcc) {
            *ret_height = (int)big16(bytes + at + 5);
            *ret_width = (int)big16(bytes + at + 7);
            return true;
        }
        at += 2 + big16(bytes + at + 2);
    }
    return false;
}

static bool webp_size(const unsigned char *bytes, size_t length, int *ret_width, int *ret_height)
{
    const unsigned char *data = bytes + 20;

    if (length < 30)
        return false;
    if (!memcmp(bytes + 12, "VP8X", 4)) {
        *ret_width = 1 + (data[4] | data[5] << 8 | data[6] << 16);
        *ret_height = 1 + (data[7] | data[8] << 8 | data[9] << 16);
        return true;
    }
    if (!memcmp(bytes + 12, "VP8L", 4)) {
        *ret_width = 1 + ((data[1] | data[2] << 8) & 0x3fff);
        *ret_height = 1 + ((data[2] >> 6 | data[3] << 2 | data[4] << 10) & 0x3fff);
        return true;
    }
    if (!memcmp(bytes + 12, "VP8 ", 4)) {
        *ret_width = (data[6] | data[7] << 8) & 0x3fff;
        *ret_height = (data[8] | data[9] << 8) & 0x3fff;
        return true;
    }
    return false;
}

bool thumbnail_size(const unsigned char *bytes, size_t length, int *ret_width, int *ret_height)
{
    int width = 0;
    int height = 0;
    bool known = false;

    if (length > 8 && !memcmp(bytes, "\x89PNG", 4))
        known = png_size(bytes, length, &width, &height);
    else if (length > 2 && !memcmp(bytes, "\xff\xd8", 2))
        known = jpeg_size(bytes, length, &width, &height);
    else if (length > 16 && !memcmp(bytes, "RIFF", 4))
        known = webp_size(bytes, length, &width, &height);
    if (!known || width <= 0 || height <= 0)
        return false;
    *ret_width = width;
    *ret_height = height;
    return true;
}

struct source {
    const unsigned char *bytes;
    size_t length;
};

static cairo_status_t read_source(void *closure, unsigned char *data, unsigned length)
{
    struct source *source = closure;

    if (length > source->length)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, source->bytes, length);
    source->bytes += length;
    source->length -= length;
    return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *decode_png(const unsigned char *bytes, size_t length)
{
    struct source source = {bytes, length};
    cairo_surface_t *surface = cairo_image_surface_create_from_png_stream(read_source, &source);

    if (cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS)
        return surface;
    cairo_surface_destroy(surface);
    return NULL;
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

static void jpeg_be_silent(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* The smallest of libjpeg's scales (1/8 to 8/8) that leaves @size pixels on the shorter side. */
static void choose_scale(struct jpeg_decompress_struct *jpeg, int size)
{
    unsigned shorter =
        jpeg->image_width < jpeg->image_height ? jpeg->image_width : jpeg->image_height;

    jpeg->scale_denom = 8;
    jpeg->scale_num = 1;
    while (jpeg->scale_num < 8 && shorter * jpeg->scale_num / 8 < (unsigned)size)
        jpeg->scale_num++;
}

/* Between setjmp and longjmp only *@surface, which the caller owns, changes. */
static bool decode_jpeg_to(const unsigned char *bytes, size_t length, int size,
                           cairo_surface_t **surface)
{
    struct jpeg_errors errors;
    struct jpeg_decompress_struct jpeg;

    jpeg.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = jpeg_fail;
    errors.base.output_message = jpeg_be_silent;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&jpeg);
        return false;
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, length);
    jpeg_read_header(&jpeg, TRUE);
    choose_scale(&jpeg, size);
    jpeg.out_color_space = JCS_EXT_BGRX;
    jpeg.dct_method = JDCT_IFAST;
    jpeg_start_decompress(&jpeg);
    *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)jpeg.output_width,
                                          (int)jpeg.output_height);
    if (cairo_surface_status(*surface) != CAIRO_STATUS_SUCCESS)
        jpeg_fail((j_common_ptr)&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = cairo_image_surface_get_data(*surface) +
                       (size_t)cairo_image_surface_get_stride(*surface) * jpeg.output_scanline;

        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    cairo_surface_mark_dirty(*surface);
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return true;
}

cairo_surface_t *thumbnail_decode(const unsigned char *bytes, size_t length, int size)
{
    cairo_surface_t *surface = NULL;
    int width;
    int height;

    if (!thumbnail_size(bytes, length, &width, &height) ||
        (int64_t)width * height > THUMBNAIL_MAX_PIXELS)
        return NULL;
    if (bytes[0] == 0x89)
        return decode_png(bytes, length);
    if (bytes[0] != 0xff)
        return NULL;
    if (decode_jpeg_to(bytes, length, size, &surface))
        return surface;
    if (surface)
        cairo_surface_destroy(surface);
    return NULL;
}
