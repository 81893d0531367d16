/* SPDX-License-Identifier: MIT */
#include "store/imagesize.h"

#include <stddef.h>
#include <string.h>

/* What is read at once. All headers but those of JPEG and TIFF are in the first of it. */
#define WINDOW_BYTES 4096

/* Before the size a JPEG may have any number of comments and profiles; real ones have a few. */
#define SEGMENTS_MAX 4096
/* Entries of a TIFF's directory; real ones have some dozens. */
#define ENTRIES_MAX 512
/* How much is searched where a size may be anywhere. */
#define SEARCHED_BYTES 65536

/* The bytes of a file, of which a window is in memory. */
struct view {
    const struct imagesize_source *source;
    uint64_t start; /* of the window */
    size_t length;
    uint8_t window[WINDOW_BYTES];
};

/* The bytes from @offset to @offset + @length, no more than a window's; NULL where they are not. */
static const uint8_t *look(struct view *view, uint64_t offset, size_t length)
{
    ssize_t got;

    if (offset >= view->start && offset - view->start + length <= view->length)
        return view->window + (offset - view->start);
    got = view->source->read(view->source->context, view->window, WINDOW_BYTES, offset);
    view->start = offset;
    view->length = got > 0 ? (size_t)got : 0;
    return length <= view->length ? view->window : NULL;
}

