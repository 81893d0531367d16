/* SPDX-License-Identifier: MIT
 *
 * What an error body says, whichever of the shapes of API.md, section 4, it has. Private to api/.
 */
#ifndef EASELFS_API_FAULT_BODY_H
#define EASELFS_API_FAULT_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "api/json.h"
#include "api/plain.h"
#include "base/failure.h"

struct fault_body {
    char message[PLAIN_SIZE];                 /* the API's words, or its name of the error, or "" */
    char request_id[FAILURE_REQUEST_ID_SIZE]; /* out of the body, or "" */
    int code;                                 /* the status it speaks of; 0 = none */
    int64_t retry_delay_ms;                   /* of a RetryInfo; 0 = none */
    bool out_of_quota;                        /* a limit that a minute does not open again */
    bool key_is_invalid;                      /* so says an ErrorInfo */
    bool deadline_expired;                    /* it was begun and not finished */
};

/**
 * Read a body as it came.
 *
 * @param key replaced in the texts; NULL: none.
 * @return 0 or -ENOMEM.
 */
int fault_body_read(const char *body, size_t length, const char *key, struct fault_body *ret_body);

/**
 * Read the skeleton of an answer that is one error (fault_body_is_error()).
 *
 * @return 0 or -ENOMEM.
 */
int fault_body_from_json(const cJSON *root, const char *key, struct fault_body *ret_body);

/** Whether the skeleton of an answer with status 200 is an error all the same. */
bool fault_body_is_error(const cJSON *root);

#endif
