/* SPDX-License-Identifier: MIT
 *
 * The body of a generateContent call, as a sequence of JSON text and base64 of files: its length is
 * known beforehand and it is handed out piece by piece, so that no reference is ever in memory
 * whole. There is no way back to an earlier byte: nobody, libcurl included, can send it twice.
 * What the JSON looks like and why: API.md, section 2. Not thread-safe: one owner at a time.
 */
#ifndef EASELFS_API_REQUEST_H
#define EASELFS_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/settings.h"

/** More references than any model takes. */
#define REQUEST_REFERENCES_MAX 64

/** Bytes of JSON text (prompt and settings, escaped) that one request may have. */
#define REQUEST_TEXT_MAX (2u << 20)

/** Bytes of one reference. */
#define REQUEST_REFERENCE_MAX (1ull << 40)

struct request_reference {
    const char *mime; /* "image/png": what libmagic says of the bytes */
    uint64_t size;    /* bytes the file has */
};

/** Where the bytes of the references come from. */
struct request_source {
    void *ctx;
    /**
     * Read up to @size bytes of reference @index from @offset on. Short reads are fine.
     *
     * @return bytes read, 0 at the end of the file, or a negative errno.
     */
    int64_t (*read)(void *ctx, size_t index, uint64_t offset, void *buffer, size_t size);
};

struct request;

/**
 * Make the body.
 *
 * @param prompt the text, UTF-8; copied, as are @settings and @references. Not rewritten.
 * @param settings normalised values; what is NULL is left out.
 * @param references in the order in which they are sent; may be NULL where the count is 0.
 * @param source copied; its ctx must outlive the request. NULL where there are no references.
 * @return 0, -ENOMEM, -EILSEQ where a text is not UTF-8, -EINVAL where a number, a list or a MIME
 *         type is not well-formed, -E2BIG above REQUEST_REFERENCES_MAX, -EFBIG above
 *         REQUEST_TEXT_MAX or REQUEST_REFERENCE_MAX.
 */
int request_create(const char *prompt, const struct settings *settings,
                   const struct request_reference *references, size_t reference_count,
                   const struct request_source *source, struct request **ret_request);

/** Free it; NULL is fine. */
void request_destroy(struct request *request);

/** Bytes of the whole body: the Content-Length. */
uint64_t request_length(const struct request *request);

/**
 * Hand out the next bytes of the body.
 *
 * Every call but the last fills @buffer unless the source reads short. Errors are final: each
 * later call gives the same one. A reference is found to be too long before its last byte is
 * handed out, so that a wrong body can never be complete.
 *
 * @return bytes written, 0 at the end; -EIO where a reference is shorter or longer than was said;
 *         what the source returned where that failed; -EINVAL where @size is 0.
 */
int64_t request_read(struct request *request, void *buffer, size_t size);

/**
 * Whether the last byte has been handed out: only then can the server have the whole request
 * (API.md, section 4).
 */
bool request_is_complete(const struct request *request);

/** Bytes handed out so far. */
uint64_t request_position(const struct request *request);

/**
 * The URL of the call: BASE/v1beta/models/MODEL:generateContent. Slashes at the end of @base are
 * dropped; every byte of @model that is not unreserved (RFC 3986, 2.3) is percent-escaped.
 *
 * @param ret_url the caller frees it.
 * @return 0, -ENOMEM, or -EINVAL where @base or @model is empty.
 */
int request_url(const char *base, const char *model, char **ret_url);

#endif
