/* SPDX-License-Identifier: MIT
 *
 * The pictures of one answer, made as it asks: painted afresh, of noise and then shared between all
 * answers that want the same, or of an odd kind. Also their base64, which for shared pictures is
 * made once per spelling. Any thread.
 */
#ifndef STANDIN_PICTURE_H
#define STANDIN_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "standin/paint.h"
#include "standin/vocabulary.h"

/* What the cache may hold; what does not fit is made anew for each answer. */
#define PICTURE_CACHE_BYTES   ((size_t)1 << 30)
#define PICTURE_CACHE_ENTRIES 64

struct picture_cache;

/** @return 0 or -ENOMEM. */
int picture_cache_create(struct picture_cache **ret_cache);

/** Takes NULL. */
void picture_cache_destroy(struct picture_cache *cache);

struct commission {
    enum picture_word kind;
    size_t bytes;             /* 0 = painted */
    unsigned index;           /* which of several in one answer; drafts count on */
    struct painting painting; /* also the size and the colours of what is not painted */
};

struct picture {
    struct blob *bytes;  /* owned reference */
    struct blob *base64; /* owned reference */
    const char *mime;    /* what the bytes really are, as a constant */
};

/**
 * Make a picture and its base64.
 *
 * @param spelling  as for base64_spell()
 * @return 0 and a picture for picture_fini(); -ENOMEM.
 */
int picture_make(struct picture_cache *cache, const struct commission *commission, int64_t spelling,
                 struct picture *ret_picture);

void picture_fini(struct picture *picture);

#endif
