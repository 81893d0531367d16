/* SPDX-License-Identifier: MIT
 *
 * Which models are mounted: those of the configuration, or with `models = auto` those that the API
 * lists and that make pictures. That list is kept in the store, so that a machine that starts
 * without a network has its mount all the same.
 *
 * The file `models` in the store: "easelfs models 1", the base URL, the time of the answer (RFC
 * 3339), then a name of a model, each on a line. It is of use for that base URL only; one that
 * cannot be read is as good as none, and is replaced with the next answer.
 */
#ifndef EASELFS_MODELS_H
#define EASELFS_MODELS_H

#include "base/failure.h"
#include "conf/exit.h"
#include "conf/key.h"
#include "conf/options.h"
#include "store/store.h"

/** How long a start waits for the API where no list is kept, and where one is. */
#define MODELS_LIMIT_MS      60000
#define MODELS_KEPT_LIMIT_MS 10000

/**
 * The models to mount, where options->models is `auto`. Blocks, for the limits above.
 *
 * The list that is kept takes the place of the API's where that cannot be had, for whatever reason;
 * then a warning is logged. An API that does answer, with no model that makes pictures, is
 * believed.
 *
 * @param base_url of the API, or of the stand-in
 * @param key NULL: none; then the API is not asked, unless it is a demo's stand-in
 * @param ret_list written on success; the caller calls models_fini()
 * @return EXIT_STATUS_OK, or with a sentence and an advice in @failure: _KEY (none, or refused by
 *         the API), _CONFIG (the base URL redirects), _FAILURE.
 */
enum exit_status models_load(const struct options *options, const char *base_url,
                             const struct key *key, const struct store *store,
                             struct model_list *ret_list, struct failure *failure);

#endif
