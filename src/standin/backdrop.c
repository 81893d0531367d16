/* SPDX-License-Identifier: MIT */
#include "standin/backdrop.h"

#include <math.h>

#define HILLS 4

/* Hues in turns of OKLCH. Dark ones go from teal over blue and violet to crimson, and the light at
 * the horizon is a turn warmer, up to gold: dark browns and olives look like mud. */
#define FIRST_HUE 0.50
#define LAST_HUE  0.97
#define WARMEST   1.20

/* Bytes of the digest as numbers from 0 to 1, one after another. */
struct dice {
    const unsigned char *digest;
    unsigned next;
};

static double roll(struct dice *dice)
{
    return dice->digest[dice->next++ % SHA256_SIZE] / 255.0;
}

struct colour {
    double red, green, blue;
};

static double to_srgb(double linear)
{
    linear = fmin(1, fmax(0, linear));
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

/* OKLCH to sRGB: hues of one lightness look equally light, so that white letters always stand out.
 * The matrices are those of Björn Ottosson's definition of Oklab. */
static struct colour oklch(double lightness, double chroma, double turns)
{
    double a = chroma * cos(2 * M_PI * turns);
    double b = chroma * sin(2 * M_PI * turns);
    double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    double m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);

    return (struct colour){to_srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                           to_srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                           to_srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

static void add_stop(cairo_pattern_t *pattern, double offset, struct colour colour, double alpha)
{
    cairo_pattern_add_color_stop_rgba(pattern, offset, colour.red, colour.green, colour.blue,
                                      alpha);
}

static void draw_sky(cairo_t *cr, double width, double height, double hue, double turn)
{
    cairo_pattern_t *pattern = cairo_pattern_create_linear(width * 0.15, 0, width * 0.55, height);

    add_stop(pattern, 0, oklch(0.36, 0.11, hue), 1);
    add_stop(pattern, 0.45, oklch(0.52, 0.14, hue + turn / 2), 1);
    add_stop(pattern, 1, oklch(0.72, 0.13, hue + turn), 1);
    cairo_set_source(cr, pattern);
    cairo_paint(cr);
    cairo_pattern_destroy(pattern);
}

static void draw_glow(cairo_t *cr, double x, double y, double radius, struct colour colour,
                      double alpha)
{
    cairo_pattern_t *pattern = cairo_pattern_create_radial(x, y, 0, x, y, radius);

    add_stop(pattern, 0, colour, alpha);
    add_stop(pattern, 0.5, colour, alpha * 0.35);
    add_stop(pattern, 1, colour, 0);
    cairo_set_source(cr, pattern);
    cairo_rectangle(cr, x - radius, y - radius, 2 * radius, 2 * radius);
    cairo_fill(cr);
    cairo_pattern_destroy(pattern);
}

static void draw_sun(cairo_t *cr, double width, double height, double hue, struct dice *dice)
{
    double radius = fmin(width, height) * (0.09 + 0.06 * roll(dice));
    double x = width * (0.15 + 0.7 * roll(dice));
    double y = height * (0.3 + 0.2 * roll(dice));
    struct colour light = oklch(0.9, 0.08, hue);

    draw_glow(cr, x, y, fmax(width, height) * 0.6, light, 0.4);
    cairo_set_source_rgba(cr, light.red, light.green, light.blue, 0.6);
    cairo_arc(cr, x, y, radius, 0, 2 * M_PI);
    cairo_fill(cr);
}

/* One layer of hills: a sum of two sines from edge to edge, filled down to the bottom. */
static void draw_hill(cairo_t *cr, double width, double height, double top, struct colour colour,
                      struct dice *dice)
{
    double phase = 2 * M_PI * roll(dice);
    double waves = 0.6 + 0.9 * roll(dice);
    double swing = height * (0.03 + 0.05 * roll(dice));
    double ripple = 2.3 + 2 * roll(dice);
    cairo_pattern_t *pattern = cairo_pattern_create_linear(0, top - swing, 0, height);

    add_stop(pattern, 0, colour, 0.88);
    add_stop(pattern, 1, (struct colour){colour.red * 0.6, colour.green * 0.6, colour.blue * 0.6},
             0.95);
    cairo_set_source(cr, pattern);
    cairo_move_to(cr, 0, height);
    for (int i = 0; i <= 96; i++) {
        double t = i / 96.0;
        double y =
            sin(phase + 2 * M_PI * waves * t) + 0.35 * sin(phase * 2 + 2 * M_PI * ripple * t);

        cairo_line_to(cr, width * t, top - swing * y);
    }
    cairo_line_to(cr, width, height);
    cairo_close_path(cr);
    cairo_fill(cr);
    cairo_pattern_destroy(pattern);
}

void backdrop_draw(cairo_t *cr, double width, double height,
                   const unsigned char digest[SHA256_SIZE])
{
    struct dice dice = {digest, 0};
    double hue = FIRST_HUE + (LAST_HUE - FIRST_HUE) * roll(&dice);
    double turn = fmin(0.14 + 0.2 * roll(&dice), WARMEST - hue);

    draw_sky(cr, width, height, hue, turn);
    draw_sun(cr, width, height, hue + turn * 1.15, &dice);
    for (int i = 0; i < HILLS; i++) {
        double depth = (i + 1) / (double)HILLS;

        draw_hill(cr, width, height, height * (0.52 + 0.42 * depth * depth),
                  oklch(0.5 - 0.28 * depth, 0.1, hue + turn * (0.5 - 0.5 * depth)), &dice);
    }
}
