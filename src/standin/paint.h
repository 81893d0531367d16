/* SPDX-License-Identifier: MIT
 *
 * The stand-in's pictures: the prompt on a gradient whose colours come from a digest, the
 * references along the bottom in their order, and a mark that says what it is. Paints with cairo;
 * knows nothing of files, formats or HTTP. Any thread.
 */
#ifndef STANDIN_PAINT_H
#define STANDIN_PAINT_H

#include <cairo/cairo.h>
#include <stddef.h>

#include "standin/request.h"
#include "standin/sha256.h"

struct painting {
    int width, height; /* pixels */
    const char *text;  /* UTF-8 */
    const char *mark;  /* after "stand-in": the model, the size, which of several */
    const struct reference *references;
    size_t reference_count;
    unsigned char digest[SHA256_SIZE]; /* equal digests paint equal backgrounds */
};

/**
 * Paint.
 *
 * @return 0 and an RGB24 image surface of the caller; -ENOMEM.
 */
int paint(const struct painting *painting, cairo_surface_t **ret_surface);

#endif
