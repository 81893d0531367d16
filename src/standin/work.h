/* SPDX-License-Identifier: MIT
 *
 * What happens to a request between its last byte and the first of its answer: understand it,
 * decide what to do, log it, make the answer, and hand that on.
 */
#ifndef STANDIN_WORK_H
#define STANDIN_WORK_H

#include "standin/exchange.h"

/** Run on the pool for a request that is complete, or for one that is answered before it is. */
void work_run(struct pool_task *task, bool cancelled);

/**
 * Fix the directives of @exchange: those of its script line, and over them those of the token in
 * @prompt, each at the step that this prompt has come to. Sets its text, variant and refusal.
 *
 * @return 0; -EINVAL with a refusal; -ENOMEM.
 */
int work_decide(struct exchange *exchange, const char *prompt);

#endif
