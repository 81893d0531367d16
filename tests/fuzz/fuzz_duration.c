/* SPDX-License-Identifier: MIT
 *
 * Durations and Retry-After: no text and no wall time gives anything but -EINVAL or a wait within
 * the bounds, and what is digits is understood.
 */
#include <errno.h>

#include "api/duration.h"
#include "fuzz_common.h"

static void check(int error, int64_t ms)
{
    CHECK(error == 0 || error == -EINVAL);
    CHECK(error ? ms == -1 : ms >= 0 && ms <= DURATION_MAX_MS);
}

static bool is_digits(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && text[count] >= '0' && text[count] <= '9')
        count++;
    return length && count == length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    int64_t wall_ms = 0;
    int64_t ms = -1;
    int64_t later = -1;
    const char *text;
    int error;

    for (int i = 0; i < 8; i++)
        wall_ms = (int64_t)((uint64_t)wall_ms << 8 | input_byte(&input));
    text = (const char *)input.data;
    error = duration_parse(text, input.size, &ms);
    check(error, ms);
    CHECK(error || text[input.size - 1] == 's');
    if (input.size && text[input.size - 1] == 's' && is_digits(text, input.size - 1))
        CHECK(!error);
    ms = -1;
    error = duration_parse_retry_after(text, input.size, wall_ms, &ms);
    check(error, ms);
    if (is_digits(text, input.size))
        CHECK(!error);
    if (wall_ms < 0 || wall_ms > INT64_MAX - 1000)
        return 0;
    /* A second later the wait is never longer, unless the century turned. */
    if (!duration_parse_retry_after(text, input.size, wall_ms + 1000, &later) && !error &&
        !memchr(text, '-', input.size))
        CHECK(later <= ms);
    return 0;
}
