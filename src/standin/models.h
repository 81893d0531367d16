/* SPDX-License-Identifier: MIT
 *
 * The model list, in the shapes that vendors give it, by pages; what stands in its place where
 * something is wrong; and a single model.
 */
#ifndef STANDIN_MODELS_H
#define STANDIN_MODELS_H

#include "standin/answer.h"
#include "standin/directive.h"

/**
 * Answer a GET of the list.
 *
 * @param query  of the request, may be "": pageSize (1..1000, else 50) and pageToken count
 * @return 0 or -ENOMEM.
 */
int models_answer_list(const char *query, const struct directives *directives,
                       struct answer *answer);

/** Answer a GET of the model @name; 404 where it is not listed. @return 0 or -ENOMEM. */
int models_answer_one(const char *name, const struct directives *directives, struct answer *answer);

#endif
