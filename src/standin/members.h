/* SPDX-License-Identifier: MIT
 *
 * Which members the objects of a request may have, and of what type and range. Private to the
 * reading of requests.
 */
#ifndef STANDIN_MEMBERS_H
#define STANDIN_MEMBERS_H

#include <cjson/cJSON.h>

#include "standin/request.h"

enum member_table {
    MEMBERS_REQUEST,
    MEMBERS_CONTENT,
    MEMBERS_PART,
    MEMBERS_INLINE_DATA,
    MEMBERS_FILE_DATA,
    MEMBERS_GENERATION_CONFIG,
    MEMBERS_IMAGE_CONFIG,
    MEMBERS_SAFETY_SETTING,
    MEMBERS_TABLES
};

/**
 * Check the members of @object: known, none twice, of the right type, numbers in range.
 *
 * @param what   the object's table.
 * @param where  its path, for the sentence: "generation_config".
 * @return 0 or -EINVAL with @refusal.
 */
int members_check(const cJSON *object, enum member_table what, const char *where,
                  struct refusal *refusal);

/** Check the array safetySettings. @return 0 or -EINVAL with @refusal. */
int members_check_safety(const cJSON *settings, struct refusal *refusal);

#endif
