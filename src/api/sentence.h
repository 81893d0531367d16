/* SPDX-License-Identifier: MIT
 *
 * All that this layer says to people, in one table: what happened, what to do next, and what goes
 * with it for programs (errno, charge, whether to try again). Private to api/.
 */
#ifndef EASELFS_API_SENTENCE_H
#define EASELFS_API_SENTENCE_H

#include "base/failure.h"

enum sentence {
    /* An answer whose status is not 200 (API.md, section 4). */
    SENTENCE_BAD_REQUEST,
    SENTENCE_BAD_KEY,
    SENTENCE_NO_CREDIT,
    SENTENCE_FORBIDDEN,
    SENTENCE_NOT_FOUND,
    SENTENCE_TOO_LARGE,
    SENTENCE_LEGAL,
    SENTENCE_RATE_LIMIT,
    SENTENCE_QUOTA,
    SENTENCE_OVERLOADED,
    SENTENCE_SERVER_TIMEOUT,
    SENTENCE_SERVER_FAILED,
    SENTENCE_SERVER_FAILED_EARLY, /* before it had the whole request */
    SENTENCE_REDIRECT,
    SENTENCE_UNKNOWN_STATUS,
    /* An answer with status 200 and without a picture (API.md, section 3). */
    SENTENCE_ERROR_IN_ANSWER,
    SENTENCE_PROMPT_BLOCKED,
    SENTENCE_PICTURE_WITHHELD,
    SENTENCE_RECITATION,
    SENTENCE_NO_IMAGE,
    SENTENCE_MAX_TOKENS,
    SENTENCE_LANGUAGE,
    SENTENCE_STOPPED,
    SENTENCE_INCOMPLETE,
    SENTENCE_NOT_JSON,
    SENTENCE_BROKEN_PICTURE,
    SENTENCE_UNUSABLE_PICTURE,
    SENTENCE_ONLY_DRAFTS,
    SENTENCE_ONLY_WORDS,
    SENTENCE_EMPTY,
    SENTENCE_NOT_A_PICTURE,
    SENTENCE_MAX
};

/**
 * Fill in everything that the table has for @sentence; status, least wait and request id are left
 * as they are.
 *
 * @param detail the API's own words, as plain_copy() gives them; "" where it gave none: then the
 *        status stands in their place, unless that is 0 or 200.
 */
void sentence_tell(struct failure *failure, enum sentence sentence, const char *detail);

#endif
