/* SPDX-License-Identifier: MIT
 *
 * The background of a painting: a gradient sky, a sun and layers of hills. All of it follows from
 * the digest.
 */
#ifndef STANDIN_BACKDROP_H
#define STANDIN_BACKDROP_H

#include <cairo/cairo.h>

#include "standin/sha256.h"

/** Fill a @width by @height target. */
void backdrop_draw(cairo_t *cr, double width, double height,
                   const unsigned char digest[SHA256_SIZE]);

#endif
