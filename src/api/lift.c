/* SPDX-License-Identifier: MIT */
#include "api/lift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/lift_internal.h"
#include "base/cleanup.h"

static const unsigned char byte_order_mark[] = {0xef, 0xbb, 0xbf};

int lift_create(const struct lift_sink *sink, const struct lift_limits *limits,
                struct lift **ret_lift)
{
    struct lift *lift = calloc(1, sizeof(*lift));

    if (!lift)
        return -ENOMEM;
    lift->sink = *sink;
    lift->skeleton_max =
        limits && limits->skeleton_bytes ? limits->skeleton_bytes : LIFT_SKELETON_MAX;
    lift->total_max = limits && limits->total_bytes ? limits->total_bytes : UINT64_MAX;
    lift->state = LIFT_AT_START;
    buf_init(&lift->skeleton, lift->skeleton_max + LIFT_COMPLETION_MAX);
    buf_init(&lift->remainder, LIFT_REMAINDER_MAX);
    *ret_lift = lift;
    return 0;
}

void lift_destroy(struct lift *lift)
{
    if (!lift)
        return;
    buf_fini(&lift->skeleton);
    buf_fini(&lift->remainder);
    free(lift->parts);
    free(lift);
}

int lift_skeleton_append(struct lift *lift, const char *data, size_t length)
{
    if (length > lift->skeleton_max - lift->skeleton.length)
        return -EMSGSIZE;
    return buf_append(&lift->skeleton, data, length);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What may be part of a number or a literal, and of what other languages write for one. */
static bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.' || c == '_';
}

/* From here on it is not JSON: keep it as it comes. */
static int begin_remainder(struct lift *lift, const char *data, size_t length)
{
    int error = 0;

    if (lift->state == LIFT_AT_START && lift->bom_length)
        error = lift_remainder_write(lift, (const char *)byte_order_mark, lift->bom_length);
    else if (lift->state == LIFT_IN_SCALAR)
        error = lift_remainder_write(lift, lift->pending, lift->pending_length);
    return error ? error : lift_remainder_write(lift, data, length);
}

static int open_container(struct lift *lift, char bracket)
{
    int error;

    if (lift->depth == LIFT_DEPTH_MAX)
        return -ELOOP;
    error = lift_skeleton_append(lift, &bracket, 1);
    if (error)
        return error;
    lift->stack[lift->depth++] = bracket;
    lift->key_is_text = false;
    lift->state = bracket == '{' ? LIFT_AT_FIRST_KEY : LIFT_AT_FIRST_VALUE;
    return 0;
}

static int close_container(struct lift *lift, char bracket)
{
    int error = lift_skeleton_append(lift, &bracket, 1);

    if (error)
        return error;
    lift->depth--;
    lift->state = lift->depth ? LIFT_AFTER_VALUE : LIFT_AT_END;
    return 0;
}

static bool closes(const struct lift *lift, char bracket)
{
    return lift->depth && bracket == (lift->stack[lift->depth - 1] == '{' ? '}' : ']');
}

/* A comma or a colon. */
static int take_separator(struct lift *lift, char c)
{
    int error = lift_skeleton_append(lift, &c, 1);

    if (error)
        return error;
    if (c == ',' && lift->stack[lift->depth - 1] == '{')
        lift->state = LIFT_AT_KEY;
    else
        lift->state = LIFT_AT_VALUE;
    return 0;
}

static int take_value(struct lift *lift, char c)
{
    if (c == '"') {
        lift_string_start(lift, false);
        return 0;
    }
    if (c == '{' || c == '[')
        return open_container(lift, c);
    if (!is_scalar(c))
        return begin_remainder(lift, &c, 1);
    lift->state = LIFT_IN_SCALAR;
    lift->pending[0] = c;
    lift->pending_length = 1;
    return 0;
}

static int take_start(struct lift *lift, char c)
{
    bool in_mark = lift->bom_length && lift->bom_length < sizeof(byte_order_mark);

    if (lift->total_bytes == lift->bom_length && lift->bom_length < sizeof(byte_order_mark) &&
        (unsigned char)c == byte_order_mark[lift->bom_length]) {
        lift->bom_length++;
        return 0;
    }
    if (in_mark)
        return begin_remainder(lift, &c, 1);
    return is_space(c) ? 0 : take_value(lift, c);
}

/* Take one byte that is in no string, no scalar and no remainder. */
static int take_structure(struct lift *lift, char c)
{
    if (lift->state == LIFT_AT_START)
        return take_start(lift, c);
    if (is_space(c))
        return 0;
    switch (lift->state) {
    case LIFT_AT_FIRST_VALUE:
        return c == ']' ? close_container(lift, c) : take_value(lift, c);
    case LIFT_AT_VALUE:
        return take_value(lift, c);
    case LIFT_AT_FIRST_KEY:
        if (c == '}')
            return close_container(lift, c);
        break;
    case LIFT_AFTER_VALUE:
        if (closes(lift, c))
            return close_container(lift, c);
        return c == ',' ? take_separator(lift, c) : begin_remainder(lift, &c, 1);
    case LIFT_AT_COLON:
        return c == ':' ? take_separator(lift, c) : begin_remainder(lift, &c, 1);
    case LIFT_AT_END:
        return begin_remainder(lift, &c, 1);
    default:
        break;
    }
    if (c != '"') /* where a key must come */
        return begin_remainder(lift, &c, 1);
    lift_string_start(lift, true);
    return 0;
}

static bool is_json_scalar(const char *text, size_t length)
{
    return json_is_number(text, length) || (length == 4 && !memcmp(text, "true", 4)) ||
           (length == 5 && !memcmp(text, "false", 5)) || (length == 4 && !memcmp(text, "null", 4));
}

