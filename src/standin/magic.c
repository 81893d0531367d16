/* SPDX-License-Identifier: MIT */
#include "standin/magic.h"

#include <string.h>

static const char *const accepted[] = {"image/png", "image/jpeg", "image/webp", "image/heic",
                                       "image/heif"};

static bool begins(const unsigned char *bytes, size_t length, const char *start, size_t size)
{
    return length >= size && !memcmp(bytes, start, size);
}

/* ISO base media: the major brand after `ftyp` tells HEIC from other HEIF. */
static const char *heif_mime(const unsigned char *brand)
{
    static const char *const heic[] = {"heic", "heix", "heim", "heis", "hevc", "hevx"};

    for (size_t i = 0; i < sizeof(heic) / sizeof(*heic); i++)
        if (!memcmp(brand, heic[i], 4))
            return "image/heic";
    return !memcmp(brand, "mif1", 4) || !memcmp(brand, "msf1", 4) ? "image/heif" : NULL;
}

const char *magic_mime(const unsigned char *bytes, size_t length)
{
    if (begins(bytes, length, "\x89PNG\r\n\x1a\n", 8))
        return "image/png";
    if (begins(bytes, length, "\xff\xd8\xff", 3))
        return "image/jpeg";
    if (length >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4))
        return "image/webp";
    if (length >= 12 && !memcmp(bytes + 4, "ftyp", 4))
        return heif_mime(bytes + 8);
    return NULL;
}

bool magic_is_accepted(const char *mime)
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++)
        if (!strcmp(accepted[i], mime))
            return true;
    return false;
}
