/* SPDX-License-Identifier: MIT */
#include "standin/paint.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "standin/backdrop.h"
#include "standin/lettering.h"
#include "standin/thumbnail.h"

#define NAME           "stand-in"
#define MAX_THUMBNAILS 14

/* Measures of a painting, in pixels. */
struct layout {
    double unit; /* what all else is measured by: a 24th of the mean side, at most of the height */
    double margin;
    struct box text;
    struct box shelf; /* of the thumbnails; height 0 without any */
};

static struct layout lay_out(const struct painting *painting)
{
    double width = painting->width;
    double height = painting->height;
    struct layout layout;
    double top;

    layout.unit = fmin(sqrt(width * height) / 24, fmin(width, height) / 12);
    layout.margin = layout.unit * 1.1;
    layout.shelf = (struct box){layout.margin, 0, width - 2 * layout.margin, 0};
    if (painting->reference_count)
        layout.shelf.height = fmin(height * 0.26, layout.unit * 6);
    layout.shelf.y = height - layout.margin - layout.shelf.height;
    top = layout.margin + layout.unit * 1.6;
    layout.text = (struct box){layout.margin * 2, top, width - 4 * layout.margin,
                               layout.shelf.y - top - layout.unit * 0.6};
    return layout;
}

static void rounded(cairo_t *cr, const struct box *box, double radius)
{
    double right = box->x + box->width - radius;
    double bottom = box->y + box->height - radius;

    cairo_new_sub_path(cr);
    cairo_arc(cr, right, box->y + radius, radius, -M_PI / 2, 0);
    cairo_arc(cr, right, bottom, radius, 0, M_PI / 2);
    cairo_arc(cr, box->x + radius, bottom, radius, M_PI / 2, M_PI);
    cairo_arc(cr, box->x + radius, box->y + radius, radius, M_PI, 1.5 * M_PI);
    cairo_close_path(cr);
}

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* The pill at the top: "stand-in" and the rest, smaller where it would not fit. */
static void draw_mark(cairo_t *cr, const struct painting *painting, const struct layout *layout)
{
    double size = layout->unit * 0.62;
    double room = painting->width - 2 * layout->margin;
    struct box pill = {layout->margin, layout->margin * 0.8, 0, 0};
    double name_width;
    double baseline;

    cairo_set_font_size(cr, 1);
    lettering_select(cr, painting->mark, false);
    pill.width = text_width(cr, painting->mark) + 2.7;
    lettering_select(cr, NAME, true);
    name_width = text_width(cr, NAME);
    pill.width += name_width;
    size = fmin(size, room / pill.width);
    name_width *= size;
    pill.width *= size;
    pill.height = size * 2;
    baseline = pill.y + size * 1.35;
    cairo_set_font_size(cr, size);
    rounded(cr, &pill, pill.height / 2);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.42);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_move_to(cr, pill.x + size, baseline);
    cairo_show_text(cr, NAME);
    lettering_select(cr, painting->mark, false);
    cairo_set_source_rgba(cr, 1, 1, 1, 0.8);
    cairo_move_to(cr, pill.x + size * 1.7 + name_width, baseline);
    cairo_show_text(cr, painting->mark);
}

/* A reference as it will be shown. */
struct thumbnail {
    cairo_surface_t *surface; /* NULL: a placeholder with the type's name; owned */
    const char *label;
    double ratio; /* width by height */
};

static void load(const struct reference *reference, double height, struct thumbnail *thumbnail)
{
    const unsigned char *bytes = blob_data(reference->bytes);
    size_t length = blob_size(reference->bytes);
    int width;
    int rows;

    thumbnail->surface = thumbnail_decode(bytes, length, (int)(height * 1.5));
    thumbnail->label = strchr(reference->mime, '/') + 1;
    thumbnail->ratio = 1;
    if (thumbnail_size(bytes, length, &width, &rows))
        thumbnail->ratio = fmin(2.5, fmax(0.4, (double)width / rows));
}