/* A scalar has ended. At the top, what is not JSON's own makes the body something else. */
static int end_scalar(struct lift *lift)
{
    int error;

    if (is_json_scalar(lift->pending, lift->pending_length))
        error = lift_skeleton_append(lift, lift->pending, lift->pending_length);
    else if (lift->depth)
        error = lift_skeleton_string(lift, lift->pending, lift->pending_length, true);
    else
        return begin_remainder(lift, "", 0);
    if (error)
        return error;
    lift->state = lift->depth ? LIFT_AFTER_VALUE : LIFT_AT_END;
    return 0;
}

static int feed_scalar(struct lift *lift, const char **text)
{
    char c = **text;

    if (!is_scalar(c))
        return end_scalar(lift); /* the byte is looked at again */
    (*text)++;
    if (lift->pending_length == LIFT_SCALAR_MAX)
        return begin_remainder(lift, &c, 1);
    lift->pending[lift->pending_length++] = c;
    return 0;
}

static int feed_remainder(struct lift *lift, const char **text, const char *end)
{
    const char *from = *text;

    *text = end;
    return lift_remainder_write(lift, from, (size_t)(end - from));
}

static int feed(struct lift *lift, const char *text, const char *end)
{
    int error = 0;

    while (text < end && !error) {
        const char *from = text;
        if (lift->in_remainder)
            error = feed_remainder(lift, &text, end);
        else if (lift->state == LIFT_IN_STRING || lift->state == LIFT_IN_KEY)
            error = lift_string_feed(lift, &text, end);
        else if (lift->state == LIFT_IN_SCALAR)
            error = feed_scalar(lift, &text);
        else
            error = take_structure(lift, *text++);
        lift->total_bytes += (uint64_t)(text - from);
    }
    return error;
}

int lift_feed(struct lift *lift, const void *data, size_t length)
{
    const char *text = data;
    uint64_t left = lift->total_max - lift->total_bytes;
    bool too_long = length > left;

    if (!lift->error && length)
        lift->error = feed(lift, text, text + (too_long ? (size_t)left : length));
    if (!lift->error && too_long)
        lift->error = -EFBIG;
    return lift->error;
}

/* Make a value of what is under way when the body ends. */
static int complete_value(struct lift *lift)
{
    int error = 0;

    if (lift->in_remainder && lift->state == LIFT_IN_SCALAR) /* the remainder begins with it */
        return buf_append_text(&lift->skeleton, "null");
    switch (lift->state) {
    case LIFT_IN_STRING:
        if (!lift->error)
            error = lift_text_cut(lift);
        if (error == -E2BIG)
            error = 0;
        if (!error && !lift->is_marked)
            error = buf_append_text(&lift->skeleton, "null");
        break;
    case LIFT_IN_SCALAR:
        error = lift_skeleton_string(lift, lift->pending, lift->pending_length, true);
        break;
    case LIFT_IN_KEY:
        error = lift_skeleton_string(lift, lift->pending, lift->pending_length, false);
        if (!error)
            error = buf_append_text(&lift->skeleton, ":null");
        break;
    case LIFT_AT_COLON:
        error = buf_append_text(&lift->skeleton, ":null");
        break;
    case LIFT_AT_KEY:
        lift->skeleton.data[--lift->skeleton.length] = '\0'; /* the comma */
        break;
    case LIFT_AT_START:
    case LIFT_AT_VALUE:
        error = buf_append_text(&lift->skeleton, "null");
        break;
    default:
        break;
    }
    return error;
}

static int complete_skeleton(struct lift *lift)
{
    int error = complete_value(lift);

    while (!error && lift->depth) {
        error = buf_append_text(&lift->skeleton, lift->stack[lift->depth - 1] == '{' ? "}" : "]");
        lift->depth--;
    }
    return error;
}

static enum lift_verdict judge(const struct lift *lift)
{
    if (lift->error)
        return LIFT_CUT;
    if (lift->in_remainder)
        return lift->state == LIFT_AT_END ? LIFT_TRAILING : LIFT_NOT_JSON;
    if (lift->state == LIFT_AT_START)
        return LIFT_NOT_JSON;
    return lift->state == LIFT_AT_END ? LIFT_WHOLE : LIFT_CUT;
}

int lift_finish(struct lift *lift, struct lift_result *ret_result)
{
    struct lift_result result;
    int error = 0;

    _Static_assert(6 * LIFT_KEY_MAX + LIFT_SCALAR_MAX + LIFT_DEPTH_MAX + 64 < LIFT_COMPLETION_MAX,
                   "a key with each byte escaped, a scalar, the brackets, a marker or null");
    lift->skeleton_max += LIFT_COMPLETION_MAX;
    /* A number at the top is only known to have ended when the body has. */
    if (!lift->error && !lift->in_remainder && lift->state == LIFT_IN_SCALAR && !lift->depth)
        error = end_scalar(lift);
    if (error)
        return error;
    result.verdict = judge(lift);
    error = complete_skeleton(lift);
    if (!error && !lift->sink_failed)
        error = lift_part_close(lift, lift->in_remainder && !lift->error);
    if (error)
        return error;
    result.total_bytes = lift->total_bytes;
    result.skeleton = buf_text(&lift->skeleton);
    result.skeleton_length = lift->skeleton.length;
    result.parts = lift->parts;
    result.part_count = lift->part_count;
    result.remainder = buf_text(&lift->remainder);
    result.remainder_length = lift->remainder.length;
    *ret_result = result;
    return 0;
}
