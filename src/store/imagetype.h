/* SPDX-License-Identifier: MIT
 *
 * What kind of picture some bytes are: the only user of libmagic. Names and labels are never
 * believed. Bytes are looked at, never decoded.
 */
#ifndef EASELFS_STORE_IMAGETYPE_H
#define EASELFS_STORE_IMAGETYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/imagesize.h"

/** A kind of picture. Static; compared by address. */
struct image_type {
    const char *mime;
    const char *extension; /* without the dot */
    const char *title;     /* for people: "JPEG" */
    bool is_reference;     /* the API takes it as a reference (API.md, section 2) */
    bool is_result;        /* may be given out; not what can hold scripts */
};

struct imagetype;

/** Load libmagic's database. @return 0, -ENOMEM, or -ENOENT where there is none. */
int imagetype_create(struct imagetype **ret_imagetype);

/** Takes NULL. */
void imagetype_destroy(struct imagetype *imagetype);

/**
 * Find out what @fd holds from its first 64 KiB. The offset of @fd is not changed. Any thread.
 *
 * @return 0 with the type, or NULL for what is no picture; or the negative errno of pread(2).
 */
int imagetype_detect(struct imagetype *imagetype, int fd, const struct image_type **ret_type);

/** Room for the name of any type, and its NUL. */
#define IMAGETYPE_NAME_SIZE 64

/**
 * What @fd holds, picture or not: "text/html". For people; cut where it is longer than @name.
 *
 * @return 0 or a negative errno, as imagetype_detect().
 */
int imagetype_name(struct imagetype *imagetype, int fd, char name[IMAGETYPE_NAME_SIZE]);

/** How large the picture in @fd says that it is (store/imagesize). */
struct image_size imagetype_size(int fd);

/** The type with this MIME type, or NULL. */
const struct image_type *imagetype_find(const char *mime);

#endif
