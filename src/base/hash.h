/* SPDX-License-Identifier: MIT
 *
 * A hash for tables and for finding damage (FNV-1a, 64 bits). Any change of a single byte changes
 * it for certain. No protection against somebody who means to deceive.
 */
#ifndef EASELFS_BASE_HASH_H
#define EASELFS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** The hash of nothing: where to begin. */
#define HASH_START UINT64_C(0xcbf29ce484222325)

/** The hash of what @hash stands for, followed by @data. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t length);

#endif
