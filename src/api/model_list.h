/* SPDX-License-Identifier: MIT
 *
 * The API's list of models (API.md, section 6): where a page of it is asked for, and which of the
 * models on it can be mounted. Pure and thread-safe; asking is done elsewhere.
 *
 * Shapes that are read: {"models":[{"name":"models/X","supportedGenerationMethods":[..]}],
 * "nextPageToken":".."}; the same without prefix and methods, in camelCase or snake_case;
 * {"data":[{"id":"X"}]}; each of them also in an array, the list alone, and with plain names as its
 * entries. What is not a model's name in an entry's place is passed over.
 *
 * A model is taken to make pictures where
 * - its methods, if it has any, include generateContent; and
 * - it has a profile (conf/models), or its name has "image" in it, upper or lower case. "imagen" is
 *   not meant by that: Google's models of that name speak another method, as its own list says.
 */
#ifndef EASELFS_API_MODEL_LIST_H
#define EASELFS_API_MODEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/failure.h"

/** Bytes of one page; more is an error. */
#define MODEL_LIST_PAGE_MAX ((size_t)1 << 20)

/** Bytes of the token that leads to the next page; a longer one is an error. */
#define MODEL_LIST_TOKEN_MAX 2048

/** Models that are asked for with each page. */
#define MODEL_LIST_PAGE_SIZE 200

/* What the pages that were read so far have. All zero: nothing was read. */
struct model_offer {
    char **names;     /* that make pictures, each once, in the API's order; owned */
    size_t count;     /* of names, at most MODELS_MAX (conf/models) */
    size_t listed;    /* entries on all pages, whatever they make */
    size_t left_over; /* that make pictures and came after MODELS_MAX others */
    char *next;       /* token of the next page; NULL: there is none; owned */
};

/** Free all; the offer is empty afterwards. */
void model_offer_fini(struct model_offer *offer);

#define cleanup_model_offer cleanup_(model_offer_fini)

/**
 * The URL of a page.
 *
 * @param base  normal form of conf/url.h
 * @param token of the page before it; NULL: the first page
 * @param ret_url the caller frees it
 * @return 0 or -ENOMEM.
 */
int model_list_url(const char *base, const char *token, char **ret_url);

/**
 * Read a page, the whole body of an answer with status 200, and add what it has to @offer.
 *
 * @param key names that hold it are passed over, so that it comes to stand nowhere; replaced in
 *        sentences. NULL: there is none.
 * @param google whether the base URL is Google's own
 * @return 0, or a negative errno with a sentence in @failure: -EBADMSG (no list: not JSON, cut,
 *         another shape), -EREMOTEIO (an error in the place of a list), -E2BIG (above
 *         MODEL_LIST_PAGE_MAX or MODEL_LIST_TOKEN_MAX), -ENOMEM. @offer then has what it had before
 *         but for @next, which is NULL; after -ENOMEM it may have more.
 */
int model_list_read(const char *body, size_t length, const char *key, bool google,
                    struct model_offer *offer, struct failure *failure);

#endif
