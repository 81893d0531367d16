/* SPDX-License-Identifier: MIT
 *
 * A sink in memory for the tests of api/: keeps the bytes of each part, checks that the sink is
 * called in the promised order, and can fail at a given call.
 */
#ifndef EASELFS_TESTS_API_PARTS_H
#define EASELFS_TESTS_API_PARTS_H

#include <stdlib.h>

#include "api/lift.h"
#include "base/buf.h"

#define API_PARTS_MAX 512

struct api_parts {
    struct buf data[API_PARTS_MAX];
    enum lift_encoding encoding[API_PARTS_MAX];
    struct lift_part info[API_PARTS_MAX]; /* as close() got it */
    bool closed[API_PARTS_MAX];
    unsigned first; /* number of the first part */
    unsigned count;
    bool is_open;
    bool out_of_order;   /* the sink was called as it must not be */
    unsigned call_count; /* of the sink */
    unsigned fail_at;    /* the call that fails, from 1 on; 0 = none */
    int fail_with;
};

static inline int api_parts_call(struct api_parts *parts, bool in_order)
{
    if (!in_order)
        parts->out_of_order = true;
    if (++parts->call_count == parts->fail_at)
        return parts->fail_with;
    return 0;
}

static inline int api_parts_open(void *ctx, unsigned part, enum lift_encoding encoding)
{
    struct api_parts *parts = ctx;
    int error = api_parts_call(parts, !parts->is_open && part == parts->first + parts->count &&
                                          parts->count < API_PARTS_MAX);

    if (error)
        return error;
    buf_init(&parts->data[parts->count], SIZE_MAX / 2);
    parts->encoding[parts->count++] = encoding;
    parts->is_open = true;
    return 0;
}

static inline int api_parts_write(void *ctx, unsigned part, const void *data, size_t length)
{
    struct api_parts *parts = ctx;
    int error =
        api_parts_call(parts, parts->is_open && length && part + 1 == parts->first + parts->count);

    return error ? error : buf_append(&parts->data[parts->count - 1], data, length);
}

static inline int api_parts_close(void *ctx, unsigned part, const struct lift_part *info)
{
    struct api_parts *parts = ctx;
    int error = api_parts_call(parts, parts->is_open && part + 1 == parts->first + parts->count &&
                                          info->bytes == parts->data[parts->count - 1].length &&
                                          info->encoding == parts->encoding[parts->count - 1]);

    parts->is_open = false;
    if (error)
        return error;
    parts->info[parts->count - 1] = *info;
    parts->closed[parts->count - 1] = true;
    return 0;
}

static inline struct lift_sink api_parts_sink(struct api_parts *parts)
{
    return (struct lift_sink){parts, api_parts_open, api_parts_write, api_parts_close};
}

static inline struct api_parts *api_parts_create(void)
{
    return calloc(1, sizeof(struct api_parts));
}

static inline void api_parts_destroy(struct api_parts *parts)
{
    for (unsigned i = 0; i < parts->count; i++)
        buf_fini(&parts->data[i]);
    free(parts);
}

#endif
