/* SPDX-License-Identifier: MIT */
#include "api/lift_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/data_uri.h"

#define MARKER '\x01'

/* Keys whose values are text, however much they look like base64. */
static const char *const text_keys[] = {"text", "content", "message"};

static struct lift_part *open_part(struct lift *lift)
{
    return &lift->parts[lift->part_count - 1];
}

static int call_sink(struct lift *lift, int result)
{
    if (result)
        lift->sink_failed = true;
    return result;
}

static int flush(struct lift *lift)
{
    size_t length = lift->out_length;
    int error;

    if (!length)
        return 0;
    if (lift->sink_failed)
        return -EIO;
    lift->out_length = 0;
    error = call_sink(
        lift, lift->sink.write(lift->sink.ctx, (unsigned)lift->part_count - 1, lift->out, length));
    if (!error)
        open_part(lift)->bytes += length;
    return error;
}

/* Bytes of the open part, as they are. */
static int write_out(struct lift *lift, const char *data, size_t length)
{
    while (length) {
        size_t room = LIFT_OUT_SIZE - lift->out_length;
        size_t taken = length < room ? length : room;
        memcpy(lift->out + lift->out_length, data, taken);
        lift->out_length += taken;
        data += taken;
        length -= taken;
        if (lift->out_length == LIFT_OUT_SIZE) {
            int error = flush(lift);
            if (error)
                return error;
        }
    }
    return 0;
}

static int reserve_part(struct lift *lift)
{
    size_t size = lift->part_size ? 2 * lift->part_size : 4;
    struct lift_part *parts;

    if (lift->part_count < lift->part_size)
        return 0;
    if (lift->part_count == LIFT_PARTS_MAX)
        return -E2BIG;
    parts = realloc(lift->parts, size * sizeof(*parts));
    if (!parts)
        return -ENOMEM;
    lift->parts = parts;
    lift->part_size = size;
    return 0;
}

static int begin_part(struct lift *lift, enum lift_encoding encoding)
{
    int error = lift->sink_failed ? -EIO : reserve_part(lift);

    if (error)
        return error;
    error = call_sink(lift, lift->sink.open(lift->sink.ctx, (unsigned)lift->part_count, encoding));
    if (error)
        return error;
    lift->parts[lift->part_count++] = (struct lift_part){.encoding = encoding, .rest = LIFT_NONE};
    lift->part_is_open = true;
    base64_decode_start(&lift->decoder);
    return 0;
}

int lift_part_close(struct lift *lift, bool is_complete)
{
    int error;

    if (!lift->part_is_open)
        return 0;
    error = flush(lift);
    if (error)
        return error;
    open_part(lift)->complete = is_complete;
    lift->part_is_open = false;
    error = call_sink(
        lift, lift->sink.close(lift->sink.ctx, (unsigned)lift->part_count - 1, open_part(lift)));
    if (error)
        open_part(lift)->complete = false;
    return error;
}

/*
 * Base64 that cannot be decoded any more: close its part and begin one with the characters, from
 * the unfinished group on.
 */
static int begin_rest(struct lift *lift)
{
    char group[3];
    size_t length = base64_decode_pending(&lift->decoder, group);
    int error;

    if (lift->part_count == LIFT_PARTS_MAX)
        return -E2BIG;
    open_part(lift)->damaged = lift->decoder.damaged;
    open_part(lift)->damaged_offset = lift->decoder.damaged ? lift->decoder.offset : 0;
    open_part(lift)->rest = (unsigned)lift->part_count;
    error = lift_part_close(lift, lift->decoder.damaged);
    if (!error)
        error = begin_part(lift, LIFT_REST);
    if (error) {
        open_part(lift)->rest = LIFT_NONE;
        return error;
    }
    lift->target = LIFT_TO_TEXT;
    return write_out(lift, group, length);
}

