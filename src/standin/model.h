/* SPDX-License-Identifier: MIT
 *
 * What each model takes and delivers: which ratios and sizes, how many references, PNG or JPEG,
 * whether it thinks first, and the pixel sizes that Google's documentation gives for each ratio
 * (https://ai.google.dev/gemini-api/docs/image-generation). An unknown model takes everything.
 */
#ifndef STANDIN_MODEL_H
#define STANDIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>

struct profile {
    const char *prefix;    /* of the names that it is for */
    size_t max_references; /* 0 = any number */
    bool jpeg;             /* else PNG */
    bool thinks;           /* drafts and signatures */
    bool wide_ratios;      /* 1:4 4:1 1:8 8:1 too */
    bool half_size;        /* imageSize "512" too */
    bool old_sizes;        /* the pixel sizes of the 2.5 family */
};

/** The profile of @model; never NULL. */
const struct profile *model_profile(const char *model);

/** Whether @name can be a model's name at all. */
bool model_name_is_valid(const char *name);

/**
 * The vendor's two flash previews deliver 1K whatever was asked.
 *
 * @return whether @model is one of them.
 */
bool model_falls_back_to_1k(const char *model);

/** Whether the model knows this aspectRatio, "16:9". */
bool model_takes_ratio(const struct profile *profile, const char *ratio);

/** Whether the model knows this imageSize, "2K". */
bool model_takes_size(const struct profile *profile, const char *size);

/**
 * Pixels for a ratio and size that the model takes.
 *
 * @param ratio  NULL for that of @reference_width by @reference_height, or 1:1 where these are 0.
 * @param size   NULL for 1K.
 */
void model_pixels(const char *model, const char *ratio, const char *size, int reference_width,
                  int reference_height, int *ret_width, int *ret_height);

/** The names in the model list, @index from 0; NULL at the end. */
const char *model_listed(size_t index);

#endif
