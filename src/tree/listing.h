/* SPDX-License-Identifier: MIT
 *
 * What a directory held when reading it began: offsets into it stay right whatever happens to the
 * directory meanwhile.
 */
#ifndef EASELFS_TREE_LISTING_H
#define EASELFS_TREE_LISTING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct listing;

int listing_create(struct listing **ret_listing);

/** Takes NULL. */
void listing_destroy(struct listing *listing);

/** Add an entry; the name is copied. @return 0 or -ENOMEM. */
int listing_add(struct listing *listing, const char *name, uint64_t number, mode_t type);

/**
 * Add what the real directory behind @fd holds, but "." and "..", and @hidden (NULL: nothing more).
 *
 * @return 0 or a negative errno.
 */
int listing_add_directory(struct listing *listing, int fd, const char *hidden);

size_t listing_count(const struct listing *listing);
const char *listing_name(const struct listing *listing, size_t index);
uint64_t listing_number(const struct listing *listing, size_t index);
mode_t listing_type(const struct listing *listing, size_t index);

#endif