/* Characters of base64 that fit into what is left of the buffer once they are decoded. */
static int reserve_decoded(struct lift *lift, size_t *ret_length)
{
    size_t room = LIFT_OUT_SIZE - lift->out_length;

    if (room < LIFT_OUT_SIZE / 4) {
        int error = flush(lift);
        if (error)
            return error;
        room = LIFT_OUT_SIZE;
    }
    *ret_length = (room - 16) / 3 * 4;
    return 0;
}

static int write_base64(struct lift *lift, const char *data, size_t length)
{
    while (length && lift->target == LIFT_TO_BYTES) {
        uint64_t before = lift->decoder.offset;
        size_t taken;
        int error = reserve_decoded(lift, &taken);

        if (error)
            return error;
        taken = length < taken ? length : taken;
        lift->out_length +=
            base64_decode(&lift->decoder, data, taken, lift->out + lift->out_length);
        if (lift->decoder.damaged) {
            taken = (size_t)(lift->decoder.offset - before);
            error = begin_rest(lift);
        }
        if (error)
            return error;
        data += taken;
        length -= taken;
    }
    return write_out(lift, data, length);
}

int lift_text_decode(struct lift *lift, const char *data, size_t length, size_t *taken)
{
    size_t written;
    size_t most;
    int error = reserve_decoded(lift, &most);

    *taken = 0;
    if (error)
        return error;
    *taken = base64_decode_run(&lift->decoder, data, length < most ? length : most,
                               lift->out + lift->out_length, &written);
    lift->out_length += written;
    return 0;
}

static bool is_base64(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!base64_is_alphabet(text[i]) && (!text[i] || !strchr(" \t\r\n\v\f", text[i])))
            return false;
    }
    return true;
}

static int append_marker(struct lift *lift)
{
    char marker[32];
    int length = snprintf(marker, sizeof(marker), "\"\\u%04x%u\"", (unsigned)MARKER,
                          (unsigned)lift->part_count - 1);

    return lift_skeleton_append(lift, marker, (size_t)length);
}

/* The string does not stay in the skeleton: begin its part with what has come of it. */
static int divert(struct lift *lift, bool may_be_base64)
{
    char mime[LIFT_MIME_SIZE] = "";
    size_t prefix = data_uri_prefix(lift->pending, lift->pending_length, mime);
    bool decode = prefix || (may_be_base64 && !lift->key_is_text &&
                             is_base64(lift->pending, lift->pending_length));
    int error = begin_part(lift, decode ? LIFT_BYTES : LIFT_TEXT);

    if (error)
        return error;
    memcpy(open_part(lift)->mime, mime, sizeof(mime));
    error = append_marker(lift);
    if (error)
        return error;
    lift->is_marked = true;
    lift->target = decode ? LIFT_TO_BYTES : LIFT_TO_TEXT;
    return lift_text_write(lift, lift->pending + prefix, lift->pending_length - prefix);
}

int lift_text_write(struct lift *lift, const char *data, size_t length)
{
    size_t max = lift->state == LIFT_IN_KEY ? LIFT_KEY_MAX : LIFT_INLINE_MAX;
    size_t taken = max - lift->pending_length;
    int error = 0;

    if (lift->target == LIFT_TO_TEXT)
        return write_out(lift, data, length);
    if (lift->target == LIFT_TO_BYTES)
        return write_base64(lift, data, length);
    taken = length < taken ? length : taken;
    memcpy(lift->pending + lift->pending_length, data, taken);
    lift->pending_length += taken;
    if (taken == length)
        return 0;
    error = lift->state == LIFT_IN_KEY ? -ENAMETOOLONG : divert(lift, true);
    return error ? error : lift_text_write(lift, data + taken, length - taken);
}

