/* SPDX-License-Identifier: MIT
 *
 * Asking the API for its list of models, page by page: the one question that is asked outside of a
 * job. It costs nothing, so what failed on the way or at the server is asked again.
 */
#ifndef EASELFS_MODELS_ASK_H
#define EASELFS_MODELS_ASK_H

#include <stdint.h>

#include "api/model_list.h"
#include "base/failure.h"
#include "conf/key.h"
#include "conf/options.h"

/** The most pages that are asked for. What is on later ones is left out. */
#define MODELS_PAGES_MAX 32

/** How often each page is asked for, where trying again may help. */
#define MODELS_ATTEMPTS_MAX 3

struct models_question {
    const struct options *options;
    const char *base_url;  /* of the API, or of the stand-in */
    const struct key *key; /* NULL: none; then only a demo's stand-in can answer */
    unsigned pages_max;    /* at most this many, and MODELS_PAGES_MAX */
    unsigned attempts_max; /* of each page */
    int64_t limit_ms;      /* all of it together; then what is under way is given up */
};

/* What came of it. All zero before; models_answer_fini() after, also where asking failed. */
struct models_answer {
    struct model_offer offer;
    unsigned page_count;  /* that were read */
    bool more;            /* there are pages that were not asked for */
    int http_status;      /* of the last answer; 0 = none came */
    char http_version[8]; /* of the same: "1.1", "2" */
    int64_t elapsed_ms;   /* of the same */
};

/**
 * Ask, and wait for the answer, which is stopped by SIGINT, SIGTERM and SIGHUP (blocked, see
 * session_block_signals()). Starts a thread and joins it.
 *
 * No redirect is followed; the key is in the header only, and goes to the base URL's host only.
 *
 * @return 0 with every page of the list in ret_answer->offer, or a negative errno with a sentence
 *         in @failure: -EINTR (a signal; it is taken), -ETIMEDOUT, as model_list_read(), and what
 *         net/transport and api/fault say.
 */
int models_ask(const struct models_question *question, struct models_answer *ret_answer,
               struct failure *failure);

/** Free; the answer is empty afterwards. */
void models_answer_fini(struct models_answer *answer);

#define cleanup_models_answer cleanup_(models_answer_fini)

#endif
