/* SPDX-License-Identifier: MIT
 *
 * A JSON document whose longest strings are not in it: the tree is cJSON's, and a picture's base64
 * stands in it as a reference to a shared blob, which is written without copying. Also the writer,
 * for cJSON can neither reverse the members nor space them as Google does.
 */
#ifndef STANDIN_DOCUMENT_H
#define STANDIN_DOCUMENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "standin/body.h"

#define DOCUMENT_MAX_LONGS 160

/* A string value that is prefix, blob and suffix in one. */
struct long_string {
    char *prefix;      /* owned; escaped when written, as is the suffix */
    struct blob *blob; /* owned reference; its bytes are escaped already */
    char *suffix;
};

struct document {
    cJSON *root; /* owned */
    struct long_string longs[DOCUMENT_MAX_LONGS];
    int long_count;
    int error; /* 0 or -ENOMEM; sticky */
};

struct document_style {
    bool pretty;
    bool reversed; /* the members of each object */
};

void document_init(struct document *document);
void document_fini(struct document *document);

/** A string value of @prefix, @blob and @suffix, to be put into the tree. NULL after an error. */
cJSON *document_long(struct document *document, const char *prefix, struct blob *blob,
                     const char *suffix);

/** Append the whole text to @body. @return 0 or -ENOMEM. */
int document_write(const struct document *document, const struct document_style *style,
                   struct body *body);

#endif
