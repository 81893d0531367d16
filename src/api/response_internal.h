/* SPDX-License-Identifier: MIT
 *
 * What the files that read an answer share: response.c says what it comes to, response_google.c
 * and response_openai.c know where things stand, response_item.c takes pictures and texts.
 */
#ifndef EASELFS_API_RESPONSE_INTERNAL_H
#define EASELFS_API_RESPONSE_INTERNAL_H

#include "api/json.h"
#include "api/response.h"

/** An answer while it is read. */
struct reading {
    const struct lift_result *result;
    struct answer *answer;
    size_t candidate_count; /* candidates and choices seen */
};

/* response_item.c: strings are those of the skeleton, markers included; NULL is fine. */

/**
 * Take what stands where a picture may: a part, a URL, a data: URI, or base64.
 *
 * @param mime what the answer calls it; NULL: nothing.
 * @param may_be_base64 whether bare base64 may stand there.
 * @return 0 or -ENOMEM.
 */
int response_take_picture(struct reading *reading, const char *string, const char *mime,
                          bool may_be_base64);

/** Take words of the model. @return 0 or -ENOMEM. */
int response_take_text(struct reading *reading, const char *string);

/** Set @slot to a printable copy of @string, unless it is set already. @return 0 or -ENOMEM. */
int response_set(char **slot, const char *string);

/**
 * Note why a candidate ended. Of several the first counts that is no plain end.
 *
 * @return 0 or -ENOMEM.
 */
int response_set_finish(struct answer *answer, const char *reason, const char *message);

/** Whether @reason, which may be NULL, says that all went as it should. */
bool response_is_plain_finish(const char *reason);

/** Note a count, where there is one. */
void response_set_count(int64_t *slot, int64_t count);

/**
 * When all else has been taken: look for pictures in the texts where there is none elsewhere, and
 * drop texts that are no words.
 *
 * @return 0 or -ENOMEM.
 */
int response_scan_texts(struct reading *reading);

/* response_google.c, response_openai.c */

/** Read one object of an answer in the form of generateContent. @return 0 or -ENOMEM. */
int response_read_google(struct reading *reading, const cJSON *object);

/** Read one object of an answer in the form of OpenAI's chat or image API. @return as above. */
int response_read_openai(struct reading *reading, const cJSON *object);

#endif
