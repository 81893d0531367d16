/* SPDX-License-Identifier: MIT
 *
 * The pictures that were answered as URLs, for whoever comes to fetch them, each with the fault
 * that its URL was asked to have. The oldest go when there are too many or too much. Any thread.
 */
#ifndef STANDIN_GALLERY_H
#define STANDIN_GALLERY_H

#include <stdint.h>

#include "standin/answer.h"
#include "standin/directive.h"
#include "standin/picture.h"

#define GALLERY_MAX_PICTURES 1024
#define GALLERY_MAX_BYTES    ((size_t)512 << 20)
#define GALLERY_URL_SIZE     512

struct gallery;

/** @return 0 or -ENOMEM. */
int gallery_create(struct gallery **ret_gallery);

/** Takes NULL. */
void gallery_destroy(struct gallery *gallery);

/**
 * Hang a picture, with `url`, `url_times` and `url_type` of @directives.
 *
 * @param origin  scheme, host and port of the URL
 * @param url     receives the URL, GALLERY_URL_SIZE bytes. For url=external it is that.
 * @return 0, -ENOMEM, or -ENAMETOOLONG.
 */
int gallery_add(struct gallery *gallery, const struct picture *picture,
                const struct directives *directives, const char *origin, char *url);

/**
 * Answer a GET.
 *
 * @param path       what follows "/pictures/", without the query
 * @param origin     for redirects
 * @param ret_fault  the transport fault to send it with (enum fault_word) and its argument, or 0
 * @return 0 or -ENOMEM; a 404 is an answer too.
 */
int gallery_answer(struct gallery *gallery, const char *path, const char *origin,
                   struct answer *answer, int *ret_fault, int64_t *ret_argument);

#endif
