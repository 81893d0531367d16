/* SPDX-License-Identifier: MIT
 *
 * How an answer goes onto the wire: as HTTP, left to MHD, or with one of the transport's faults, as
 * a plan of raw bytes for wire.h.
 */
#ifndef STANDIN_TRANSPORT_H
#define STANDIN_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/answer.h"
#include "standin/wire.h"

/**
 * Prepare @answer for @fault.
 *
 * @param answer       changed for the faults that are still HTTP (gzip, wrong_length)
 * @param fault        enum fault_word; 0 = none
 * @param ret_raw      whether @plan is to be played; otherwise MHD shall send @answer
 * @param ret_chunked  whether MHD shall send it in chunks
 * @param plan         an empty one
 * @return 0 or -ENOMEM.
 */
int transport_prepare(struct answer *answer, int fault, int64_t argument, struct plan *plan,
                      bool *ret_raw, bool *ret_chunked);

#endif