/* Fill @box with the picture's middle, keeping its shape. */
static void draw_picture(cairo_t *cr, cairo_surface_t *surface, const struct box *box)
{
    double width = cairo_image_surface_get_width(surface);
    double height = cairo_image_surface_get_height(surface);
    double scale = fmax(box->width / width, box->height / height);

    cairo_save(cr);
    cairo_rectangle(cr, box->x, box->y, box->width, box->height);
    cairo_clip(cr);
    cairo_translate(cr, box->x + (box->width - width * scale) / 2,
                    box->y + (box->height - height * scale) / 2);
    cairo_scale(cr, scale, scale);
    cairo_set_source_surface(cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_GOOD);
    cairo_paint(cr);
    cairo_restore(cr);
}

static void draw_placeholder(cairo_t *cr, const char *label, const struct box *box)
{
    struct box inner = {box->x + box->width * 0.1, box->y + box->height * 0.3, box->width * 0.8,
                        box->height * 0.4};

    cairo_rectangle(cr, box->x, box->y, box->width, box->height);
    cairo_set_source_rgb(cr, 0.45, 0.47, 0.52);
    cairo_fill(cr);
    lettering_draw(cr, label, &inner, box->height * 0.3);
}

/* One print with a white edge and a soft shadow. */
static void draw_print(cairo_t *cr, const struct thumbnail *thumbnail, const struct box *box)
{
    double edge = fmax(1.5, box->height * 0.035);
    struct box inner = {box->x + edge, box->y + edge, box->width - 2 * edge,
                        box->height - 2 * edge};

    for (int i = 3; i > 0; i--) {
        struct box shade = {box->x - i * edge * 0.4, box->y - i * edge * 0.2,
                            box->width + i * edge * 0.8, box->height + i * edge * 0.8};

        rounded(cr, &shade, edge * (0.6 + 0.4 * i));
        cairo_set_source_rgba(cr, 0, 0, 0, 0.1);
        cairo_fill(cr);
    }
    rounded(cr, box, edge * 0.6);
    cairo_set_source_rgb(cr, 0.98, 0.98, 0.97);
    cairo_fill(cr);
    if (thumbnail->surface)
        draw_picture(cr, thumbnail->surface, &inner);
    else
        draw_placeholder(cr, thumbnail->label, &inner);
}

static void draw_shelf(cairo_t *cr, const struct painting *painting, const struct box *shelf)
{
    struct thumbnail thumbnails[MAX_THUMBNAILS];
    size_t count = painting->reference_count;
    double gap = shelf->height * 0.14;
    double ratios = 0;
    double height;
    double x;

    if (count > MAX_THUMBNAILS)
        count = MAX_THUMBNAILS;
    for (size_t i = 0; i < count; i++) {
        load(&painting->references[i], shelf->height, &thumbnails[i]);
        ratios += thumbnails[i].ratio;
    }
    height = fmin(shelf->height, (shelf->width - gap * (double)(count - 1)) / ratios);
    x = shelf->x + (shelf->width - ratios * height - gap * (double)(count - 1)) / 2;
    for (size_t i = 0; i < count; i++) {
        struct box box = {x, shelf->y + shelf->height - height, thumbnails[i].ratio * height,
                          height};

        draw_print(cr, &thumbnails[i], &box);
        x += box.width + gap;
        if (thumbnails[i].surface)
            cairo_surface_destroy(thumbnails[i].surface);
    }
}

int paint(const struct painting *painting, cairo_surface_t **ret_surface)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, painting->width, painting->height);
    cairo_t *cr = cairo_create(surface);
    struct layout layout = lay_out(painting);
    cairo_status_t status;

    backdrop_draw(cr, painting->width, painting->height, painting->digest);
    if (painting->reference_count)
        draw_shelf(cr, painting, &layout.shelf);
    lettering_draw(cr, painting->text, &layout.text, layout.unit * 2.5);
    draw_mark(cr, painting, &layout);
    status = cairo_status(cr);
    cairo_destroy(cr);
    if (status != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return -ENOMEM;
    }
    cairo_surface_flush(surface);
    *ret_surface = surface;
    return 0;
}
