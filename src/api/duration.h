/* SPDX-License-Identifier: MIT
 *
 * How long a server asks to wait, in the two spellings that servers use. Pure: the wall time is
 * given, no locale and no time zone take part.
 */
#ifndef EASELFS_API_DURATION_H
#define EASELFS_API_DURATION_H

#include <stddef.h>
#include <stdint.h>

/** Longer waits are cut to this: a day, after which asking again does no harm. */
#define DURATION_MAX_MS (24LL * 3600 * 1000)

/**
 * Parse a google.protobuf.Duration in its JSON form: "39s", "1.173612231s". Rounded up to the
 * millisecond, at most DURATION_MAX_MS.
 *
 * @return 0, or -EINVAL (negative durations included).
 */
int duration_parse(const char *text, size_t length, int64_t *ret_ms);

/**
 * Parse the value of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date in one of the
 * three forms of RFC 9110, 5.6.7, from which @wall_ms is subtracted. A date gone by gives 0; at
 * most DURATION_MAX_MS. White space around the value is skipped.
 *
 * @param wall_ms now, in milliseconds since the epoch.
 * @return 0, or -EINVAL.
 */
int duration_parse_retry_after(const char *text, size_t length, int64_t wall_ms, int64_t *ret_ms);

#endif
