/* SPDX-License-Identifier: MIT
 *
 * A text of any length set as large as it fits into a box: wrapped, with lines of about one width,
 * centred. Chooses a font that has the text's characters, where one is installed.
 */
#ifndef STANDIN_LETTERING_H
#define STANDIN_LETTERING_H

#include <cairo/cairo.h>
#include <stdbool.h>

struct box {
    double x, y, width, height;
};

/** Select the font for @text, with hinting off so that widths scale with the size. */
void lettering_select(cairo_t *cr, const char *text, bool bold);

/**
 * Draw @text, UTF-8, into @box in white with a soft shadow. What does not fit at the smallest size
 * is left out, with an ellipsis.
 *
 * @param max_size  of the letters, in pixels
 */
void lettering_draw(cairo_t *cr, const char *text, const struct box *box, double max_size);

/** Read the fonts' configuration: once, before any thread draws. @return whether there was memory.
 */
bool lettering_begin(void);

/** Free what cairo and fontconfig keep for the next text. Once, when no thread draws any more. */
void lettering_end(void);

#endif
