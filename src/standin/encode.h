/* SPDX-License-Identifier: MIT
 *
 * Picture files: painted surfaces as PNG or JPEG, and the odd kinds that are written without
 * painting (one-colour WebP and GIF, a bomb, things that are no pictures). Any thread.
 */
#ifndef STANDIN_ENCODE_H
#define STANDIN_ENCODE_H

#include <cairo/cairo.h>
#include <stdint.h>

#include "standin/body.h"
#include "standin/vocabulary.h"

/** Encode an RGB24 surface. @return 0 or -ENOMEM. */
int encode_png(cairo_surface_t *surface, struct blob **ret_blob);
int encode_jpeg(cairo_surface_t *surface, struct blob **ret_blob);

/**
 * Write one of the kinds that are not painted: PICTURE_WEBP to PICTURE_BOMB.
 *
 * @param colour  0xRRGGBB of the one-colour kinds; also seeds PICTURE_RANDOM
 * @param size    bytes of PICTURE_RANDOM
 * @return 0 or -ENOMEM.
 */
int encode_odd(enum picture_word kind, int width, int height, uint32_t colour, size_t size,
               struct blob **ret_blob);

/** The MIME type that goes with a kind. */
const char *encode_mime(enum picture_word kind);

#endif
