/* SPDX-License-Identifier: MIT
 *
 * References made small: decodes PNG (cairo) and JPEG (libjpeg); of other kinds and of what cannot
 * be decoded there is no thumbnail. Also reads a picture's size out of its header.
 */
#ifndef STANDIN_THUMBNAIL_H
#define STANDIN_THUMBNAIL_H

#include <cairo/cairo.h>
#include <stdbool.h>
#include <stddef.h>

#define THUMBNAIL_MAX_PIXELS (64 << 20) /* larger pictures are not decoded */

/**
 * Decode @bytes to a surface at least @size pixels on its shorter side, where the picture has them.
 *
 * @return a surface of the caller; NULL where it cannot be had.
 */
cairo_surface_t *thumbnail_decode(const unsigned char *bytes, size_t length, int size);

/** Read width and height of a PNG, JPEG or WebP. @return whether they could be read. */
bool thumbnail_size(const unsigned char *bytes, size_t length, int *ret_width, int *ret_height);

#endif
