/* SPDX-License-Identifier: MIT */
#include "standin/picture.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "standin/base64.h"
#include "standin/encode.h"
#include "standin/noise.h"

#define RANDOM_BYTES 4096

/* What makes two noise pictures, in one spelling, the same. */
struct key {
    enum picture_word kind;
    int width, height;
    size_t bytes;
    unsigned index;
    int64_t spelling;
};

struct entry {
    struct key key;
    struct blob *bytes;
    struct blob *base64;
};

struct picture_cache {
    /* Guards all below. Held while an entry is made: whoever wants the same one waits for it, and
     * who wants another is a load test's warm-up. */
    pthread_mutex_t mutex;
    struct entry entries[PICTURE_CACHE_ENTRIES];
    size_t count;
    size_t held; /* bytes of all entries */
};

int picture_cache_create(struct picture_cache **ret_cache)
{
    struct picture_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return -ENOMEM;
    pthread_mutex_init(&cache->mutex, NULL);
    *ret_cache = cache;
    return 0;
}

void picture_cache_destroy(struct picture_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++) {
        blob_unref(cache->entries[i].bytes);
        blob_unref(cache->entries[i].base64);
    }
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static bool same(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && a->width == b->width && a->height == b->height &&
           a->bytes == b->bytes && a->index == b->index && a->spelling == b->spelling;
}

static int make_noise(const struct key *key, struct picture *picture)
{
    uint64_t seed = (uint64_t)key->index * 1000003 + key->bytes;

    if (key->kind == PICTURE_JPEG)
        return noise_jpeg(key->width, key->height, key->bytes, seed, &picture->bytes);
    return noise_png(key->width, key->height, key->bytes, seed, &picture->bytes);
}

static void keep_locked(struct picture_cache *cache, const struct key *key,
                        const struct picture *picture)
{
    size_t size = blob_size(picture->bytes) + blob_size(picture->base64);

    if (cache->count == PICTURE_CACHE_ENTRIES || size > PICTURE_CACHE_BYTES - cache->held)
        return;
    cache->entries[cache->count++] =
        (struct entry){*key, blob_ref(picture->bytes), blob_ref(picture->base64)};
    cache->held += size;
}

static int take_noise(struct picture_cache *cache, const struct key *key, struct picture *picture)
{
    const struct entry *entry = cache->entries;
    int error = 0;

    pthread_mutex_lock(&cache->mutex);
    while (entry < cache->entries + cache->count && !same(&entry->key, key))
        entry++;
    if (entry < cache->entries + cache->count) {
        picture->bytes = blob_ref(entry->bytes);
        picture->base64 = blob_ref(entry->base64);
    } else {
        error = make_noise(key, picture);
        if (!error)
            error = base64_spell(picture->bytes, key->spelling, &picture->base64);
        if (!error)
            keep_locked(cache, key, picture);
    }
    pthread_mutex_unlock(&cache->mutex);
    return error;
}

static int make_painting(const struct commission *commission, struct picture *picture)
{
    cairo_surface_t *surface;
    int error = paint(&commission->painting, &surface);

    if (error)
        return error;
    error = commission->kind == PICTURE_JPEG ? encode_jpeg(surface, &picture->bytes)
                                             : encode_png(surface, &picture->bytes);
    cairo_surface_destroy(surface);
    return error;
}

static int make_odd(const struct commission *commission, struct picture *picture)
{
    const struct painting *painting = &commission->painting;
    uint32_t colour = (uint32_t)painting->digest[0] << 16 | (uint32_t)painting->digest[1] << 8 |
                      painting->digest[2];

    return encode_odd(commission->kind, painting->width, painting->height, colour,
                      commission->bytes ? commission->bytes : RANDOM_BYTES, &picture->bytes);
}

static int make(struct picture_cache *cache, const struct commission *commission, int64_t spelling,
                struct picture *picture)
{
    bool paintable = commission->kind == PICTURE_PNG || commission->kind == PICTURE_JPEG;
    const struct key key = {
        commission->kind,  commission->painting.width, commission->painting.height,
        commission->bytes, commission->index,          spelling};
    int error;

    if (paintable && commission->bytes)
        return take_noise(cache, &key, picture);
    error = paintable ? make_painting(commission, picture) : make_odd(commission, picture);
    return error ? error : base64_spell(picture->bytes, spelling, &picture->base64);
}

int picture_make(struct picture_cache *cache, const struct commission *commission, int64_t spelling,
                 struct picture *ret_picture)
{
    struct picture picture = {.mime = encode_mime(commission->kind)};
    int error = make(cache, commission, spelling, &picture);

    if (error)
        picture_fini(&picture);
    else
        *ret_picture = picture;
    return error;
}

void picture_fini(struct picture *picture)
{
    blob_unref(picture->bytes);
    blob_unref(picture->base64);
    *picture = (struct picture){0};
}
