/* SPDX-License-Identifier: MIT */
#include "standin/body.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT (256u << 20) /* of one run of text between blobs */

struct blob {
    atomic_size_t references;
    size_t size;
    unsigned char *data; /* owned */
};

int blob_adopt(void *data, size_t size, struct blob **ret_blob)
{
    struct blob *blob = malloc(sizeof(*blob));

    if (!blob) {
        free(data);
        return -ENOMEM;
    }
    blob->size = size;
    blob->data = data;
    atomic_init(&blob->references, 1);
    *ret_blob = blob;
    return 0;
}

int blob_create(size_t size, unsigned char **ret_data, struct blob **ret_blob)
{
    unsigned char *data = malloc(size ? size : 1);
    int error;

    if (!data)
        return -ENOMEM;
    error = blob_adopt(data, size, ret_blob);
    if (!error)
        *ret_data = data;
    return error;
}

struct blob *blob_ref(struct blob *blob)
{
    atomic_fetch_add(&blob->references, 1);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (!blob || atomic_fetch_sub(&blob->references, 1) != 1)
        return;
    free(blob->data);
    free(blob);
}

const unsigned char *blob_data(const struct blob *blob)
{
    return blob->data;
}

size_t blob_size(const struct blob *blob)
{
    return blob->size;
}

void body_init(struct body *body)
{
    *body = (struct body){0};
    text_init(&body->text, MAX_TEXT);
}

void body_fini(struct body *body)
{
    for (size_t i = 0; i < body->count; i++)
        blob_unref(body->segments[i].blob);
    free(body->segments);
    text_fini(&body->text);
    body_init(body);
}

/* Append a segment that takes over one reference to @blob. */
static void push(struct body *body, struct blob *blob, const unsigned char *data, size_t length)
{
    if (body->count == body->size) {
        size_t size = body->size ? body->size * 2 : 8;
        struct segment *segments = reallocarray(body->segments, size, sizeof(*segments));

        if (!segments) {
            body->text.error = -ENOMEM;
            blob_unref(blob);
            return;
        }
        body->segments = segments;
        body->size = size;
    }
    body->segments[body->count++] = (struct segment){blob, data, length};
    body->length += length;
}

int body_seal(struct body *body)
{
    size_t length = body->text.length;
    struct blob *blob;
    char *data;

    if (body->text.error || !length)
        return body->text.error;
    data = text_steal(&body->text);
    body->text.error = blob_adopt(data, length, &blob);
    if (!body->text.error)
        push(body, blob, blob_data(blob), length);
    return body->text.error;
}

void body_add(struct body *body, const void *data, size_t length)
{
    text_add(&body->text, data, length);
}

void body_printf(struct body *body, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vprintf(&body->text, format, arguments);
    va_end(arguments);
}

void body_add_blob(struct body *body, struct blob *blob, size_t offset, size_t length)
{
    if (!length || body_seal(body))
        return;
    push(body, blob_ref(blob), blob_data(blob) + offset, length);
}

void body_add_body(struct body *body, const struct body *other, size_t offset, size_t length)
{
    for (size_t i = 0; i < other->count && length; i++) {
        const struct segment *segment = &other->segments[i];
        size_t skip = offset < segment->length ? offset : segment->length;
        size_t take = segment->length - skip;

        if (take > length)
            take = length;
        offset -= skip;
        length -= take;
        if (take)
            body_add_blob(body, segment->blob,
                          (size_t)(segment->data - blob_data(segment->blob)) + skip, take);
    }
}

void body_cut(struct body *body, size_t length)
{
    size_t kept = 0;
    size_t count = 0;

    for (; count < body->count && kept < length; count++) {
        if (body->segments[count].length > length - kept)
            body->segments[count].length = length - kept;
        kept += body->segments[count].length;
    }
    for (size_t i = count; i < body->count; i++)
        blob_unref(body->segments[i].blob);
    body->count = count;
    body->length = kept;
}

int body_vectors(const struct body *body, size_t position, size_t limit, struct iovec *vectors,
                 int max)
{
    int count = 0;

    for (size_t i = 0; i < body->count && count < max && limit; i++) {
        const struct segment *segment = &body->segments[i];
        size_t length;

        if (position >= segment->length) {
            position -= segment->length;
            continue;
        }
        length = segment->length - position;
        if (length > limit)
            length = limit;
        vectors[count].iov_base = (void *)(segment->data + position);
        vectors[count++].iov_len = length;
        position = 0;
        limit -= length;
    }
    return count;
}

size_t body_read(const struct body *body, size_t position, void *data, size_t max)
{
    struct iovec vectors[8];
    int count = body_vectors(body, position, max, vectors, 8);
    size_t copied = 0;

    for (int i = 0; i < count; i++) {
        memcpy((char *)data + copied, vectors[i].iov_base, vectors[i].iov_len);
        copied += vectors[i].iov_len;
    }
    return copied;
}
