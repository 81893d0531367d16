/* SPDX-License-Identifier: MIT
 *
 * What went wrong, from where it was noticed up to the error file: an errno for programs, sentences
 * for people, and what the scheduler needs to decide whether to try again. Every layer fills the
 * same struct; nobody parses its text.
 */
#ifndef EASELFS_BASE_FAILURE_H
#define EASELFS_BASE_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#define FAILURE_TEXT_SIZE       768
#define FAILURE_ADVICE_SIZE     256
#define FAILURE_REQUEST_ID_SIZE 128

/** Whether the attempt that failed cost money. */
enum charge {
    CHARGE_NONE,     /* certainly not */
    CHARGE_POSSIBLE, /* nobody on this side can know */
    CHARGE_CERTAIN,  /* the API answered that it did the work */
};

struct failure {
    int error;                        /* negative errno; 0 = no failure */
    int http_status;                  /* of the answer; 0 = there was none */
    enum charge charge;               /* what the attempt may have cost */
    bool retry;                       /* trying again by itself is allowed (API.md, section 4) */
    bool pause;                       /* no other job can succeed either (credit used up) */
    int64_t retry_after_ms;           /* the least wait that the server asked for; 0 = none */
    char text[FAILURE_TEXT_SIZE];     /* what happened: a sentence, printable UTF-8 */
    char advice[FAILURE_ADVICE_SIZE]; /* what to do next: a sentence, or "" */
    char request_id[FAILURE_REQUEST_ID_SIZE]; /* the API's name of the request, or "" */
};

/** No failure yet. */
void failure_init(struct failure *failure);

/**
 * Set errno and sentence, and leave the rest as it is. Control characters are replaced; a text that
 * is too long is cut at a character.
 *
 * @return @error, so that a caller can return the call.
 */
int failure_set(struct failure *failure, int error, const char *format, ...) printf_like_(3, 4);

/** Set the advice. */
void failure_advise(struct failure *failure, const char *format, ...) printf_like_(2, 3);

/** What errno @error (negative) means, in words: "No such file or directory". Static. */
const char *error_text(int error);

/** The same from errno: "@what: No such file or directory." */
int failure_set_errno(struct failure *failure, int error, const char *what);

#endif
