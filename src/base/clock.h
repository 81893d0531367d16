/* SPDX-License-Identifier: MIT
 *
 * Two clocks: one for waiting, which no administrator can set, and one for showing to people.
 */
#ifndef EASELFS_BASE_CLOCK_H
#define EASELFS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/** Milliseconds of CLOCK_MONOTONIC: for every wait, deadline and duration. */
int64_t clock_now_ms(void);

/** Milliseconds since the epoch: for display and records only. */
int64_t clock_wall_ms(void);

/** Room for "2026-11-22T15:38:26Z" and its NUL. */
#define CLOCK_TEXT_SIZE 32

/** Write @wall_ms as RFC 3339 in UTC, to the second. */
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
