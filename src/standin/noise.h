/* SPDX-License-Identifier: MIT
 *
 * Pictures of an exact size in bytes that no compression shrinks, made at the speed of memory: for
 * load tests, where painting and compressing would be what is measured. Any thread.
 */
#ifndef STANDIN_NOISE_H
#define STANDIN_NOISE_H

#include <stdint.h>

#include "standin/body.h"

/**
 * A PNG of @width by @height pixels in exactly @size bytes: noise in stored (uncompressed) blocks,
 * filled up with a private chunk. Where @size is too small for the pixels at one bit each, there
 * are fewer pixels; the least is 70 bytes, and up to 12 bytes more cannot be met exactly.
 *
 * @return 0 or -ENOMEM.
 */
int noise_png(int width, int height, size_t size, uint64_t seed, struct blob **ret_blob);

/**
 * A JPEG of @width by @height grey pixels, followed by noise up to exactly @size bytes: after the
 * end marker, where cameras put their films and every decoder stops. (Comment segments would be
 * tidier, but libmagic gives up on a file with 50 of them.) Where the pixels alone take more it is
 * as long as they are.
 *
 * @return 0 or -ENOMEM.
 */
int noise_jpeg(int width, int height, size_t size, uint64_t seed, struct blob **ret_blob);

/** @size bytes of noise that is no picture. @return 0 or -ENOMEM. */
int noise_random(size_t size, uint64_t seed, struct blob **ret_blob);

/** A valid start of a PNG that says 65535 by 65535 pixels and holds none. @return 0 or -ENOMEM. */
int noise_bomb(struct blob **ret_blob);

/** Fill @data with the noise of @seed. */
void noise_fill(void *data, size_t size, uint64_t seed);

/** CRC-32 as in PNG and gzip, continued from @crc (0 at first). */
uint32_t noise_crc32(uint32_t crc, const void *data, size_t length);

#endif
