/* SPDX-License-Identifier: MIT
 *
 * How large a picture says that it is, by its header: nothing is decoded. Pure. What opens pictures
 * makes room for what the header says, so that a few bytes can take all the memory there is.
 */
#ifndef EASELFS_STORE_IMAGESIZE_H
#define EASELFS_STORE_IMAGESIZE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** In pixels; 0 where it is not known. */
struct image_size {
    unsigned width;
    unsigned height;
};

/** What is given out under the name of a picture is no larger than this. */
#define IMAGESIZE_EDGE_MAX UINT32_C(16384)
#define IMAGESIZE_AREA_MAX UINT64_C(256000000)

/** Where the bytes come from. */
struct imagesize_source {
    /** As pread(2): up to @length bytes at @offset. @return how many, 0 at the end, -1: none. */
    ssize_t (*read)(void *context, void *bytes, size_t length, uint64_t offset);
    void *context;
};

/**
 * The size that stands in the header of a PNG, JPEG, GIF, WebP, BMP, TIFF or Photoshop file; of
 * HEIF, AVIF and JPEG 2000, the largest in the first 64 KiB. Not known of anything else, or where
 * the bytes end before it. Where a header is so long that it was not read to its end, both are
 * UINT32_MAX.
 */
struct image_size imagesize_read(const struct imagesize_source *source);

/** Whether it is larger than a picture may be. */
bool imagesize_is_excessive(const struct image_size *size);

#endif
