/* SPDX-License-Identifier: MIT
 *
 * From an answer that is an error to a struct failure: what to tell the user in plain words, and
 * whether it may be tried again. The shapes of error bodies and the decision table are those of
 * API.md, section 4; the sentences stand in sentence.c. What ends without an answer is not the
 * business of this module but of net/transport. Pure and thread-safe.
 */
#ifndef EASELFS_API_FAULT_H
#define EASELFS_API_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

/** Bytes of an error body that are worth keeping; what is after them is not looked at. */
#define FAULT_BODY_MAX (64u << 10)

/** An answer whose status is not 200. Header values without name and CRLF; NULL or "": none. */
struct fault_answer {
    int http_status;
    const char *retry_after;
    const char *request_id; /* x-request-id, x-oneapi-request-id, x-goog-request-id or cf-ray */
    const char *location;
    const char *body; /* as it came, cut or not; NULL where body_length is 0 */
    size_t body_length;
};

/** What is known on this side. */
struct fault_context {
    int64_t wall_ms;          /* now, since the epoch: Retry-After may be a date */
    bool body_complete;       /* the request's last byte was handed over (request_is_complete()) */
    bool retry_server_errors; /* the operator says that 5xx are not charged, and tries are left */
    const char *key;          /* replaced wherever the API repeats it; NULL: none */
};

/**
 * Describe an answer whose status is not 200.
 *
 * @param ret_failure set whole: errno, status, charge, retry, pause, least wait, texts, id. The
 *        texts hold no HTML, no JSON, no control character and no key.
 * @return 0 or -ENOMEM (then nothing was written).
 */
int fault_from_answer(const struct fault_answer *answer, const struct fault_context *context,
                      struct failure *ret_failure);

/**
 * How long to wait before the next attempt: 1 s doubling to 60 s, of which a random part up to the
 * half is taken off, or @least_wait_ms and up to a second where that is longer.
 *
 * @param attempt the number of attempts made, from 1 on.
 * @param random any number, evenly distributed.
 * @return milliseconds.
 */
int64_t fault_retry_delay(unsigned attempt, uint32_t random, int64_t least_wait_ms);

/** A sentence on what the attempt may have cost, for the error file. */
const char *fault_charge_text(enum charge charge);

#endif
