/* SPDX-License-Identifier: MIT */
#include "tree/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/io.h"

/* Names of one directory: far above any that can be listed in reasonable time. */
#define NAMES_MAX_BYTES (1u << 30)

struct entry {
    uint64_t number;
    size_t name; /* offset in names */
    mode_t type;
};

struct listing {
    struct buf names; /* each with its NUL */
    struct entry *entries;
    size_t count;
    size_t size;
};

int listing_create(struct listing **ret_listing)
{
    struct listing *listing = calloc(1, sizeof(*listing));

    if (!listing)
        return -ENOMEM;
    buf_init(&listing->names, NAMES_MAX_BYTES);
    *ret_listing = listing;
    return 0;
}

void listing_destroy(struct listing *listing)
{
    if (!listing)
        return;
    buf_fini(&listing->names);
    free(listing->entries);
    free(listing);
}

int listing_add(struct listing *listing, const char *name, uint64_t number, mode_t type)
{
    size_t offset = listing->names.length;
    int error;

    if (listing->count == listing->size) {
        size_t size = listing->size ? listing->size * 2 : 64;
        struct entry *entries = realloc(listing->entries, size * sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        listing->entries = entries;
        listing->size = size;
    }
    error = buf_append(&listing->names, name, strlen(name) + 1);
    if (!error)
        listing->entries[listing->count++] = (struct entry){number, offset, type};
    return error;
}

int listing_add_directory(struct listing *listing, int fd, const char *hidden)
{
    cleanup_closedir DIR *dir = NULL;
    int error = io_open_dir(fd, &dir);

    for (const struct dirent *entry; !error && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !(hidden && strcmp(entry->d_name, hidden) == 0))
            error =
                listing_add(listing, entry->d_name, entry->d_ino, (mode_t)DTTOIF(entry->d_type));
    }
    return error;
}

size_t listing_count(const struct listing *listing)
{
    return listing->count;
}

const char *listing_name(const struct listing *listing, size_t index)
{
    return listing->names.data + listing->entries[index].name;
}

uint64_t listing_number(const struct listing *listing, size_t index)
{
    return listing->entries[index].number;
}

mode_t listing_type(const struct listing *listing, size_t index)
{
    return listing->entries[index].type;
}
