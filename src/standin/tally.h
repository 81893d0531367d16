/* SPDX-License-Identifier: MIT
 *
 * How often each prompt (or Idempotency-Key) was seen: what `|` in a directive list counts, and
 * what makes the second picture of a prompt differ from the first. Remembers at most
 * TALLY_MAX_KEYS keys; further ones are always new.
 */
#ifndef STANDIN_TALLY_H
#define STANDIN_TALLY_H

#include <stddef.h>

#define TALLY_MAX_KEYS (1 << 15)

struct tally;

/** @return 0 or -ENOMEM. */
int tally_create(struct tally **ret_tally);

/** Takes NULL. */
void tally_destroy(struct tally *tally);

/** @return how often tally_next() was called with these bytes before. Any thread. */
size_t tally_next(struct tally *tally, const void *key, size_t length);

#endif
