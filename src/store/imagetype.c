/* SPDX-License-Identifier: MIT */
#include "store/imagetype.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <magic.h>

#include "base/cleanup.h"
#include "base/mutex.h"

/* Every type that libmagic tells is known by then. */
#define LOOK_BYTES 65536

/* Its parsers of other things are not needed and were where its vulnerabilities have been. */
#define FLAGS                                                                                  \
    (MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_APPTYPE | \
     MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_TOKENS |    \
     MAGIC_NO_CHECK_ENCODING | MAGIC_NO_CHECK_JSON)

static const struct image_type types[] = {
    {"image/png", "png", "PNG", true, true},
    {"image/jpeg", "jpg", "JPEG", true, true},
    {"image/webp", "webp", "WebP", true, true},
    {"image/heic", "heic", "HEIC", true, true},
    {"image/heif", "heif", "HEIF", true, true},
    {"image/gif", "gif", "GIF", false, true},
    {"image/bmp", "bmp", "BMP", false, true},
    {"image/x-ms-bmp", "bmp", "BMP", false, true},
    {"image/tiff", "tiff", "TIFF", false, true},
    {"image/svg+xml", "svg", "SVG", false, false},
    {"image/avif", "avif", "AVIF", false, true},
    {"image/jxl", "jxl", "JPEG XL", false, true},
    {"image/jp2", "jp2", "JPEG 2000", false, true},
    {"image/vnd.adobe.photoshop", "psd", "Photoshop", false, true},
    {"image/vnd.microsoft.icon", "ico", "icon", false, true},
};

struct imagetype {
    struct mutex mutex; /* a cookie is for one thread at a time; looking takes microseconds */
    magic_t cookie guarded_by_(mutex);
};

int imagetype_create(struct imagetype **ret_imagetype)
{
    struct imagetype *imagetype = calloc(1, sizeof(*imagetype));

    if (!imagetype)
        return -ENOMEM;
    mutex_init(&imagetype->mutex);
    imagetype->cookie = magic_open(FLAGS);
    if (!imagetype->cookie || magic_load(imagetype->cookie, NULL) < 0) {
        imagetype_destroy(imagetype);
        return -ENOENT;
    }
    *ret_imagetype = imagetype;
    return 0;
}

void imagetype_destroy(struct imagetype *imagetype)
{
    if (!imagetype)
        return;
    if (imagetype->cookie)
        magic_close(imagetype->cookie);
    mutex_fini(&imagetype->mutex);
    free(imagetype);
}

const struct image_type *imagetype_find(const char *mime)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].mime, mime) == 0)
            return &types[i];
    }
    return NULL;
}

int imagetype_name(struct imagetype *imagetype, int fd, char name[IMAGETYPE_NAME_SIZE])
{
    cleanup_free char *bytes = malloc(LOOK_BYTES);
    const char *mime;
    ssize_t length;

    if (!bytes)
        return -ENOMEM;
    length = pread(fd, bytes, LOOK_BYTES, 0);
    if (length < 0)
        return -errno;
    mutex_lock(&imagetype->mutex);
    mime = magic_buffer(imagetype->cookie, bytes, (size_t)length);
    snprintf(name, IMAGETYPE_NAME_SIZE, "%s", mime ? mime : "");
    mutex_unlock(&imagetype->mutex);
    return 0;
}

int imagetype_detect(struct imagetype *imagetype, int fd, const struct image_type **ret_type)
{
    char name[IMAGETYPE_NAME_SIZE];
    int error = imagetype_name(imagetype, fd, name);

    if (!error)
        *ret_type = imagetype_find(name);
    return error;
}

static ssize_t read_at(void *context, void *bytes, size_t length, uint64_t offset)
{
    return pread(*(const int *)context, bytes, length, (off_t)offset);
}

struct image_size imagetype_size(int fd)
{
    const struct imagesize_source source = {.read = read_at, .context = &fd};

    return imagesize_read(&source);
}
