/* SPDX-License-Identifier: MIT
 *
 * The body of a generateContent call, read as strictly as the strictest server does: camelCase
 * members only, known ones only, none twice, right types, ranges, labels that match the bytes.
 * Pure: bytes in, a struct or a refusal out.
 */
#ifndef STANDIN_REQUEST_H
#define STANDIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/body.h"
#include "standin/model.h"
#include "standin/sha256.h"

struct cJSON;

struct reference {
    char mime[32]; /* as labelled, which is what the bytes are */
    struct blob *bytes;
    char sha256[SHA256_HEX_SIZE];
};

/* Where a request was refused, what was read before that is filled in all the same. */
struct request {
    struct cJSON *root; /* the whole body without the pictures' data; owned */
    char *prompt;       /* the text parts joined by newlines; owned; NULL where there is none */
    struct text parts;  /* a JSON array of the parts' kinds, in order: ["text","inlineData"] */
    struct text roles;  /* a JSON array of the contents' roles */
    struct reference *references;
    size_t reference_count;
    const char *ratio; /* into root, as the next one; NULL where not asked for */
    const char *size;
    bool wants_words; /* responseModalities: both where absent */
    bool wants_picture;
    int64_t seed; /* -1 where absent */
};

/* A sentence for the client, in Google's words where they are known. Empty: no refusal. */
struct refusal {
    unsigned status;
    char message[400];
};

struct request_rules {
    const struct profile *profile;
    bool require_image_config; /* generationConfig.imageConfig must be there, as the vendor says */
};

/**
 * Read @length bytes.
 *
 * @param ret_request  filled in on every return but -ENOMEM; to be given to request_fini().
 * @return 0; -EINVAL with @ret_refusal; -ENOMEM.
 */
int request_read(const char *text, size_t length, const struct request_rules *rules,
                 struct request *ret_request, struct refusal *ret_refusal);

/** Free what @request owns. All zero is an empty request. */
void request_fini(struct request *request);

/** Write a refusal. @return -EINVAL. */
int refuse(struct refusal *refusal, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