static int end_key(struct lift *lift)
{
    lift->key_is_text = false;
    for (size_t i = 0; i < sizeof(text_keys) / sizeof(text_keys[0]); i++) {
        if (lift->pending_length == strlen(text_keys[i]) &&
            !memcmp(lift->pending, text_keys[i], lift->pending_length))
            lift->key_is_text = true;
    }
    return lift_skeleton_string(lift, lift->pending, lift->pending_length, false);
}

static int end_part(struct lift *lift)
{
    unsigned char tail[2];
    size_t length;
    int error;

    if (lift->target == LIFT_TO_BYTES) {
        length = base64_decode_finish(&lift->decoder, tail);
        error =
            lift->decoder.damaged ? begin_rest(lift) : write_out(lift, (const char *)tail, length);
        if (error)
            return error;
    }
    return lift_part_close(lift, true);
}

int lift_text_end(struct lift *lift)
{
    bool is_key = lift->state == LIFT_IN_KEY;
    int error;

    if (is_key)
        error = end_key(lift);
    else if (lift->target == LIFT_TO_PENDING)
        error = lift_skeleton_string(lift, lift->pending, lift->pending_length, true);
    else
        error = end_part(lift);
    if (error)
        return error;
    if (is_key)
        lift->state = LIFT_AT_COLON;
    else
        lift->state = lift->depth ? LIFT_AFTER_VALUE : LIFT_AT_END;
    return 0;
}

int lift_text_cut(struct lift *lift)
{
    char group[3];
    int error = 0;

    if (lift->target == LIFT_TO_PENDING)
        error = divert(lift, false);
    if (!error && lift->target == LIFT_TO_BYTES && base64_decode_pending(&lift->decoder, group))
        error = begin_rest(lift);
    return error ? error : lift_part_close(lift, false);
}

int lift_remainder_write(struct lift *lift, const char *data, size_t length)
{
    size_t room = LIFT_REMAINDER_MAX - lift->remainder.length;
    int error = 0;

    if (!lift->in_remainder)
        error = begin_part(lift, LIFT_REMAINDER);
    if (error)
        return error;
    lift->in_remainder = true;
    error = buf_append(&lift->remainder, data, length < room ? length : room);
    return error ? error : write_out(lift, data, length);
}

/* The bytes that must be escaped in a string begin here. */
static size_t unescaped_length(const char *text, size_t length)
{
    size_t done = 0;

    while (done < length && (unsigned char)text[done] >= 0x20 && text[done] != '"' &&
           text[done] != '\\')
        done++;
    return done;
}

static int append_escaped(struct lift *lift, const char *text, size_t length)
{
    int error = 0;

    while (length && !error) {
        char escape[8];
        size_t plain = unescaped_length(text, length);
        error = lift_skeleton_append(lift, text, plain);
        text += plain;
        length -= plain;
        if (length && !error) {
            int size = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*text);
            error = lift_skeleton_append(lift, escape, (size_t)size);
            text++;
            length--;
        }
    }
    return error;
}

int lift_skeleton_string(struct lift *lift, const char *text, size_t length, bool is_value)
{
    size_t before = lift->skeleton.length;
    int error = lift_skeleton_append(lift, "\"", 1);

    if (!error && is_value && length && text[0] == MARKER)
        error = append_escaped(lift, text, 1);
    if (!error)
        error = append_escaped(lift, text, length);
    if (!error)
        error = lift_skeleton_append(lift, "\"", 1);
    if (error && lift->skeleton.data) {
        lift->skeleton.length = before;
        lift->skeleton.data[before] = '\0';
    }
    return error;
}

bool lift_is_marker(const char *string, unsigned *ret_part)
{
    unsigned part = 0;

    if (string[0] != MARKER || string[1] < '0' || string[1] > '9')
        return false;
    for (const char *digit = string + 1; *digit; digit++)
        part = part * 10 + (unsigned)(*digit - '0');
    *ret_part = part;
    return true;
}

const char *lift_string(const char *string)
{
    return string[0] == MARKER && string[1] == MARKER ? string + 1 : string;
}
