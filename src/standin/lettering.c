/* SPDX-License-Identifier: MIT */
#include "standin/lettering.h"

#include <cairo/cairo-ft.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define MAX_PIECES   400
#define MAX_PIECE    24 /* characters; a longer word is broken */
#define PIECE_BYTES  128
#define MEASURE_SIZE 100.0
#define LINE_HEIGHT  1.28
#define MIN_SIZE     9.0
#define FIRST_WIDE   0x2e80 /* from here on, scripts that break between any two characters */

/* What is never broken: a word, a part of a long one, or one wide character. */
struct piece {
    char text[PIECE_BYTES];
    double width; /* at size 1 */
    bool space;   /* one stands before it */
    bool newline; /* a new paragraph begins with it */
};

struct setting {
    struct piece pieces[MAX_PIECES];
    int count;
    double space; /* width of one at size 1 */
};

static FcCharSet *characters_of(const char *text)
{
    FcCharSet *set = FcCharSetCreate();
    size_t left = strlen(text);

    while (set && left) {
        FcChar32 character;
        int length = FcUtf8ToUcs4((const FcChar8 *)text, &character, (int)left);

        if (length <= 0)
            break;
        if (character > ' ')
            FcCharSetAddChar(set, character);
        text += length;
        left -= (size_t)length;
    }
    return set;
}

void lettering_select(cairo_t *cr, const char *text, bool bold)
{
    FcPattern *pattern = FcPatternCreate();
    FcCharSet *characters = characters_of(text);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_face_t *face;

    FcPatternAddString(pattern, FC_FAMILY, (const FcChar8 *)"sans-serif");
    FcPatternAddInteger(pattern, FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR);
    if (characters)
        FcPatternAddCharSet(pattern, FC_CHARSET, characters);
    FcConfigSubstitute(NULL, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    face = cairo_ft_font_face_create_for_pattern(pattern);
    cairo_set_font_face(cr, face);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(cr, options);
    cairo_font_face_destroy(face);
    cairo_font_options_destroy(options);
    if (characters)
        FcCharSetDestroy(characters);
    FcPatternDestroy(pattern);
}

static double width_of(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cr, text, &extents);
    return extents.x_advance / MEASURE_SIZE;
}

/* Noncharacters: cairo refuses a whole text for one of them. */
static bool is_drawable(FcChar32 character)
{
    return (character & 0xfffe) != 0xfffe && (character < 0xfdd0 || character > 0xfdef);
}

/* Take one piece off @text, which does not begin with a space. @return the bytes taken. */
static size_t cut_piece(const char *text, char out[PIECE_BYTES])
{
    size_t taken = 0;
    size_t written = 0;
    size_t left = strlen(text);
    FcChar32 character;

    for (int i = 0; i < MAX_PIECE && taken < left; i++) {
        int size = FcUtf8ToUcs4((const FcChar8 *)text + taken, &character, (int)(left - taken));

        if (size <= 0 || character <= ' ' || written + (size_t)size >= PIECE_BYTES)
            break;
        if (character >= FIRST_WIDE && i)
            break;
        if (is_drawable(character)) {
            memcpy(out + written, text + taken, (size_t)size);
            written += (size_t)size;
        }
        taken += (size_t)size;
        if (character >= FIRST_WIDE)
            break;
    }
    out[written] = '\0';
    return taken;
}

static void cut(cairo_t *cr, const char *text, struct setting *setting)
{
    cairo_set_font_size(cr, MEASURE_SIZE);
    setting->count = 0;
    setting->space = width_of(cr, " ");
    while (*text && setting->count < MAX_PIECES) {
        struct piece *piece = &setting->pieces[setting->count];
        size_t length;

        *piece = (struct piece){0};
        for (; *text && (unsigned char)*text <= ' '; text++) {
            piece->space = setting->count > 0;
            piece->newline = piece->newline || (*text == '\n' && setting->count > 0);
        }
        length = cut_piece(text, piece->text);
        if (!length)
            return;
        text += length;
        piece->width = width_of(cr, piece->text);
        setting->count++;
    }
    if (*text)
        memcpy(setting->pieces[MAX_PIECES - 1].text, "…", sizeof("…"));
}

