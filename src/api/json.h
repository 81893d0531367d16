/* SPDX-License-Identifier: MIT
 *
 * What this layer needs around cJSON: strict parsing, members by one of two spellings, values that
 * may have the wrong type, strings on their way out. Private to api/.
 */
#ifndef EASELFS_API_JSON_H
#define EASELFS_API_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"

static inline void cleanup_json_impl(cJSON **json)
{
    cJSON_Delete(*json);
}

#define cleanup_json cleanup_(cleanup_json_impl)

/**
 * Parse a skeleton (lift.h), which is valid JSON and NUL-terminated.
 *
 * @return a tree to be freed with cJSON_Delete(), or NULL: no memory.
 */
cJSON *json_parse(const char *skeleton, size_t length);

/** Append @text as a JSON string. @return 0, -ENOMEM, or -EFBIG as buf_append(). */
int json_append_string(struct buf *buf, const char *text);

/** Whether @text is a number as JSON spells it (RFC 8259, section 6). */
bool json_is_number(const char *text, size_t length);

/**
 * The member @name of @object, or else @other where that is not NULL: JSON from protobuf comes in
 * camelCase or in snake_case. Of duplicate keys the first one counts.
 *
 * @return NULL where @object is no object, has none, or where it is null. One that is empty gives
 * way to @other.
 */
const cJSON *json_member(const cJSON *object, const char *name, const char *other);

/** The string of a member as it stands in the tree (lift_string() not applied), or NULL. */
const char *json_member_text(const cJSON *object, const char *name, const char *other);

/** A count that may come as a number or as a string of digits (int64 in protobuf's JSON); or -1. */
int64_t json_member_count(const cJSON *object, const char *name, const char *other);

/** Whether a member says yes: true, "true", or a number other than 0. */
bool json_member_is_true(const cJSON *object, const char *name);

#endif
