/* SPDX-License-Identifier: MIT
 *
 * Headers of pictures: whatever the bytes, the answer comes after a bounded number of reads, and is
 * the same when they come in smaller pieces.
 */
#include "store/imagesize.h"

#include "fuzz_common.h"

/* Those of a JPEG with the most segments, and the first window. */
#define READS_MAX 8192

struct bytes {
    const uint8_t *data;
    size_t size;
    size_t reads;
    size_t piece; /* no read gives more */
};

static ssize_t read_bytes(void *context, void *to, size_t length, uint64_t offset)
{
    struct bytes *bytes = context;

    bytes->reads++;
    if (offset >= bytes->size)
        return 0;
    if (length > bytes->size - offset)
        length = bytes->size - (size_t)offset;
    if (length > bytes->piece)
        length = bytes->piece;
    memcpy(to, bytes->data + offset, length);
    return (ssize_t)length;
}

static struct image_size measure(struct bytes *bytes)
{
    const struct imagesize_source source = {.read = read_bytes, .context = bytes};

    return imagesize_read(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes whole = {data, size, 0, SIZE_MAX};
    struct bytes pieces = {data, size, 0, 64};
    struct image_size one = measure(&whole);
    struct image_size other = measure(&pieces);

    CHECK(whole.reads <= READS_MAX);
    CHECK(one.width == other.width && one.height == other.height);
    CHECK(!imagesize_is_excessive(&one) || one.width > 16000 || one.height > 16000 - 384);
    return 0;
}
