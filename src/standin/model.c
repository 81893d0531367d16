/* SPDX-License-Identifier: MIT */
#include "standin/model.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 128

static const struct profile profiles[] = {
    {.prefix = "gemini-2.5-flash-image", .max_references = 3, .old_sizes = true},
    {.prefix = "gemini-3.1-flash-image",
     .max_references = 14,
     .jpeg = true,
     .thinks = true,
     .wide_ratios = true,
     .half_size = true},
    {.prefix = "gemini-3", .max_references = 14, .jpeg = true, .thinks = true},
    {.prefix = "", .wide_ratios = true, .half_size = true},
};

/* Pixels at 1K of the Gemini 3 models and of 2.5 flash; larger sizes are exact multiples. */
static const struct {
    const char *ratio;
    int width, height;
    int old_width, old_height; /* 0: not a ratio of 2.5 flash */
} shapes[] = {
    {"1:1", 1024, 1024, 1024, 1024}, {"16:9", 1376, 768, 1344, 768}, {"9:16", 768, 1376, 768, 1344},
    {"4:3", 1200, 896, 1184, 864},   {"3:4", 896, 1200, 864, 1184},  {"3:2", 1264, 848, 1248, 832},
    {"2:3", 848, 1264, 832, 1248},   {"21:9", 1584, 672, 1536, 672}, {"4:5", 928, 1152, 896, 1152},
    {"5:4", 1152, 928, 1152, 896},   {"1:4", 512, 2048, 0, 0},       {"4:1", 2048, 512, 0, 0},
    {"1:8", 352, 2928, 0, 0},        {"8:1", 2928, 352, 0, 0},
};

#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static const char *const listed[] = {"gemini-3-pro-image-preview", "gemini-2.5-flash-image-preview",
                                     "gemini-3.1-flash-image-preview", "gemini-2.5-pro",
                                     "text-embedding-004"};

const struct profile *model_profile(const char *model)
{
    const struct profile *profile = profiles;

    while (strncmp(model, profile->prefix, strlen(profile->prefix)) != 0)
        profile++;
    return profile;
}

bool model_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (!length || length > MAX_NAME || !isalnum((unsigned char)name[0]) || strstr(name, ".."))
        return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-/@", *at))
            return false;
    return true;
}

bool model_falls_back_to_1k(const char *model)
{
    return !strcmp(model, "gemini-2.5-flash-image-preview") ||
           !strcmp(model, "gemini-3.1-flash-image-preview");
}

bool model_takes_ratio(const struct profile *profile, const char *ratio)
{
    for (size_t i = 0; i < SHAPES; i++)
        if (!strcmp(shapes[i].ratio, ratio))
            return shapes[i].old_width > 0 || profile->wide_ratios;
    return false;
}

bool model_takes_size(const struct profile *profile, const char *size)
{
    if (!strcmp(size, "512"))
        return profile->half_size;
    return !strcmp(size, "1K") || !strcmp(size, "2K") || !strcmp(size, "4K");
}

static int multiple_of_16(double value)
{
    int rounded = (int)lround(value / 16) * 16;

    return rounded < 16 ? 16 : rounded;
}

void model_pixels(const char *model, const char *ratio, const char *size, int reference_width,
                  int reference_height, int *ret_width, int *ret_height)
{
    bool old = model_profile(model)->old_sizes;
    double scale = 1;
    double shape = 1;

    if (size && !model_falls_back_to_1k(model))
        scale = !strcmp(size, "512") ? 0.5 : !strcmp(size, "4K") ? 4 : size[0] - '0';
    for (size_t i = 0; ratio && i < SHAPES; i++) {
        bool use_old = old && shapes[i].old_width;

        if (strcmp(shapes[i].ratio, ratio) != 0)
            continue;
        *ret_width = (int)((use_old ? shapes[i].old_width : shapes[i].width) * scale);
        *ret_height = (int)((use_old ? shapes[i].old_height : shapes[i].height) * scale);
        return;
    }
    if (reference_width > 0 && reference_height > 0)
        shape = fmin(8, fmax(0.125, (double)reference_width / reference_height));
    *ret_width = multiple_of_16(1024 * scale * sqrt(shape));
    *ret_height = multiple_of_16(1024 * scale / sqrt(shape));
}

const char *model_listed(size_t index)
{
    return index < sizeof(listed) / sizeof(*listed) ? listed[index] : NULL;
}