/* The end (exclusive) of the line that begins with piece @first, and its width at size 1. */
static int line_end(const struct setting *setting, int first, double max_width, double *ret_width)
{
    double width = setting->pieces[first].width;
    int end = first + 1;

    for (; end < setting->count; end++) {
        const struct piece *piece = &setting->pieces[end];
        double more = piece->width + (piece->space ? setting->space : 0);

        if (piece->newline || width + more > max_width)
            break;
        width += more;
    }
    *ret_width = width;
    return end;
}

/* @return the number of lines at that width; @ret_widest the widest of them. */
static int count_lines(const struct setting *setting, double max_width, double *ret_widest)
{
    int lines = 0;

    *ret_widest = 0;
    for (int first = 0; first < setting->count; lines++) {
        double width;

        first = line_end(setting, first, max_width, &width);
        *ret_widest = fmax(*ret_widest, width);
    }
    return lines;
}

static bool fits(const struct setting *setting, const struct box *box, double size)
{
    double widest;
    int lines = count_lines(setting, box->width / size, &widest);

    return widest * size <= box->width && lines * LINE_HEIGHT * size <= box->height;
}

static double fit(const struct setting *setting, const struct box *box, double max_size)
{
    double low = fmin(MIN_SIZE, max_size);
    double high = max_size;

    if (fits(setting, box, high))
        return high;
    for (int i = 0; i < 14; i++) {
        double middle = (low + high) / 2;

        if (fits(setting, box, middle))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The narrowest width that needs no more lines: lines of about one length look set, not spilt. */
static double balance(const struct setting *setting, double max_width)
{
    double widest;
    int lines = count_lines(setting, max_width, &widest);
    double low = 0;
    double high = max_width;

    for (int i = 0; i < 14; i++) {
        double middle = (low + high) / 2;

        if (count_lines(setting, middle, &widest) <= lines && widest <= middle)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void draw_line(cairo_t *cr, const struct setting *setting, int first, int end, double x,
                      double y, double size, bool cut_here)
{
    for (int pass = 0; pass < 2; pass++) {
        double at = x;

        if (pass == 0)
            cairo_set_source_rgba(cr, 0, 0, 0, 0.3);
        else
            cairo_set_source_rgb(cr, 1, 1, 1);
        for (int i = first; i < end; i++) {
            const struct piece *piece = &setting->pieces[i];
            double shadow = pass == 0 ? size * 0.03 : 0;

            if (i > first && piece->space)
                at += setting->space * size;
            cairo_move_to(cr, at + shadow, y + shadow);
            cairo_show_text(cr, cut_here && i == end - 1 ? "…" : piece->text);
            at += piece->width * size;
        }
    }
}

void lettering_draw(cairo_t *cr, const char *text, const struct box *box, double max_size)
{
    struct setting setting;
    double size;
    double width;
    double widest;
    double y;
    int lines;
    int room;

    lettering_select(cr, text, true);
    cut(cr, text, &setting);
    if (!setting.count)
        return;
    size = fit(&setting, box, max_size);
    width = balance(&setting, box->width / size);
    lines = count_lines(&setting, width, &widest);
    room = (int)fmax(1, floor(box->height / (size * LINE_HEIGHT)));
    if (lines > room)
        lines = room;
    cairo_set_font_size(cr, size);
    y = box->y + (box->height - lines * size * LINE_HEIGHT) / 2 + size * 0.98;
    for (int first = 0, line = 1; first < setting.count && line <= lines; line++) {
        double length;
        int end = line_end(&setting, first, width, &length);

        draw_line(cr, &setting, first, end, box->x + (box->width - length * size) / 2, y, size,
                  line == lines && end < setting.count);
        y += size * LINE_HEIGHT;
        first = end;
    }
}

bool lettering_begin(void)
{
    return FcInit();
}

void lettering_end(void)
{
    cairo_debug_reset_static_data();
    FcFini();
}