static uint32_t big(const uint8_t *bytes, int count)
{
    uint32_t number = 0;

    for (int i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

static uint32_t little(const uint8_t *bytes, int count)
{
    uint32_t number = 0;

    while (count-- > 0)
        number = number << 8 | bytes[count];
    return number;
}

static struct image_size read_png(struct view *view)
{
    const uint8_t *header = look(view, 8, 16);

    if (!header || memcmp(header + 4, "IHDR", 4) != 0)
        return (struct image_size){0};
    return (struct image_size){big(header + 8, 4), big(header + 12, 4)};
}

static struct image_size read_gif(struct view *view)
{
    const uint8_t *screen = look(view, 6, 4);

    return screen ? (struct image_size){little(screen, 2), little(screen + 2, 2)}
                  : (struct image_size){0};
}

/* RIFF, its length, WEBP, then the first chunk: its name, its length and what is in it. */
static struct image_size read_webp(struct view *view)
{
    const uint8_t *chunk = look(view, 12, 18);
    const uint8_t *body;

    if (!chunk)
        return (struct image_size){0};
    body = chunk + 8;
    if (memcmp(chunk, "VP8X", 4) == 0)
        return (struct image_size){little(body + 4, 3) + 1, little(body + 7, 3) + 1};
    if (memcmp(chunk, "VP8L", 4) == 0 && body[0] == 0x2f) {
        uint32_t bits = little(body + 1, 4);

        return (struct image_size){(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
    }
    if (memcmp(chunk, "VP8 ", 4) == 0 && memcmp(body + 3, "\x9d\x01\x2a", 3) == 0)
        return (struct image_size){little(body + 6, 2) & 0x3fff, little(body + 8, 2) & 0x3fff};
    return (struct image_size){0};
}

/* Negative heights are those of pictures that begin at the top. */
static uint32_t magnitude(uint32_t number)
{
    return number >> 31 ? -number : number;
}

static struct image_size read_bmp(struct view *view)
{
    const uint8_t *header = look(view, 14, 12);

    if (!header)
        return (struct image_size){0};
    if (little(header, 4) == 12)
        return (struct image_size){little(header + 4, 2), little(header + 6, 2)};
    return (struct image_size){magnitude(little(header + 4, 4)), magnitude(little(header + 8, 4))};
}

static struct image_size read_photoshop(struct view *view)
{
    const uint8_t *header = look(view, 14, 8);

    return header ? (struct image_size){big(header + 4, 4), big(header, 4)}
                  : (struct image_size){0};
}

/* SOF0 to SOF15, but for the three that are something else: tables and arithmetic coding. */
static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Markers without a length behind them: TEM, RST0 to RST7, SOI. */
static bool is_lone(uint8_t marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

static struct image_size read_jpeg(struct view *view)
{
    uint64_t offset = 2;

    for (int i = 0; i < SEGMENTS_MAX; i++) {
        const uint8_t *segment = look(view, offset, 2);

        if (!segment || segment[0] != 0xff)
            return (struct image_size){0};
        if (segment[1] == 0xff) { /* any number of them may come before a marker */
            offset++;
            continue;
        }
        if (is_lone(segment[1])) {
            offset += 2;
            continue;
        }
        segment = look(view, offset, is_frame(segment[1]) ? 9 : 4);
        if (!segment || segment[1] == 0xd9 || segment[1] == 0xda) /* the end, or the pixels */
            return (struct image_size){0};
        if (is_frame(segment[1]))
            return (struct image_size){big(segment + 7, 2), big(segment + 5, 2)};
        offset += 2 + big(segment + 2, 2);
    }
    return (struct image_size){UINT32_MAX, UINT32_MAX};
}

/* The first directory has, among others, width (256) and height (257), in 16 or 32 bits. */
static struct image_size read_tiff(struct view *view)
{
    const uint8_t *header = look(view, 0, 8);
    uint32_t (*number)(const uint8_t *, int) = header && header[0] == 'M' ? big : little;
    uint64_t offset = header ? number(header + 4, 4) : 0;
    const uint8_t *directory = header ? look(view, offset, 2) : NULL;
    uint32_t count = directory ? number(directory, 2) : 0;
    struct image_size size = {0};

    offset += 2;
    for (uint32_t i = 0; i < count && i < ENTRIES_MAX; i++, offset += 12) {
        const uint8_t *entry = look(view, offset, 12);
        uint32_t tag = entry ? number(entry, 2) : 0;

        if (tag == 256)
            size.width = number(entry + 8, number(entry + 2, 2) == 3 ? 2 : 4);
        else if (tag == 257)
            size.height = number(entry + 8, number(entry + 2, 2) == 3 ? 2 : 4);
    }
    return size;
}

/* Boxes in boxes, one for each picture in the file: the largest of those called @box. */
static struct image_size search(struct view *view, const char *box, size_t width_at,
                                size_t height_at)
{
    struct image_size largest = {0};

    for (uint64_t offset = 0; offset < SEARCHED_BYTES; offset++) {
        const uint8_t *bytes = look(view, offset, 16);
        uint32_t width = bytes ? big(bytes + width_at, 4) : 0;
        uint32_t height = bytes ? big(bytes + height_at, 4) : 0;

        if (!bytes)
            break;
        if (memcmp(bytes, box, 4) == 0 &&
            (uint64_t)width * height > (uint64_t)largest.width * largest.height)
            largest = (struct image_size){width, height};
    }
    return largest;
}

struct image_size imagesize_read(const struct imagesize_source *source)
{
    struct view view = {.source = source};
    const uint8_t *start = look(&view, 0, 12);

    if (!start)
        return (struct image_size){0};
    if (memcmp(start, "\x89PNG\r\n\x1a\n", 8) == 0)
        return read_png(&view);
    if (memcmp(start, "\xff\xd8\xff", 3) == 0)
        return read_jpeg(&view);
    if (memcmp(start, "GIF8", 4) == 0)
        return read_gif(&view);
    if (memcmp(start, "RIFF", 4) == 0 && memcmp(start + 8, "WEBP", 4) == 0)
        return read_webp(&view);
    if (memcmp(start, "BM", 2) == 0)
        return read_bmp(&view);
    if (memcmp(start, "8BPS", 4) == 0)
        return read_photoshop(&view);
    if (memcmp(start, "II*\0", 4) == 0 || memcmp(start, "MM\0*", 4) == 0)
        return read_tiff(&view);
    if (memcmp(start + 4, "ftyp", 4) == 0)
        return search(&view, "ispe", 8, 12); /* its version before them */
    if (memcmp(start + 4, "jP  ", 4) == 0)
        return search(&view, "ihdr", 8, 4);
    return (struct image_size){0};
}

bool imagesize_is_excessive(const struct image_size *size)
{
    return size->width > IMAGESIZE_EDGE_MAX || size->height > IMAGESIZE_EDGE_MAX ||
           (uint64_t)size->width * size->height > IMAGESIZE_AREA_MAX;
}
