/* SPDX-License-Identifier: MIT
 *
 * Which sentence a status means: shared by fault.c and by response.c, which finds errors in answers
 * with status 200. Private to api/.
 */
#ifndef EASELFS_API_FAULT_INTERNAL_H
#define EASELFS_API_FAULT_INTERNAL_H

#include "api/fault_body.h"
#include "api/sentence.h"

/** The sentence for @status, which is not 200, in the light of what the body says. */
enum sentence fault_sentence(int status, const struct fault_body *body);

#endif
