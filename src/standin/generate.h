/* SPDX-License-Identifier: MIT
 *
 * The answer to a generateContent call that was understood: pictures, drafts and words, in each of
 * the forms that directives ask for, or none of them. Errors are fault.h's. Any thread.
 */
#ifndef STANDIN_GENERATE_H
#define STANDIN_GENERATE_H

#include <stdint.h>

#include "standin/answer.h"
#include "standin/directive.h"
#include "standin/gallery.h"
#include "standin/picture.h"
#include "standin/request.h"

/* What is asked for, all borrowed. */
struct order {
    const char *model;
    const struct request *request;
    const struct directives *directives;
    const char *text;   /* the prompt without its token: what is painted */
    size_t variant;     /* which of this prompt's paintings, from 0 */
    uint64_t number;    /* of the request, for the responseId */
    const char *origin; /* of picture URLs: "http://127.0.0.1:8080" */
    struct picture_cache *cache;
    struct gallery *gallery;
};

/**
 * Write the answer, status 200.
 *
 * @param answer  an empty one
 * @return 0; -ENOMEM; -ENAMETOOLONG for an external URL too long.
 */
int generate(const struct order *order, struct answer *answer);

#endif
