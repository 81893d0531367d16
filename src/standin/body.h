/* SPDX-License-Identifier: MIT
 *
 * The bytes of an answer: a sequence of segments, each a slice of a shared, immutable blob. A
 * picture of 20 MB that a thousand answers carry exists once; an answer owns only the few hundred
 * bytes of JSON around it. Knows nothing of HTTP, JSON or pictures.
 */
#ifndef STANDIN_BODY_H
#define STANDIN_BODY_H

#include <stddef.h>
#include <sys/uio.h>

#include "standin/text.h"

/* Immutable bytes with a reference count; any thread. */
struct blob;

/**
 * Allocate a blob of @size bytes. The creator fills @ret_data before it shares the blob.
 *
 * @return 0 or -ENOMEM.
 */
int blob_create(size_t size, unsigned char **ret_data, struct blob **ret_blob);

/** Make a blob of @data, which it then owns (also where this fails). @return 0 or -ENOMEM. */
int blob_adopt(void *data, size_t size, struct blob **ret_blob);

/** @return @blob, with one more reference. */
struct blob *blob_ref(struct blob *blob);

/** Drop a reference; the last one frees. Takes NULL. */
void blob_unref(struct blob *blob);

const unsigned char *blob_data(const struct blob *blob);
size_t blob_size(const struct blob *blob);

struct segment {
    struct blob *blob; /* one reference is ours */
    const unsigned char *data;
    size_t length;
};

struct body {
    struct segment *segments;
    size_t count;
    size_t size;
    size_t length;    /* bytes in all sealed segments */
    struct text text; /* what was appended as text since the last blob; its error is the body's */
};

void body_init(struct body *body);
void body_fini(struct body *body);

/** Append bytes by copy. Errors are sticky and shown by body_seal(). */
void body_add(struct body *body, const void *data, size_t length);
void body_printf(struct body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Append a slice of @blob without copying; takes a reference of its own. */
void body_add_blob(struct body *body, struct blob *blob, size_t offset, size_t length);

/** Append all of @other's bytes, sharing them. */
void body_add_body(struct body *body, const struct body *other, size_t offset, size_t length);

/** Finish pending text. Must be called before reading. @return 0, -ENOMEM or -EFBIG. */
int body_seal(struct body *body);

/** Keep only the first @length bytes of a sealed body. */
void body_cut(struct body *body, size_t length);

/**
 * Describe the bytes from @position on as at most @max vectors of at most @limit bytes together.
 *
 * @return the number of vectors; 0 at the end.
 */
int body_vectors(const struct body *body, size_t position, size_t limit, struct iovec *vectors,
                 int max);

/** Copy at most @max bytes from @position on. @return how many. */
size_t body_read(const struct body *body, size_t position, void *data, size_t max);

#endif
